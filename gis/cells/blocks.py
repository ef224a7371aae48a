"""Rectangles cut into cells, and which of their cells an edge crosses.

A *block* is a rectangle of columns × rows cells: the whole place is one, and a crowded cell is cut
into one of its own. Within a block positions are counted in cells, from its lower left corner. The
way from degrees to that count is made of operations that keep order even when they round, so a
point and a vertex are always told to lie in rows and columns in their true order: no more is asked
of it. Which cells an edge crosses is found with a margin wider than all rounding; a cell too many
costs a little time and changes no answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gis.geometry import Positions
from gis.rings import ranges

_AT_ONCE: Final = 1 << 15  # pieces
_MARGIN: Final = 2.0**-48
"""How far rounding can move an end that lies outside its block, as a share of its distance."""


@dataclass(frozen=True)
class Blocks:
    """Some blocks, one array a property.

    Attributes
    ----------
    columns, rows : ndarray of int64, shape (b,)
        How many cells each has.
    west, south : ndarray of float, shape (b,)
        Its lower left corner in degrees, about.
    width, height : ndarray of float, shape (b,)
        The size of one cell in degrees, about.
    slack : ndarray of float, shape (b,)
        How far rounding can move a place in the block, in cells.
    """

    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    west: NDArray[np.float64]
    south: NDArray[np.float64]
    width: NDArray[np.float64]
    height: NDArray[np.float64]
    slack: NDArray[np.float64]

    @property
    def cells(self) -> NDArray[np.int64]:
        """Where the cells of each block begin; row after row, from west to east."""
        return np.concatenate([[0], np.cumsum(self.columns * self.rows)])

    @property
    def lines(self) -> NDArray[np.int64]:
        """Where the rows of each block begin."""
        return np.concatenate([[0], np.cumsum(self.rows)])

    def places(
        self, cell: NDArray[np.int64]
    ) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        """Return the block, row and column of cells."""
        starts = self.cells
        block = np.searchsorted(starts, cell, side="right") - 1
        row, column = np.divmod(cell - starts[block], self.columns[block])
        return block, row, column

    def centre_lon(self, block: Any, column: Any) -> NDArray[np.float64]:
        """Return the longitude of the middle of columns; of any finite numbers, the same ones."""
        lon: NDArray[np.float64] = self.west[block] + (column + 0.5) * self.width[block]
        return lon

    def centre_lat(self, block: Any, row: Any) -> NDArray[np.float64]:
        """Return the latitude of the middle of rows."""
        lat: NDArray[np.float64] = self.south[block] + (row + 0.5) * self.height[block]
        return lat


@dataclass(frozen=True)
class Pieces:
    """Edges in the blocks that they touch: the same edge may come in many blocks.

    Attributes
    ----------
    block, edge : ndarray of int, shape (p,)
    ax, ay, bx, by : ndarray of float, shape (p,)
        The edge's ends in counts of cells of the block; an end may lie outside.
    """

    block: Positions
    edge: Positions
    ax: NDArray[np.float64]
    ay: NDArray[np.float64]
    bx: NDArray[np.float64]
    by: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.block)

    def margin(self, blocks: Blocks) -> NDArray[np.float64]:
        """Return how far each true edge can lie from the counts, in cells."""
        size = np.abs(self.ax) + np.abs(self.ay) + np.abs(self.bx) + np.abs(self.by)
        return _MARGIN * size + blocks.slack[self.block]

    @property
    def slope(self) -> NDArray[np.float64]:
        """How many columns an edge goes a row; 0 for level ones, which stay in theirs."""
        up = self.by - self.ay
        level = up == 0.0
        return np.asarray(np.where(level, 0.0, (self.bx - self.ax) / np.where(level, 1.0, up)))

    def crossed(self, blocks: Blocks) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of a piece and a cell that it touches, or comes very near to.

        Returns
        -------
        ndarray of intp, shape (q,)
            Positions in the pieces, ascending.
        ndarray of int64, shape (q,)
            Columns in the piece's block.
        ndarray of int64, shape (q,)
            Rows.
        """
        found = [
            (begin + piece, column, row)
            for begin, part in self.parts()
            for piece, column, row in (part._crossed(blocks),)
        ]
        piece, column, row = (np.concatenate(each) for each in zip(*found, strict=True))
        return piece, column, row

    def parts(self) -> Iterator[tuple[int, "Pieces"]]:
        """Return them some at a time, so that the working arrays stay in the cache; and where."""
        for begin in range(0, max(len(self), 1), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            yield begin, Pieces(
                self.block[part], self.edge[part],
                self.ax[part], self.ay[part], self.bx[part], self.by[part],
            )  # fmt: skip

    def _crossed(self, blocks: Blocks) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        """Do as :meth:`crossed`, all at once."""
        margin, slope = self.margin(blocks), self.slope
        south, north = np.minimum(self.ay, self.by), np.maximum(self.ay, self.by)
        west, east = np.minimum(self.ax, self.bx), np.maximum(self.ax, self.bx)
        most = blocks.rows[self.block] - 1
        first, last = _cells(south - margin, north + margin, most)
        piece = np.repeat(np.arange(len(self)), last - first + 1)
        row = ranges(first, last - first + 1)
        # the part of the edge within the row, a bit longer at both ends
        reach = margin[piece]
        low = np.maximum(row - reach, south[piece])
        high = np.minimum(row + 1 + reach, north[piece])
        start, tilt = self.ay[piece], slope[piece]
        one = self.ax[piece] + (low - start) * tilt
        other = self.ax[piece] + (high - start) * tilt
        left, right = np.minimum(one, other), np.maximum(one, other)
        whole = (last == first)[piece] | (tilt == 0.0)
        left = np.where(whole, west[piece], np.maximum(left, west[piece]))
        right = np.where(whole, east[piece], np.minimum(right, east[piece]))
        reach = reach * (2.0 + np.abs(tilt))
        begin, end = _cells(left - reach, right + reach, (blocks.columns[self.block] - 1)[piece])
        return (
            np.repeat(piece, end - begin + 1),
            ranges(begin, end - begin + 1),
            np.repeat(row, end - begin + 1),
        )


def _cells(
    low: NDArray[np.float64], high: NDArray[np.float64], most: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last cell of a stretch, within the block."""
    first = np.clip(np.floor(low), 0, most).astype(np.int64)
    last = np.clip(np.floor(high), first, most).astype(np.int64)
    return first, last
