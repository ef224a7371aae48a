"""Many points through a real service, over loopback: both ways at once, in constant memory."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from layers.session import open_database
from layers.settings import Settings
from tests.api.conftest import COMMUNITY, INSIDE, STEP, WEST_GRID, publish_grids, square

COMMAND = [sys.executable, "-c", "import api.cli; api.cli.main()", "serve"]
NDJSON, CSV = "application/x-ndjson", "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
READY_S = 60.0
X, Y = INSIDE["lon"], INSIDE["lat"]
LINE = json.dumps({"lon": X, "lat": Y}).encode() + b"\n"


@dataclass
class Running:
    """A service in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text("utf-8")

    def memory_kb(self, what: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what))

    def ask(self, method: str, path: str, body: Any = None, kind: str = NDJSON) -> "Answered":
        """Send everything, and only then begin to read."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers["content-type"], answer.read())

    def post(self, body: bytes, kind: str) -> "Answered":
        return self.ask("POST", "/route?datum=cgcs2000", body, kind)

    def edition(self) -> int:
        answer = self.ask("GET", f"/route?lon={X}&lat={Y}&datum=cgcs2000")
        return int(json.loads(answer.body)["edition"])


class Answered(NamedTuple):
    """An answer that was read to its end."""

    status: int
    kind: str
    body: bytes


@contextmanager
def running(database_url: str, folder: Path, **limits: int) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LIANXIN_", "MAKELEVEL"))}
    environment = {
        **kept,
        "LIANXIN_DATABASE_URL": database_url,
        "LIANXIN_PORT": str(port),
        **{f"LIANXIN_{name.upper()}": str(value) for name, value in limits.items()},
    }
    log = folder / f"log-{port}"
    with log.open("wb") as file:
        process = subprocess.Popen(COMMAND, env=environment, stdout=file, stderr=file)
    service = Running(port, process, log)
    try:
        wait_until(lambda: "Ctrl-C" in service.log() or process.poll() is not None)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def service(
    clone: Callable[[str], str], town: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A service with the usual limits, for tests that store nothing."""
    with running(clone(town), tmp_path_factory.mktemp("service")) as service:
        yield service


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class ByHand:
    """A request whose body is sent a chunk at a time, and whose answer is read meanwhile."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.answer = HTTPResponse(connection)

    def send(self, data: bytes) -> None:
        self.connection.sendall(chunk(data))

    def end(self) -> None:
        self.connection.sendall(b"0\r\n\r\n")

    def begin(self) -> HTTPResponse:
        self.answer.begin()
        return self.answer


@contextmanager
def by_hand(service: Running, content_type: str) -> Iterator[ByHand]:
    """Open a request."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(
            b"POST /route?datum=cgcs2000 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
        )
        request = ByHand(connection)
        with closing(request.answer):
            yield request


def test_two_million_points_in_one_request_take_little_memory(service: Running) -> None:
    count, batches = 50_000, 40
    chance = np.random.default_rng(3)
    batch = pa.record_batch({
        "lon": X + chance.uniform(-0.4, 0.4, count) * STEP,
        "lat": Y + chance.uniform(-0.4, 0.4, count) * STEP,
    })  # fmt: skip

    def send(request: ByHand, batches: int) -> None:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            for _ in range(batches):
                writer.write_batch(batch)
                request.send(sink.getvalue())
                sink.seek(0)
                sink.truncate()
        request.send(sink.getvalue())
        request.end()

    def routed(batches: int) -> list[int]:
        with by_hand(service, ARROW) as request:
            sender = threading.Thread(target=send, args=[request, batches])
            sender.start()
            answer = request.begin()
            reader = pa.ipc.open_stream(answer)
            told = []
            while len(told) < batches * 2:  # each is cut in two
                found = reader.read_next_batch_with_custom_metadata()
                assert found.batch["grid_code"].unique().to_pylist() == [WEST_GRID]
                told.append(int(found.custom_metadata[b"lianxin.rows"]))
            assert answer.read() == b"\xff\xff\xff\xff\0\0\0\0"  # the end of the stream
            sender.join()
        return told

    routed(1)  # what is loaded once is not growth
    before = service.memory_kb("VmRSS")
    assert routed(batches)[-1] == count * batches
    assert service.memory_kb("VmHWM") - before < 150 * 1024


def test_each_row_is_answered_while_the_next_is_not_yet_sent(service: Running) -> None:
    with by_hand(service, NDJSON) as request:
        request.send(LINE)
        answer = request.begin()
        assert answer.headers["X-Lianxin-Edition"] == "1"
        for _ in range(3):
            assert json.loads(answer.readline())["grid_code"] == WEST_GRID
            request.send(LINE)
        request.end()
        assert len(answer.read().splitlines()) == 1


