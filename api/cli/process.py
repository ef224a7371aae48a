"""What a process that serves must mind: signals, its parent, its port, the server's thread."""

import ctypes
import gc
import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from layers.errors import SettingsInvalid

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ServiceFailed(Exception):
    """The service ended by itself, or refused what it should not."""


class Steps:
    """Say what is being done and how long it took, a line a step."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._label = ""
        self._began = 0.0
        self._shown = 0.0

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Announce a step, and say when it is done."""
        self._label, self._began = label, time.monotonic()
        self._shown = self._began
        if self._live:
            say(f"  {label} …", end="")
        try:
            yield
        except BaseException:
            if self._live:
                say("")
            raise
        say(f"{self._wipe}  {label}  {time.monotonic() - self._began:.1f} s")

    def progress(self, words: str) -> None:
        """Say how far the step is, now and then."""
        now = time.monotonic()
        if now - self._shown < (0.2 if self._live else 5.0):
            return
        self._shown = now
        text = f"{self._wipe}  {self._label} … {words}  {now - self._began:.0f} s"
        say(text, end="" if self._live else "\n")

    @property
    def _wipe(self) -> str:
        return "\r\033[K" if self._live else ""


def say(text: str, end: str = "\n") -> None:
    """Print, unless nobody is there any more to read it."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        # The terminal or make was killed. What is left to do is done in silence.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def die_with_make() -> None:
    """When make started us, end with it even if it is killed without a word."""
    if "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            sys.exit(143)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the block as KeyboardInterrupt; what follows is in peace.

    The caller's clean-up runs outside of the block, where a second Ctrl-C no longer breaks it.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # Once: the clean-up begins inside the block, and make passes its own signal on twice.
        ignore()
        raise KeyboardInterrupt

    def ignore() -> None:
        for number in wanted:
            signal.signal(number, signal.SIG_IGN)

    # nohup's wish stands. A shell's habit to let what it runs in the background ignore SIGINT
    # doesn't: whoever sends that one means us.
    hangup_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    wanted = [n for n in ENDING if n is not signal.SIGHUP or not hangup_ignored]
    for number in wanted:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        ignore()


def require_loopback(host: str) -> None:
    """Refuse to listen where other machines could reach us: passwords must not go out."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsInvalid(
            f"LIANXIN_HOST is {host}, which other machines may reach. Passwords and personal data "
            "must not cross a network in the open: Lianxin listens on this machine only "
            "(127.0.0.1, ::1 or localhost), and a proxy that speaks https stands before it "
            "(docs/guide/security.md)."
        )


def take_port(host: str, port: int) -> socket.socket:
    """Take the port before anything slow is begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)  # so that nobody else may take it while we prepare
    except OSError as error:
        taken.close()
        other = port + 1 if port < 65_535 else port - 1
        raise SettingsInvalid(
            f"Port {port} on {host} cannot be had: {error.strerror}. If Lianxin runs already, open "
            f"http://{host}:{port}; else choose another port with LIANXIN_PORT={other}."
        ) from None
    return taken


def server_for(app: "FastAPI") -> "uvicorn.Server":
    """Return the server of an app, which writes its own log."""
    import uvicorn  # noqa: PLC0415

    from api.cli.wire import Wire  # noqa: PLC0415

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Wire,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # api.gate looks through those that are trusted
            timeout_graceful_shutdown=3,  # a live feed never ends by itself
        )
    )


@contextmanager
def serving(app: "FastAPI", taken: socket.socket) -> Iterator[Callable[[], None]]:
    """Run the app in a thread of its own; give a function that waits until it ends."""
    server = server_for(app)
    # Not Thread.join: interrupted by a signal's exception, it takes the thread for ended (3.11).
    ended = threading.Event()

    def run() -> None:
        try:
            server.run([taken])
        finally:
            ended.set()

    threading.Thread(target=run, name="server", daemon=True).start()
    try:
        while not server.started and not ended.wait(0.01):
            pass
        if ended.is_set():
            raise ServiceFailed("The service did not start; its log above says why.")
        keep_what_is_loaded()
        yield lambda: _wait_until_ended(ended)
    finally:
        server.should_exit = True
        ended.wait(10)


def keep_what_is_loaded() -> None:
    """Spare the collector what has been loaded for good: 300,000 objects, most of a second."""
    gc.collect()
    gc.freeze()


def _wait_until_ended(ended: threading.Event) -> None:
    ended.wait()
    raise ServiceFailed("The service ended by itself; its log above says why.")
