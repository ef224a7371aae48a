"""From where somebody acts: an address and a request's number, or this machine's command line."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act came from: ``address`` of a client, ``request_id`` as the log has it."""

    address: str
    request_id: str | None = None


_COMES: ContextVar[Origin | None] = ContextVar("origin", default=None)


def origin() -> Origin:
    """Return where the act at hand came from; without a request, whoever works on the machine."""
    return _COMES.get() or Origin(_local())


@contextmanager
def came_from(where: Origin) -> Iterator[None]:
    """Let everything within the block be an act that came from ``where``."""
    before = _COMES.set(where)
    try:
        yield
    finally:
        _COMES.reset(before)


@lru_cache(maxsize=1)
def _local() -> str:
    try:
        return f"local:{getpass.getuser()}"
    except (OSError, KeyError):  # a user without a name
        return "local"
