"""Which grids cover the middles of cells: the outlines filled row by row, decided exactly.

A row of a block has a line through the middles of its cells. Where an edge crosses that line, what
lies east of it changes sides: a *turn* for each of the edge's grids. The turns of one grid on one
line, in order, are where it begins, ends, begins …: whether it covers a middle is told by how many
turns are not east of it.

A middle that lies exactly on an edge counts as a bit east, and by much less north, of itself; so
it is on one side of every edge, and on the same side in everything that is said of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.blocks import Blocks, Pieces
from gis.cells.borders import NOBODY, Borders
from gis.exact import side, sides
from gis.geometry import OUTSIDE, Positions
from gis.rings import ranges

_AT_ONCE: Final = 1 << 20  # cells filled in one go
_UNSURE: Final = 0.25  # of a cell: beyond this more than one middle may be in doubt


class Middles(NamedTuple):
    """Who covers the middle of each cell of some blocks.

    Attributes
    ----------
    first : ndarray of int32, shape (c,)
        The lowest rank, or ``OUTSIDE``.
    counts : ndarray of int64, shape (c,)
        How many grids.
    cell, rank : ndarray of int64, shape (s,)
        Where they are more than one, all of them, sorted.
    grids : int
        How many ranks there can be.
    """

    first: NDArray[np.int32]
    counts: NDArray[np.int64]
    cell: NDArray[np.int64]
    rank: NDArray[np.int64]
    grids: int


@dataclass(frozen=True)
class Covers:
    """What covers the middles of the cells of some blocks.

    Attributes
    ----------
    turns : ndarray of int64, shape (t,)
        (line, rank, column), each as one number, sorted; an even number for each line and rank.
    grids, columns : int
        How many ranks there can be, and one more than the widest block has columns.
    """

    turns: NDArray[np.int64]
    grids: int
    columns: int

    def middles(self, blocks: Blocks) -> Middles:
        """Return who covers the middle of each cell."""
        begin, sizes, _ = self._stretches(blocks)
        room = int(blocks.cells[-1]) + 1
        steps = np.bincount(begin, minlength=room) - np.bincount(begin + sizes, minlength=room)
        count = np.cumsum(steps)[:-1]
        ranks = np.full(int(blocks.cells[-1]), OUTSIDE, dtype=np.int32)
        several = [np.zeros(0, dtype=np.int64)]
        # the last one that is written stays: within a line the lowest rank
        for cell, rank in self._filled(blocks):
            ranks[cell] = rank
            some = np.flatnonzero(count[cell] > 1)
            several.append(cell[some] * self.grids + rank[some])
        return Middles(
            ranks, count, *np.divmod(np.sort(np.concatenate(several)), self.grids), self.grids
        )

    def _filled(self, blocks: Blocks) -> Iterator[tuple[Positions, NDArray[np.int64]]]:
        """Return cells whose middles are covered, and by which grids; the last rank goes first."""
        begin, sizes, rank = self._stretches(blocks)
        total = np.cumsum(sizes)
        start = 0
        while start < len(total):
            done = int(total[start - 1]) if start else 0
            stop = max(int(np.searchsorted(total, done + _AT_ONCE)), start + 1)
            part = slice(start, stop)
            yield ranges(begin[part], sizes[part]), np.repeat(rank[part], sizes[part])
            start = stop

    def _stretches(
        self, blocks: Blocks
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the stretches of cells that grids cover: the first cell, how many, and the rank.

        Within a line the last rank goes first.
        """
        begin, end = self.turns[0::2][::-1], self.turns[1::2][::-1]
        some = begin < end
        begin, sizes = begin[some], (end - begin)[some]
        group, column = np.divmod(begin, self.columns)
        line, rank = np.divmod(group, self.grids)
        block = np.searchsorted(blocks.lines, line, side="right") - 1
        first = blocks.cells[block] + (line - blocks.lines[block]) * blocks.columns[block]
        return first + column, sizes, rank


