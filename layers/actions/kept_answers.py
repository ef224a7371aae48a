"""Answers that cost seconds, kept in memory for as long as what they were made of is the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class _Entry(Generic[Answer]):
    """One answer, the version it was made of, and the lock of who makes it."""

    def __init__(self) -> None:
        self.making = threading.Lock()
        self.made: tuple[Hashable, Answer] | None = None


class KeptAnswers(Generic[Key, Answer]):
    """The latest answer to each of a few questions.

    Parameters
    ----------
    most : int
        So many answers are kept; the one that was asked for longest ago goes first.

    Notes
    -----
    Whoever asks what is just being made waits for it; other questions go on meanwhile. An answer
    whose version has passed is let go before the next one is made.

    Examples
    --------
    >>> kept = KeptAnswers[str, int](most=2)
    >>> kept.answer("sum", "v1", lambda: 1 + 1), kept.answer("sum", "v1", lambda: 0)
    (2, 2)
    >>> kept.answer("sum", "v2", lambda: 0)
    0
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Key, _Entry[Answer]] = OrderedDict()
        self._guard = threading.Lock()

    def answer(self, key: Key, version: Hashable, make: Callable[[], Answer]) -> Answer:
        """Return the answer of that version, made now if it isn't there.

        An error of ``make`` is passed on, and nothing is kept.
        """
        entry = self._entry(key)
        with entry.making:
            if entry.made is not None and entry.made[0] == version:
                return entry.made[1]
            entry.made = None
            answer = make()
            entry.made = (version, answer)
            return answer

    def _entry(self, key: Key) -> _Entry[Answer]:
        with self._guard:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
            return entry
