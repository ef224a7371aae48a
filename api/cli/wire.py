"""HTTP as it comes over the wire: heads that are endless or never come are cut off.

uvicorn reads a head of any size and waits for it for ever. What it cannot parse is refused here in
the same form as everywhere.
"""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.gate import HEAD_BYTES_MAX, TARGET_BYTES_MAX
from api.headers import completed
from api.problems import problem
from api.schemas.problems import Row

HEAD_S: Final = 15.0
"""Within so many seconds must the head of a request have come."""

_MALFORMED: Final = Row(HTTPStatus.BAD_REQUEST, "Malformed request", "请求有误")
_TOO_LARGE: Final = Row(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large", "请求头过大"
)
_TOO_SLOW: Final = Row(HTTPStatus.REQUEST_TIMEOUT, "Request too slow", "请求过慢")


class Wire(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, as long as it is no endless head."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX + TARGET_BYTES_MAX:
                self._refuse(_TOO_LARGE, "The headers have no end.")

    def on_message_begin(self) -> None:
        """Begin to count the next head of the connection."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._head_timer is None:
            self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what stands behind a body in pieces is nothing that we read."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - in words of ours
        """Refuse what is not HTTP."""
        self._refuse(_MALFORMED, "This is not a request that can be read as HTTP/1.1.")

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self._refuse(_TOO_SLOW, f"The request did not come within {HEAD_S:.0f} s.")

    def _refuse(self, row: Row, detail: str) -> None:
        """Say why, and hang up; an answer under way is cut instead of being mixed with it."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        answer = problem(row, row.title.lower().replace(" ", "-"), detail)
        headers = completed([*answer.raw_headers, (b"connection", b"close")], "", "-")
        head = [f"HTTP/1.1 {row.status.value} {row.status.phrase}".encode()]
        head += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.close()
