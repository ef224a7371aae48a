"""The arrays of a cell index (:mod:`gis.cells.index`), as compiled code takes them."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import CellIndex, Frame
from gis.compiled.jit import inlined

Integer: TypeAlias = Any
"""Of 64 bits, whether numpy's or Python's: compiled, they are one."""

Floats: TypeAlias = NDArray[np.float64]


class Tables(NamedTuple):
    """The arrays by their names."""

    frame: Frame
    vertices: Floats
    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]


Bare: TypeAlias = tuple[tuple[Any, ...], Any, Any, Any, Any, Any]
"""The same as plain tuples: numba looks at each named one anew with every call, which takes five
microseconds."""


def bare(index: CellIndex) -> Bare:
    """Return the arrays of an index."""
    return (
        tuple(index.frame), index.vertices, index.cells, index.nodes, index.runs, index.candidates
    )  # fmt: skip


@inlined
def named(bare: Bare) -> Tables:
    """Give the arrays their names back."""
    frame, vertices, cells, nodes, runs, candidates = bare
    return Tables(Frame(*frame), vertices, cells, nodes, runs, candidates)
