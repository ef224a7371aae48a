"""What an edition changes, over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.schemas.changes import ChangesOut
from gis.editions import compare_editions
from layers.session import Database
from tests.api.conftest import (
    EAST_GRID,
    STEP,
    WEST_GRID,
    Serve,
    a_report,
    publish_grids,
    square,
)


@pytest.fixture
def two_editions(serve: Serve, town_database: Database, town_url: str) -> TestClient:
    """A service whose second edition gave half of the eastern grid to the western one."""
    client = serve(town_url)
    place = {"lon": 111.2 + 1.25 * STEP, "lat": 39.8 + STEP / 2, "datum": "cgcs2000"}
    assert client.post("/cases", json=a_report(place=place)).status_code == 201
    both = square(0).union(square(1)).envelope
    west = square(0).union(square(1, size=STEP / 2)).envelope
    publish_grids(
        town_database,
        [
            (WEST_GRID, "白云第一网格", "张三", west),
            (EAST_GRID, "白云第二网格", "李四", both.difference(west)),
        ],
    )
    return client


def test_changes_come_as_json_with_a_crosswalk(two_editions: TestClient) -> None:
    answer = two_editions.get("/editions/2/changes")
    assert answer.status_code == 200
    body = answer.json()
    assert ChangesOut.model_validate(body).model_dump() == body
    assert (body["old"]["id"], body["new"]["id"]) == (1, 2)
    assert body["summary"]["kinds"]["moved"] == 2
    assert body["summary"]["moved_open_case_count"] == 1
    assert body["summary"]["changed_staff_count"] == 0
    assert body["grids"][0]["new_responsible"] == "张三"
    east = [row for row in body["crosswalk"] if row["old"] == EAST_GRID]
    assert sum(row["area_share"] for row in east) == pytest.approx(1)
    assert {(row["new"], round(row["area_share"], 3)) for row in east} == {
        (EAST_GRID, 0.5), (WEST_GRID, 0.5),
    }  # fmt: skip
    assert body["grids"][0]["open_cases"] == {
        "old_count": 0, "new_count": 1, "in_count": 1, "out_count": 0,
    }  # fmt: skip


def test_changes_come_as_geojson(two_editions: TestClient) -> None:
    answer = two_editions.get("/editions/2/changes", headers={"Accept": "application/geo+json"})
    assert answer.headers["content-type"] == "application/geo+json"
    (feature,) = answer.json()["features"]
    assert (feature["properties"]["old"], feature["properties"]["new"]) == (EAST_GRID, WEST_GRID)
    people = feature["properties"]["old_responsible"], feature["properties"]["new_responsible"]
    assert people == ("李四", "张三")
    assert feature["geometry"]["type"] == "Polygon"


def test_a_comparison_is_made_again_only_once_something_was_written(
    two_editions: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def counted(*given: Any, **more: Any) -> Any:
        made.append(given)
        return compare_editions(*given, **more)

    monkeypatch.setattr("layers.actions.compare_editions.compare_editions", counted)
    first = two_editions.get("/editions/2/changes?against=1").json()
    assert two_editions.get("/editions/2/changes?against=1").json() == first
    assert two_editions.get("/desk/editions/2").status_code == 200
    assert len(made) == 1
    place = {"lon": 111.2 + 1.25 * STEP, "lat": 39.8 + STEP / 2, "datum": "cgcs2000"}
    assert two_editions.post("/cases", json=a_report(place=place)).status_code == 201
    then = two_editions.get("/editions/2/changes?against=1").json()
    counts = [each["summary"]["moved_open_case_count"] for each in (first, then)]
    assert (counts, len(made)) == ([1, 2], 2)


def test_any_two_editions_are_compared_and_the_rest_refused(two_editions: TestClient) -> None:
    back = two_editions.get("/editions/1/changes?against=2").json()
    assert (back["old"]["id"], back["new"]["id"]) == (2, 1)
    assert two_editions.get("/editions/1/changes?against=1").json()["summary"]["kinds"]["kept"] == 2
    for path, status in (
        ("/editions/9/changes", 404),
        ("/editions/2/changes?against=9", 404),
        ("/editions/0/changes", 422),
        ("/editions/2/changes?against=x", 422),
    ):
        answer = two_editions.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_first_edition_has_nothing_before_it(shared_client: TestClient) -> None:
    answer = shared_client.get("/editions/1/changes")
    assert (answer.status_code, "the first" in answer.json()["detail"]) == (404, True)
