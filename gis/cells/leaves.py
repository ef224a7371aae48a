"""Cells that borders cross, as leaves: what decides, point by point, who covers a place there.

A *leaf* knows up to 22 candidates, the grids that can cover a point of its cell, in the order of
precedence; the candidates that cover the cell's middle; and the *runs*, stretches of consecutive
edges that cross the cell between the same two candidates. From there to the point each crossed
edge changes the sides of its candidates, so one pass over the edges decides among all of them:
shared edges, T-junctions, holes, multiparts, overlaps and gaps are no special cases.

What is counted are the edges above the point. A run may leave the cell to pass above it; whether
it does before or behind the point cannot be told from the edges in the cell, but from the run's
ends: one that lies in a higher row, and not east of the point, counts as one more edge above.

A cell with more candidates has several leaves, one after the other; the first that is covered
by any of its candidates decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis import compiled
from gis.cells.blocks import Blocks, Pieces
from gis.cells.borders import NOBODY, Borders
from gis.cells.covers import Middles
from gis.exact import sides
from gis.geometry import Positions

CANDIDATES: Final = 22
"""How many candidates a leaf can have."""

EDGES: Final = 255
"""How many edges a run can have."""

WORTH_COMPILING: Final = 500_000
"""From so many edges on, compiled leaves are worth the ten seconds that they cost, once."""

_AT_ONCE: Final = 1 << 15
STARTS_ABOVE: Final = 1 << 8
"""In the word of a run: its first vertex lies above the cell."""

ENDS_ABOVE: Final = 1 << 9
"""The same of its last vertex."""

BITS_AT: Final = 10
"""Where, in the word of a run, the bits of its candidates begin."""


class Crossings(NamedTuple):
    """Pairs of a piece and a cell that it crosses, sorted by cell, then edge."""

    piece: Positions
    cell: NDArray[np.int64]
    block: Positions
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    edge: Positions
    starts_above: NDArray[np.bool_]
    ends_above: NDArray[np.bool_]

    def taken(self, which: Any) -> "Crossings":
        """Return some of them."""
        each: Any = (array[which] for array in self)
        return Crossings(*each)


@dataclass(frozen=True)
class Leaves:
    """Leaves, in the order of their cells, and what belongs to each.

    Attributes
    ----------
    cell : ndarray of int64, shape (l,)
        The cell of each leaf; a cell may have several in a row.
    base : ndarray of uint32, shape (l,)
        Bits of the candidates that cover the point from which no edge is crossed.
    run_leaf : ndarray of intp, shape (r,)
        The leaf of each run, ascending.
    run_start : ndarray of uint32, shape (r,)
        The vertex where a run begins.
    run_word : ndarray of uint32, shape (r,)
        How many edges it has (8 bits), whether its start and its end lie above the cell (1 bit
        each), and the bits of its candidates (22).
    candidate_leaf : ndarray of intp, shape (c,)
        The leaf of each candidate, ascending.
    candidate : ndarray of int32, shape (c,)
        Its rank; ascending in each cell.
    edge_count : ndarray of int64, shape (l,)
        How many edges cross the leaf's cell.
    """

    cell: NDArray[np.int64]
    base: NDArray[np.uint32]
    run_leaf: Positions
    run_start: NDArray[np.uint32]
    run_word: NDArray[np.uint32]
    candidate_leaf: Positions
    candidate: NDArray[np.int32]
    edge_count: NDArray[np.int64]


def crossings_of(blocks: Blocks, pieces: Pieces) -> Crossings:
    """Find the cells that pieces cross."""
    piece, column, row = pieces.crossed(blocks)
    block = pieces.block[piece]
    # pieces are sorted by block and edge, so a piece's number orders the edges of a cell; numbers
    # are sorted faster than their places
    room = max(len(pieces) - 1, 1).bit_length()
    key = (blocks.cells[block] + row * blocks.columns[block] + column) << room | piece
    key.sort()
    cell, piece = key >> room, key & ((1 << room) - 1)
    block, row, column = blocks.places(cell)
    above = row + 1.0
    return Crossings(
        piece, cell, block, column, row, pieces.edge[piece],
        pieces.ay[piece] >= above, pieces.by[piece] >= above,
    )  # fmt: skip


def counted_above(
    crossings: Crossings,
    borders: Borders,
    vertices: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return whether each edge counts as above a point of its cell.

    A point on the edge counts as a bit east, and by much less north, of itself; see
    :mod:`gis.cells.covers`.
    """
    counted = np.empty(len(lon), dtype=bool)
    for begin in range(0, len(lon), _AT_ONCE):  # so many that they stay in the cache
        part = slice(begin, begin + _AT_ONCE)
        counted[part] = _counted_above(
            crossings.taken(part), borders, vertices, lon[part], lat[part]
        )
    return counted


