"""The cell index as it is asked and stored: a few flat arrays."""

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.geometry import Positions

BLOCK: Final = 1 << 31
"""In the first word of a node: it is a block of smaller cells; else a leaf."""

MANY: Final = 1 << 30
"""In the first word of a leaf: it has not just one run between at most two candidates."""

# a leaf of one run: the lower bits of its first word are those of the run's word

BASE_AT: Final = 12
"""Where its base bits begin (2 bits); before them are those of the run's candidates."""

RUN_WORD: Final = (1 << BASE_AT) - 1
"""The bits of the run's own word."""

KINDS_AT: Final = 14
"""Where the number of its dedicated candidates begins (2 bits)."""

# a leaf of many

MORE: Final = 1 << 29
"""The next node is a leaf of the same cell."""

DEDICATED_AT: Final = 24
"""Where the number of its dedicated candidates begins (5 bits)."""

CANDIDATES_AT: Final = 19
"""Where the number of its candidates begins (5 bits)."""

RUNS: Final = (1 << CANDIDATES_AT) - 1
"""The bits of the number of its runs."""

FIRST_NODE: Final = -2
"""What stands in a cell for the first node; one less for each that follows."""


class Frame(NamedTuple):
    """The rectangle of everything, and how it is cut into columns and rows."""

    west: float
    south: float
    east: float
    north: float
    columns: int
    rows: int
    columns_a_degree: float
    rows_a_degree: float

    @classmethod
    def around(cls, bounds: tuple[float, float, float, float], cells: float) -> "Frame":
        """Cut a rectangle into about so many cells, as square as can be."""
        west, south, east, north = bounds
        if not math.isfinite(west):
            return cls(math.inf, math.inf, -math.inf, -math.inf, 1, 1, 1.0, 1.0)
        # an outline without area has no width or height; any will do
        width = max(east - west, 1e-9)
        height = max(north - south, 1e-9)
        side = math.sqrt(width * height / max(cells, 1.0))
        # no smaller than many steps between floats: a cell's middle must lie in the cell
        widest = min(_SIDE_MAX, width / (max(abs(west), abs(east)) * _STEP + 1e-300))
        highest = min(_SIDE_MAX, height / (max(abs(south), abs(north)) * _STEP + 1e-300))
        columns = max(math.floor(min(math.ceil(width / side), widest)), 1)
        rows = max(math.floor(min(math.ceil(height / side), highest)), 1)
        return cls(
            west, south, east, north, columns, rows,
            columns / width * _WITHIN, rows / height * _WITHIN,
        )  # fmt: skip

    @property
    def slack(self) -> float:
        """How far rounding can move a place, or the middle of a cell, in cells."""
        across = max(abs(self.west), abs(self.east)) * self.columns_a_degree
        along = max(abs(self.south), abs(self.north)) * self.rows_a_degree
        return 2.0**-50 * (self.columns + self.rows + across + along)

    def meets(self, west: float, south: float, east: float, north: float) -> bool:
        """Return whether a box meets the rectangle."""
        return (
            west <= self.east and east >= self.west and south <= self.north and north >= self.south
        )

    def holds(self, bounds: tuple[float, float, float, float]) -> bool:
        """Return whether a rectangle lies in this one."""
        west, south, east, north = bounds
        return (
            self.west <= west and self.south <= south and east <= self.east and north <= self.north
        )

    def counts(self, lon: Any, lat: Any) -> tuple[Any, Any]:
        """Return how many columns and rows places are from the lower left corner.

        Rounding keeps their order, which is all that is relied on.
        """
        return (lon - self.west) * self.columns_a_degree, (lat - self.south) * self.rows_a_degree


_SIDE_MAX: Final = 1 << 15
_STEP: Final = 2.0**-44  # of a coordinate: some hundred steps from one float to the next
_WITHIN: Final = 1.0 - 1e-9  # keeps the eastern and northern border within the last cell


class Ranking(NamedTuple):
    """The order of precedence: the position of the grid of each rank, dedicated ones first."""

    positions: Positions
    dedicated: int


@dataclass(frozen=True)
class CellIndex:
    """Who covers a place: a raster of cells, and leaves for those that borders cross.

    Attributes
    ----------
    frame : Frame
    vertices : ndarray of float, shape (m, 2)
        Longitude and latitude of all outlines' vertices.
    cells : ndarray of int32
        Row after row from the south: the position of the grid that owns the whole cell,
        ``OUTSIDE``, or −2 − the number of a node. Behind them the cells of each block.
    nodes : ndarray of uint32, shape (k, 4)
        A leaf of one run: the run's word with base bits and kinds; where the run starts; one
        candidate; the other or ``OUTSIDE``. A leaf of many: ``MANY``, how many runs, candidates and
        dedicated candidates it has, and the flag ``MORE``; base bits; where its runs and its
        candidates begin. A block: ``BLOCK`` and how many cells a side it has; where they begin.
    runs : ndarray of uint32, shape (r, 2)
        Start and word of the runs of leaves of many; see :class:`gis.cells.leaves.Leaves`.
    candidates : ndarray of int32, shape (c,)
        Positions of grids, for leaves of many.
    grids : int
        How many grids there are.
    made : int
        How many nodes there were when all was made at once: later changes leave some behind.
    """

    frame: Frame
    vertices: NDArray[np.float64]
    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]
    grids: int
    made: int

    @property
    def nbytes(self) -> int:
        """What the index takes in memory, in bytes, beside the vertices."""
        return sum(each.nbytes for each in (self.cells, self.nodes, self.runs, self.candidates))
