"""The residents' register behind the API."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from layers.actions.import_layer import LayerName, import_layer
from layers.actions.importing.batch import ImportOptions
from layers.exchange.mapping import ColumnMapping
from layers.sealing import load_keys
from layers.session import Database
from layers.settings import Settings
from layers.viewer import Viewer, seen_by
from layers.vocabulary import CodeScheme, Role
from tests.api.conftest import BANNER, COMMUNITY, EAST_GRID, STREET, WEST_GRID, TestClient
from tests.layers.actions.made import layer, middle

ID_NUMBER, PHONE = "150622199001011239", "13812345678"
OWN = f"{BANNER}/{STREET}/{COMMUNITY}/"
LOOKERS = {
    "worker": Viewer("worker", Role.WORKER, f"{OWN}{WEST_GRID}/"),
    "neighbour": Viewer("neighbour", Role.WORKER, f"{OWN}{EAST_GRID}/"),
    "community": Viewer("community", Role.COMMUNITY, OWN),
    "street": Viewer("street", Role.STREET, f"{BANNER}/{STREET}/"),
}
PURPOSE = {"purpose": "visit", "words": "入户走访核对"}


class LooksAs:
    """Let each request be whoever its header names, as a sign-in would."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope.get("headers", ()))
        who = LOOKERS.get(sent.get(b"x-looks-as", b"").decode())
        scope.setdefault("state", {})["viewer"] = who
        with seen_by(who):
            await self.app(scope, receive, send)


@pytest.fixture
def register(
    town_database: Database, town_url: str, tmp_path: Any
) -> Iterator[tuple[TestClient, str]]:
    """A service with a family in one grid, and one of them to ask for."""
    settings = Settings(
        database_url=town_url, data_dir=tmp_path / "data", log_level="error", unmask_per_hour=2
    )
    options = ImportOptions(scheme=CodeScheme.FREE, keys=load_keys(settings))
    homes = layer([{"code": "h1", "unit": "2", "floor": 5, "room": "501"}], [middle(0)])
    people = layer([
        {"code": "r1", "household_code": "h1", "name": "<b>王小明</b>", "birth_date": "1990-01-01",
         "phone": PHONE, "id_number": ID_NUMBER, "basis": "本人同意"},
        {"code": "r2", "household_code": "h1", "name": "李丽", "basis": "本人同意"},
    ])  # fmt: skip
    for name, source in ((LayerName.HOUSEHOLDS, homes), (LayerName.RESIDENTS, people)):
        report = import_layer(
            town_database, name, source, ColumnMapping(), options=replace(options)
        )
        assert not report.rejects
    with town_database.transaction() as session:
        from sqlalchemy import text  # noqa: PLC0415

        number = session.scalar(text("SELECT id FROM residents WHERE code = 'r1'"))
    app = create_app(settings)
    app.add_middleware(LooksAs)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.app.state.services.database.service = True  # type: ignore[attr-defined]
        yield client, str(number)


def looks_as(who: str) -> dict[str, str]:
    return {"x-looks-as": who}


def test_a_worker_lists_the_own_grid_masked(register: tuple[TestClient, str]) -> None:
    client, _ = register
    answer = client.get("/residents?limit=1", headers=looks_as("worker"))
    assert answer.headers["cache-control"] == "no-store"
    rest = client.get(answer.json()["next"], headers=looks_as("worker")).json()
    people = answer.json()["residents"] + rest["residents"]
    assert rest["next"] is None
    assert sorted(each["code"] for each in people) == ["r1", "r2"]
    shown = str(people)
    assert (ID_NUMBER in shown, PHONE in shown, "小明" in shown, "1990" in shown) == (False,) * 4
    assert [each["room"] for each in people] == ["501", "501"]


def test_a_street_is_not_let_in(register: tuple[TestClient, str]) -> None:
    client, number = register
    for path in ("/residents", f"/residents/{number}", f"/residents/{number}/file"):
        assert client.get(path, headers=looks_as("street")).status_code == 403


