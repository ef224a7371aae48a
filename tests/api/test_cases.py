import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from geoalchemy2.shape import from_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from gis.datum import convert
from layers.models import Case, CasePlacement
from layers.session import Database
from layers.vocabulary import CaseState
from tests.api.conftest import (
    BANNER,
    COMMUNITY,
    EAST_GRID,
    FAR_AWAY,
    IN_THE_BANNER,
    IN_THE_STREET,
    INSIDE,
    JUST_OUTSIDE,
    SHARED_EDGE,
    SOUTH,
    STEP,
    STREET,
    WEST,
    WEST_GRID,
    Serve,
    a_report,
    build_town,
    publish_grids,
    square,
)

PATH = [BANNER, STREET, COMMUNITY]


def report(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/cases", json=a_report(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_report_says_who_owns_it_by_which_rule_and_edition(client: TestClient) -> None:
    answer = client.post("/cases", json=a_report())

    assert answer.status_code == 201
    case = answer.json()
    placement = case["placement"]
    assert answer.headers["location"] == f"/cases/{case['id']}"
    assert (case["state"], case["state_name"]["zh"]) == ("reported", "已上报")
    assert case["category_name"]["zh"] == "消防通道堵塞"
    assert placement["grid_code"] == WEST_GRID
    assert placement["grid_name"] == "白云第一网格"
    assert placement["responsible"] == "张三"
    assert placement["area_path"] == [*PATH, WEST_GRID]
    assert (placement["rule"], placement["edition"]) == ("inside", 1)
    assert 400 < placement["distance_to_boundary_m"] < 600
    assert (placement["lon"], placement["lat"]) == (INSIDE["lon"], INSIDE["lat"])
    assert client.get(answer.headers["location"]).json()["grid_code"] == WEST_GRID


@pytest.mark.parametrize(
    ("place", "rule", "grid", "queue", "path"),
    [
        (SHARED_EDGE, "boundary", WEST_GRID, None, [*PATH, WEST_GRID]),
        (JUST_OUTSIDE, "snapped", WEST_GRID, None, [*PATH, WEST_GRID]),
        (IN_THE_STREET, "fallback", None, STREET, PATH[:2]),
        (IN_THE_BANNER, "fallback", None, BANNER, PATH[:1]),
        (FAR_AWAY, "outside", None, BANNER, PATH[:1]),
        (None, "unplaced", None, BANNER, PATH[:1]),
        ({"lon": 39.9, "lat": 111.2, "datum": "wgs84"}, "unplaced", None, BANNER, PATH[:1]),
    ],
)
def test_no_report_is_refused_for_its_place(
    client: TestClient, place: Any, rule: str, grid: str | None, queue: str | None, path: list[str]
) -> None:
    case = report(client, place=place)

    placement = case["placement"]
    assert (placement["rule"], placement["grid_code"]) == (rule, grid)
    assert (placement["queue_code"], placement["area_path"]) == (queue, path)
    stored = client.get(f"/cases/{case['id']}").json()
    assert (stored["rule"], stored["queue_code"], stored["area_path"]) == (rule, queue, path)


def test_a_place_nowhere_on_earth_says_why_and_keeps_what_was_sent(client: TestClient) -> None:
    case = report(client, place={"lon": 39.9, "lat": 111.2, "datum": "wgs84"})
    assert any("earth" in warning for warning in case["placement"]["warnings"])
    [placement] = client.get(f"/cases/{case['id']}").json()["placements"]
    assert placement["raw"] == [39.9, 111.2]


def test_a_device_in_gcj02_is_placed_where_it_really_is(client: TestClient) -> None:
    x, y = convert(np.array([INSIDE["lon"]]), np.array([INSIDE["lat"]]), "cgcs2000", "gcj02")
    case = report(client, place={"lon": float(x[0]), "lat": float(y[0]), "datum": "gcj02"})
    assert case["placement"]["lon"] == pytest.approx(INSIDE["lon"], abs=1e-9)
    [placement] = client.get(f"/cases/{case['id']}").json()["placements"]
    assert (placement["datum"], placement["raw"]) == ("gcj02", [float(x[0]), float(y[0])])


def test_before_the_first_edition_a_case_waits_and_publishing_places_it(
    empty_service: TestClient, fresh_database: Database
) -> None:
    placed = report(empty_service)
    nowhere = report(empty_service, place=None)
    assert (placed["placement"]["rule"], placed["placement"]["edition"]) == ("outside", None)
    assert nowhere["placement"]["rule"] == "unplaced"

    edition = build_town(fresh_database)

    case = empty_service.get(f"/cases/{placed['id']}").json()
    assert (case["rule"], case["grid_code"], case["edition"]) == ("inside", WEST_GRID, edition)
    assert [each["rule"] for each in case["placements"]] == ["outside", "inside"]


def test_the_same_key_and_report_give_the_same_case(client: TestClient) -> None:
    key = {"Idempotency-Key": "field-7/2026-05-01"}
    first = client.post("/cases", json=a_report(), headers=key)
    again = client.post("/cases", json=a_report(), headers=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert first.json() == again.json()
    assert len(client.get("/cases").json()["cases"]) == 1


@pytest.mark.parametrize("place", [SHARED_EDGE, IN_THE_STREET, FAR_AWAY, None])
def test_a_replay_answers_what_was_answered_first(client: TestClient, place: Any) -> None:
    body = a_report(place=place and {**place, "accuracy_m": 30.0})
    answers = [
        client.post("/cases", json=body, headers={"Idempotency-Key": "k"}).json() for _ in range(2)
    ]
    assert answers[0] == answers[1]


def test_the_same_key_with_another_report_is_refused(client: TestClient) -> None:
    key = {"Idempotency-Key": "k"}
    client.post("/cases", json=a_report(), headers=key)
    other = client.post("/cases", json=a_report(description="另一件事"), headers=key)

    assert other.status_code == 422
    assert other.json()["type"] == "urn:lianxin:problem:idempotency-conflict"
    assert len(client.get("/cases").json()["cases"]) == 1


def test_twenty_parallel_tries_are_one_case(client: TestClient, town_database: Database) -> None:
    start = threading.Barrier(20)
    answers: list[tuple[int, int]] = []

    def once() -> None:
        start.wait()
        answer = client.post("/cases", json=a_report(), headers={"Idempotency-Key": "k"})
        answers.append((answer.status_code, answer.json()["id"]))

    threads = [threading.Thread(target=once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({case_id for _, case_id in answers}) == 1
    assert Counter(status for status, _ in answers) == {201: 1, 200: 19}
    with town_database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1
        assert session.scalar(select(func.count()).select_from(CasePlacement)) == 1


def test_twenty_parallel_reports_with_keys_of_their_own_are_twenty_cases(
    client: TestClient,
) -> None:
    ids: list[int] = []

    def once(number: int) -> None:
        key = {"Idempotency-Key": f"k{number}"}
        ids.append(client.post("/cases", json=a_report(), headers=key).json()["id"])

    threads = [threading.Thread(target=once, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 20


def test_a_case_reported_while_an_edition_is_published_belongs_to_the_new_one(
    client: TestClient, town_database: Database
) -> None:
    stop = threading.Event()
    failures: list[str] = []

    def keep_reporting() -> None:
        while not stop.is_set():
            answer = client.post("/cases", json=a_report())
            if answer.status_code != 201:
                failures.append(answer.text)

    threads = [threading.Thread(target=keep_reporting) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in (3, 4):
            code = f"{COMMUNITY}00{number}"
            whole = square(0).union(square(1))
            edition = publish_grids(town_database, [(code, f"第{number}网格", "", whole)])
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert failures == []
    with town_database.transaction() as session:
        owners = session.execute(select(Case.edition_id, Case.grid_code).distinct()).all()
    assert [tuple(owner) for owner in owners] == [(edition, code)]


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"category": "5300"}, "body.category"),
        ({"category": 53001}, "body.category"),
        ({"description": ""}, "body.description"),
        ({"description": "  "}, "body.description"),
        ({"description": "a\u0000b"}, "body.description"),
        ({"description": "字" * 4001}, "body.description"),
        ({"description": None}, "body.description"),
        ({"place": {"lon": 111.2, "lat": 39.9}}, "body.place.datum"),
        ({"place": {"lon": "111.2", "lat": 39.9, "datum": "wgs84"}}, "body.place.lon"),
        ({"place": {"lon": True, "lat": 39.9, "datum": "wgs84"}}, "body.place.lon"),
        ({"place": {"lon": 1e300, "lat": 39.9, "datum": "wgs84"}}, "body.place.lon"),
        ({"place": {**INSIDE, "accuracy_m": -1}}, "body.place.accuracy_m"),
        ({"place": {**INSIDE, "datum": "wgs\u000084"}}, "body.place.datum"),
        ({"place": [111.2, 39.9]}, "body.place"),
        ({"address": "一号\n院"}, "body.address"),
        ({"reporter": {"kind": "robot"}}, "body.reporter.kind"),
        ({"reporter": {"kind": "import"}}, "body.reporter.kind"),
        ({"reporter": {"kind": "worker", "phone": "call me"}}, "body.reporter.phone"),
        ({"reporter": {"kind": "worker", "name": "\u001b[2J"}}, "body.reporter.name"),
        ({"occurred_at": "2026-05-01T08:00:00"}, "body.occurred_at"),
        ({"occurred_at": 1777593600}, "body.occurred_at"),
        ({"occurred_at": "yesterday"}, "body.occurred_at"),
        ({"state": "closed"}, "body.state"),
    ],
)
def test_a_malformed_report_is_refused_where_it_is_wrong(
    shared_client: TestClient, changes: Any, location: str
) -> None:
    answer = shared_client.post("/cases", json=a_report(**changes))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["location"] for each in answer.json()["errors"]] == [location]
    assert shared_client.get("/cases").json()["cases"] == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"place": {"lon": NaN, "lat": 1, "datum": "wgs84"}}',
        b'{"place": {"lon": 1e999}}',
        b'{"place": {"lon": Infinity}}',
        b'{"description": "\\ud800"}',
        b"\xff\xfe",
        b"{",
        b"",
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused_in_words(shared_client: TestClient, body: bytes) -> None:
    answer = shared_client.post(
        "/cases", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert "not valid JSON" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"7"])
