import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import anyio
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from api import gate
from api.gate import AccountGate, Gate
from api.problems import problem_of
from api.rates import Buckets, Proxies
from layers.errors import SettingsInvalid
from layers.settings import Settings, load_settings
from layers.viewer import EVERYWHERE, Viewer, seen_by
from layers.vocabulary import Role
from tests.api.conftest import INSIDE, serve_with

PAIR = tuple[int, dict[str, str]]


def settings(**limits: Any) -> Settings:
    return Settings(**limits)


async def says_who(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"{scope['client'][0]} {scope['scheme']}")(scope, receive, send)


def ask(
    app: Any, peer: str = "198.51.100.7", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """What an app answers to somebody at an address."""
    sent: list[Message] = []
    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
        "scheme": "http", "client": (peer, 1),
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    told = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], told, sent[1]["body"].decode()


def a_gate(**limits: Any) -> Gate:
    return Gate(says_who, settings=settings(**limits), answer=problem_of)


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    guarded = a_gate(rate_address_per_minute=3)
    assert [ask(guarded)[0] for _ in range(4)] == [200, 200, 200, 429]
    status, headers, body = ask(guarded)
    assert status == HTTPStatus.TOO_MANY_REQUESTS
    assert 1 <= int(headers["retry-after"]) <= 20
    assert "请求过于频繁" in body
    assert ask(guarded, "198.51.100.8")[0] == 200


def test_this_machine_is_not_counted_unless_it_shall_be() -> None:
    assert {ask(a_gate(rate_address_per_minute=1), "127.0.0.1")[0] for _ in range(3)} == {200}
    counted = a_gate(rate_address_per_minute=1, rate_loopback_exempt=False)
    assert [ask(counted, "127.0.0.1")[0] for _ in range(2)] == [200, 429]


def test_all_addresses_of_an_ipv6_household_count_as_one() -> None:
    guarded = a_gate(rate_address_per_minute=1)
    assert ask(guarded, "2001:db8::1")[0] == 200
    assert ask(guarded, "2001:db8::2")[0] == 429
    assert ask(guarded, "2001:db8:0:1::2")[0] == 200


def test_only_a_trusted_proxy_says_for_whom_it_asks() -> None:
    told = {"x-forwarded-for": "6.6.6.6, 198.51.100.9", "x-forwarded-proto": "https"}
    trusting = a_gate(trusted_proxies="10.0.0.0/8, ::1")
    assert ask(trusting, "10.1.2.3", told)[2] == "198.51.100.9 https"
    assert ask(trusting, "203.0.113.4", told)[2] == "203.0.113.4 http"
    assert ask(a_gate(), "10.1.2.3", told)[2] == "10.1.2.3 http"


@pytest.mark.parametrize("named", ["", "unknown", "'; DROP TABLE cases", ",,,", "1.2.3.4:80"])
def test_what_is_no_address_leaves_the_proxy_itself(named: str) -> None:
    assert Proxies("10.0.0.1").client("10.0.0.1", named) == "10.0.0.1"


def test_a_proxy_that_is_no_address_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_TRUSTED_PROXIES", "10.0.0.0/8, nginx")
    with pytest.raises(SettingsInvalid, match=r"LIANXIN_TRUSTED_PROXIES.*10\.0\.0\.0/8"):
        load_settings()


def test_an_account_is_counted_wherever_it_asks_from() -> None:
    inner = AccountGate(says_who, settings=settings(rate_account_per_minute=2), answer=problem_of)
    li, wang = (Viewer(name, Role.WORKER, EVERYWHERE) for name in ("li", "wang"))
    with seen_by(li):
        answers = [ask(inner, f"198.51.100.{n}")[0] for n in range(3)]
    with seen_by(wang):
        other = ask(inner)[0]
    nobody = [ask(inner)[0] for _ in range(3)]
    assert (answers, other, nobody) == ([200, 200, 429], 200, [200] * 3)


def test_a_bucket_fills_again_and_the_table_stays_small() -> None:
    now = [0.0]
    buckets = Buckets(60, keys_max=10, clock=lambda: now[0])
    assert [buckets.wait_s("a") for _ in range(61)][-1] == pytest.approx(1.0)
    now[0] = 2.0
    assert [buckets.wait_s("a") for _ in range(3)] == pytest.approx([0.0, 0.0, 1.0])
    for number in range(1000):
        buckets.wait_s(str(number))
    assert len(buckets) == 10


def slow_body(pauses: Callable[[int], float]) -> Receive:
    count = [0]

    async def receive() -> Message:
        count[0] += 1
        await anyio.sleep(pauses(count[0]))
        return {"type": "http.request", "body": b"x", "more_body": True}

    return receive


@pytest.mark.parametrize("pause_s", [0.01, 60.0])
def test_a_body_that_drips_or_stops_is_given_up(
    monkeypatch: pytest.MonkeyPatch, pause_s: float
) -> None:
    monkeypatch.setattr(gate, "IDLE_S", 0.2)

    async def reads(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    guarded = Gate(reads, settings=settings(body_seconds_max=1), answer=problem_of)
    scope = {
        "type": "http", "method": "POST", "path": "/cases", "raw_path": b"/cases",
        "query_string": b"", "scheme": "http", "client": ("198.51.100.7", 1),
        "headers": [(b"content-length", b"1000000")],
    }  # fmt: skip

    async def send(message: Message) -> None:
        raise AssertionError

    with pytest.raises(gate.HTTPException) as refused:
        asyncio.run(guarded(scope, slow_body(lambda _: pause_s), send))
    assert refused.value.status_code == HTTPStatus.REQUEST_TIMEOUT
    assert refused.value.headers == {"Connection": "close"}


def test_the_service_refuses_long_heads_and_too_many_requests(town_url: str) -> None:
    with serve_with(town_url, rate_address_per_minute=5, rate_account_per_minute=0) as client:
        long = client.get("/route", params={**INSIDE, "datum": "x" * 20_000})
        cookies = client.get("/livez", headers={"Cookie": "a=" + "b" * 100_000})
        many = client.get("/livez", headers={f"x-{n}": "1" for n in range(300)})
        last = [client.get("/livez") for _ in range(6)][-1]
    assert (long.status_code, cookies.status_code, many.status_code) == (414, 431, 431)
    assert "x" * 100 not in long.text
    assert last.status_code == 429
    assert last.headers["content-type"] == "application/problem+json"
    assert last.headers["x-content-type-options"] == "nosniff"
    assert last.headers["x-request-id"]
