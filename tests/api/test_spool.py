from pathlib import Path

import anyio
import pytest

from api import spool
from api.schemas.problems import Refusal
from api.spool import Spool


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A little of everything."""
    monkeypatch.setattr(spool, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(spool, "PIECE_BYTES", 300)
    monkeypatch.setattr(spool, "PATIENCE_S", 0.01)
    monkeypatch.setattr(spool, "GIVE_UP_S", 0.05)


async def all_of(waiting: Spool) -> bytes:
    pieces = []
    while (piece := await waiting.get()) is not None:
        pieces.append(bytes(piece))
    return b"".join(pieces)


def test_what_nobody_reads_goes_to_disk_and_comes_back_in_order(tmp_path: Path) -> None:
    async def run() -> None:
        waiting = Spool(1_000_000, tmp_path)
        text = bytes(range(256)) * 40
        for turn in range(3):
            await waiting.put(text[turn:])
        assert list(tmp_path.iterdir()) == []  # the file has no name, and nothing is left of it
        waiting.close()
        assert await all_of(waiting) == text + text[1:] + text[2:]
        waiting.discard()

    anyio.run(run)


def test_reading_and_writing_at_once_keeps_the_order() -> None:
    async def run() -> None:
        waiting = Spool(1_000_000, None)
        found = b""

        async def read() -> None:
            nonlocal found
            for number in range(20):
                if number % 5 == 0:
                    await anyio.sleep(0.03)  # long enough to be taken for one who never reads
                found += bytes(await waiting.get() or b"")
            found += await all_of(waiting)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for number in range(60):
                await waiting.put(bytes([number]) * 500)
            waiting.close()
        assert found == b"".join(bytes([number]) * 500 for number in range(60))
        waiting.discard()

    anyio.run(run)


def test_a_full_disk_ends_it_with_the_setting_s_name() -> None:
    async def run() -> None:
        waiting = Spool(0, None)
        with pytest.raises(Refusal, match="LIANXIN_ROUTE_SPOOL_BYTES_MAX"):
            await waiting.put(b"x" * 2000)

    anyio.run(run)
