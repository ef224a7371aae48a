"""Ten million points through one request in each form, and what that does to the process's memory.

Yardsticks of the same run: the same bytes read and written without routing (pyarrow for CSV and
Arrow, orjson for JSON, single-threaded), and ``Router.place_many`` alone on as many points. The
client is a part of this process and takes its share of the machine. ``BENCH_POINTS`` sets how many.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import shapely
from pyarrow import csv as arrow_csv

from gis.ownership import GridIndex
from gis.routing import Router
from layers.cluster import PrivateCluster
from tests.benchmarks.bench_service import SIDE, SOUTH, STEP, WEST, build

POINTS: Final = int(os.environ.get("BENCH_POINTS", "10000000"))
BLOCK: Final = 50_000
JSON_POINTS: Final = max(BLOCK, POINTS // 10)
DATUM: Final = "gcj02"


class Body(NamedTuple):
    """One form: a piece of body sent again and again, and what goes around it."""

    name: str
    content_type: str
    opening: bytes
    piece: bytes
    closing: bytes
    counted: bytes
    """What stands once in each row of the answer; nothing where pyarrow counts."""
    plain: Callable[[], None]
    """The same piece read and written without routing."""


def points() -> tuple[Any, Any]:
    """Return a block of points in and around the grids."""
    chance = np.random.default_rng(7)
    size = SIDE * STEP
    return (
        WEST + 0.006 + chance.uniform(-0.02, 1.02, BLOCK) * size,
        SOUTH + chance.uniform(-0.02, 1.02, BLOCK) * size,
    )


def ndjson(x: Any, y: Any) -> Body:
    rows = [
        {"id": i, "lon": lon, "lat": lat}
        for i, (lon, lat) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    piece = b"".join(orjson.dumps(row) + b"\n" for row in rows)

    def plain() -> None:
        read = list(map(orjson.loads, piece.splitlines()))
        b"\n".join(map(orjson.dumps, read))

    return Body("NDJSON", "application/x-ndjson", b"", piece, b"", b'"rule"', plain)


def json_list(x: Any, y: Any) -> Body:
    rows = [
        {"id": i, "lon": lon, "lat": lat}
        for i, (lon, lat) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    piece = orjson.dumps(rows)[1:-1] + b","
    last = b'{"lon":111.2,"lat":39.9}]'

    def plain() -> None:
        orjson.dumps(orjson.loads(b"[" + piece[:-1] + b"]"))

    return Body("JSON list", "application/json", b"[", piece, last, b'"rule"', plain)


def geojson(x: Any, y: Any) -> Body:
    rows = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"name": f"点{i}"},
        }
        for i, (lon, lat) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    piece = orjson.dumps(rows)[1:-1] + b","
    last = b'{"type":"Feature","geometry":null,"properties":null}]}'
    opening = b'{"type":"FeatureCollection","features":['

    def plain() -> None:
        orjson.dumps(orjson.loads(b"[" + piece[:-1] + b"]"))

    return Body("GeoJSON", "application/geo+json", opening, piece, last, b'"rule"', plain)


def csv_table(x: Any, y: Any) -> Body:
    rows = [
        f"{i:07d},{lon!r},{lat!r},甲\n"
        for i, (lon, lat) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    piece = "".join(rows).encode()
    opening = b"id,lon,lat,name\n"

    def plain() -> None:
        options = arrow_csv.ConvertOptions(column_types={"id": pa.string()})
        single = arrow_csv.ReadOptions(use_threads=False)
        table = arrow_csv.read_csv(io.BytesIO(opening + piece), single, convert_options=options)
        arrow_csv.write_csv(table, io.BytesIO())

    return Body("CSV", "text/csv", opening, piece, b"", b"\n", plain)


def arrow_stream(x: Any, y: Any) -> Body:
    batch = pa.record_batch({"id": np.arange(BLOCK), "lon": x, "lat": y})
    sink = io.BytesIO()
    writer = pa.ipc.new_stream(sink, batch.schema)
    writer.write_batch(batch)
    start = len(sink.getvalue())
    writer.write_batch(batch)
    piece = sink.getvalue()[start:]
    opening = sink.getvalue()[: start - len(piece)]

    def plain() -> None:
        reader = pa.ipc.open_stream(io.BytesIO(opening + piece + b"\xff\xff\xff\xff\0\0\0\0"))
        with pa.ipc.new_stream(io.BytesIO(), reader.schema) as target:
            for each in reader:
                each.validate(full=True)
                target.write_batch(each)

    closing = b"\xff\xff\xff\xff\0\0\0\0"
    return Body("Arrow", "application/vnd.apache.arrow.stream", opening, piece, closing, b"", plain)


def stream(port: int, body: Body, count: int) -> tuple[float, int]:
    """Send so many points while reading the answer; return seconds and rows answered."""
    pieces = count // BLOCK
    length = len(body.opening) + pieces * len(body.piece) + len(body.closing)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = (
            f"POST /route?datum={DATUM} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
            f"Content-Type: {body.content_type}\r\nContent-Length: {length}\r\n\r\n"
        )

        def send() -> None:
            connection.sendall(head.encode() + body.opening)
            for _ in range(pieces):
                connection.sendall(body.piece)
            connection.sendall(body.closing)

        sender = threading.Thread(target=send)
        sender.start()
        answer = HTTPResponse(connection)
        answer.begin()
        rows = counted(answer, body.counted)
        sender.join()
    return time.perf_counter() - began, rows


def counted(answer: HTTPResponse, mark: bytes) -> int:
    """Read an answer to its end; return its rows."""
    if not mark:
        return sum(len(batch) for batch in pa.ipc.open_stream(answer))
    found, tail = 0, b""
    while data := answer.read(1 << 18):
        found += (tail + data).count(mark)
        tail = data[-len(mark) + 1 :] if len(mark) > 1 else b""
    return found


def memory_mb(pid: int, what: str) -> float:
    """Return what the kernel says of a process's memory."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise LookupError(what)


