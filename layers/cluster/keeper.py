"""The one thread of a process that starts servers, so that they die with the process."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, TypeVar

from layers.cluster.machine import ServerUser

T = TypeVar("T")

# Runs as a fresh process, because code between fork and exec is unsafe with threads about. It asks
# for the death signal after dropping privileges, which clears it, and then becomes the server.
# SIGINT (2) is PostgreSQL's fast shutdown. If the parent died meanwhile, no signal would ever come.
_LAUNCHER = """
import ctypes, os, sys
parent, uid, gid = map(int, sys.argv[1:4])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
if ctypes.CDLL(None).prctl(1, 2) or os.getppid() != parent:
    sys.exit("FATAL: the process that asked for the server is gone")
os.umask(0o077)
os.execv(sys.argv[4], sys.argv[4:])
"""


class Keeper:
    """A thread that lives as long as its process and does what it is given, one by one.

    The death signal that a server asks for comes when the *thread* that forked it ends (prctl(2)),
    so a server that a pool's thread started would go with that thread.
    """

    def __init__(self) -> None:
        self._owner = 0
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._guard = threading.Lock()

    def run(self, task: Callable[[], T]) -> T:
        """Run ``task`` in the keeper's thread and return its result or raise its error."""
        future: Future[T] = Future()

        def fulfil() -> None:
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)

        with self._guard:
            if self._owner != os.getpid():  # the first time, or after a fork, which keeps no thread
                self._owner, self._tasks = os.getpid(), queue.SimpleQueue()
                threading.Thread(target=self._work, name="cluster-keeper", daemon=True).start()
            self._tasks.put(fulfil)
        return future.result()

    def _work(self) -> None:
        while True:
            self._tasks.get()()


KEEPER = Keeper()


def launch(
    server: Path, arguments: Sequence[str], user: ServerUser, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start the server as ``user``; it ends when the calling thread does."""
    command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
    command += [str(user.uid), str(user.gid), str(server), *arguments]
    return subprocess.Popen(  # noqa: S603 (the machine's own server) # nosec B603
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=user.environment,
        # Ctrl-C in a terminal is for the service, which stops the server in its turn.
        start_new_session=True,
    )
