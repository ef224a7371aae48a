"""The messages of an Arrow IPC stream as they come: pyarrow reads one only once all of it is there.

Of each message only its kind and its length are looked at, in the few bytes of flatbuffers before
it: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format.
"""

import io
import struct
from typing import Final, NamedTuple

from api.forms.form import broken

MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""A record batch must be whole in memory before it can be read."""

END, SCHEMA, DICTIONARY, RECORDS = range(4)

_CONTINUED: Final = 0xFFFFFFFF
_FILE: Final = b"ARROW1"
_SMALLER: Final = "Write smaller ones, of 65,536 rows or so."
# Positions of fields in their tables: Message.fbs of the format.
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_DATA, _IS_DELTA = 1, 2
_COMPRESSION: Final = 3


class Message(NamedTuple):
    """A message that is there as a whole."""

    kind: int
    size: int


class Messages(io.RawIOBase):
    """What came of a stream and was not read yet; a file to pyarrow."""

    def __init__(self) -> None:
        super().__init__()
        self._text = bytearray()
        self._seen = 0  # messages up to here were told to be there
        self._delta_bytes = 0

    @property
    def waiting(self) -> int:
        """How many bytes came that belong to no message told to be there."""
        return len(self._text) - self._seen

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; fewer than asked for where they did not come yet."""
        data = bytes(self._text[:size] if size >= 0 else self._text)
        del self._text[: len(data)]
        self._seen -= len(data)
        return data

    def append(self, data: bytes) -> None:
        """Take what came."""
        self._text += data

    def next_message(self) -> Message | None:
        """Return the next message, if all of it is there.

        Raises
        ------
        Refusal
            Where this is no Arrow IPC stream, or a message is larger than we hold.
        """
        text, start = self._text, self._seen
        if len(text) < start + 8:
            if text[start:] and not _FILE.startswith(text[start : start + 6]):
                self._check_mark(start)
            return None
        self._check_mark(start)
        (length,) = struct.unpack_from("<i", text, start + 4)
        if length == 0:
            self._seen = start + 8
            return Message(END, 8)
        if not 0 < length <= MESSAGE_BYTES:
            raise broken("The body is no Arrow IPC stream: a message has an impossible length.")
        if len(text) < start + 8 + length:
            return None
        kind, body = self._described(bytes(text[start + 8 : start + 8 + length]))
        size = 8 + length + body
        if start + size > MESSAGE_BYTES:
            raise broken(
                f"A record batch (with its dictionaries) of {start + size:,} bytes is larger than "
                f"the {MESSAGE_BYTES:,} that are held in memory. {_SMALLER}"
            )
        if len(text) < start + size:
            return None
        self._seen = start + size
        return Message(kind, size)

    def _check_mark(self, start: int) -> None:
        mark = self._text[start : start + 4]
        if mark == b"\xff" * len(mark):
            return
        if self._text[start : start + 6] == _FILE:
            raise broken(
                "This is an Arrow file (Feather), which can only be read from its end. Send the "
                "stream format (pyarrow.ipc.new_stream)."
            )
        raise broken("The body is no Arrow IPC stream.")

    def _described(self, metadata: bytes) -> tuple[int, int]:
        """Return a message's kind and the length of its body."""
        try:
            message = _Table(metadata, *struct.unpack_from("<I", metadata))
            kind, body = message.number(_HEADER_TYPE, "<B"), message.number(_BODY_LENGTH, "<q")
            header = message.table(_HEADER)
            if kind == DICTIONARY and header is not None:
                self._delta_bytes += body * header.number(_IS_DELTA, "<B")
                header = header.table(_DATA)
            compressed = kind != SCHEMA and header is not None and header.has(_COMPRESSION)
        except (struct.error, IndexError):
            raise broken("The body is no Arrow IPC stream: a message is damaged.") from None
        if kind not in (SCHEMA, DICTIONARY, RECORDS) or body < 0:
            raise broken(f"The Arrow stream holds a message of a kind ({kind}) that is not taken.")
        if compressed:
            raise broken(
                "The Arrow stream is compressed, and nothing tells how large it becomes. Write it "
                "without compression."
            )
        if self._delta_bytes > MESSAGE_BYTES:
            raise broken(f"The dictionaries have grown to more than {MESSAGE_BYTES:,} bytes.")
        return kind, body


class _Table:
    """A table of a flatbuffer: an offset to the list of its fields' positions."""

    def __init__(self, text: bytes, position: int) -> None:
        self._text = text
        self._position = position
        (back,) = struct.unpack_from("<i", text, position)
        self._fields = position - back
        if self._fields < 0:
            raise IndexError
        (self._size,) = struct.unpack_from("<H", text, self._fields)

    def _offset(self, field: int) -> int:
        slot = 4 + 2 * field
        if slot + 2 > self._size:
            return 0
        return int(struct.unpack_from("<H", self._text, self._fields + slot)[0])

    def has(self, field: int) -> bool:
        """Return whether a field is there."""
        return self._offset(field) != 0

    def number(self, field: int, kind: str) -> int:
        """Return a number; 0 where it is not there."""
        offset = self._offset(field)
        return int(struct.unpack_from(kind, self._text, self._position + offset)[0]) * bool(offset)

    def table(self, field: int) -> "_Table | None":
        """Return a table within this one."""
        offset = self._offset(field)
        if not offset:
            return None
        position = self._position + offset
        return _Table(self._text, position + struct.unpack_from("<I", self._text, position)[0])