def covers_of(
    blocks: Blocks,
    pieces: Pieces,
    borders: Borders,
    grids: int,
    vertices: NDArray[np.float64],
    begun: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
) -> Covers:
    """Fill the outlines row by row.

    Parameters
    ----------
    begun : tuple of ndarray, optional
        Lines and ranks: a turn each before the first middle, for blocks that are cut from a cell.
        None for the block of everything, west of which there is nothing.
    """
    found = [_turns(blocks, part, borders, vertices) for _, part in pieces.parts()]
    line, column, edge = (np.concatenate(each) for each in zip(*found, strict=True))
    columns = int(blocks.columns.max(initial=0)) + 1
    if begun is not None:
        east = column > 0
        line, column, edge = line[east], column[east], edge[east]
    keys = [
        (line[has] * grids + rank[has]) * columns + column[has]
        for rank in (borders.one[edge].astype(np.int64), borders.other[edge].astype(np.int64))
        for has in (np.flatnonzero(rank != NOBODY),)
    ]
    if begun is not None:
        keys.append((begun[0] * grids + begun[1]) * columns)
    turns = np.sort(np.concatenate(keys))
    groups, counts = _counted(turns // columns)
    odd = groups[counts % 2 == 1]
    if odd.size:  # covered to the end of the row
        block = np.searchsorted(blocks.lines, odd // grids, side="right") - 1
        turns = np.sort(np.concatenate([turns, odd * columns + blocks.columns[block]]))
    return Covers(turns, grids, columns)


def _counted(groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct numbers of a sorted array, and how often each comes."""
    first = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]])[: len(groups)])
    return groups[first], np.diff(np.append(first, len(groups)))


def _turns(
    blocks: Blocks, pieces: Pieces, borders: Borders, vertices: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Positions]:
    """Return where edges cross the lines: line, first column not west of the crossing, edge."""
    margin = pieces.margin(blocks)
    low, high = np.minimum(pieces.ay, pieces.by), np.maximum(pieces.ay, pieces.by)
    most = blocks.rows[pieces.block] - 1
    first = np.clip(np.ceil(low - margin - 0.5), 0, most + 1).astype(np.int64)
    last = np.clip(np.floor(high + margin - 0.5), first - 1, most).astype(np.int64)
    piece, row = (
        np.repeat(np.arange(len(pieces)), last - first + 1),
        ranges(first, last - first + 1),
    )
    start = borders.start[pieces.edge[piece]]
    lat = blocks.centre_lat(pieces.block[piece], row)
    crossing = (vertices[start, 1] <= lat) != (vertices[start + 1, 1] <= lat)
    piece, row, start, lat = piece[crossing], row[crossing], start[crossing], lat[crossing]
    block, tilt = pieces.block[piece], pieces.slope[piece]
    where = pieces.ax[piece] + (row + 0.5 - pieces.ay[piece]) * tilt - 0.5
    columns = blocks.columns[block]
    where = np.clip(where, -1.0, columns + 1.0)
    column = np.clip(np.ceil(where), 0, columns).astype(np.int64)
    reach = margin[piece] * (2.0 + np.abs(tilt))
    middle = np.clip(np.rint(where), 0, columns - 1).astype(np.int64)
    doubt = np.flatnonzero((np.abs(where - middle) <= reach) & (reach < _UNSURE))
    west = _west_of(blocks, vertices, start[doubt], block[doubt], middle[doubt], lat[doubt])
    column[doubt] = middle[doubt] + west
    for i in np.flatnonzero(reach >= _UNSURE):
        column[i] = _search(blocks, vertices, int(start[i]), int(block[i]), float(lat[i]))
    return blocks.lines[block] + row, column, pieces.edge[piece]


def _west_of(
    blocks: Blocks,
    vertices: NDArray[np.float64],
    start: Positions,
    block: Positions,
    column: NDArray[np.int64],
    lat: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return whether middles lie west of edges that cross their lines."""
    lon = blocks.centre_lon(block, column)
    (ax, ay), (bx, by) = vertices[start].T, vertices[start + 1].T
    turn = sides(ax, ay, bx, by, lon, lat)
    return np.where(ay < by, turn, -turn) > 0


def _search(
    blocks: Blocks, vertices: NDArray[np.float64], start: int, block: int, lat: float
) -> int:
    """Return the first column whose middle is not west of a nearly level edge, by halving."""
    (ax, ay), (bx, by) = vertices[start].tolist(), vertices[start + 1].tolist()
    up = 1 if ay < by else -1
    low, high = 0, int(blocks.columns[block])
    while low < high:
        middle = (low + high) // 2
        lon = float(blocks.centre_lon(block, middle))
        if up * side(ax, ay, bx, by, lon, lat) > 0:
            low = middle + 1
        else:
            high = middle
    return low