def test_json_that_is_no_object_is_refused(shared_client: TestClient, body: bytes) -> None:
    answer = shared_client.post("/cases", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "body"


def test_a_form_is_not_taken(shared_client: TestClient) -> None:
    answer = shared_client.post("/cases", data={"category": "53001"})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 256, "emoji-\U0001f600", "tab\there"])
def test_a_key_that_cannot_be_kept_is_refused(shared_client: TestClient, key: str) -> None:
    headers = [(b"idempotency-key", key.encode())]
    answer = shared_client.post("/cases", json=a_report(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "header.idempotency-key"


def test_a_matter_of_the_future_is_refused_but_a_fast_clock_is_not(client: TestClient) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=4)
    later = datetime.now(UTC) + timedelta(minutes=7)
    assert report(client, occurred_at=soon.isoformat())["id"]
    answer = client.post("/cases", json=a_report(occurred_at=later.isoformat()))
    assert answer.status_code == 422
    assert "clock" in answer.json()["detail"]
    ancient = client.post("/cases", json=a_report(occurred_at="0001-01-01T00:00:00+14:00"))
    assert ancient.status_code == 422


def test_an_unknown_category_or_datum_is_named(shared_client: TestClient) -> None:
    category = shared_client.post("/cases", json=a_report(category="99999"))
    datum = shared_client.post("/cases", json=a_report(place={**INSIDE, "datum": "mars2000"}))
    assert (category.status_code, "99999" in category.json()["detail"]) == (422, True)
    assert (datum.status_code, "mars2000" in datum.json()["detail"]) == (422, True)


def ids(client: TestClient, **query: Any) -> list[int]:
    answer = client.get("/cases", params=query)
    assert answer.status_code == 200, answer.text
    return [case["id"] for case in answer.json()["cases"]]


def test_lists_are_filtered_by_owner_state_and_kind(
    client: TestClient, town_database: Database
) -> None:
    west = report(client)["id"]
    east = report(client, place={**INSIDE, "lon": INSIDE["lon"] + STEP}, category="54001")["id"]
    street = report(client, place=IN_THE_STREET)["id"]
    away = report(client, place=FAR_AWAY)["id"]
    with town_database.raw() as connection:
        connection.execute("UPDATE cases SET state = 'closed' WHERE id = %s", [east])

    assert ids(client) == [away, street, east, west]
    assert ids(client, grid=WEST_GRID) == [west]
    assert ids(client, area=COMMUNITY) == [east, west]
    assert ids(client, area=STREET) == [street, east, west]
    assert ids(client, area=BANNER) == [away, street, east, west]
    assert ids(client, area="15062200300") == []
    assert ids(client, state="closed") == [east]
    assert ids(client, state="open") == [away, street, west]
    assert ids(client, state=["open", "closed"]) == [away, street, east, west]
    assert ids(client, category="53") == [away, street, west]
    assert ids(client, category="54001") == [east]
    box = f"{INSIDE['lon'] - 0.001},{INSIDE['lat'] - 0.001},{INSIDE['lon']},{INSIDE['lat']}"
    assert ids(client, bbox=box) == [west]
    assert ids(client, area=COMMUNITY, state="open", category="53", bbox=box) == [west]


def test_lists_are_filtered_by_time(client: TestClient, town_database: Database) -> None:
    old, new = report(client)["id"], report(client)["id"]
    with town_database.raw() as connection:
        moment = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
        connection.execute("UPDATE cases SET reported_at = %s WHERE id = %s", [moment, old])

    assert ids(client, until="2026-05-01T08:00:00Z") == []
    assert ids(client, until="2026-05-01T08:00:01Z") == [old]
    assert ids(client, since="2026-05-01T16:00:00+08:00") == [new, old]
    assert ids(client, since="2026-05-01T16:00:01+08:00") == [new]
    plain = client.get("/cases?since=2026-05-01T16:00:01+08:00")
    assert [case["id"] for case in plain.json()["cases"]] == [new]


def test_pages_follow_one_another_and_end(client: TestClient, town_database: Database) -> None:
    reported = [report(client)["id"] for _ in range(7)]
    with town_database.raw() as connection:
        connection.execute("UPDATE cases SET reported_at = '2026-05-01' WHERE id % 2 = 0")

    found: list[int] = []
    link: str | None = "/cases?limit=3&state=open&category=53"
    pages = 0
    while link is not None:
        answer = client.get(link)
        found += [case["id"] for case in answer.json()["cases"]]
        link = answer.json()["next"]
        assert (f"<{link}>" in answer.headers.get("link", "")) == (link is not None)
        pages += 1
    assert (pages, sorted(found), len(set(found))) == (3, sorted(reported), 7)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "//8=", "é", "A" * 27])
