"""What the operator sees: structured logs, metrics, and the request's own number.

No log line holds a name, a number, an address, a query string or the words of a report: requests
are named by their route's template, errors by their type and place in the code.
"""

import logging
import os
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict

from api.headers import completed

_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REQUEST_ID: ContextVar[str] = ContextVar("request_id")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

FIGURES_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where it is set, as for a worker, prometheus_client keeps all figures in files of that folder."""

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
            "lianxin_edition_in_force",
            "Edition by which a process answers, 0 for none.",
            registry=self.registry,
            multiprocess_mode="liveall",  # each process's own, so that one that lags is seen
        )
        # To look a figure up by its labels takes longer than to count.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request and how long it took."""
        key = method, route, status
        found = self._children.get(key)
        if found is None:
            found = (
                self.requests.labels(method, route, str(status)),
                self.latency.labels(method, route),
            )
            self._children[key] = found
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them, those of our fellow workers included."""
        if FIGURES_FOLDER not in os.environ:
            return generate_latest(self.registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call] # it registers itself
        return generate_latest(everybody)


def configure_logging(level: str) -> None:
    """Write one JSON object a line to standard error, our own lines and the libraries' alike."""
    threshold = logging.getLevelName(level.upper())
    shared: list[Any] = [
        _add_request_id,
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
        self.log = _LOG.bind()  # once: the lazy one binds itself anew for every line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and see to what every answer needs."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        _REQUEST_ID.set(request_id)  # each request runs in a context of its own
        status = 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = completed(
                    message.get("headers", ()), scope["path"], request_id
                )
            await send(message)

        try:
            await self.app(scope, self._limited(scope, headers, receive), respond)
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
        self.metrics.answered(method, route, status, seconds)
        write = self.log.debug if route in _QUIET else self.log.info
        write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))

    def _limited(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """Refuse a body that is, or turns out to be, too large, as soon as somebody reads it."""
        limit, setting = self.body_limits.get((scope["method"], scope["path"]), self.body_limit)
        length = headers.get(b"content-length", b"0")
        announced = int(length) if length.isdigit() else 0
        if 0 < announced <= limit:
            return receive  # the server lets nobody send more than announced
        seen = announced

        async def counted() -> Message:
            nonlocal seen
            if seen <= limit:
                message = await receive()
                seen += len(message.get("body", b""))
                if seen <= limit:
                    return message
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body is larger than {limit:,} bytes ({setting}). Send less at once, or have "
                "the limit raised.",
            )

        return counted


def route_template(scope: Scope) -> str:
    """Return the route that a request took, as declared and so without anybody's data."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if path is not None:
        return str(path)
    return "/assets" if scope["path"].startswith("/assets/") else "unmatched"


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if _SANE_ID.fullmatch(given) else secrets.token_hex(16)


def _add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    request_id = _REQUEST_ID.get(None)
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


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
