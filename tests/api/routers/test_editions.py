"""Editions over HTTP, as JSON and as pages."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from layers.models import Edition
from layers.session import Database
from tests.api.conftest import Serve

PAGE = {"Accept": "text/html"}
FINDING = {
    "rule": "overlap",
    "severity": "error",
    "codes": ["150622003003001", "150622003003002"],
    "measure": 12.5,
    "unit": "m²",
    "message_zh": "两个网格重叠 <b>12.5</b> 平方米",
    "message_en": "Two grids overlap by 12.5 m²",
    "place": [111.2, 39.8],
    "geometry": None,
}


@pytest.fixture
def flawed(serve: Serve, town_database: Database, town_url: str) -> TestClient:
    """A service whose edition was published in spite of a finding."""
    with town_database.transaction() as session:
        session.execute(
            update(Edition).values(findings=[FINDING], override_reason="测绘中<script>")
        )
    return serve(town_url)


def test_the_editions_are_listed(shared_client: TestClient) -> None:
    (edition,) = shared_client.get("/editions").json()["editions"]
    assert (edition["id"], edition["status"], edition["grid_count"]) == (1, "published", 2)
    assert edition["valid_until"] is None
    page = shared_client.get("/editions?lang=en", headers=PAGE).text
    assert "in force" in page
    assert 'href="/editions/1?lang=en"' in page


def test_one_edition_comes_with_its_findings(flawed: TestClient) -> None:
    edition = flawed.get("/editions/1").json()
    assert edition["error_count"] == 1
    assert edition["findings"][0]["codes"] == FINDING["codes"]
    assert edition["findings"][0]["measure"] == 12.5
    page = flawed.get("/editions/1?lang=zh", headers=PAGE).text
    assert "错误" in page
    assert "两个网格重叠 &lt;b&gt;12.5&lt;/b&gt; 平方米" in page
    assert "测绘中&lt;script&gt;" in page
    assert "overlap by 12.5" in flawed.get("/editions/1?lang=en", headers=PAGE).text


def test_an_edition_without_findings_says_so(shared_client: TestClient) -> None:
    assert "没有发现问题" in shared_client.get("/editions/1?lang=zh", headers=PAGE).text


@pytest.mark.parametrize(("number", "status"), [("2", 404), ("0", 422), ("x", 422), (9**20, 422)])
def test_an_edition_that_is_not_there(
    shared_client: TestClient, number: object, status: int
) -> None:
    answer = shared_client.get(f"/editions/{number}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_before_the_first_edition(empty_service: TestClient) -> None:
    assert empty_service.get("/editions").json() == {"editions": []}
    assert "There are no grids yet" in empty_service.get("/editions?lang=en", headers=PAGE).text
