"""What comes over the wire and is no request of a browser's."""

import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.cli import wire
from api.cli.process import server_for, take_port

Address = tuple[str, int]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Say how many bytes came, and how many headers."""
    if scope["type"] != "http":
        return
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} {len(scope['headers'])}")(scope, receive, send)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    monkeypatch.setattr(wire, "HEAD_S", 1.0)
    with take_port("127.0.0.1", 0) as taken:
        server = server_for(echo)  # type: ignore[arg-type] # any app will do
        server.config.lifespan = "off"
        thread = threading.Thread(target=server.run, args=([taken],))
        thread.start()
        yield taken.getsockname()
        server.should_exit = True
        thread.join()


def say(address: Address, *pieces: bytes) -> bytes:
    """Send pieces; return all that comes until the other side hangs up, or 20 s are over."""
    with socket.create_connection(address, timeout=20) as line:
        heard = b""
        try:
            for piece in pieces:
                line.sendall(piece)
            while block := line.recv(1 << 16):
                heard += block
        except (ConnectionResetError, BrokenPipeError):
            pass
        return heard


GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n" + CLOSE


def test_what_is_in_order_is_answered_and_nobody_says_by_what(address: Address) -> None:
    heard = say(address, GET + CLOSE + b"\r\n")
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"uvicorn" not in heard


def test_several_requests_come_over_one_line(address: Address) -> None:
    heard = say(address, (GET + b"\r\n") * 3, GET + CLOSE + b"\r\n")
    assert heard.count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_line_is_cut(address: Address, sent: bytes) -> None:
    heard = say(address, sent)
    assert heard.count(b"HTTP/1.1 ") <= 1
    assert not heard.startswith(b"HTTP/1.1 5")
    if heard:
        assert heard.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"application/problem+json" in heard
        assert b"x-content-type-options: nosniff" in heard


@pytest.mark.parametrize("piece", [b"A: " + b"b" * 60_000 + b"\r\n", b"c" * 60_000])
def test_a_head_without_end_is_cut_off(address: Address, piece: bytes) -> None:
    heard = say(address, GET, *[piece] * 100)
    assert heard == b"" or heard.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET])
def test_a_head_that_never_comes_is_not_waited_for(address: Address, sent: bytes) -> None:
    assert say(address, sent).startswith(b"HTTP/1.1 408 ")


def test_headers_behind_a_body_are_left_aside(address: Address) -> None:
    trailers = b"".join(b"X-%d: y\r\n" % n for n in range(1000))
    body = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + trailers + b"\r\n"
    assert say(address, POST + body).endswith(b"\r\n\r\n3 3")
