"""Placements and reports a second, with 1, 16 and 64 connections, by 1 and by 2 workers.

The yardsticks, of the same run: a request in which nothing is done, once on an ordinary route
("nothing") and once on one such as ``GET /route`` is ("quick"); the same requests asking PostGIS
for the owner ("by SQL"); and a plain INSERT of one small row by psycopg, each committed to disk.
Ratios can be trusted; absolute figures depend on the machine and on what else runs there: wrk and
PostgreSQL take their share of the same cores.
"""

import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import psycopg
import shapely
from geoalchemy2.shape import from_shape

from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.cluster import PrivateCluster
from layers.database import check_server, upgrade
from layers.models import Edition, Grid
from layers.session import open_database
from layers.settings import Settings
from layers.vocabulary import CodeScheme

SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
ROUNDS = 3
SIDE = 20  # grids a side
WEST, SOUTH, STEP = 111.2, 39.8, 0.004
WRK = shutil.which("wrk")

ROUTE = """
request = function()
  local lon, lat = {west} + math.random() * {size}, {south} + math.random() * {size}
  return wrk.format("GET", wrk.path .. "?lon=" .. lon .. "&lat=" .. lat .. "&datum=wgs84")
end
"""
REPORT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  local lon, lat = {west} + math.random() * {size}, {south} + math.random() * {size}
  return wrk.format(nil, wrk.path, nil, '{{"category": "53001", "description": "路灯不亮", '
    .. '"place": {{"lon": ' .. lon .. ', "lat": ' .. lat .. ', "datum": "wgs84"}}, '
    .. '"reporter": {{"kind": "worker"}}}}')
