"""The cell index as it is asked and stored: a few flat arrays."""

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gis.cells.leaves import Leaves
from gis.geometry import OUTSIDE, Degrees, Positions

BLOCK: Final = 1 << 31
"""In the first word of a node: it is a block of smaller cells; else a leaf."""

MORE: Final = 1 << 30
"""In the first word of a leaf: the next node is a leaf of the same cell."""

_FIRST_NODE: Final = -2


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
        columns = min(max(math.ceil(width / side), 1), _SIDE_MAX)
        rows = min(max(math.ceil(height / side), 1), _SIDE_MAX)
        return cls(
            west, south, east, north, columns, rows,
            columns / width * _WITHIN, rows / height * _WITHIN,
        )  # fmt: skip

    def counts(self, lon: Any, lat: Any) -> tuple[Any, Any]:
        """Return how many columns and rows places are from the lower left corner.

        Rounding keeps their order, which is all that is relied on.
        """
        return (lon - self.west) * self.columns_a_degree, (lat - self.south) * self.rows_a_degree


_SIDE_MAX: Final = 1 << 15
_WITHIN: Final = 1.0 - 1e-9  # keeps the eastern and northern border within the last cell


class Made(Protocol):
    """What :func:`pack` takes of one level: see :class:`gis.cells.build.Level`."""

    @property
    def ranks(self) -> NDArray[np.int32]:
        """The first grid that covers the middle of each cell, or ``OUTSIDE``."""

    @property
    def leaves(self) -> Leaves:
        """The leaves of the crossed cells."""

    @property
    def cut(self) -> NDArray[np.int64]:
        """The cells that are blocks of the next level."""

    @property
    def sides(self) -> NDArray[np.int64]:
        """How many cells a side each of these has."""


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
    nodes : ndarray of uint32, shape (k, 8)
        A leaf: number of runs and the flag ``MORE``; base bits; the first run; the first two
        candidates; where its other runs and its other candidates begin. A block: ``BLOCK`` and
        how many cells a side it has; where they begin.
    runs : ndarray of uint32, shape (r, 2)
        Start and word; see :class:`gis.cells.leaves.Leaves`.
    candidates : ndarray of int32, shape (c,)
        Positions of grids.
    """

    frame: Frame
    vertices: NDArray[np.float64]
    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """What the index takes in memory, in bytes, beside the vertices."""
        return sum(each.nbytes for each in (self.cells, self.nodes, self.runs, self.candidates))

    def cell_of(self, lon: Degrees, lat: Degrees) -> NDArray[np.intp]:
        """Return the cell of each place in the frame, those of blocks aside."""
        column, row = self.frame.counts(lon, lat)
        return row.astype(np.intp) * self.frame.columns + column.astype(np.intp)


def pack(
    frame: Frame, vertices: NDArray[np.float64], levels: list[Any], by_rank: Positions
) -> CellIndex:
    """Put the levels together.

    Parameters
    ----------
    by_rank : ndarray of intp, shape (n,)
        The position of the grid of each rank.
    """
    positions = np.append(by_rank, OUTSIDE).astype(np.int32)
    if not levels:
        cells = np.full(frame.columns * frame.rows, OUTSIDE, dtype=np.int32)
        nothing = np.zeros((0, 8), np.uint32), np.zeros((0, 2), np.uint32), np.zeros(0, np.int32)
        return CellIndex(frame, vertices, cells, *nothing)
    cells, nodes, runs, others = [], [], [], []
    node_count = run_count = other_count = 0
    cells_end = 0
    for level in levels:
        cells_end += len(level.ranks)
        leaf_nodes, level_runs, level_others, leaf_cells = _leaf_nodes(
            level.leaves, level.cut, positions, run_count, other_count
        )
        values = positions[level.ranks]
        fresh = np.ones(len(leaf_cells), dtype=bool)
        fresh[1:] = leaf_cells[1:] != leaf_cells[:-1]
        first = np.flatnonzero(fresh)
        values[leaf_cells[first]] = _FIRST_NODE - (node_count + first)
        node_count += len(leaf_nodes)
        values[level.cut] = _FIRST_NODE - (node_count + np.arange(len(level.cut)))
        node_count += len(level.cut)
        blocks = np.zeros((len(level.cut), 8), dtype=np.uint32)
        blocks[:, 0] = BLOCK | level.sides
        sizes = level.sides * level.sides
        blocks[:, 1] = cells_end + np.cumsum(sizes) - sizes
        cells.append(values)
        nodes += [leaf_nodes, blocks]
        runs.append(level_runs)
        others.append(level_others)
        run_count += len(level_runs)
        other_count += len(level_others)
    return CellIndex(
        frame, vertices, np.concatenate(cells), np.concatenate(nodes), np.concatenate(runs),
        np.concatenate(others),
    )  # fmt: skip


def _leaf_nodes(
    leaves: Leaves,
    cut: NDArray[np.int64],
    positions: NDArray[np.int32],
    runs_before: int,
    others_before: int,
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int32], NDArray[np.int64]]:
    """Return nodes, runs and candidates of the leaves whose cells are not cut, and these cells."""
    kept = ~np.isin(leaves.cell, cut)
    count = len(leaves.cell)
    leaf_cells = leaves.cell[kept]
    nodes = np.zeros((count, 8), dtype=np.uint32)

    run_counts = np.bincount(leaves.run_leaf, minlength=count)
    run_turn = np.arange(len(leaves.run_leaf)) - (np.cumsum(run_counts) - run_counts)[leaves.run_leaf]
    nodes[:, 0] = run_counts
    nodes[:, 1] = leaves.base
    first = np.flatnonzero(run_turn == 0)
    nodes[leaves.run_leaf[first], 2] = leaves.run_start[first]
    nodes[leaves.run_leaf[first], 3] = leaves.run_word[first]
    more_runs = (run_turn > 0) & kept[leaves.run_leaf]
    spilt = np.where(kept, np.maximum(run_counts - 1, 0), 0)
    nodes[:, 6] = runs_before + np.cumsum(spilt) - spilt
    runs = np.stack([leaves.run_start[more_runs], leaves.run_word[more_runs]], axis=1)

    counts = np.bincount(leaves.candidate_leaf, minlength=count)
    turn = np.arange(len(leaves.candidate_leaf)) - (np.cumsum(counts) - counts)[leaves.candidate_leaf]
    own = positions[leaves.candidate]
    nodes[:, 4] = nodes[:, 5] = np.uint32(0xFFFFFFFF)
    for place in (0, 1):
        at = np.flatnonzero(turn == place)
        nodes[leaves.candidate_leaf[at], 4 + place] = own[at].view(np.uint32)
    more = (turn > 1) & kept[leaves.candidate_leaf]
    spilt = np.where(kept, np.maximum(counts - 2, 0), 0)
    nodes[:, 7] = others_before + np.cumsum(spilt) - spilt
    nodes = nodes[kept]
    follows = np.flatnonzero(leaf_cells[1:] == leaf_cells[:-1])
    nodes[follows, 0] |= MORE
    return nodes, runs, own[more], leaf_cells
