"""Arrays in one file that opens by memory map, is written whole or not at all, and knows itself.

The file is a line of magic, a header in JSON (with a checksum of its own and of each MiB that
follows), and the arrays one after the other, each on a boundary of 64 bytes. Several processes
that open it share its pages.
"""

import json
import mmap
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gis.errors import SnapshotInvalid

MAGIC: Final = b"lianxin grids 2\n"
_ALIGNED: Final = 64
_PAGE: Final = 1 << 20
_AGAIN: Final = "Delete it: it is made anew from the boundaries."


def write_arrays(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays and what is to be known of them, atomically.

    Parameters
    ----------
    path : Path
        Appears when all is written; what was there before stays until then.
    facts : mapping
        As JSON holds it.
    arrays : mapping of str to ndarray
    """
    table: dict[str, tuple[str, list[int], int]] = {}
    offset = 0
    for name, array in arrays.items():
        table[name] = (array.dtype.str, list(array.shape), offset)
        offset += -(-array.nbytes // _ALIGNED) * _ALIGNED
    body = np.zeros(offset, dtype=np.uint8)
    for name, array in arrays.items():
        at = table[name][2]
        body[at : at + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    header = {"facts": dict(facts), "arrays": table, "bytes": offset, "sums": _sums(body)}
    text = json.dumps(header, ensure_ascii=False).encode()
    head = MAGIC + len(text).to_bytes(8, "little") + blake2b(text, digest_size=16).digest() + text
    head = head.ljust(-(-len(head) // _ALIGNED) * _ALIGNED, b"\0")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with beside.open("xb") as file:
            file.write(head)
            file.write(body.data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Open a file of :func:`write_arrays` by memory map.

    Returns
    -------
    dict
        The facts.
    dict of str to ndarray
        Private maps: what is written to them stays in this process.

    Raises
    ------
    SnapshotInvalid
        If it is no such file, or not as it was written.
    FileNotFoundError
        If there is none.
    """
    with path.open("rb") as file:
        start = file.read(len(MAGIC) + 24)
        if start[: len(MAGIC)] != MAGIC:
            raise SnapshotInvalid(f"{path} is no snapshot of grids of this version. {_AGAIN}")
        size = int.from_bytes(start[len(MAGIC) : len(MAGIC) + 8], "little")
        text = file.read(min(size, 1 << 30))
        if blake2b(text, digest_size=16).digest() != start[len(MAGIC) + 8 :]:
            raise SnapshotInvalid(f"{path} is damaged at its beginning. {_AGAIN}")
        header = json.loads(text)
        begin = -(-(len(start) + size) // _ALIGNED) * _ALIGNED
        held = path.stat().st_size
        if held != begin + header["bytes"]:
            raise SnapshotInvalid(
                f"{path} has {held:,} bytes instead of {begin + header['bytes']:,}. {_AGAIN}"
            )
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    whole = np.frombuffer(memory, dtype=np.uint8)[begin:]
    if _sums(whole) != header["sums"]:
        raise SnapshotInvalid(f"{path} is damaged: its checksum differs. {_AGAIN}")
    arrays = {}
    for name, (dtype, shape, at) in header["arrays"].items():
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays[name] = whole[at : at + count].view(dtype).reshape(shape)
    return header["facts"], arrays


def _sums(body: NDArray[np.uint8]) -> str:
    """Return a checksum as fast as memory: a hash over the sums of the numbers of each MiB."""
    words = body.view(np.uint64)
    whole = len(words) // (_PAGE // 8) * (_PAGE // 8)
    pages = words[:whole].reshape(-1, _PAGE // 8)
    sums = np.concatenate(
        [pages.sum(axis=1, dtype=np.uint64), [words[whole:].sum(dtype=np.uint64)]]
    )
    return blake2b(sums.tobytes(), digest_size=16).hexdigest()
