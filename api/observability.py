"""What the operator sees: structured logs, metrics, and the request's own number.

No log line holds a name, a number, an address, a query string or the words of a report: requests
are named by their route's template, errors by their type and place in the code.
"""

import logging
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""For every answer that doesn't bring a policy of its own."""

_SECURITY_HEADERS: Final = (
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_LOG = structlog.get_logger("api")


class Metrics:
    """The figures of one running service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            "lianxin_requests", "Requests answered.", (*labels, "status"), registry=self.registry
        )
        self.latency = Histogram(
            "lianxin_request_seconds",
            "Time from a request to its answer.",
            labels,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.cases_reported = Counter(
            "lianxin_cases_reported", "Cases stored, by rule.", ("rule",), registry=self.registry
        )
        self.edition_in_force = Gauge(
            "lianxin_edition_in_force", "Edition in force, 0 for none.", registry=self.registry
        )

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)


def configure_logging(level: str) -> None:
    """Write one JSON object a line to standard error, our own lines and the libraries' alike."""
    threshold = logging.getLevelName(level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.processors.JSONRenderer(serializer=_json)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_names: _StandardError(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Stream())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.set_name("lianxin")
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if each.get_name() != "lianxin"] + [handler]
    root.setLevel(max(threshold, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(threshold)
    # It writes query strings, and so where people are; each request has a line of ours.
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


class BodyLimit(NamedTuple):
    """How many bytes a body may have, and which setting says so."""

    bytes_max: int
    setting: str


class Observer:
    """ASGI middleware around everything: number, log, figures, safe headers, size limit, 500."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        body_limit: BodyLimit,
        body_limits: Mapping[tuple[str, str], BodyLimit],
        answer: Callable[[Exception], Response],
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.body_limit = body_limit
        self.body_limits = body_limits
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and see to what every answer needs."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
            await send(message)

        try:
            await self.app(scope, self._limited(scope, receive), respond)
        except ClientDisconnect:
            status = 499  # nobody is left to answer
        except Exception as error:
            # Its type and place only: the message of an error may hold personal data.
            _LOG.error("request_failed", error=type(error).__name__, at=_places(error))
            if status:
                raise  # the answer has begun; the server cuts the connection
            await self.answer(error)(scope, receive, respond)
        finally:
            self._record(scope, status or 500, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.latency.labels(method, route).observe(seconds)
        write = _LOG.debug if route in _QUIET else _LOG.info
        write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse a body that is, or turns out to be, too large, as soon as somebody reads it."""
        limit, setting = self.body_limits.get((scope["method"], scope["path"]), self.body_limit)
        announced = Headers(scope=scope).get("content-length", "0")
        too_large = HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {limit:,} bytes ({setting}). Send it in several parts.",
        )
        if announced.isdecimal() and int(announced) <= limit and announced != "0":
            return receive  # the server lets nobody send more than announced
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if announced.isdecimal() and int(announced) > limit:
                raise too_large
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise too_large
            return message

        return counted


def route_template(scope: Scope) -> str:
    """Return the route that a request took, as declared and so without anybody's data."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if path is not None:
        return str(path)
    return "/assets" if scope["path"].startswith("/assets/") else "unmatched"


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(given):
                return str(given)
    return uuid.uuid4().hex


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _SECURITY_HEADERS:
        headers.setdefault(name, value)
    headers["x-request-id"] = request_id


def _places(error: BaseException) -> list[str]:
    """Return where in the code an error came from; never its message."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=repr).decode()


class _StandardError:
    """Writes a line to whatever standard error is at that moment."""

    def _write(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")

    msg = debug = info = warning = error = critical = exception = _write


class _Stream:
    """The same for the standard library's handlers."""

    def write(self, text: str) -> None:
        """Write to standard error."""
        sys.stderr.write(text)

    def flush(self) -> None:
        """Flush standard error."""
        sys.stderr.flush()