@pytest.mark.parametrize(
    ("content_type", "head", "row", "tail"),
    [
        (NDJSON, b"", LINE, b""),
        (CSV, b"lon,lat,n\n", f"{X},{Y},007\n".encode(), b""),
        ("application/json", b"[", LINE.strip() + b",", LINE.strip() + b"]"),
    ],
)
def test_a_client_that_sends_everything_before_it_reads_is_answered(
    service: Running, content_type: str, head: bytes, row: bytes, tail: bytes
) -> None:
    count = 120_000  # tens of megabytes of answer, far past every buffer on the way
    answer = service.post(head + row * count + tail, content_type).body
    assert len(answer) > 8_000_000
    assert answer.count(WEST_GRID.encode() + b'"' * (content_type != CSV)) >= count
    assert answer.count(b"inside") == count + bool(tail)


def test_a_stream_that_breaks_is_never_taken_for_whole(service: Running) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"lon": [X], "lat": [Y], "name": ["王小明"]})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
        half = len(sink.getvalue())
        writer.write_batch(batch)
    for body, kind in (
        (sink.getvalue()[: half + 30], ARROW),
        (f"lon,lat,n\n{X},{Y},王小明\n".encode() * 40_000 + b'1,2,"open', CSV),
        (b"[" + LINE.strip() + (b"," + LINE.strip()) * 60_000, "application/json"),
    ):
        with by_hand(service, kind) as request:
            request.send(body)
            answer = request.begin()
            begun = answer.read(1)
            request.end()
            assert answer.status == 200
            with pytest.raises(IncompleteRead) as cut:
                answer.read()
            assert begun + cut.value.partial
    log = service.log()
    assert log.count('"stream_failed"') == 3
    assert '"kind":"broken-body"' in log
    assert "王" not in log
    assert "Traceback" not in log


def test_what_is_wrong_from_the_start_is_a_problem(service: Running) -> None:
    for body, kind, status, said in (
        (b"no arrow", ARROW, 422, "no Arrow IPC stream"),
        (b"a,b\n1,2\n" * 400_000, CSV, 422, "?x=COLUMN&y=COLUMN"),
        (b"x", "image/png", 415, "text/csv"),
        (b"", "application/json", 422, "it is empty"),
    ):
        answer = service.post(body, kind)
        problem = json.loads(answer.body)
        assert (answer.status, problem["status"]) == (status, status)
        assert answer.kind == "application/problem+json"
        assert said in problem["detail"]


def test_limits_end_a_stream_and_name_their_setting(
    clone: Callable[[str], str], town: str, tmp_path: Path
) -> None:
    limits = {"route_rows_max": 100, "route_bytes_max": 50_000, "route_seconds_max": 2}
    with running(clone(town), tmp_path, **limits) as service:
        with by_hand(service, NDJSON) as request:
            request.send(LINE * 80)
            answer = request.begin()
            for _ in range(80):
                answer.readline()
            request.send(LINE * 80)
            [last] = answer.read().splitlines()
        assert "LIANXIN_ROUTE_ROWS_MAX" in json.loads(last)["error"]["detail"]
        too_large = service.post(b"[" + b" " * 60_000 + b"]", "application/json")
        assert too_large.status == 413
        assert "50,000 bytes (LIANXIN_ROUTE_BYTES_MAX)" in json.loads(too_large.body)["detail"]
        with by_hand(service, NDJSON) as request:
            answer = request.begin()
            assert answer.status == 408
            assert "LIANXIN_ROUTE_SECONDS_MAX" in json.loads(answer.read())["detail"]


def test_a_client_that_leaves_ends_the_work_quietly(service: Running) -> None:
    with by_hand(service, CSV) as request:
        request.send(f"lon,lat\n{X},{Y}\n".encode())
        answer = request.begin()
        assert answer.read(7) == b"lon,lat"
    wait_until(lambda: '"client_left"' in service.log())
    assert "Traceback" not in service.log()
    assert service.edition() == 1


def test_one_answer_is_of_one_edition(
    clone: Callable[[str], str], town: str, tmp_path: Path
) -> None:
    url = clone(town)
    with running(url, tmp_path) as service, by_hand(service, CSV) as request:
        request.send(f"lon,lat\n{X},{Y}\n".encode())
        answer = request.begin()
        heading, before = answer.readline(), answer.readline()
        database = open_database(Settings(database_url=url))
        publish_grids(database, [(f"{COMMUNITY}009", "新网格", "王五", square(0))])
        database.close()
        wait_until(lambda: service.edition() == 2)
        request.send(f"{X},{Y}\n".encode())
        request.end()
        text = (heading + before + answer.read()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["grid_code"], row["edition"]) for row in rows] == [(WEST_GRID, "1")] * 2
