"""The service as a process of its own, to be treated badly."""

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

from layers.cluster import PrivateCluster, machine

COMMAND = [sys.executable, "-c", "import api.cli; api.cli.main()"]
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

    def get(self, path: str) -> int:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return int(answer.status)

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
