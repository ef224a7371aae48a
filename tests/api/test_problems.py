from collections.abc import Iterator
from http import HTTPStatus

import orjson
import pytest
from fastapi.testclient import TestClient

from api.problems import TABLE, problem_of
from gis.errors import GisError
from layers.errors import DatabaseBusy, DatabaseUnreachable, LayersError, NoEditionInForce


def leaves(root: type[Exception]) -> Iterator[type[Exception]]:
    children = [each for each in root.__subclasses__() if each.__module__.endswith(".errors")]
    if not children:
        yield root
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("error", [*leaves(GisError), *leaves(LayersError)])
def test_every_error_has_a_row(error: type[Exception]) -> None:
    assert error in TABLE, f"api/problems.py does not say how {error.__name__} is answered"


def test_every_row_has_a_title_in_both_languages() -> None:
    for row in TABLE.values():
        assert row.title.isascii()
        assert not row.title_zh.isascii()
        assert row.status >= HTTPStatus.BAD_REQUEST


def test_a_message_for_the_operator_is_not_sent() -> None:
    answer = problem_of(DatabaseUnreachable("The database grid on db.internal, port 5432"))
    assert answer.status_code == 503
    assert b"internal" not in bytes(answer.body)
    assert answer.headers["retry-after"] == "5"


def test_a_busy_database_is_asked_again_later() -> None:
    answer = problem_of(DatabaseBusy("Ask for less at once."))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    body = orjson.loads(answer.body)
    assert body["type"] == "urn:lianxin:problem:database-busy"
    assert body["detail"] == "Ask for less at once."


def test_a_message_for_the_asker_is_sent() -> None:
    body = orjson.loads(problem_of(NoEditionInForce("Publish one.")).body)
    assert (body["status"], body["detail"]) == (503, "Publish one.")


def test_an_unknown_error_is_internal_and_tells_nothing() -> None:
    answer = problem_of(RuntimeError("the password is 1234"))
    assert answer.status_code == 500
    assert b"1234" not in bytes(answer.body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/cases/x/y", 404),
        ("GET", "/assets/../app.py", 404),
        ("GET", "/assets/nothing.js", 404),
        ("DELETE", "/cases", 405),
        ("PUT", "/route", 405),
        ("GET", "/cases/abc", 422),
    ],
)
def test_everything_else_is_a_problem_too(
    shared_client: TestClient, method: str, path: str, status: int
) -> None:
    answer = shared_client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title_zh"]
    assert body["detail"]
    if status == 405:
        assert answer.headers["allow"]


def test_a_word_that_is_none_of_two_kinds_is_one_error(shared_client: TestClient) -> None:
    (error,) = shared_client.get("/cases", params={"state": "nope"}).json()["errors"]
    assert error["location"] == "query.state.0"
    assert "'rejected' or should be 'open'" in error["message"]


def test_a_text_that_is_too_long_is_counted_in_characters(shared_client: TestClient) -> None:
    body = {
        "category": "53001",
        "description": "长" * 4001,
        "place": {"lon": 111.2, "lat": 39.9, "datum": "wgs84"},
        "reporter": {"kind": "worker"},
    }
    (error,) = shared_client.post("/cases", json=body).json()["errors"]
    assert error == {
        "location": "body.description",
        "message": "should have at most 4000 characters, not 4001",
    }


def test_the_sent_values_are_not_repeated(shared_client: TestClient) -> None:
    answer = shared_client.get("/route", params={"lon": "secret", "lat": 1, "datum": "wgs84"})
    assert answer.json()["errors"] == [{"location": "query.lon", "message": "must be a number"}]
    assert "secret" not in answer.text
