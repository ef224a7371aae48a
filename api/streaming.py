"""An answer sent while its request still comes: three tasks, and little in memory between them.

One takes the body in and holds the client back when we are behind; one works, in a thread, on what
is there; one sends what is ready. What cannot be read any further is a problem as long as nothing
was sent; later the form says so itself, or the connection is cut so that nobody takes a part for
the whole.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import anyio
import orjson
import structlog
from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.forms.form import Encoded, Form
from api.schemas.problems import Refusal
from api.spool import Spool
from gis.errors import GisError
from layers.errors import LayersError

BLOCK_BYTES: Final = 1024 * 1024
"""So much of a body is worked on at once, or what came within :data:`_GATHER_S`."""

_GATHER_S: Final = 0.05
_LINGER_S: Final = 10.0

_LOG = structlog.get_logger(__name__)


class Work(Protocol):
    """What turns the bytes of a request into those of its answer."""

    form: Form
    rows: int

    def feed(self, data: bytes) -> Iterator[Encoded]:
        """Take what came; give what can be answered."""

    def finish(self) -> Iterator[Encoded]:
        """Take note that nothing more comes; give the rest."""


@dataclass(frozen=True)
class Limits:
    """How long it may take, how much may wait on disk and where."""

    seconds: float
    spool_bytes: int
    spool_dir: Path | None


class StreamedAnswer(Response):
    """The answer to a body that is worked on as it comes."""

    def __init__(
        self,
        work: Work,
        limits: Limits,
        *,
        threads: CapacityLimiter,
        headers: dict[str, str],
        problem_of: Callable[[Exception], Response],
    ) -> None:
        self.status_code = HTTPStatus.OK
        self.background = None
        self._work = work
        self._limits = limits
        self._threads = threads
        self._more_headers = headers
        self._problem_of = problem_of
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer."""
        inbox = _Inbox(receive)
        spool = Spool(self._limits.spool_bytes, self._limits.spool_dir)
        failure: Exception | None = None
        whole = False
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(inbox.fill, tasks.cancel_scope)
                sent = anyio.Event()
                tasks.start_soon(self._send_out, spool, send, sent)
                failure = await self._answer(inbox, spool)
                whole = await self._close(failure, inbox, spool, sent)
                tasks.cancel_scope.cancel()
        finally:
            spool.discard()
        if inbox.gone and not whole:
            _LOG.info("client_left", rows=self._work.rows)
            raise ClientDisconnect
        if failure is not None and not self._begun:
            raise failure
        if whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # Else nothing ends the answer, and the server cuts the connection.

    async def _answer(self, inbox: "_Inbox", spool: Spool) -> Exception | None:
        """Work until the body ends; return what went wrong."""
        try:
            with anyio.fail_after(self._limits.seconds):
                while data := await inbox.take():
                    await self._run(self._work.feed(data), spool)
                if inbox.failure is not None:
                    return inbox.failure
                await self._run(self._work.finish(), spool)
        except TimeoutError:
            return self._too_long()
        except (Refusal, GisError, LayersError) as error:
            return error
        return None

    async def _run(self, answers: Iterator[Encoded], spool: Spool) -> None:
        """Work on one block in a thread, a batch at a time."""
        while True:
            answer = await to_thread.run_sync(next, answers, None, limiter=self._threads)
            if answer is None:
                return
            if len(answer):
                await spool.put(answer)
                self._begun = True

    async def _close(
        self, failure: Exception | None, inbox: "_Inbox", spool: Spool, sent: anyio.Event
    ) -> bool:
        """See the answer to its end; return whether it is whole, if only in saying what failed."""
        inbox.ignore_rest()
        if failure is None:
            self._begun = True  # with an empty body, where there is nothing to say
            spool.close()
            await sent.wait()
            return True
        if not self._begun:
            return False
        problem = self._problem_of(failure)
        words = bytes(problem.body)
        # Its kind alone: the words may name a column.
        kind = orjson.loads(words)["type"].rpartition(":")[2]
        _LOG.warning("stream_failed", kind=kind, rows=self._work.rows)
        last = self._work.form.failed(words)
        with anyio.move_on_after(_LINGER_S), suppress(Refusal):
            if last is not None:
                await spool.put(last)
            spool.close()
            await sent.wait()
            if last is not None:
                return True
            await inbox.ended.wait()  # or the client would lose what it did not read yet
        return False

    async def _send_out(self, spool: Spool, send: Send, sent: anyio.Event) -> None:
        """Send what is ready, the headers before the first of it."""
        begun = False
        while (piece := await spool.get()) is not None:
            if not begun:
                await self._send_headers(send)
                begun = True
            await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        if self._begun and not begun:
            await self._send_headers(send)
        sent.set()

    async def _send_headers(self, send: Send) -> None:
        headers = {"content-type": self._work.form.answer_type, **self._more_headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status_code, "headers": raw})

    def _too_long(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            "The request took too long",
            "请求超时",
            f"It was not done after {self._limits.seconds:,.0f} seconds "
            "(LIANXIN_ROUTE_SECONDS_MAX). Send the points in several requests.",
        )


class _Inbox:
    """What came of a body and was not worked on yet; not much more than a block."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: list[bytes] = []
        self._size = 0
        self._came = anyio.Event()
        self._room = anyio.Event()
        self._ignoring = False
        self.ended = anyio.Event()
        self.failure: Exception | None = None
        self.gone = False

    async def fill(self, all_tasks: anyio.CancelScope) -> None:
        """Receive until the client leaves; then end everything."""
        try:
            while not self.ended.is_set():
                await self._one()
        except HTTPException as error:  # the body is too large
            self.failure = Refusal(
                HTTPStatus(error.status_code), "Request too large", "请求过大", error.detail
            )
            self.ended.set()
            self._came.set()
        else:
            while not self.gone:
                await self._one()
        if self.gone:
            all_tasks.cancel()

    async def take(self) -> bytes:
        """Return a block, or what came within a moment; nothing when nothing more comes."""
        while not self._size and not self.ended.is_set():
            await self._came.wait()
            self._came = anyio.Event()
        with anyio.move_on_after(_GATHER_S):
            while self._size < BLOCK_BYTES and not self.ended.is_set():
                await self._came.wait()
                self._came = anyio.Event()
        data, self._pieces, self._size = b"".join(self._pieces), [], 0
        self._room.set()
        self._room = anyio.Event()
        return data

    def ignore_rest(self) -> None:
        """Let whatever still comes go by."""
        self._ignoring = True
        self._room.set()

    async def _one(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone = True
            self.ended.set()
        else:
            if (body := message.get("body", b"")) and not self._ignoring:
                self._pieces.append(body)
                self._size += len(body)
            if not message.get("more_body", False):
                self.ended.set()
        self._came.set()
        while self._size >= BLOCK_BYTES and not (self._ignoring or self.gone):
            await self._room.wait()
