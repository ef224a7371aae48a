"""The audit behind its paths: filters, pages and the report of unusual reads."""

from typing import Any

import geopandas as gpd
import pytest
from fastapi.testclient import TestClient

from layers.actions.audit import Act, AuditEntry, record_apart
from layers.session import Database
from tests.api.conftest import Serve, square


@pytest.fixture
def audited(serve: Serve, town_database: Database, town_url: str) -> TestClient:
    """A service on a town in which five residents were read."""
    for number in range(5):
        record_apart(town_database, AuditEntry(Act.READ, "resident", f"R{number}", purpose="核实"))
    return serve(town_url)


def acts(client: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/audit", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: list[dict[str, Any]] = answer.json()["acts"]
    return found


def test_pages_follow_one_another(audited: TestClient) -> None:
    link, seen = "/audit?object=resident&limit=2", []
    while link:
        page = audited.get(link).json()
        seen += [act["object_code"] for act in page["acts"]]
        link = page["next"]
    assert seen == ["R4", "R3", "R2", "R1", "R0"]


def test_filters(audited: TestClient) -> None:
    assert [act["object_code"] for act in acts(audited, object="resident/R3")] == ["R3"]
    assert {act["action"] for act in acts(audited, action="publish")} == {"publish"}
    assert acts(audited, account="nobody") == acts(audited, action="fly") == []
    assert acts(audited, to="2020-01-01T00:00:00Z") == []
    assert len(acts(audited, **{"from": "2020-01-01T00:00:00Z"})) == len(acts(audited))
    first = acts(audited, limit=1)[0]
    assert (first["account"], first["purpose"], first["count"]) == ("system", "核实", 1)


@pytest.mark.parametrize(
    "query", ["limit=0", "action=", "before=x", "from=yesterday", "object=", "where=1"]
)
def test_a_wrong_filter_is_refused_in_words(audited: TestClient, query: str) -> None:
    answer = audited.get(f"/audit?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_a_request_does_is_kept_with_where_it_came_from(audited: TestClient) -> None:
    grids = gpd.GeoDataFrame({"code": ["a"]}, geometry=[square(0)], crs="EPSG:4490")
    uploaded = audited.post(
        "/editions",
        params={"file": "grids.geojson", "codes": "free"},
        content=grids.to_json().encode(),
        headers={"X-Request-ID": "upload-1"},
    )
    assert uploaded.status_code == 201, uploaded.text
    number = uploaded.json()["id"]
    audited.delete(f"/editions/{number}", headers={"X-Request-ID": "discard-1"})
    told = [
        (act["action"], act["object_kind"], act["object_code"], act["origin"], act["request_id"])
        for act in acts(audited, limit=2)
    ]
    assert told == [
        ("discard", "edition", str(number), "testclient", "discard-1"),
        ("import", "grids", str(number), "testclient", "upload-1"),
    ]


def test_unusual_reads(audited: TestClient) -> None:
    report = audited.get("/audit/unusual").json()
    assert (report["account_count"], report["findings"]) == (0, [])
    assert audited.get("/audit/unusual?to=1999-01-01T00:00:00Z").status_code == 422
