"""Who looks: the identity under which every transaction runs.

The request boundary says it once (``seen_by``); ``Database.transaction`` sets it in the database,
whose policies show the viewer's rows and no other. Where nobody is named, nothing is seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from layers.vocabulary import Role

EVERYWHERE = ""
"""The path of everything: the prefix that every other path begins with."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """An account, as far as it decides what is seen.

    ``area`` is a path as of ``areas`` and ``grids``, ended by a slash, or ``EVERYWHERE``;
    ``majors`` are the categories (first two digits) of a department, None for all.
    """

    account: str
    role: Role
    area: str
    majors: tuple[str, ...] | None = None

    def within(self, path: str | None) -> bool:
        """Whether a path lies in the viewer's area; what has none lies in everything alone.

        Examples
        --------
        >>> Viewer("a", Role.STREET, "150622/150622003/").within("150622/150622003/150622003001/")
        True
        >>> Viewer("a", Role.STREET, "150622/150622003/").within(None)
        False
        """
        return (path or EVERYWHERE).startswith(self.area)


SYSTEM = Viewer("system", Role.SYSTEM, EVERYWHERE)
"""The service's own work: storing a report wherever it lies, publishing, sweeping deadlines."""


def in_service_of(who: Viewer) -> Viewer:
    """Return the service at work for somebody: it sees everything, and the audit names them."""
    return Viewer(who.account, Role.SYSTEM, EVERYWHERE)


_LOOKS: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def viewer() -> Viewer | None:
    """Return who looks, or None where nobody was named."""
    return _LOOKS.get()


@contextmanager
def seen_by(who: Viewer | None) -> Iterator[None]:
    """Let everything within the block be seen as ``who`` may see it."""
    before = _LOOKS.set(who)
    try:
        yield
    finally:
        _LOOKS.reset(before)
