"""What is ready to be sent and not sent yet: a little in memory, and the rest on disk.

Many clients send all of their request before they read any of the answer. Were the answer then held
back until they read, both would wait for one another for ever. So a client that reads is waited
for, and for one that doesn't the answer goes to a file without a name, up to a limit.
"""

import os
import tempfile
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread

from api.schemas.problems import Refusal

MEMORY_BYTES: Final = 4 * 1024 * 1024
PIECE_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 0.25
"""So long without reading, a client is taken for one that sends everything first."""
GIVE_UP_S: Final = 60.0
"""And so long, with no more room on disk, for one that is gone."""


class Spool:
    """Bytes, first in, first out; one task puts, one gets."""

    def __init__(self, disk_bytes_max: int, folder: Path | None) -> None:
        self._disk_bytes_max = disk_bytes_max
        self._folder = folder
        self._pieces: deque[memoryview] = deque()
        self._held = 0
        self._file: Any = None
        self._read_to = self._written_to = 0
        self._closed = False
        self._changed = anyio.Event()
        self._taken_at = anyio.current_time()

    async def put(self, data: bytes | memoryview) -> None:
        """Add bytes; wait while there is no room for them."""
        view = memoryview(data)
        for start in range(0, len(view), PIECE_BYTES):
            piece = view[start : start + PIECE_BYTES]
            await anyio.lowlevel.checkpoint()  # whoever takes has a turn after each
            if await self._has_room():
                self._pieces.append(piece)
                self._held += len(piece)
            else:
                await self._to_disk(piece)
            self._tell()

    async def get(self) -> bytes | memoryview | None:
        """Return the next bytes; wait for them; None when there will be no more."""
        while True:
            self._taken_at = anyio.current_time()
            if self._pieces:
                piece = self._pieces.popleft()
                self._held -= len(piece)
                self._tell()
                return piece
            if self._read_to < self._written_to:
                return await self._from_disk()
            if self._closed:
                return None
            await self._changed.wait()

    def close(self) -> None:
        """Say that nothing more will be put."""
        self._closed = True
        self._tell()

    def discard(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    async def _has_room(self) -> bool:
        """Wait for room in memory as long as the client reads; return whether there is."""
        while self._read_to < self._written_to or self._held >= MEMORY_BYTES:
            full = self._written_to >= self._disk_bytes_max
            patience = GIVE_UP_S if full else PATIENCE_S
            left = self._taken_at + patience - anyio.current_time()
            if left <= 0 and full:
                raise self._full()
            if left <= 0:
                return False
            changed = self._changed
            with anyio.move_on_after(left):
                await changed.wait()
        if self._written_to:  # all of it was taken
            self._file.truncate(0)
            self._read_to = self._written_to = 0
        return True

    def _full(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "The answer waits too long",
            "答复积压过多",
            f"The client sends without reading, and more than {self._disk_bytes_max:,} bytes of "
            "its answer wait (LIANXIN_ROUTE_SPOOL_BYTES_MAX). Read while sending, or send less.",
        )

    async def _to_disk(self, piece: memoryview) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        await to_thread.run_sync(_write_all, self._file.fileno(), piece, self._written_to)
        self._written_to += len(piece)

    async def _from_disk(self) -> bytes:
        size = min(PIECE_BYTES, self._written_to - self._read_to)
        data = await to_thread.run_sync(os.pread, self._file.fileno(), size, self._read_to)
        self._read_to += len(data)
        self._tell()
        return data

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _write_all(file: int, piece: memoryview, position: int) -> None:
    while piece:
        written = os.pwrite(file, piece, position)
        piece, position = piece[written:], position + written