def test_a_cursor_that_is_none_of_ours_is_refused(shared_client: TestClient, cursor: str) -> None:
    answer = shared_client.get("/cases", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":cursor-invalid")


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({"limit": 0}, "query.limit"),
        ({"limit": 1001}, "query.limit"),
        ({"state": "asleep"}, "query.state.0"),
        ({"category": "533"}, "query.category"),
        ({"bbox": "1,2,3"}, "query"),
        ({"bbox": "nan,nan,nan,nan"}, "query"),
        ({"bbox": "112,39,111,40"}, "query"),
        ({"since": "2026-05-01T08:00:00"}, "query.since"),
        ({"since": "2026-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"}, "query"),
        ({"colour": "red"}, "query.colour"),
        ({"f": "xml"}, "query.f"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(
    shared_client: TestClient, query: Any, location: str
) -> None:
    answer = shared_client.get("/cases", params=query)
    assert answer.status_code == 422
    assert location in {
        error["location"].split(".CaseState")[0] for error in answer.json()["errors"]
    } | {error["location"].rsplit(".", 1)[0] for error in answer.json()["errors"]}


def test_geojson_by_accept_and_by_parameter(client: TestClient) -> None:
    here, nowhere = report(client)["id"], report(client, place=None)["id"]
    by_accept = client.get("/cases", headers={"accept": "application/geo+json"})
    by_parameter = client.get("/cases?f=geojson")
    assert by_accept.headers["content-type"] == "application/geo+json"
    assert by_accept.json() == by_parameter.json()
    features = {feature["id"]: feature for feature in by_accept.json()["features"]}
    assert features[here]["geometry"]["coordinates"] == [INSIDE["lon"], INSIDE["lat"]]
    assert features[here]["properties"]["state_name"]["en"] == "Reported"
    assert features[nowhere]["geometry"] is None
    forced = client.get("/cases?f=json", headers={"accept": "application/geo+json"})
    assert forced.headers["content-type"] == "application/json"


def test_nobody_learns_who_reported(client: TestClient) -> None:
    case = report(client)
    listed = client.get("/cases").text + client.get("/cases?f=geojson").text
    assert "王" not in listed
    assert "138****" not in listed
    assert "13812345678" not in listed
    one = client.get(f"/cases/{case['id']}").json()
    assert one["reporter"] == {"name": "王**", "phone": "138****5678"}


def test_a_confidential_case_shows_neither_words_nor_place(client: TestClient) -> None:
    place = {**INSIDE, "accuracy_m": 600.0}
    case = report(client, category="52002", description="家里的事", address="一号楼", place=place)
    listed = client.get("/cases").json()["cases"][0]
    one = client.get(f"/cases/{case['id']}").json()

    for shown in (listed, one):
        assert (shown["confidential"], shown["grid_code"]) == (True, WEST_GRID)
        assert shown["description"] is None
        assert shown["address"] is None
        assert shown["lon"] is None
    assert one["reporter"] == {"name": None, "phone": None}
    [placement] = one["placements"]
    assert placement["raw"] is None
    assert placement["candidates"] == []
    assert placement["distance_to_boundary_m"] is None
    assert ids(client, bbox="111,39,112,40") == []
    assert client.get("/cases?f=geojson").json()["features"][0]["geometry"] is None


@pytest.mark.parametrize("number", ["0", "-1", "999999", "99999999999999999999999"])
def test_a_case_that_is_not_there_is_a_404(shared_client: TestClient, number: str) -> None:
    answer = shared_client.get(f"/cases/{number}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:lianxin:problem:case-not-found"


def test_hostile_words_come_back_as_they_were(client: TestClient) -> None:
    words = "{{7*7}} <img src=x onerror=alert(1)> '; DROP TABLE cases; -- \u202e\n第二行"
    case = report(client, description=words, address="'\"\\%s%(x)s")
    one = client.get(f"/cases/{case['id']}").json()
    assert (one["description"], one["address"]) == (words, "'\"\\%s%(x)s")
    assert client.get(f"/cases/{case['id']}").headers["x-content-type-options"] == "nosniff"


def test_a_service_that_comes_later_serves_the_same_cases(
    client: TestClient, serve: Serve, town_url: str
) -> None:
    case = report(client)
    assert serve(town_url).get(f"/cases/{case['id']}").json()["id"] == case["id"]


def test_intake_does_not_wait_for_charts(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, given_up = threading.Event(), threading.Event()

    def draw_slowly(*_: Any) -> str:
        if not done.wait(5):
            given_up.set()
        return "<!DOCTYPE html>"

    monkeypatch.setattr("api.routers.charts.draw_chart", draw_slowly)
    viewers = [
        threading.Thread(target=client.get, args=(f"/charts/all.html?lang={lang}&theme={theme}",))
        for lang in ("zh", "en")
        for theme in ("day", "night")
        for _ in range(4)
    ]
    for viewer in viewers:
        viewer.start()
    try:
        assert report(client)["placement"]["grid_code"] == WEST_GRID
        assert not given_up.is_set()
    finally:
        done.set()
        for viewer in viewers:
            viewer.join()


@pytest.fixture
def swapped(client: TestClient, town_database: Database) -> TestClient:
    """An open and an ended case in the west grid, before the two grids swapped their places."""
    report(client)
    ended = report(client)["id"]
    nowhere = report(client, place=None)["id"]
    with town_database.transaction() as session:
        for case in (ended, nowhere):
            session.get_one(Case, case).state = CaseState.CLOSED
    publish_grids(
        town_database,
        [(WEST_GRID, "西", "张三", square(1)), (EAST_GRID, "东", "李四", square(0))],
    )
    client.app.state.services.boundaries.refresh()
    return client


def test_lists_are_by_the_grid_of_the_time_or_of_today(swapped: TestClient) -> None:
    (open_case, ended) = sorted(ids(swapped, bbox="111,39,112,40"))
    assert ids(swapped, grid=WEST_GRID) == [ended]
    assert ids(swapped, grid=EAST_GRID) == [open_case]
    assert ids(swapped, grid=WEST_GRID, by="today") == []
    assert ids(swapped, grid=EAST_GRID, by="today") == [ended, open_case]
    assert ids(swapped, grid=EAST_GRID, by="today", state="open") == [open_case]
    assert ids(swapped, grid="none", by="today") == []
    first = swapped.get("/cases", params={"grid": EAST_GRID, "by": "today", "limit": 1}).json()
    second = swapped.get(first["next"]).json()
    assert [page["cases"][0]["id"] for page in (first, second)] == [ended, open_case]


def test_counts_are_by_the_grid_of_the_time_or_of_today(swapped: TestClient) -> None:
    def counts(**query: Any) -> dict[tuple[Any, ...], tuple[int, int]]:
        answer = swapped.get("/cases/counts", params=query).json()
        assert answer["case_count"] == sum(each["case_count"] for each in answer["counts"])
        return {
            (each["edition"], each["grid_name"] or each["queue_code"]): (
                each["case_count"], each["open_count"],
            )
            for each in answer["counts"]
        }  # fmt: skip

    nowhere = {(1, BANNER): (1, 0)}
    assert counts() == nowhere | {(1, "白云第一网格"): (1, 0), (2, "东"): (1, 1)}
    assert counts(by="today") == nowhere | {(2, "东"): (2, 1)}
    assert counts(by="today", state="open") == {(2, "东"): (1, 1)}
    assert counts(by="today", category="99") == {}
    assert swapped.get("/cases/counts?by=then&grid=x").status_code == 422


@given(
    st.lists(st.tuples(st.floats(-0.002, 0.023), st.floats(-0.002, 0.012)), min_size=1, max_size=8)
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_todays_grid_of_an_ended_case_is_the_one_that_a_route_gives(
    client: TestClient, town_database: Database, places: list[tuple[float, float]]
) -> None:
    expected: Counter[Any] = Counter()
    with town_database.transaction() as session:
        session.execute(delete(Case))
        for east, north in places:
            lon, lat = WEST + east, SOUTH + north
            session.add(
                Case(
                    category="53001",
                    reporter_kind="worker",
                    state=CaseState.CLOSED,
                    rule="outside",
                    location=from_shape(shapely.Point(lon, lat), srid=4490, extended=True),
                )
            )
            where = {"lon": lon, "lat": lat, "datum": "cgcs2000"}
            expected[client.get("/route", params=where).json()["grid_code"]] += 1
    counted = client.get("/cases/counts?by=today").json()["counts"]
    found: Counter[Any] = Counter()
    for each in counted:
        found[each["grid_code"]] += each["case_count"]
    assert found == expected
    for code in (WEST_GRID, EAST_GRID):
        assert len(ids(client, grid=code, by="today")) == expected[code]
