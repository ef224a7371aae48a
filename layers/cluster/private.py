"""One private server a data folder, on a Unix socket only, as an unprivileged user.

Whoever needs it first starts it, under a lock; others attach. It dies with the process that
started it, and whoever was attached starts it again. What was committed is there after ``kill -9``
of either.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from layers.cluster import machine
from layers.cluster.keeper import KEEPER, launch
from layers.cluster.machine import ServerUser
from layers.errors import ClusterFailed, DataFolderTaken
from layers.folder import MARKER, claim
from layers.vocabulary import SERVICE_ROLE

NAME = "lianxin"  # of the database and of its owner
PORT = 5432  # only a part of the socket's name
LOCK_WAIT_S = 60.0
START_WAIT_S = 120.0  # a start after a crash replays the log first
LOG_BYTES = 10 << 20


@dataclass
class PrivateCluster:
    """The private server of one data folder.

    Parameters
    ----------
    data_dir : Path
        The folder, made if it isn't there. One that holds something else is refused.
    durable : bool
        Whether commits reach the disk. False is for tests only.
    """

    data_dir: Path
    durable: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        # One folder, one spelling: the lock, the socket and the server's own words follow from it.
        self.data_dir = self.data_dir.resolve()
        self.home = self.data_dir / "postgres"
        self.pgdata = self.home / "data"
        self.log = self.home / "server.log"
        self.socket_dir = machine.socket_folder(self.data_dir)

    @property
    def url(self) -> str:
        """The address for SQLAlchemy."""
        return self._address(NAME)

    @property
    def service_url(self) -> str:
        """The address under which the service works: a role that owns nothing."""
        return self._address(SERVICE_ROLE)

    def _address(self, role: str) -> str:
        query = {"host": str(self.socket_dir), "port": str(PORT)}
        address = URL.create("postgresql+psycopg", role, database=NAME, query=query)
        return address.render_as_string(hide_password=False)

    @property
    def running(self) -> bool:
        """Whether a server answers, whoever started it."""
        return machine.answers(self.socket_dir / machine.SOCKET_NAME)

    @property
    def started_here(self) -> bool:
        """Whether the server that runs is this process's own."""
        return self._process is not None and self._process.poll() is None

    def ensure(self) -> str:
        """Return the address of a running server, making and starting it if need be.

        Any thread of any process may ask at any time; one of them starts it.

        Raises
        ------
        ClusterFailed
            If it cannot be made or started; the message says why and what to do.
        """
        if not self.running:
            KEEPER.run(self._make_and_start)
        return self.url

    def connect(self, *arguments: Any, **parameters: Any) -> "psycopg.Connection[Any]":
        """Connect to a running server, making and starting it if need be.

        A server whose starter has just died still listens and turns everybody away; after it has
        ended another is started.
        """
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            self.ensure()
            try:
                return psycopg.connect(*arguments, **parameters)
            except psycopg.OperationalError as error:
                passing = "shutting down" in str(error) or "starting up" in str(error)
                if (self.running and not passing) or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server if this process started it; others start it again if they need it."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        # Fast: what runs is rolled back. A test's server needs no farewell at all.
        ladder = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
        for farewell, wait_s in ladder if self.durable else ladder[1:]:
            process.send_signal(farewell)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
                return

    def destroy(self) -> None:
        """Delete all that the data folder holds, if Lianxin made it and nobody uses it."""
        if not self.data_dir.exists() or not any(self.data_dir.iterdir()):
            return
        if not (self.data_dir / MARKER).is_file():
            raise ClusterFailed(
                f"The folder {self.data_dir} was not made by Lianxin, so it is not emptied. "
                "Choose another with LIANXIN_DATA_DIR, or empty it yourself."
            )
        with self._lock():
            # A server whose starter was killed just now still needs a moment to end.
            began = time.monotonic()
            while (busy := self.running) or machine.running_pid(self.pgdata) is not None:
                if time.monotonic() - began > (1 if busy else LOCK_WAIT_S):
                    raise ClusterFailed(
                        f"The database in {self.data_dir} is in use by another Lianxin. Stop that "
                        "one first, or choose another folder with LIANXIN_DATA_DIR."
                    )
                time.sleep(0.05)
            # The marker goes last, so that a deletion that was interrupted can be taken up again.
            for entry in sorted(self.data_dir.iterdir(), key=lambda path: path.name == MARKER):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def _make_and_start(self) -> None:
        try:
            user = machine.server_user(self.pgdata)
            user.require_reach(self.data_dir)
            claim(self.data_dir)
            with self._lock():
                if self._process is not None:
                    self._process.poll()  # else a killed server stays a zombie that looks alive
                if self.running:
                    return
                binaries = machine.find_binaries(self.pgdata)
                self._make(binaries, user)
                self._wait_for_predecessor()
                self._start(binaries, user)
        except DataFolderTaken as error:
            raise ClusterFailed(str(error)) from None
        except OSError as error:
            raise ClusterFailed(
                f"The private database in {self.data_dir} cannot be made: {error.strerror or error}"
                f" ({error.filename or self.data_dir}). LIANXIN_DATA_DIR names another folder."
            ) from error

    def _make(self, binaries: Path, user: ServerUser) -> None:
        # As root the server's user owns its data and its socket, nothing that root writes to.
        self.home.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, exist_ok=True)
        machine.make_socket_folder(self.socket_dir, user)
        if (self.pgdata / "PG_VERSION").is_file():
            return
        for left_over in self.home.glob("making-*"):
            shutil.rmtree(left_over)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self.home))
        user.own(making)
        command = [str(binaries / "initdb"), "--pgdata", str(making), "--username", NAME]
        command += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "peer"]
        done = user.run([*command, *([] if self.durable else ["--no-sync"])])
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            raise ClusterFailed(self._explain(done.stderr))
        # Whole or not at all: a kill before this leaves nothing that could be taken for a cluster.
        making.rename(self.pgdata)

    def _start(self, binaries: Path, user: ServerUser) -> None:
        self._let_in(user)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + START_WAIT_S
        while True:
            with self.log.open("ab") as log:
                began = log.seek(0, os.SEEK_END)
                arguments = ["-D", str(self.pgdata), *self._options()]
                self._process = launch(binaries / "postgres", arguments, user, log)
            if self._wait_until_ready(deadline):
                break
            with self.log.open("rb") as log:
                log.seek(began)
                said = log.read().decode("utf-8", "replace")
            # After kill -9 of the server its children take a moment to notice.
            if "still in use" not in said or time.monotonic() > deadline:
                raise ClusterFailed(self._explain(said))
            time.sleep(0.1)
        self._make_database()

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "hba_file": str(self.home / "pg_hba.conf"),
            "ident_file": str(self.home / "pg_ident.conf"),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            "jit": "off",  # compiling costs more than our queries do
            "random_page_cost": "1.1",
            "max_wal_size": "2GB",
            **machine.memory_settings(machine.memory_mb()),
        }
        if not machine.has_shared_memory():
            settings["dynamic_shared_memory_type"] = "mmap"
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _let_in(self, user: ServerUser) -> None:
        """Let in the server's user and root, whom the kernel vouches for; nobody else."""
        lines = [
            f"{NAME} {name} {role}\n"
            for name in sorted({user.name, "root"})
            for role in (NAME, SERVICE_ROLE)
        ]
        hba, ident = self.home / "pg_hba.conf", self.home / "pg_ident.conf"
        hba.write_text(f"local all all peer map={NAME}\n", "utf-8")
        ident.write_text("".join(lines), "utf-8")
        for file in (hba, ident):
            file.chmod(0o644)

    def _wait_for_predecessor(self) -> None:
        """Wait for a server whose starter died to be gone, and forget one that was killed."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while (pid := machine.running_pid(self.pgdata)) is not None:
            if time.monotonic() > deadline:
                raise ClusterFailed(
                    f"An earlier server (process {pid}) of {self.data_dir} neither answers nor "
                    f"ends. Its log is {self.log}."
                )
            time.sleep(0.02)
        # PostgreSQL would refuse to start if that number has gone to another process meanwhile, or
        # is a zombie's. Should its children still live, the shared memory tells it so.
        (self.pgdata / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_dir / f"{machine.SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _wait_until_ready(self, deadline: float) -> bool:
        """Wait until the server takes connections; False if it ended instead."""
        process = self._process
        while process is not None and process.poll() is None:
            if self.running:
                with contextlib.suppress(psycopg.OperationalError), self._connect():
                    return True
            if time.monotonic() > deadline:
                self.stop()
                raise ClusterFailed(
                    f"The private database did not start within {START_WAIT_S:.0f} s. "
                    f"Its log is {self.log}."
                )
            time.sleep(0.01)
        return False

    def _make_database(self) -> None:
        with self._connect() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [NAME]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {NAME}")

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self.socket_dir), port=PORT, user=NAME, dbname="postgres", autocommit=True
        )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the folder's lock; the kernel frees it if we die."""
        with (self.data_dir / "cluster.lock").open("a") as file:
            deadline = time.monotonic() + LOCK_WAIT_S
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > deadline:
                    raise ClusterFailed(
                        f"Another process has been starting the database in {self.data_dir} for "
                        f"{LOCK_WAIT_S:.0f} s. Its log is {self.log}."
                    )
                time.sleep(0.02)
            yield

    def _explain(self, said: str) -> str:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        # The first of PostgreSQL's own errors is the cause, what follows are its consequences.
        cause = r"^.*?(?:FATAL|PANIC|error|LOG(?=:\s+(?:invalid|could not|unrecognized))):\s*"
        errors = [line for line in lines if re.search(cause, line)]
        reason = re.sub(cause, "", (errors or lines or ["it gave no reason"])[0])
        hint = ""
        if re.search(r"No space left on device|wrote only \d+ of", said):
            room = shutil.disk_usage(self.data_dir).free >> 20
            hint = f" The disk is full ({room} MB free): make room or set LIANXIN_DATA_DIR."
        log = f" Its log is {self.log}." if self.log.exists() else ""
        return f"The private database in {self.data_dir} did not start: {reason}.{hint}{log}"


@contextlib.contextmanager
def scratch_cluster(folder: Path) -> Iterator[PrivateCluster]:
    """Run a server for tests in ``folder``, fast because a power cut would lose its data."""
    cluster = PrivateCluster(folder, durable=False)
    try:
        cluster.ensure()
        yield cluster
    finally:
        cluster.stop()
