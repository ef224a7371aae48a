"""The elements of a JSON array that comes in pieces: where each ends, and what it is.

Nearly always a cut behind some ``},`` near the end of what is there is right, and that it was is
proven by the parser: if the text up to there, in brackets, is an array, then the cut lies between
two elements. Where that fails, an element is broken (or very deep), and the ends are found by
counting brackets outside strings.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from api.forms.form import RECORD_BYTES, broken
from api.forms.rows import parsed

_BETWEEN: Final = re.compile(rb"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_SPACE: Final = b" \t\r\n"
_TRIES: Final = 4
_WINDOW: Final = 65_536
_PARTNER: Final = {b"]": b"[", b"}": b"{"}


class Elements:
    """Takes the text behind an array's opening bracket; gives its elements as they are whole."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._count = 0
        self.rest: bytes | None = None
        """What stands behind the closing bracket, once that has come."""

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """Take what came; give the elements that are surely whole."""
        if self.rest is not None:
            self.rest += data
            return
        self._text += data
        rows = self._quick()
        if rows is None:
            yield from self._exact()
        elif rows:
            self._count += len(rows)
            yield rows

    def finish(self) -> Iterator[list[Any]]:
        """Take note that nothing more comes; give the rest."""
        if self.rest is None:
            yield from self._exact()
        if self.rest is None:
            raise broken(
                f"The list of points is not closed after row {self._count:,}: the body ends early."
            )

    def _quick(self) -> list[Any] | None:
        """Return the elements up to a likely cut; None where no such cut proves right."""
        start = max(0, len(self._text) - _WINDOW)
        cuts = [match.end() - 1 for match in _BETWEEN.finditer(self._text, start)]
        for cut in reversed(cuts[-_TRIES:]):
            try:
                rows = orjson.loads(b"[" + self._text[:cut] + b"]")
            except orjson.JSONDecodeError:
                continue
            del self._text[: cut + 1]
            return list(rows)
        return None

    def _exact(self) -> Iterator[list[Any]]:
        """Give the elements whose ends are found by counting."""
        rows: list[Any] = []
        begin = 0
        for end, mark in self._ends():
            element = bytes(self._text[begin:end]).strip(_SPACE)
            if element or mark == b"," or self._count + len(rows):
                rows.append(parsed(element))
            begin = end + 1
            if mark == b"]":
                self.rest = bytes(self._text[begin:])
                begin = len(self._text)
                break
        del self._text[:begin]
        self._count += len(rows)
        if rows:
            yield rows
        if len(self._text) > RECORD_BYTES:
            raise broken(
                f"Row {self._count + 1:,} has no end within {RECORD_BYTES:,} bytes: a bracket or "
                "a quotation mark is not closed, or the row is too large."
            )

    def _ends(self) -> Iterator[tuple[int, bytes]]:
        """Give where elements end, and by which mark: a comma, or the array's own bracket."""
        open_brackets: list[bytes] = []
        count = self._count
        for match in _TOKEN.finditer(self._text):
            mark = match.group()
            if mark in (b"[", b"{"):
                open_brackets.append(mark)
            elif mark in _PARTNER and open_brackets:
                if open_brackets.pop() != _PARTNER[mark]:
                    raise broken(f"The brackets of row {count + 1:,} don't match.")
            elif mark == b"]" or (mark == b"," and not open_brackets):
                yield match.start(), mark
                count += 1
            elif mark == b"}":
                raise broken(f"The brackets of row {count + 1:,} don't match.")


def value_end(text: bytes | bytearray, start: int) -> int | None:
    """Return where the JSON value ends that begins at ``start``; None where its end is not there.

    >>> value_end(b'{"a": [1, "}"]}, 2', 0), value_end(b'"abc', 0), value_end(b'12 , 3', 0)
    (15, None, 3)
    """
    depth = 0
    for match in _TOKEN.finditer(text, start):
        mark = match.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            if depth == 0:
                return match.start()
            depth -= 1
            if depth == 0:
                return match.end()
        elif depth == 0:
            if mark == b",":
                return match.start()
            return match.end() if len(mark) > 1 and mark.endswith(b'"') else None
    return None
