"""The forms of /desk/editions, as a browser sends them."""

import pytest
from fastapi.testclient import TestClient

from tests.api.routers.test_editions import frame, geojson


@pytest.fixture
def draft(client: TestClient) -> TestClient:
    """The service with a draft beside the edition in force."""
    sent = client.post("/desk/editions?lang=en", files={"file": ("new.geojson", geojson(frame(2)))},
                       data={"code": "CODE"})  # fmt: skip
    assert sent.url.path == "/desk/editions/2"
    return client


def publish(client: TestClient, **more: object) -> tuple[int, str]:
    form = {"sure": "yes", "reason": "as the surveyors say", **more}
    answer = client.post("/desk/editions/2/publish?lang=en", data=form)
    return answer.status_code, answer.text


def status(client: TestClient) -> str:
    return client.get("/editions/2").json()["status"]


def test_a_draft_is_not_published_over_an_edition_that_nobody_compared_it_with(
    draft: TestClient,
) -> None:
    assert 'name="against" value="1"' in draft.get("/desk/editions/2").text
    code, page = publish(draft, against=7)
    assert (code, status(draft)) == (409, "checked")
    assert "Look again at what would move" in page
    assert publish(draft, against=1)[0] == 200
    assert status(draft) == "published"


def test_whoever_is_not_sure_publishes_nothing(draft: TestClient) -> None:
    code, page = publish(draft, sure="")
    assert (code, status(draft)) == (422, "checked")
    assert "Nothing was published" in page


@pytest.mark.parametrize("name", ["网" * 90 + ".geojson", "notes.txt", "grids.shp"])
def test_a_name_that_no_file_can_have_is_refused_in_words(client: TestClient, name: str) -> None:
    sent = client.post("/desk/editions?lang=en", files={"file": (name, geojson(frame()))})
    assert sent.status_code == 422
    assert 'role="alert"' in sent.text
    assert len(client.get("/editions").json()["editions"]) == 1
