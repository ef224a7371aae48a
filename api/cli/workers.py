"""Several processes that serve one port: the parent holds it, starts them, and replaces what dies.

A worker is a process of its own that listens at the parent's socket, so that a connection waits
there, refused by nobody, until some worker takes it. Workers die with the parent.
"""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from api.cli.process import PR_SET_PDEATHSIG, ServiceFailed, keep_what_is_loaded, server_for

if TYPE_CHECKING:
    from layers.settings import Settings

_FIGURES_PREFIX = "lianxin-figures-"
_READY = b"ready\n"
_AGAIN_S = 1.0
_STOP_S = 10.0

_LOG = structlog.get_logger(__name__)


@contextmanager
def serving_by_workers(settings: "Settings", taken: socket.socket) -> Iterator[Callable[[], None]]:
    """Serve by several processes; give a function that waits until a signal comes."""
    from api.observability import configure_logging  # noqa: PLC0415

    configure_logging(settings.log_level)
    with _shared_figures() as figures:
        workers = [_Place(number, settings, taken, figures) for number in range(settings.workers)]
        try:
            for place in workers:
                place.thread.start()
            for place in workers:
                place.wait_until_ready()
            yield _wait_for_a_signal
        finally:
            for place in workers:
                place.end(signal.SIGTERM)
            for place in workers:
                place.thread.join(_STOP_S)
                place.end(signal.SIGKILL)


def _wait_for_a_signal() -> None:
    threading.Event().wait()


class _Place:
    """One worker's place, which a thread of its own keeps filled until the end."""

    def __init__(
        self, number: int, settings: "Settings", taken: socket.socket, figures: Path
    ) -> None:
        self.number = number
        self.taken = taken
        self.figures = figures
        self.orders = settings.model_dump_json(exclude_none=True)
        # The thread that starts a worker outlives it: the death signal follows the thread.
        self.thread = threading.Thread(target=self._keep, name=f"worker-{number}", daemon=True)
        self._ready = threading.Event()  # or hopeless
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None

    def wait_until_ready(self) -> None:
        """Wait until the first worker here serves."""
        self._ready.wait()
        if self._worker is None:
            raise ServiceFailed("A worker did not start; its log above says why.")

    def end(self, farewell: signal.Signals) -> None:
        """Tell the worker to end, and fill its place no more."""
        with self._lock:
            self._ending.set()
            if self._worker is not None:
                self._worker.send_signal(farewell)

    def _keep(self) -> None:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        while (worker := self._start()) is not None:
            served = self._wait(worker)
            mark_process_dead(worker.pid, str(self.figures))  # type: ignore[no-untyped-call]
            if self._ending.is_set():
                return
            _LOG.error("worker_ended", worker=self.number, pid=worker.pid, status=worker.returncode)
            if not self._ready.is_set():
                self._worker = None
                self._ready.set()
                return
            if not served:
                self._ending.wait(_AGAIN_S)

    def _start(self) -> "subprocess.Popen[bytes] | None":
        from api.observability import FIGURES_FOLDER  # noqa: PLC0415

        with self._lock:
            if self._ending.is_set():
                return None
            self._worker = subprocess.Popen(  # noqa: S603 - ourselves again # nosec B603
                [sys.executable, "-m", __name__, str(os.getpid()), str(self.taken.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, FIGURES_FOLDER: str(self.figures)},
                pass_fds=[self.taken.fileno()],
                # Ctrl-C in a terminal is for the parent, which ends its workers in its turn.
                start_new_session=True,
            )
            return self._worker

    def _wait(self, worker: "subprocess.Popen[bytes]") -> bool:
        """Wait until a worker ends; return whether it ever served."""
        assert worker.stdin is not None  # noqa: S101 - asked for above
        assert worker.stdout is not None  # noqa: S101
        with suppress(OSError), worker.stdin as orders:
            orders.write(self.orders.encode())
        with worker.stdout as said:
            served = said.readline() == _READY
            if served:
                _LOG.info("worker_serves", worker=self.number, pid=worker.pid)
                self._ready.set()
            said.read()  # until it ends, or closes its end
        worker.wait()
        return served


@contextmanager
def _shared_figures() -> Iterator[Path]:
    """Give a folder for the workers' figures, and sweep what services that were killed left."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FIGURES_PREFIX}*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=_FIGURES_PREFIX))
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder of ours; its lock goes with the process, however that ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def work(parent: int, listening: int) -> None:
    """Serve at the parent's socket, as its orders say, until SIGTERM."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return  # it is gone already, and no signal will ever tell
    from api.app import create_app  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    settings = load_settings(**json.loads(sys.stdin.buffer.read()))
    server = server_for(create_app(settings))

    def tell() -> None:
        while not server.started:
            time.sleep(0.01)
        keep_what_is_loaded()
        os.write(1, _READY)

    threading.Thread(target=tell, daemon=True).start()
    server.run([socket.socket(fileno=listening)])


if __name__ == "__main__":
    work(*map(int, sys.argv[1:]))
