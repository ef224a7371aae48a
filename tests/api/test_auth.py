"""Signing in over HTTP: tokens for machines, a cookie and a second token for people."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import make_url, text

from api.identity import COOKIE, csrf_token, own_path, same_origin
from layers.actions.accounts import NewAccount, add_account, disable_account
from layers.session import Database, open_database
from layers.settings import Settings
from layers.viewer import viewer
from layers.vocabulary import Role
from tests.api.conftest import BANNER, COMMUNITY, WEST_GRID, TestClient, serve_with
from tests.layers.signing_in import PASSWORD, Counting, quick_hashes

PAGE = {"Accept": "text/html"}
NAMES = {"worker": WEST_GRID, "community": COMMUNITY, "banner": BANNER}


@pytest.fixture(scope="module")
def hashes() -> Iterator[Counting]:
    with quick_hashes() as counting:
        yield counting


@pytest.fixture(scope="module")
def database(clone: Callable[[str], str], town: str, hashes: Counting) -> Iterator[Database]:
    """A town with accounts."""
    url = clone(town)
    database = open_database(Settings(database_url=url))
    add_account(database, NewAccount("administrator", Role.ADMINISTRATOR), PASSWORD)
    for name, area in NAMES.items():
        add_account(database, NewAccount(name, Role(name), area), PASSWORD)
    yield database
    database.close()


@pytest.fixture(scope="module")
def app(database: Database) -> Iterator[FastAPI]:
    """The service, with two routes that say who they see."""
    url = database.engine.url.render_as_string(hide_password=False)
    with serve_with(url, taken_for=None) as client:
        app = client.app
        assert isinstance(app, FastAPI)
        app.get("/seen")(_seen)
        app.post("/seen")(_seen)
        app.get("/seen-async")(_seen_async)
        yield app


def _seen() -> dict[str, Any]:
    """On a thread."""
    who = viewer()
    return {"account": who and who.account}


async def _seen_async() -> dict[str, Any]:
    return _seen()


@pytest.fixture
def browser(app: FastAPI, database: Database) -> TestClient:
    """Somebody whom nobody knows, at an address without a past."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM sign_in_attempts"))
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


def ask(client: TestClient, **form: str) -> Any:
    return client.post("/auth/token", data=form)


def password_grant(client: TestClient, account: str = "worker", password: str = PASSWORD) -> Any:
    return ask(client, grant_type="password", username=account, password=password)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign_in(client: TestClient, account: str = "worker", **more: str) -> Any:
    form = {"account": account, "password": PASSWORD, **more}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 303, answer.text
    return answer


def test_a_password_is_exchanged_for_tokens(browser: TestClient) -> None:
    answer = password_grant(browser)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    me = browser.get("/auth/me", headers=bearer(tokens["access_token"])).json()
    assert me == {
        "account": "worker", "role": "worker", "majors": None, "chart": None,
        "area": f"{BANNER}/150622003/{COMMUNITY}/{WEST_GRID}/",
    }  # fmt: skip
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("path", ["/seen", "/seen-async"])
def test_the_viewer_is_set_for_the_whole_request_and_no_other(
    browser: TestClient, path: str
) -> None:
    token = password_grant(browser).json()["access_token"]
    assert browser.get(path, headers=bearer(token)).json() == {"account": "worker"}
    assert browser.get(path).json() == {"account": None}
    assert viewer() is None


def test_wrong_and_unknown_look_and_cost_the_same(browser: TestClient, hashes: Counting) -> None:
    answers = []
    for account, password in (("worker", "wrong password"), ("nobody", "wrong password")):
        before = hashes.verified
        answer = password_grant(browser, account, password)
        page = browser.post("/sign-in", data={"account": account, "password": password})
        answers.append(
            (answer.status_code, answer.text, page.status_code, page.text,
             hashes.verified - before)
        )  # fmt: skip
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    assert answers[0][2] == 401
    assert '"error":"invalid_grant"' in answers[0][1]
    assert answers[0][4] == 2


def test_too_many_guesses_are_told_to_wait(browser: TestClient) -> None:
    for _ in range(5):
        assert password_grant(browser, "worker", "wrong password").status_code == 400
    answer = password_grant(browser)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    page = browser.post("/sign-in?lang=en", data={"account": "worker", "password": PASSWORD})
    assert page.status_code == 429
    assert "try again in" in page.text


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "lxr_x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "\0\ud7ff密"}, "invalid_grant"),
    ],
)
def test_oauth_says_why_not(browser: TestClient, form: dict[str, str], error: str) -> None:
    answer = ask(browser, **form)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == error


