"""Several worker processes behind one port: killed, ended, and given new boundaries under load."""

import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from layers.session import Database, open_database
from layers.settings import Settings
from tests.faults.service import Service, a_service, wait_until, wait_until_gone
from tests.layers.actions.made import grids, middle, publish, read

WORKERS = 2
SWAPS = 4
REPORT = {"category": "53001", "description": "路灯不亮", "reporter": {"kind": "worker"}}


@pytest.fixture
def service(open_folder: Path) -> Iterator[Service]:
    with a_service(open_folder, "serve", "--workers", str(WORKERS)) as service:
        yield service.start(LIANXIN_LOG_LEVEL="info").wait_until_said("/  (Ctrl-C")


@pytest.fixture
def database(service: Service) -> Iterator[Database]:
    """The service's own database, attached to as a command beside it would."""
    database = open_database(Settings(data_dir=service.cluster.data_dir))
    yield database
    database.close()


def lines(service: Service, event: str) -> list[dict[str, Any]]:
    said = [line for line in service.log.read_text("utf-8").splitlines() if f'"{event}"' in line]
    return [json.loads(line) for line in said]


def pids(service: Service) -> list[int]:
    """The workers, in the order in which they came to serve."""
    return [line["pid"] for line in lines(service, "worker_serves")]


def figures(service: Service) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def editions(service: Service) -> list[int]:
    """The edition by which each worker answers."""
    found = re.findall(r"lianxin_edition_in_force\{pid=.\d+.\} ([\d.]+)", figures(service))
    return [int(float(value)) for value in found]


def test_workers_and_database_end_in_order(service: Service) -> None:
    workers, server = pids(service), service.server_pid()
    assert len(workers) == WORKERS
    assert service.end(signal.SIGINT) == 0
    for pid in (*workers, server):
        assert not Path(f"/proc/{pid}").exists()
    assert not re.search(r'Traceback|"warning"|"error"', service.log.read_text("utf-8"))


def test_a_killed_parent_takes_workers_and_database_along(service: Service) -> None:
    everybody = [*pids(service), service.server_pid()]
    service.end(signal.SIGKILL)
    for pid in everybody:
        wait_until_gone(pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port), 1)


def test_a_dead_worker_is_replaced_while_the_other_answers(service: Service) -> None:
    dead, living = pids(service)
    service.sign_in()
    for _ in range(12):
        assert service.get("/cases") == 200
    counted = '{method="GET",route="/cases",status="200"} 12.0'
    wait_until(lambda: counted in figures(service))  # a request is counted once it is answered
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: bool(lines(service, "worker_ended")))
    assert service.get("/livez") == 200
    wait_until(lambda: len(pids(service)) == WORKERS + 1)
    [ended] = lines(service, "worker_ended")
    assert (ended["pid"], ended["status"]) == (dead, -signal.SIGKILL)
    assert living in pids(service)
    assert len(editions(service)) == WORKERS  # the dead one's edition went with it
    assert counted in figures(service)  # what it had counted did not


def test_what_was_begun_is_finished_before_a_worker_ends(
    service: Service, database: Database
) -> None:
    publish(database, grids("AB"))
    body = json.dumps({**REPORT, "place": place()}).encode()
    token = service.sign_in().headers["Authorization"]
    head = (
        f"POST /cases HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", service.port), 30) as client:
        client.sendall(head + body[:9])
        wait_until(lambda: service.get("/livez") == 200)
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "Waiting for connections to close" in service.log.read_text("utf-8"))
        client.sendall(body[9:])
        assert client.recv(100).startswith(b"HTTP/1.1 201"), service.log.read_text("utf-8")
    assert service.process.wait(15) == 0


def place() -> dict[str, Any]:
    lon, lat = middle(1).coords[0]
    return {"lon": lon, "lat": lat, "datum": "cgcs2000"}


class Client:
    """Asks the same again and again, and keeps what was answered and when it was asked."""

    def __init__(self, port: int, ask: Callable[[HTTPConnection], None], status: int) -> None:
        self.answers: list[tuple[float, dict[str, Any]]] = []
        self.trouble: list[str] = []
        self._port, self._ask, self._status = port, ask, status
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        self._enough.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._enough.is_set():
            connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                for _ in range(10):  # then another connection, perhaps to another worker
                    began = time.monotonic()
                    self._ask(connection)
                    answer = connection.getresponse()
                    content = json.loads(answer.read())
                    if answer.status != self._status:
                        self.trouble.append(f"{answer.status} {content}")
                    self.answers.append((began, content))
                    time.sleep(0.01)
            except Exception as error:
                self.trouble.append(repr(error))
            finally:
                connection.close()


def ask_route(connection: HTTPConnection) -> None:
    where = place()
    connection.request("GET", f"/route?lon={where['lon']}&lat={where['lat']}&datum=cgcs2000")


def reporting(headers: dict[str, str]) -> Callable[[HTTPConnection], None]:
    def report_case(connection: HTTPConnection) -> None:
        body = json.dumps({**REPORT, "place": place()})
        connection.request("POST", "/cases", body, headers | {"Content-Type": "application/json"})

    return report_case


def test_a_new_edition_under_load_drops_nothing_and_is_everywhere_within_a_second(
    service: Service, database: Database
) -> None:
    letters = {publish(database, grids(["A0", "A1", "A2"])): "A"}
    committed: dict[int, float] = {}
    wait_until(lambda: editions(service) == [*letters] * WORKERS)
    service.sign_in()
    askers = [Client(service.port, ask_route, 200) for _ in range(3)]
    reporters = [Client(service.port, reporting(service.headers), 201) for _ in range(2)]
    try:
        for swap in range(SWAPS):
            letter = "BA"[swap % 2]
            edition = publish(database, grids([f"{letter}{column}" for column in range(3)]))
            committed[edition] = time.monotonic()
            letters[edition] = letter
            time.sleep(1.0)
            assert editions(service) == [edition] * WORKERS
    finally:
        for client in (*askers, *reporters):
            client.stop()

    assert [client.trouble for client in (*askers, *reporters)] == [[]] * 5
    placed = [each for client in askers for each in client.answers]
    placed += [(began, case["placement"]) for c in reporters for began, case in c.answers]
    for began, placement in placed:
        wholly = f"{letters[placement['edition']]}1"
        assert (placement["grid_code"], placement["area_path"][-1]) == (wholly, wholly)
        due = [edition for edition, at in committed.items() if at + 1.0 < began]
        assert placement["edition"] >= max(due, default=0)
    assert {placement["edition"] for _, placement in placed} == set(letters)
    stored = read(database, "SELECT edition_id, count(*) FROM cases GROUP BY 1")
    assert stored == [(edition, sum(len(client.answers) for client in reporters))]
