"""What an index of grids holds, and its file: see :mod:`gis.snapshot` for the form of that."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import CellIndex, Frame
from gis.edges import Runs
from gis.errors import SnapshotInvalid
from gis.rings import Rings
from gis.snapshot import read_arrays, write_arrays


class Contents(NamedTuple):
    """What a :class:`gis.ownership.GridIndex` holds.

    Attributes
    ----------
    codes : tuple of str
    dedicated : ndarray of bool, shape (n,)
    edition : str or None
    rings : Rings
    cells : CellIndex
        Who owns a point.
    runs : Runs, optional
        How far a boundary is; made anew where they are not given.
    simple : ndarray of bool, shape (n,), optional
        Whether the rings of each grid neither cross nor cover one another.
    """

    codes: tuple[str, ...]
    dedicated: NDArray[np.bool_]
    edition: str | None
    rings: Rings
    cells: CellIndex
    runs: Runs | None = None
    simple: NDArray[np.bool_] | None = None


_RINGS: Final = ("vertices", "starts", "shells", "of_grid")
_CELLS: Final = ("cells", "nodes", "runs", "candidates")


def write(path: Path, contents: Contents) -> None:
    """Write everything that ``contents`` has, atomically."""
    codes, dedicated, edition, rings, cells, runs, simple = contents
    facts = {"edition": edition, "frame": list(cells.frame), "made": cells.made}
    arrays = {"dedicated": dedicated, "codes": np.frombuffer("\0".join(codes).encode(), np.uint8)}
    arrays |= {f"rings.{name}": getattr(rings, name) for name in _RINGS}
    arrays |= {f"cells.{name}": getattr(cells, name) for name in _CELLS}
    if runs is not None:
        arrays |= {f"runs.{name}": getattr(runs, name) for name in Runs._fields}
    if simple is not None:
        arrays["simple"] = simple
    write_arrays(path, facts, arrays)


def read(path: Path) -> Contents:
    """Open a file by memory map.

    Raises
    ------
    SnapshotInvalid
        If it is no snapshot of grids, or damaged.
    FileNotFoundError
        If there is none.
    """
    facts, arrays = read_arrays(path)
    try:
        text = arrays["codes"].tobytes().decode()
        codes = tuple(text.split("\0")) if len(arrays["dedicated"]) else ()
        rings = Rings(*(arrays[f"rings.{name}"] for name in _RINGS))
        cells = CellIndex(
            frame=Frame(*facts["frame"]),
            vertices=rings.vertices,
            grids=len(codes),
            made=facts["made"],
            **{name: arrays[f"cells.{name}"] for name in _CELLS},
        )
        there = f"runs.{Runs._fields[0]}" in arrays
        runs = Runs(*(arrays[f"runs.{name}"] for name in Runs._fields)) if there else None
        dedicated, edition = arrays["dedicated"], facts["edition"]
    except (KeyError, TypeError) as error:
        raise SnapshotInvalid(f"{path} is a snapshot, but of something else") from error
    return Contents(codes, dedicated, edition, rings, cells, runs, arrays.get("simple"))
