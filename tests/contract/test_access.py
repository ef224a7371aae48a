"""Every route, for every role, by where the thing asked for lies: as ``access.csv`` says it.

The table is meant to be read by whoever answers for privacy. A route without its rows fails. The
words are: ``allowed``, ``seen`` and ``unseen`` (whether a list shows the thing), ``hidden`` (404),
``refused`` (403) and ``sign in`` (401).
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access import DOORS, OPEN
from layers.session import Database, open_database
from layers.settings import Settings
from layers.viewer import Viewer, seen_by
from layers.vocabulary import Role
from tests.api.conftest import serve_with
from tests.contract.places import PLACES, build_places
from tests.layers.actions.made import read

TABLE = Path(__file__).with_name("access.csv")
WHERE = ("own", "neighbour", "other", "none")
NOBODY = "nobody"
ROLES = (*(role.value for role in Role if role is not Role.SYSTEM), NOBODY)

LISTS: dict[str, Callable[[Any, Any], bool]] = {
    "GET /cases": lambda found, thing: thing.case_id in {case["id"] for case in found["cases"]},
    "GET /cases/counts": lambda found, thing: (
        thing.owner in {each["grid_code"] or each["queue_code"] for each in found["counts"]}
    ),
    "GET /charts": lambda found, thing: thing.chart in {each["name"] for each in found["charts"]},
}

Key = tuple[str, str]


def expected() -> dict[Key, dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            (row["route"], row["role"]): {where: row[where] for where in WHERE}
            for row in csv.DictReader(file)
        }


def viewers() -> dict[str, Viewer | None]:
    """An account of each role; the worker's grid is ``own``, the others' areas hold it."""
    street = PLACES["own"].path.split("/", 2)
    community = "/".join(PLACES["own"].path.split("/")[:3]) + "/"
    own = {
        Role.WORKER: PLACES["own"].path,
        Role.COMMUNITY: community,
        Role.STREET: "/".join(street[:2]) + "/",
        Role.WALL: community,
    }
    found: dict[str, Viewer | None] = {
        role.value: Viewer(
            role.value, role, own.get(role, ""), ("54",) if role is Role.DEPARTMENT else None
        )
        for role in Role
        if role is not Role.SYSTEM
    }
    return found | {NOBODY: None}


@pytest.fixture(scope="module")
def places(clone: Any) -> tuple[str, dict[str, Any]]:
    url = clone("pristine")
    database = open_database(Settings(database_url=url))
    things = build_places(database)
    database.close()
    return url, things


@pytest.fixture(scope="module")
def clients(places: tuple[str, dict[str, Any]]) -> Iterator[dict[str, TestClient]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(serve_with(places[0], taken_for=viewer))
            for name, viewer in viewers().items()
        }


def outcome(client: TestClient, route: str, thing: Any) -> str:
    """Ask for a thing, and say in the table's words what came of it."""
    method, path = route.split(" ", 1)
    query: dict[str, Any] = {}
    if path == "/cases/{case_id}":
        path = f"/cases/{thing.case_id}"
    elif path.startswith("/charts/{"):
        path = f"/charts/{thing.chart}.html"
    elif path == "/cases":
        query = {"limit": 200}
    path = path.replace("{number}", "999")
    answer = client.request(
        method, path, params=query, headers={"accept": "application/json"}, follow_redirects=False
    )
    assert answer.status_code < 500, answer.text
    if DOORS[route] is OPEN:
        return "allowed"
    told = {401: "sign in", 403: "refused"}.get(answer.status_code)
    if told is not None:
        return told
    if route in LISTS:
        return "seen" if LISTS[route](answer.json(), thing) else "unseen"
    of_a_thing = "{case_id}" in route or "{name:path}" in route
    return "hidden" if of_a_thing and answer.status_code == 404 else "allowed"


def test_every_route_and_role_is_in_the_table() -> None:
    assert set(expected()) == {(route, role) for route in DOORS for role in ROLES}


@pytest.mark.parametrize("route", sorted(DOORS))
def test_what_each_role_may(
    route: str, clients: dict[str, TestClient], places: tuple[str, dict[str, Any]]
) -> None:
    table, things = expected(), places[1]
    found = {
        role: {where: outcome(clients[role], route, things[where]) for where in WHERE}
        for role in ROLES
    }
    assert found == {role: table[route, role] for role in ROLES}


def test_a_worker_asking_for_everything_is_shown_the_own_grid(
    clients: dict[str, TestClient], places: tuple[str, dict[str, Any]]
) -> None:
    page = clients["worker"].get("/charts/all.html")
    things = places[1]
    assert things["own"].chart in page.text
    for where in ("neighbour", "other"):
        assert things[where].household not in page.text
    assert things["own"].household in page.text


def test_a_street_sees_homes_at_their_building_without_the_door(
    clients: dict[str, TestClient], places: tuple[str, dict[str, Any]]
) -> None:
    street, worker = (
        clients[name].get(f"/charts/{places[1]['own'].chart}.html").text
        for name in ("street", "worker")
    )
    assert "9981" in worker  # the room
    assert "9981" not in street


@pytest.mark.parametrize(
    ("role", "path"),
    [("administrator", "/charts"), ("worker", "/charts/150622003003002.html"), ("wall", "/audit")],
)
def test_a_person_is_refused_by_a_page_in_words(
    clients: dict[str, TestClient], role: str, path: str
) -> None:
    for language, words in (("zh", "这个账号不能看这里"), ("en", "Not for this account")):
        answer = clients[role].get(path, params={"lang": language}, headers={"accept": "text/html"})
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/html")
        assert words in answer.text


def test_whoever_is_refused_is_in_the_audit(
    clients: dict[str, TestClient], places: tuple[str, dict[str, Any]]
) -> None:
    assert clients["wall"].get("/cases").status_code == 403
    database = open_database(Settings(database_url=places[0]))
    newest = read(
        database,
        "SELECT account, role, action, object_code FROM audit ORDER BY id DESC LIMIT 1",
    )
    assert newest == [("wall", "wall", "refuse", "GET /cases")]
    database.close()


def test_nothing_of_a_person_is_in_the_database_for_the_administrator(
    places: tuple[str, dict[str, Any]],
) -> None:
    database = open_database(Settings(database_url=places[0]))
    served = Database(database.engine, service=True)
    with seen_by(viewers()["administrator"]):
        assert read(served, "SELECT count(*) FROM households") == [(0,)]
    database.close()