def test_refresh_and_revocation(browser: TestClient) -> None:
    first = password_grant(browser).json()
    second = ask(browser, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert browser.get("/auth/me", headers=bearer(second["access_token"])).status_code == 200
    assert browser.post("/auth/revoke", data={"token": second["refresh_token"]}).status_code == 200
    refused = browser.get("/auth/me", headers=bearer(second["access_token"]))
    assert refused.status_code == 401
    again = ask(browser, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    assert browser.post("/auth/revoke", data={"token": "nobody's"}).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "lxs_nobody", "é", "eyJ.eyJ.x"])
def test_a_bad_token_is_a_problem_to_a_program_and_a_way_to_a_browser(
    browser: TestClient, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = browser.get("/seen", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    page = browser.get("/seen?a=1&b=2", headers=headers | PAGE)
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=/seen%3Fa%3D1%26b%3D2"
    assert browser.get("/livez", headers=headers).status_code == 200
    assert "x-request-id" in answer.headers


def test_nobody_is_told_to_sign_in(browser: TestClient) -> None:
    assert browser.get("/auth/me").status_code == 401
    assert browser.post("/auth/kiosk", json={"chart": "all"}).status_code == 401
    assert browser.get("/account", headers=PAGE).headers["location"] == "/sign-in?next=/account"


def test_a_browser_signs_in_and_out_without_a_script(browser: TestClient) -> None:
    page = browser.get("/sign-in?next=/desk/editions&lang=zh")
    assert 'name="next" value="/desk/editions"' in page.text
    answer = sign_in(browser, next="/desk/editions")
    assert answer.headers["location"] == "/desk/editions"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=lxs_")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert browser.get("/seen").json() == {"account": "worker"}
    account = browser.get("/account")
    assert WEST_GRID in account.text
    token = re.search(r'name="csrf_token" value="(\w+)"', account.text)
    assert token is not None
    kept = browser.cookies[COOKIE]
    left = browser.post("/sign-out", data={"csrf_token": token[1]})
    assert left.headers["location"] == "/sign-in"
    assert COOKIE not in browser.cookies
    again = browser.get("/seen", headers={"Cookie": f"{COOKIE}={kept}"})
    assert again.status_code == 401


def test_over_https_the_cookie_is_for_https(app: FastAPI, browser: TestClient) -> None:
    client = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert "Secure" in sign_in(client).headers["set-cookie"]


def test_a_form_of_another_site_changes_nothing(browser: TestClient) -> None:
    sign_in(browser)
    right = csrf_token(browser.cookies[COOKIE])
    good = {"X-CSRF-Token": right}
    assert browser.post("/seen", headers=good).json() == {"account": "worker"}
    assert browser.post("/seen", data={"csrf_token": right}).status_code == 200
    assert browser.post("/seen", headers=good | {"Origin": "http://testserver"}).status_code == 200
    for headers in (
        {}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": right[:-1] + "g"},
        good | {"Origin": "http://evil.example"}, {"Origin": "null"},
        good | {"Sec-Fetch-Site": "cross-site"}, good | {"Sec-Fetch-Site": "same-site"},
        good | {"Origin": "http://testserver.evil.example"},
    ):  # fmt: skip
        answer = browser.post("/seen", headers=headers)
        assert answer.status_code == 403, headers
        assert answer.headers["content-type"] == "application/problem+json"
    assert browser.post("/seen", data={"csrf_token": "0" * 64}).status_code == 403
    assert browser.post("/seen", json={"csrf_token": right}).status_code == 403


def test_an_upload_with_its_token_first_arrives_whole(app: FastAPI, browser: TestClient) -> None:
    sign_in(browser, "administrator")
    files = {"file": ("a.geojson", b"x" * 300_000)}
    unmarked = browser.post("/desk/editions", files=files)
    assert unmarked.status_code == 403
    marked = browser.post(
        "/desk/editions?lang=en", files=files,
        data={"csrf_token": csrf_token(browser.cookies[COOKIE])},
    )  # fmt: skip
    assert marked.status_code == 422
    assert "a.geojson" in marked.text


def test_a_bearer_token_needs_no_second_one(browser: TestClient) -> None:
    token = password_grant(browser).json()["access_token"]
    headers = bearer(token) | {"Origin": "http://evil.example"}
    assert browser.post("/seen", headers=headers).json() == {"account": "worker"}


def test_nobody_is_signed_in_by_another_site(browser: TestClient) -> None:
    form = {"account": "worker", "password": PASSWORD}
    assert browser.get("/sign-in").headers["referrer-policy"] == "same-origin"
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"},
                    {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        answer = browser.post("/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "asked",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
     "/\t/evil", "/a\r\nSet-Cookie: x=1", "\\\\evil", "/sign-in?next=/", "evil", "",
     "/" + "a" * 1500],
)  # fmt: skip
def test_after_signing_in_one_stays_here(browser: TestClient, asked: str) -> None:
    assert own_path(asked) == "/"
    assert sign_in(browser, next=asked).headers["location"] == "/"


def test_a_wall_shows_its_chart_by_a_token(browser: TestClient, app: FastAPI) -> None:
    token = password_grant(browser, "community").json()["access_token"]
    answer = browser.post("/auth/kiosk", json={"chart": WEST_GRID}, headers=bearer(token))
    assert answer.status_code == 201
    wall = TestClient(app, follow_redirects=False)
    opened = wall.post("/sign-in", data={"kiosk": answer.json()["token"]})
    assert opened.headers["location"] == f"/charts/{WEST_GRID}.html"
    assert wall.get(f"/charts/{WEST_GRID}.html").status_code == 200
    for other in (f"/charts/{COMMUNITY}.html", "/charts/all.html", "/charts", "/editions/1/grids"):
        refused = wall.get(other)
        assert refused.status_code == 403, other
        assert f"/charts/{WEST_GRID}.html" in refused.json()["detail"]
    for kept in ("/cases", "/residents", "/audit"):
        assert wall.get(kept).status_code == 403
    me = wall.get("/auth/me").json()
    assert (me["role"], me["chart"]) == ("wall", WEST_GRID)
    refused = browser.post("/auth/kiosk", json={"chart": "all"}, headers=bearer(token))
    assert refused.status_code == 403
    browser.post("/auth/revoke", data={"token": answer.json()["token"]})
    assert wall.get("/auth/me").status_code == 401
    assert wall.post("/sign-in", data={"kiosk": answer.json()["token"]}).status_code == 401


def test_a_disabled_account_is_out_within_five_seconds(
    browser: TestClient, database: Database, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_account(database, NewAccount("leaver", Role.AUDITOR), PASSWORD)
    token = password_grant(browser, "leaver").json()["access_token"]
    sign_in(browser, "leaver")
    assert browser.get("/auth/me", headers=bearer(token)).status_code == 200
    assert browser.get("/seen").json() == {"account": "leaver"}
    disable_account(database, "leaver")
    later = time.time() + 5
    monkeypatch.setattr(app.state.services.identities, "_clock", lambda: later)
    assert browser.get("/auth/me", headers=bearer(token)).status_code == 401
    assert browser.get("/seen").status_code == 401


def test_the_same_origin_is_the_same_host_and_port() -> None:
    host = {b"host": b"lianxin:8000"}
    assert same_origin(host | {b"origin": b"http://lianxin:8000"})
    assert same_origin(host | {b"sec-fetch-site": b"same-origin"})
    assert same_origin(host | {b"origin": b"null", b"sec-fetch-site": b"same-origin"})
    assert same_origin(host | {b"origin": b"null"}, unnamed=True)
    assert not same_origin(host | {b"origin": b"null"})
    assert not same_origin(host | {b"origin": b"http://lianxin:8001"}, unnamed=True)
    assert not same_origin(host | {b"sec-fetch-site": b"none"})


def test_the_docs_know_how_to_sign_in(browser: TestClient) -> None:
    schema = browser.get("/openapi.json").json()
    flow = schema["components"]["securitySchemes"]["password"]["flows"]["password"]
    assert flow["tokenUrl"] == "/auth/token"
    assert {"password": []} in schema["security"]


def test_no_password_and_no_token_is_logged(
    database: Database, hashes: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_url(database.engine.url).render_as_string(hide_password=False)
    with serve_with(url, log_level="info") as client:
        tokens = password_grant(client).json()
        client.get("/auth/me", headers=bearer(tokens["access_token"]))
        client.get("/auth/me", headers=bearer("no.such.token"))
        password_grant(client, "worker", "a wrong password")
    said = capsys.readouterr().err
    assert "/auth/token" in said
    for secret in (PASSWORD, "a wrong password", *map(str, tokens.values())):
        if secret not in {"Bearer", "600"}:
            assert secret not in said