@pytest.mark.parametrize("who", ["neighbour"])
def test_others_find_nobody(register: tuple[TestClient, str], who: str) -> None:
    client, number = register
    assert client.get("/residents", headers=looks_as(who)).json()["residents"] == []
    assert client.get(f"/residents/{number}", headers=looks_as(who)).status_code == 404
    body = {"fields": ["phone"], **PURPOSE}
    refused = client.post(f"/residents/{number}/unmask", json=body, headers=looks_as(who))
    assert refused.status_code == 404
    query = {"purpose": "subject_request"}
    made = client.get(f"/residents/{number}/file", params=query, headers=looks_as(who))
    assert made.status_code == 403  # a worker makes nobody's file
    search = client.post("/residents/search", json={"id_number": ID_NUMBER}, headers=looks_as(who))
    assert search.json() == {"residents": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/residents"),
        ("POST", "/residents/search"),
        ("GET", "/residents/{number}"),
        ("POST", "/residents/{number}/unmask"),
        ("GET", "/residents/{number}/file?purpose=subject_request"),
    ],
)
def test_nobody_is_told_anything(register: tuple[TestClient, str], method: str, path: str) -> None:
    client, number = register
    answer = client.request(method, path.format(number=number), json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_unmasking_states_its_purpose(register: tuple[TestClient, str]) -> None:
    client, number = register
    path, headers = f"/residents/{number}/unmask", looks_as("worker")
    for wrong in (
        {"fields": ["phone"]},
        {"fields": ["phone"], "purpose": "curious", "words": "随便看看"},
        {"fields": ["phone"], "purpose": "visit", "words": "x"},
        {"fields": [], **PURPOSE},
        {"fields": ["nationality"], **PURPOSE},
    ):
        assert client.post(path, json=wrong, headers=headers).status_code == 422
    answer = client.post(path, json={"fields": ["phone"], **PURPOSE}, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "id": number, "name": None, "phone": PHONE, "id_number": None, "birth_date": None,
    }  # fmt: skip


def test_unmasking_ends_when_the_allowance_does(register: tuple[TestClient, str]) -> None:
    client, number = register
    body = {"fields": ["id_number"], **PURPOSE}
    statuses = [
        client.post(
            f"/residents/{number}/unmask", json=body, headers=looks_as("worker")
        ).status_code
        for _ in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_a_number_is_searched_for_in_a_body_and_never_in_an_address(
    register: tuple[TestClient, str],
) -> None:
    client, number = register
    headers = looks_as("worker")
    found = client.post("/residents/search", json={"id_number": ID_NUMBER}, headers=headers).json()
    assert [each["id"] for each in found["residents"]] == [number]
    assert client.get(f"/residents?id_number={ID_NUMBER}", headers=headers).status_code == 422
    assert client.post("/residents/search", json={}, headers=headers).status_code == 422


def test_a_refusal_repeats_nothing(register: tuple[TestClient, str]) -> None:
    client, _ = register
    body = {"id_number": ID_NUMBER * 3, "name": 7}
    answer = client.post("/residents/search", json=body, headers=looks_as("worker"))
    assert (answer.status_code, ID_NUMBER in answer.text) == (422, False)


def test_a_residents_file_tells_who_read_it(register: tuple[TestClient, str]) -> None:
    client, number = register
    body = {"fields": ["phone"], **PURPOSE}
    client.post(f"/residents/{number}/unmask", json=body, headers=looks_as("worker"))
    path = f"/residents/{number}/file?purpose=subject_request"
    assert client.get(path, headers=looks_as("worker")).status_code == 403
    unsaid = client.get(f"/residents/{number}/file?purpose=visit", headers=looks_as("community"))
    assert unsaid.status_code == 422
    answer = client.get(path, headers=looks_as("community"))
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert made["resident"]["id_number"] == ID_NUMBER
    assert [(each["account"], each["role"]) for each in made["readings"]] == [
        ("community", "community"), ("worker", "worker"),
    ]  # fmt: skip


@pytest.mark.parametrize(("lang", "words"), [("zh", "谁查看过"), ("en", "Who read it")])
def test_a_residents_file_is_a_page_to_print(
    register: tuple[TestClient, str], lang: str, words: str
) -> None:
    client, number = register
    answer = client.get(
        f"/residents/{number}/file?purpose=subject_request&lang={lang}",
        headers={**looks_as("community"), "accept": "text/html"},
    )
    assert answer.headers["cache-control"] == "no-store"
    assert words in answer.text
    assert ID_NUMBER in answer.text
    assert "<b>王小明" not in answer.text
