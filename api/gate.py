"""The gate: who asks, how often, how long the request's head is, and how slowly its body comes."""

import math
import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final

import anyio
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rates import Buckets, Proxies, is_loopback, origin_of
from api.schemas.problems import Refusal
from layers.settings import Settings
from layers.viewer import viewer
from layers.vocabulary import Role

TARGET_BYTES_MAX: Final = 16 * 1024
"""Of a path with its query."""

HEAD_BYTES_MAX: Final = 64 * 1024
"""Of all headers together."""

HEADERS_MAX: Final = 200

IDLE_S: Final = 30.0
"""So long may a body pause."""

Answer = Callable[[Exception], Response]


class Gate:
    """ASGI middleware outside everything that knows who is signed in."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        answer: Answer,
        patient: Collection[tuple[str, str]] = (),
    ) -> None:
        self.app = app
        self.answer = answer
        self.patient = patient
        self.body_seconds_max = settings.body_seconds_max
        self.loopback_exempt = settings.rate_loopback_exempt
        self.proxies = Proxies(settings.trusted_proxies)
        self.buckets = _buckets(settings.rate_address_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._look_through_proxies(scope)
        refused = _unreadable(scope) or self._too_often(scope)
        if refused is not None:
            await self.answer(refused)(scope, receive, send)
            return
        await self.app(scope, self._timed(scope, receive), send)

    def _look_through_proxies(self, scope: Scope) -> None:
        """Put who asks in the place of a proxy that we trust, and how it was asked."""
        client = scope.get("client")
        if client is None or not self.proxies.trusts(client[0]):
            return
        forwarded = ",".join(_texts(scope, b"x-forwarded-for"))
        scope["client"] = (self.proxies.client(client[0], forwarded), 0)
        schemes = _texts(scope, b"x-forwarded-proto")
        if schemes and schemes[-1].strip().lower() in ("http", "https"):
            scope["scheme"] = schemes[-1].strip().lower()

    def _too_often(self, scope: Scope) -> Refusal | None:
        client = scope.get("client")
        if self.buckets is None or client is None:
            return None
        address = client[0]
        if self.loopback_exempt and is_loopback(address):
            return None
        return _refused(self.buckets, origin_of(address), "address")

    def _timed(self, scope: Scope, receive: Receive) -> Receive:
        """Wait for a body as long as it comes, and no longer."""
        names = {name for name, _ in scope["headers"]}
        if not names & {b"content-length", b"transfer-encoding"}:
            return receive
        if (scope["method"], scope["path"]) in self.patient:
            return receive
        deadline = time.monotonic() + self.body_seconds_max
        more = True

        async def timed() -> Message:
            nonlocal more
            if not more:
                return await receive()
            left = min(IDLE_S, deadline - time.monotonic())
            try:
                with anyio.fail_after(max(left, 0)):
                    message = await receive()
            except TimeoutError:
                raise _too_slow(self.body_seconds_max) from None
            more = bool(message.get("more_body", False))
            return message

        return timed


class AccountGate:
    """ASGI middleware inside of what says who looks: how often one account may ask."""

    def __init__(self, app: ASGIApp, *, settings: Settings, answer: Answer) -> None:
        self.app = app
        self.answer = answer
        self.buckets = _buckets(settings.rate_account_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        who = viewer() if scope["type"] == "http" and self.buckets is not None else None
        refused = None
        # The service itself has no account, and no limit.
        if who is not None and who.role is not Role.SYSTEM and self.buckets is not None:
            refused = _refused(self.buckets, who.account, "account")
        if refused is None:
            await self.app(scope, receive, send)
        else:
            await self.answer(refused)(scope, receive, send)


def _buckets(per_minute: int) -> Buckets | None:
    return Buckets(per_minute) if per_minute else None


def _refused(buckets: Buckets, key: str, what: str) -> Refusal | None:
    wait_s = buckets.wait_s(key)
    if not wait_s:
        return None
    seconds = math.ceil(wait_s)
    setting = f"LIANXIN_RATE_{what.upper()}_PER_MINUTE"
    return Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "请求过于频繁",
        f"More than {buckets.per_minute:,} requests a minute came from this {what} ({setting}). "
        f"Ask again in {seconds} s; many points go in one POST /route.",
        headers={"Retry-After": str(seconds)},
    )


def _unreadable(scope: Scope) -> Refusal | None:
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        return _closing(
            HTTPStatus.UNPROCESSABLE_ENTITY, "Malformed request", "请求有误",
            "The address holds the character NUL (%00), which no name and no text has.",
        )  # fmt: skip
    target = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
    if target > TARGET_BYTES_MAX:
        return _closing(
            HTTPStatus.REQUEST_URI_TOO_LONG, "Address too long", "地址过长",
            f"The path and its query have {target:,} bytes; at most {TARGET_BYTES_MAX:,} are read.",
        )  # fmt: skip
    headers = scope["headers"]
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    if size > HEAD_BYTES_MAX or len(headers) > HEADERS_MAX:
        return _closing(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large", "请求头过大",
            f"The headers are {len(headers):,} with {size:,} bytes; at most {HEADERS_MAX:,} with "
            f"{HEAD_BYTES_MAX:,} bytes are read. Clear the cookies of this address.",
        )  # fmt: skip
    return None


def _closing(status: HTTPStatus, title: str, title_zh: str, detail: str) -> Refusal:
    return Refusal(status, title, title_zh, detail, headers={"Connection": "close"})


def _too_slow(seconds: int) -> HTTPException:
    # Not a Refusal: FastAPI lets through what Starlette raises, and calls all else a bad body.
    return HTTPException(
        HTTPStatus.REQUEST_TIMEOUT,
        f"The body did not come within {seconds} s (LIANXIN_BODY_SECONDS_MAX), or paused for more "
        f"than {IDLE_S:.0f} s. Send it again, in smaller parts where the line is slow.",
        headers={"Connection": "close"},
    )


def _texts(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
