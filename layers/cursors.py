"""Where a page of a list ended, as a text that nobody need understand."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from zlib import crc32

from layers.errors import CursorInvalid


def write_cursor(*position: str | int) -> str:
    """Return the cursor of what comes after a position."""
    text = json.dumps(position, separators=(",", ":")).encode()
    return urlsafe_b64encode(crc32(text).to_bytes(4, "big") + text).rstrip(b"=").decode()


def read_cursor(cursor: str, *kinds: type[str] | type[int]) -> list[str | int]:
    """Return the position after which a page begins, a value of each kind.

    Raises
    ------
    CursorInvalid
        The cursor isn't one of ours, or is another list's.

    Examples
    --------
    >>> read_cursor(write_cursor("150622003", 7), str, int)
    ['150622003', 7]
    """
    try:
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        if crc32(packed[4:]).to_bytes(4, "big") != packed[:4]:
            raise ValueError
        position: list[str | int] = json.loads(packed[4:])
        if [type(value) for value in position] != list(kinds):
            raise ValueError
        return position
    except (ValueError, TypeError, binascii.Error):
        raise CursorInvalid(
            "The cursor is not one that a list gave out. Begin again without it, and follow next."
        ) from None