def a_million(do: Callable[[], None]) -> float:
    """Return the seconds that something done to a block would take for a million points."""
    do()
    began = time.perf_counter()
    for _ in range(4):
        do()
    return (time.perf_counter() - began) / 4 / BLOCK * 1e6


def router() -> Router:
    """Return the grids of the service, in this process."""
    corners = [(WEST + c * STEP, SOUTH + r * STEP) for c in range(SIDE) for r in range(SIDE)]
    squares = [shapely.box(x, y, x + STEP, y + STEP) for x, y in corners]
    return Router(GridIndex([f"G{i:05d}" for i in range(len(squares))], np.array(squares)))


@contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """Run the service as people do; give its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
    environment |= {"LIANXIN_DATABASE_URL": url, "LIANXIN_LOG_LEVEL": "warning"}
    command = [sys.executable, "-c", "import api.cli; api.cli.main()", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                urllib.request.urlopen(f"http://127.0.0.1:{port}/livez").close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def measure(port: int, pid: int) -> None:
    """Measure each form, and print."""
    x, y = points()
    alone = router()
    print(f"{SIDE * SIDE} grids, points in {DATUM}, a twenty-fifth of them in no grid")
    stream(port, csv_table(x, y), BLOCK)  # what is loaded once is not growth
    stream(port, arrow_stream(x, y), BLOCK)
    print(f"{'':34}{'':>9}{'of reading':>12}{'of place_':>11}{'memory':>10}")
    heads = ("points", 12), ("seconds", 12), ("a second", 10), ("+ writing", 11), ("many", 11)
    print(f"{'':10}" + "".join(f"{head:>{width}}" for head, width in (*heads, ("+ MB", 10))))
    for make, asked in (
        (ndjson, POINTS), (csv_table, POINTS), (arrow_stream, POINTS),
        (json_list, JSON_POINTS), (geojson, JSON_POINTS),
    ):  # fmt: skip
        count = max(1, asked // BLOCK) * BLOCK
        body = make(x, y)
        plain = a_million(body.plain)
        placing = a_million(lambda: alone.place_many(x, y, DATUM) and None)
        before = memory_mb(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")  # the peak from here
        seconds, rows = stream(port, body, count)
        growth = memory_mb(pid, "VmHWM") - before
        million = seconds / count * 1e6
        more = len(body.closing) > 8
        wrong = "" if rows == count + more + (body.name == "CSV") else f"  {rows} ROWS ANSWERED"
        print(
            f"{body.name:10}{count:>12,}{seconds:>9.1f}{count / seconds:>11,.0f}"
            f"{million / plain:>12.1f}x{million / placing:>10.1f}x{growth:>9.0f}{wrong}",
            flush=True,
        )


def main() -> None:
    """Measure, and print the ratios."""
    folder = Path(tempfile.mkdtemp(prefix="lianxin-bench-"))
    folder.chmod(0o755)
    cluster = PrivateCluster(folder / "data")
    try:
        url = cluster.ensure()
        build(url)
        with serving(url) as (port, pid):
            measure(port, pid)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