def _counted_above(
    crossings: Crossings,
    borders: Borders,
    vertices: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Do as :func:`counted_above`, all at once."""
    start = borders.start[crossings.edge]
    ax, bx = vertices[start, 0], vertices[start + 1, 0]
    left, right = ax <= lon, bx <= lon
    counted: NDArray[np.bool_] = (left & crossings.starts_above) ^ (right & crossings.ends_above)
    over = np.flatnonzero(left != right)
    (x1, y1), (x2, y2) = vertices[start[over]].T, vertices[start[over] + 1].T
    turn = sides(x1, y1, x2, y2, lon[over], lat[over])
    rising = (x1 < x2) == (y1 < y2)
    rising &= y1 != y2
    below = np.where(left[over], turn < 0, turn > 0) | ((turn == 0) & rising)
    counted[over] ^= below
    return counted


def leaf_maker(edges: int) -> Callable[..., Leaves]:
    """Return :func:`leaves_of` or, for so many edges that it is worth it, its compiled twin."""
    fast = compiled.twin("leaves") if edges >= WORTH_COMPILING else None
    return leaves_of if fast is None else fast.leaves_of


def leaves_of(
    blocks: Blocks,
    crossings: Crossings,
    borders: Borders,
    middles: Middles,
    vertices: NDArray[np.float64],
    wanted: NDArray[np.bool_],
) -> Leaves:
    """Make the leaves of all cells that are crossed, and of those that are wanted besides."""
    grids = middles.grids
    runs = _runs(blocks, crossings, borders, vertices)
    covering = _covering(crossings, middles, wanted)
    low, high = runs.keys(grids)
    candidates = _distinct(np.sort(np.concatenate([low, high[runs.high != NOBODY], covering])))
    leaf, slot, first = _in_leaves(candidates, grids)
    cell = candidates[first] // grids
    bits = np.uint32(1) << slot
    covered = np.isin(candidates, covering, assume_unique=True)
    base = _united(np.where(covered, bits, np.uint32(0)), first)

    run, place = runs.places(candidates, grids)
    run, run_leaf, bits = _joined(run, leaf[place], bits[place])
    np.bitwise_xor.at(base, run_leaf, np.where(runs.odd[run], bits, np.uint32(0)))
    order = np.argsort(run_leaf, kind="stable")
    run, run_leaf, bits = run[order], run_leaf[order], bits[order]
    return Leaves(
        cell,
        base,
        run_leaf,
        runs.start[run].astype(np.uint32),
        runs.word[run] | bits << np.uint32(BITS_AT),
        leaf,
        (candidates % grids).astype(np.int32),
        np.searchsorted(crossings.cell, cell, side="right") - np.searchsorted(crossings.cell, cell),
    )


class _Runs(NamedTuple):
    """Stretches of consecutive edges in a cell between the same two grids."""

    cell: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    start: NDArray[np.int64]
    word: NDArray[np.uint32]
    odd: NDArray[np.bool_]

    def keys(self, grids: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return cell and rank as one number, for the lower and for the higher rank."""
        return self.cell * grids + self.low, self.cell * grids + self.high

    def places(self, candidates: NDArray[np.int64], grids: int) -> tuple[Positions, Positions]:
        """Return pairs of a run and the place of one of its grids among the candidates."""
        keys = np.stack(self.keys(grids), axis=1).reshape(-1)
        rank = np.stack([self.low, self.high], axis=1).reshape(-1)
        place = np.searchsorted(candidates, keys)
        known = (rank != NOBODY) & (place < len(candidates))
        known[known] = candidates[place[known]] == keys[known]
        return np.flatnonzero(known) // 2, place[known]


def _runs(
    blocks: Blocks, crossings: Crossings, borders: Borders, vertices: NDArray[np.float64]
) -> _Runs:
    """Find the runs, and which of them have an odd number of edges above the cell's middle."""
    edge, start = crossings.edge, borders.start[crossings.edge]
    low, high = borders.one[edge].astype(np.int64), borders.other[edge].astype(np.int64)
    fresh = np.ones(len(edge), dtype=bool)
    fresh[1:] = (start[1:] != start[:-1] + 1) | (crossings.cell[1:] != crossings.cell[:-1])
    fresh[1:] |= (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    first = np.flatnonzero(fresh)
    turn = np.arange(len(edge)) - np.repeat(first, np.diff(np.append(first, len(edge))))
    first = np.flatnonzero(turn % EDGES == 0)
    lengths = np.diff(np.append(first, len(edge)))
    lon = blocks.centre_lon(crossings.block, crossings.column)
    lat = blocks.centre_lat(crossings.block, crossings.row)
    counted = counted_above(crossings, borders, vertices, lon, lat)
    word = lengths | crossings.starts_above[first] * STARTS_ABOVE
    word |= crossings.ends_above[first + lengths - 1] * ENDS_ABOVE
    return _Runs(
        crossings.cell[first], low[first], high[first], start[first], word.astype(np.uint32),
        np.bitwise_xor.reduceat(counted, first) if first.size else counted,
    )  # fmt: skip


def _covering(
    crossings: Crossings, middles: Middles, wanted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the grids that cover the middles of cells with leaves: cell and rank as one number."""
    wanted = wanted.copy()
    wanted[crossings.cell] = True
    one = np.flatnonzero(wanted & (middles.counts == 1))
    several = (middles.cell * middles.grids + middles.rank)[wanted[middles.cell]]
    return np.concatenate([one * middles.grids + middles.first[one], several])


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct ones of sorted numbers."""
    fresh = np.ones(len(numbers), dtype=bool)
    fresh[1:] = numbers[1:] != numbers[:-1]
    return numbers[fresh]


def _in_leaves(
    candidates: NDArray[np.int64], grids: int
) -> tuple[Positions, NDArray[np.uint32], Positions]:
    """Return each candidate's leaf and its place there, and each leaf's first candidate."""
    cell = candidates // grids
    fresh = np.ones(len(cell), dtype=bool)
    fresh[1:] = cell[1:] != cell[:-1]
    first = np.flatnonzero(fresh)
    turn = np.arange(len(cell)) - np.repeat(first, np.diff(np.append(first, len(cell))))
    slot = turn % CANDIDATES
    leaf = np.cumsum(slot == 0) - 1
    return leaf, slot.astype(np.uint32), np.flatnonzero(slot == 0)


def _joined(
    run: Positions, leaf: Positions, bits: NDArray[np.uint32]
) -> tuple[Positions, Positions, NDArray[np.uint32]]:
    """Put together what a run says of two candidates in the same leaf."""
    fresh = np.ones(len(run), dtype=bool)
    fresh[1:] = (run[1:] != run[:-1]) | (leaf[1:] != leaf[:-1])
    first = np.flatnonzero(fresh)
    return run[first], leaf[first], _united(bits, first)


def _united(bits: NDArray[np.uint32], first: Positions) -> NDArray[np.uint32]:
    """Return the bits of each group, of which the first ones are given."""
    return np.bitwise_or.reduceat(bits, first) if first.size else bits