end
"""


class Rate(NamedTuple):
    """What a load measured."""

    per_second: float
    p99_ms: float
    refused: int


Request = Callable[[random.Random, str], tuple[str, str, bytes | None]]


def plain(_chance: random.Random, path: str) -> tuple[str, str, bytes | None]:
    return "GET", path, None


def route(chance: random.Random, path: str) -> tuple[str, str, bytes | None]:
    lon, lat = somewhere(chance)
    return "GET", f"{path}?lon={lon}&lat={lat}&datum=wgs84", None


def report(chance: random.Random, path: str) -> tuple[str, str, bytes | None]:
    lon, lat = somewhere(chance)
    body = {
        "category": "53001",
        "description": "路灯不亮",
        "place": {"lon": lon, "lat": lat, "datum": "wgs84"},
        "reporter": {"kind": "worker"},
    }
    return "POST", path, json.dumps(body).encode()


def somewhere(chance: random.Random) -> tuple[float, float]:
    return WEST + chance.random() * SIDE * STEP, SOUTH + chance.random() * SIDE * STEP


def by_threads(one: Callable[[int], Callable[[], bool]], clients: int) -> Rate:
    """Let each of some threads do one thing again and again."""
    times: list[float] = []
    refused = 0
    until = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        nonlocal refused
        do = one(number)
        while (began := time.perf_counter()) < until:
            refused += not do()
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return Rate(len(times) / SECONDS, times[int(len(times) * 0.99)] * 1000, refused)


def by_http(port: int, request: Request, clients: int, path: str) -> Rate:
    """Load the service from this process; it takes a share of the machine itself."""

    def client(number: int) -> Callable[[], bool]:
        connection, chance = HTTPConnection("127.0.0.1", port), random.Random(number)  # noqa: S311

        def once() -> bool:
            method, target, body = request(chance, path)
            connection.request(method, target, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status < 400

        return once

    return by_threads(client, clients)


def by_wrk(port: int, script: str, clients: int, path: str) -> Rate:
    """Load the service with wrk."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script.format(west=WEST, south=SOUTH, size=SIDE * STEP))
        file.flush()
        command = [str(WRK), "-t1", f"-c{clients}", f"-d{SECONDS:.0f}s", "--latency"]
        command += ["-s", file.name, f"http://127.0.0.1:{port}{path}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    if rate is None or p99 is None:
        raise RuntimeError(told)
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Rate(float(rate[1]), float(p99[1]) * unit, int(bad[1]) if bad else 0)


def by_insert(address: str, clients: int) -> Rate:
    """Insert small rows, each committed by itself."""

    def client(_number: int) -> Callable[[], bool]:
        connection = psycopg.connect(address, autocommit=True)

        def once() -> bool:
            connection.execute("INSERT INTO yardstick (words) VALUES (%s)", ["路灯不亮"])
            return True

        return once

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS yardstick (id serial, words text)")
    return by_threads(client, clients)


def build(url: str) -> None:
    """Publish a chessboard of grids."""
    database = open_database(Settings(database_url=url))
    check_server(database.engine)
    upgrade(database.engine)
    seed_reference(database)
    with database.transaction() as session:
        edition = Edition(name="bench", source="bench", content_hash="bench")
        session.add(edition)
        session.flush()
        number = edition.id
        for column in range(SIDE):
            for row in range(SIDE):
                west, south = WEST + column * STEP, SOUTH + row * STEP
                square = shapely.MultiPolygon([shapely.box(west, south, west + STEP, south + STEP)])
                code = f"G{column:02d}{row:02d}"
                session.add(
                    Grid(
                        edition_id=number,
                        code=code,
                        code_scheme=CodeScheme.FREE,
                        name=code,
                        path=f"{code}/",
                        boundary=from_shape(square, srid=4490, extended=True),
                    )
                )
    publish_edition(database, number)
    database.close()


@contextmanager
def service(url: str, workers: int) -> Iterator[int]:
    """Run the service in processes of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.benchmarks.service_app:create"]
    command += [
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
        "--workers",
        str(workers),
    ]
    environment = {**os.environ, "LIANXIN_DATABASE_URL": url, "LIANXIN_LOG_LEVEL": "warning"}
    process = subprocess.Popen(command, env=environment)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        for _ in range(workers):
            time.sleep(1)  # another worker may still be starting
            by_http(port, report, 4, "/cases")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    """Measure, and print the ratios."""
    folder = Path(tempfile.mkdtemp(prefix="lianxin-bench-"))
    folder.chmod(0o755)
    cluster = PrivateCluster(folder / "data")
    os.environ["LIANXIN_DATA_DIR"] = str(folder / "snapshots")
    try:
        url = cluster.ensure()
        build(url)
        address = f"host={cluster.socket_dir} user=lianxin dbname=lianxin"
        print(
            f"{SIDE * SIDE} grids, {ROUNDS} times {SECONDS:.0f} s each in turns, fsync on; "
            f"{os.cpu_count()} cores, which the load shares ({WRK or 'threads'})"
        )
        heading = "".join(
            f"{word:>10}" for word in ("a second", "p99 ms", "nothing", "quick", "by SQL")
        )
        for workers in (1, 2):
            with service(url, workers) as port:
                print(f"{f'{workers} worker(s)':24}{'clients':>8}{heading}")
                for clients in (1, 16, 64):
                    measure(port, clients)
        for clients in (1, 16):
            inserted = by_insert(address, clients)
            print(f"{'INSERT by psycopg':24}{clients:>8}{shown(inserted)}")
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(port: int, clients: int) -> None:
    """Measure everything with so many connections, in turns, so that all meet the same machine."""
    loads: dict[str, tuple[Request, str]] = {
        "/nothing": (plain, ""),
        "/nothing-from-memory": (plain, ""),
        "/route": (route, ROUTE),
        "/route-by-sql": (route, ROUTE),
        "/cases": (report, REPORT),
        "/cases-by-sql": (report, REPORT),
    }
    taken: dict[str, list[Rate]] = {path: [] for path in loads}
    for _ in range(ROUNDS):
        for path, (request, script) in loads.items():
            if WRK is not None:
                taken[path].append(by_wrk(port, script, clients, path))
            else:
                taken[path].append(by_http(port, request, clients, path))
    found = {path: middle(rates) for path, rates in taken.items()}
    for path, rate in found.items():
        yardsticks = [found["/nothing"], found["/nothing-from-memory"], found.get(f"{path}-by-sql")]
        ratios = "".join(
            f"{'' if each is None else f'{rate.per_second / each.per_second:.2f}':>10}"
            for each in yardsticks
        )
        refused = f"  {rate.refused} REFUSED" if rate.refused else ""
        print(f"{path:24}{clients:>8}{shown(rate)}{ratios}{refused}", flush=True)


def middle(rates: list[Rate]) -> Rate:
    return Rate(
        statistics.median(rate.per_second for rate in rates),
        statistics.median(rate.p99_ms for rate in rates),
        sum(rate.refused for rate in rates),
    )


def shown(rate: Rate) -> str:
    return f"{rate.per_second:>10,.0f}{rate.p99_ms:>10.1f}"


if __name__ == "__main__":
    main()
