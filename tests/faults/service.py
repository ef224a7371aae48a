"""The service as a process of its own, to be treated badly."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from layers.actions.accounts import NewAccount, add_account
from layers.cluster import PrivateCluster, machine
from layers.session import open_database
from layers.settings import Settings
from layers.vocabulary import Role

COMMAND = [sys.executable, "-c", "import api.cli; api.cli.main()"]
PASSWORD = "meant for faults alone"  # noqa: S105 # of a database that is gone in a minute
READY_S = 60.0
GONE_S = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """One ``lianxin`` process that serves."""

    def __init__(self, data_dir: Path, port: int, log: Path, *words: str) -> None:
        self.port, self.log = port, log
        self.cluster = PrivateCluster(data_dir)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("LIANXIN_")},
            "LIANXIN_DATA_DIR": str(data_dir),
            "LIANXIN_PORT": str(port),
        }
        self.environment.pop("MAKELEVEL", None)
        self.words = words or ("serve",)
        self.process: subprocess.Popen[bytes] | None = None
        self.token: str | None = None

    def start(self, **more: str) -> "Service":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.environment, **more},
            )
        return self

    @property
    def headers(self) -> dict[str, str]:
        """By whom a request is sent."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str) -> int:
        address = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(address, headers=self.headers)  # our own
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)

    def sign_in(self) -> "Service":
        """Make an account that reads and reports cases everywhere, and sign in with it."""
        database = open_database(Settings(data_dir=self.cluster.data_dir))
        account = NewAccount("faults", Role.DEPARTMENT, majors=("53", "54"))
        add_account(database, account, PASSWORD)
        database.close()
        return self.sign_in_as("faults", PASSWORD)

    def sign_in_as(self, account: str, password: str) -> "Service":
        form = {"grant_type": "password", "username": account, "password": password}
        address = f"http://127.0.0.1:{self.port}/auth/token"
        with urllib.request.urlopen(address, urlencode(form).encode(), timeout=30) as answer:
            self.token = json.loads(answer.read())["access_token"]
        return self

    def wait_until_said(self, words: str) -> "Service":
        assert self.process is not None
        deadline = time.monotonic() + READY_S
        while words not in self.log.read_text("utf-8"):
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < deadline, self.log.read_text("utf-8")
            time.sleep(0.02)
        return self

    def server_pid(self) -> int:
        pid = machine.running_pid(self.cluster.pgdata)
        assert pid is not None
        return pid

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(GONE_S)


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def a_service(folder: Path, *words: str) -> Iterator[Service]:
    service = Service(folder / "data", free_port(), folder / f"log-{free_port()}", *words)
    try:
        yield service
    finally:
        if service.process is not None and service.process.poll() is None:
            service.process.kill()
            service.process.wait()
