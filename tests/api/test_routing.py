import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from layers.session import Database
from tests.api.conftest import (
    BANNER,
    COMMUNITY,
    EAST_GRID,
    FAR_AWAY,
    IN_THE_STREET,
    INSIDE,
    SHARED_EDGE,
    STEP,
    STREET,
    WEST_GRID,
    Serve,
    publish_grids,
    serve_with,
    square,
)

MEMBERS = [
    "grid_code", "grid_name", "area_path", "rule", "edition", "distance_to_boundary_m",
    "candidates", "datum", "lon", "lat", "warnings", "queue_code", "responsible",
]  # fmt: skip


def test_one_point_is_answered_with_its_owner(shared_client: TestClient) -> None:
    answer = shared_client.get("/route", params=INSIDE)
    assert answer.status_code == 200
    placement = answer.json()
    assert list(placement) == MEMBERS
    assert placement["grid_code"] == WEST_GRID
    assert placement["area_path"] == [BANNER, STREET, COMMUNITY, WEST_GRID]
    assert (placement["rule"], placement["edition"]) == ("inside", 1)
    assert (placement["datum"], placement["candidates"]) == ("cgcs2000", [])


def test_accuracy_gives_candidates_and_category_a_department(shared_client: TestClient) -> None:
    near_edge = {**INSIDE, "lon": INSIDE["lon"] + 0.45 * STEP, "accuracy_m": 100}
    placement = shared_client.get("/route", params={**near_edge, "category": "53001"}).json()
    assert [each["grid_code"] for each in placement["candidates"]] == [WEST_GRID, EAST_GRID]
    assert sum(each["share"] for each in placement["candidates"]) == pytest.approx(1, abs=0.01)
    assert placement["department"]["zh"]
    unknown = shared_client.get("/route", params={**INSIDE, "category": "99999"})
    assert unknown.status_code == 422


def test_what_no_grid_owns_is_answered_too(shared_client: TestClient) -> None:
    street = shared_client.get("/route", params=IN_THE_STREET).json()
    away = shared_client.get("/route", params=FAR_AWAY).json()
    edge = shared_client.get("/route", params=SHARED_EDGE).json()
    assert (street["rule"], street["queue_code"]) == ("fallback", STREET)
    assert (away["rule"], away["queue_code"]) == ("outside", BANNER)
    assert (edge["rule"], edge["grid_code"]) == ("boundary", WEST_GRID)


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"datum": None}, "query.datum"),
        ({"lon": None}, "query.lon"),
        ({"lon": "NaN"}, "query.lon"),
        ({"lon": "inf"}, "query.lon"),
        ({"lon": "1e999"}, "query.lon"),
        ({"lon": "east"}, "query.lon"),
        ({"lat": "-1e300"}, "query.lat"),
        ({"accuracy_m": "-1"}, "query.accuracy_m"),
        ({"category": "x"}, "query.category"),
        ({"acuracy_m": "5"}, "query.acuracy_m"),
        ({"lon": 39.9, "lat": 111.2}, "query"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(
    shared_client: TestClient, changes: Any, location: str
) -> None:
    query = {name: value for name, value in {**INSIDE, **changes}.items() if value is not None}
    answer = shared_client.get("/route", params=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["location"] for each in answer.json()["errors"]] == [location]


def test_an_unknown_datum_is_refused_by_name(shared_client: TestClient) -> None:
    answer = shared_client.get("/route", params={**INSIDE, "datum": "EPSG:999999"})
    assert answer.status_code == 422
    assert "EPSG:999999" in answer.json()["detail"]


def test_before_the_first_edition_the_answer_says_what_to_do(empty_service: TestClient) -> None:
    for answer in (
        empty_service.get("/route", params=INSIDE),
        empty_service.post("/route", json=[INSIDE]),
    ):
        assert answer.status_code == 503
        assert answer.json()["type"].endswith(":no-edition-in-force")
        assert "lianxin import grids" in answer.json()["detail"]


ROWS: list[Any] = [
    {"id": "a", **INSIDE},
    {"id": 7, "lon": INSIDE["lon"] + STEP, "lat": INSIDE["lat"]},
    {"id": None, "lon": "x", "lat": 1},
    {"lon": None, "lat": 1},
    {"id": "d", "lon": 1, "lat": 1, "datum": "mars"},
    {"lon": 39.9, "lat": 111.2, "datum": "wgs84"},
    {"lon": 1, "lat": 1, "accuracy_m": -3},
    "nonsense",
    {"id": {"deep": [1]}, **FAR_AWAY},
]
RULES = ["inside", "inside", *["unplaced"] * 6, "outside"]


def test_many_points_come_back_in_order_with_their_ids(shared_client: TestClient) -> None:
    rows = shared_client.post("/route?datum=cgcs2000", json=ROWS).json()
    assert [row["rule"] for row in rows] == RULES
    assert [row["grid_code"] for row in rows[:2]] == [WEST_GRID, EAST_GRID]
    assert [row.get("id", "none") for row in rows] == [
        "a", 7, None, "none", "d", "none", "none", "none", {"deep": [1]},
    ]  # fmt: skip
    assert all(row["reason"] for row in rows if row["rule"] == "unplaced")
    assert "mars" in rows[4]["reason"]
    assert all(set(MEMBERS) <= set(row) for row in rows)


def test_many_and_one_agree(shared_client: TestClient) -> None:
    places = [INSIDE, SHARED_EDGE, IN_THE_STREET, FAR_AWAY, {**INSIDE, "accuracy_m": 900.0}]
    each = [shared_client.get("/route", params=place).json() for place in places]
    assert shared_client.post("/route", json=places).json() == each


def test_an_object_with_a_datum_is_answered_as_an_object(shared_client: TestClient) -> None:
    body = {"datum": "cgcs2000", "points": [{"lon": INSIDE["lon"], "lat": INSIDE["lat"]}]}
    answer = shared_client.post("/route", json=body).json()
    assert list(answer) == ["points"]
    assert answer["points"][0]["grid_code"] == WEST_GRID


def test_geojson_is_answered_as_geojson(shared_client: TestClient) -> None:
    def feature(geometry: Any, **more: Any) -> dict[str, Any]:
        return {"type": "Feature", "geometry": geometry, "properties": {"name": "甲"}, **more}

    point = {"type": "Point", "coordinates": [INSIDE["lon"], INSIDE["lat"], 1200.0]}
    features = [
        feature(point, id=1),
        feature(None),
        feature({"type": "LineString", "coordinates": []}),
        {"type": "Feature", "geometry": point, "properties": None},
        7,
    ]
    answer = shared_client.post(
        "/route?datum=cgcs2000",
        json={"type": "FeatureCollection", "features": features},
        headers={"content-type": "application/geo+json"},
    )
    assert answer.headers["content-type"] == "application/geo+json"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    rules = [each["properties"]["rule"] for each in found["features"]]
    assert rules == ["inside", "unplaced", "unplaced", "inside", "unplaced"]
    first = found["features"][0]
    assert (first["id"], first["properties"]["name"]) == (1, "甲")
    assert first["geometry"]["coordinates"] == [INSIDE["lon"], INSIDE["lat"]]
    assert found["features"][2]["properties"]["reason"] == "the geometry is not a point"


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ([{"lon": 1, "lat": 1}], ""),
        ({"points": [{"lon": 1, "lat": 1}]}, ""),
        ({"points": 7}, "?datum=wgs84"),
        ({"datum": 7, "points": []}, ""),
        ("x", "?datum=wgs84"),
        (7, "?datum=wgs84"),
        (None, "?datum=wgs84"),
        ({"type": "FeatureCollection", "features": []}, "?datums=wgs84"),
    ],
)
def test_what_is_no_list_of_points_is_refused(
    shared_client: TestClient, body: Any, query: str
) -> None:
    answer = shared_client.post(f"/route{query}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_points_are_no_answers(shared_client: TestClient) -> None:
    assert shared_client.post("/route", json=[]).json() == []


def test_too_many_rows_are_refused_with_the_limit(town_url: str) -> None:
    with serve_with(town_url, route_rows_max=3) as client:
        assert client.post("/route", json=[INSIDE] * 3).status_code == 200
        answer = client.post("/route", json=[INSIDE] * 4)
    assert answer.status_code == 413
    assert "4 rows are more than the 3" in answer.json()["detail"]


def test_a_new_edition_is_soon_answered(client: TestClient, town_database: Database) -> None:
    assert client.get("/route", params=INSIDE).json()["edition"] == 1
    code = f"{COMMUNITY}009"
    publish_grids(town_database, [(code, "新网格", "王五", square(0))])
    began = time.monotonic()
    while (found := client.get("/route", params=INSIDE).json())["edition"] == 1:
        assert time.monotonic() - began < 5
        time.sleep(0.01)
    assert (found["grid_code"], found["responsible"]) == (code, "王五")


@pytest.fixture
def two_editions(town_database: Database, town_url: str, serve: Serve) -> TestClient:
    """A service whose first edition held until just now; the second swapped the grids' names."""
    publish_grids(
        town_database,
        [
            (WEST_GRID, "白云第一网格", "张三", square(1)),
            (EAST_GRID, "白云第二网格", "李四", square(0)),
        ],
    )
    return serve(town_url)


def owner(client: TestClient, **which: Any) -> tuple[int, str]:
    answer = client.get("/route", params={**INSIDE, **which})
    assert answer.status_code == 200, answer.text
    return answer.json()["edition"], answer.json()["grid_code"]


def test_a_point_is_answered_as_it_was_and_as_it_is(two_editions: TestClient) -> None:
    editions = two_editions.get("/editions").json()["editions"]
    changed = editions[0]["valid_from"]
    assert owner(two_editions) == (2, EAST_GRID)
    assert owner(two_editions, edition=1) == owner(two_editions, edition=1) == (1, WEST_GRID)
    assert owner(two_editions, at=editions[1]["valid_from"]) == (1, WEST_GRID)
    assert owner(two_editions, at=changed) == (2, EAST_GRID)
    raw = "&".join(f"{name}={value}" for name, value in INSIDE.items())
    local = changed.replace("Z", "+00:00")
    assert two_editions.get(f"/route?{raw}&at={local}").json()["edition"] == 2


@pytest.mark.parametrize(
    ("which", "status", "told"),
    [
        ({"at": "1949-10-01"}, 404, "No edition was in force at 1949-10-01T00:00:00+08:00. The"),
        ({"at": "1949-10-01T12:00Z"}, 404, "1949-10-01T12:00:00+00:00"),
        ({"at": "2999-01-01"}, 422, "lies in the future"),
        ({"at": "yesterday"}, 422, "no date or time"),
        ({"at": "2026-02-30"}, 422, "no date or time"),
        ({"at": "0001-01-01T00:00+14:00"}, 404, "No edition was in force"),
        ({"at": "9999-12-31T23:59-14:00"}, 422, "lies in the future"),
        ({"edition": 9}, 404, "There is no edition 9"),
        ({"edition": 0}, 422, "edition"),
        ({"edition": 1, "at": "2026-01-01"}, 422, "exclude one another"),
    ],
)
def test_a_time_or_edition_that_cannot_be_answered_is_refused_in_words(
    shared_client: TestClient, which: Any, status: int, told: str
) -> None:
    answer = shared_client.get("/route", params={**INSIDE, **which})
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]
