"""How the cell index of a coverage is made: level by level, crowded cells cut again."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.cells.blocks import Blocks, Pieces
from gis.cells.borders import NOBODY, Borders, borders_of
from gis.cells.covers import covers_of
from gis.cells.index import CellIndex, Frame, Ranking
from gis.cells.leaves import Crossings, Leaves, counted_above, crossings_of, leaves_of
from gis.cells.pack import Level, pack
from gis.rings import Rings, ranges

CELLS_AN_EDGE: Final = 3.0
"""How many cells the place is cut into, for each edge: more are quicker to ask, and larger."""

_CROWDED: Final = 8  # edges in a cell that is cut again
_LEVELS: Final = 4
_SIDE_MAX: Final = 32  # cells a side of a cell that was cut
_SLACK_MAX: Final = 2.0**-24


def build(rings: Rings, ranking: Ranking) -> CellIndex:
    """Make the index.

    Parameters
    ----------
    rings : Rings
        The outlines of the grids.
    ranking : Ranking
        The order of precedence among them.
    """
    borders = borders_of(rings, np.argsort(ranking.positions))
    frame = Frame.around(rings.bounds, CELLS_AN_EDGE * len(borders))
    return pack(frame, rings.vertices, levels_of(frame, rings, borders), ranking)


def levels_of(
    frame: Frame, rings: Rings, borders: Borders, only: NDArray[np.bool_] | None = None
) -> list[Level]:
    """Make the leaves and blocks, level by level.

    Parameters
    ----------
    only : ndarray of bool, optional
        The cells of the frame that are wanted; in the others nothing is decided.
    """
    blocks, pieces = whole(frame, borders, rings.vertices)
    begun: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    levels: list[Level] = []
    while len(pieces):
        covers = covers_of(blocks, pieces, borders, len(rings), rings.vertices, begun)
        crossings = crossings_of(blocks, pieces)
        wanted = covers.counts(blocks) > 1
        if only is not None and not levels:
            crossings = crossings.taken(only[crossings.cell])
            wanted &= only
        leaves = leaves_of(blocks, crossings, borders, covers, rings.vertices, wanted)
        budget = len(borders) if len(levels) + 1 < _LEVELS else 0
        cut, sides = _to_cut(blocks, pieces, crossings, leaves, budget)
        levels.append(Level(covers.first(blocks), leaves, cut, sides))
        if not cut.size:
            break
        inner = crossings.taken(np.isin(crossings.cell, cut))
        smaller = _cut(blocks, inner, cut, sides)
        begun = _begun(smaller, inner, leaves, borders, rings.vertices, cut)
        pieces = _inside(pieces, inner, cut, sides)
        blocks = smaller
    return levels


def whole(frame: Frame, borders: Borders, vertices: NDArray[np.float64]) -> tuple[Blocks, Pieces]:
    """Return the block of everything, and all edges in it."""
    column, row = frame.counts(vertices[:, 0], vertices[:, 1])
    start = borders.start
    blocks = Blocks(
        np.array([frame.columns]), np.array([frame.rows]),
        np.array([frame.west]), np.array([frame.south]),
        np.array([1.0 / frame.columns_a_degree]), np.array([1.0 / frame.rows_a_degree]),
        np.array([frame.slack]),
    )  # fmt: skip
    pieces = Pieces(
        np.zeros(len(start), dtype=np.intp), np.arange(len(start)),
        column[start], row[start], column[start + 1], row[start + 1],
    )  # fmt: skip
    return blocks, pieces


def _to_cut(
    blocks: Blocks, pieces: Pieces, crossings: Crossings, leaves: Leaves, budget: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells that are worth to be cut again, and into how many a side.

    The most crowded ones, as far as the budget of crossings goes: where many long edges run side
    by side, or meet in one corner, cutting costs memory and spares little.
    """
    crowded = leaves.edge_count > _CROWDED
    cells, first = np.unique(leaves.cell[crowded], return_index=True)
    count = leaves.edge_count[crowded][first]
    sides = np.minimum(np.ceil(np.sqrt(2.0 * count)), _SIDE_MAX).astype(np.int64)
    at = np.searchsorted(crossings.cell, cells)
    inner = ranges(at, count)
    piece = crossings.piece[inner]
    across = np.minimum(np.abs(pieces.bx - pieces.ax)[piece], 1.0)
    along = np.minimum(np.abs(pieces.by - pieces.ay)[piece], 1.0)
    cost = np.repeat(sides, count) * (across + along)
    cost = np.bincount(np.repeat(np.arange(len(cells)), count), cost, minlength=len(cells))
    order = np.argsort(-count, kind="stable")
    chosen = np.zeros(len(cells), dtype=bool)
    chosen[order] = np.cumsum(cost[order]) <= budget
    chosen &= blocks.slack[crossings.block[at]] * sides < _SLACK_MAX
    return cells[chosen], sides[chosen]


def _cut(
    blocks: Blocks, inner: Crossings, cut: NDArray[np.int64], sides: NDArray[np.int64]
) -> Blocks:
    """Return the cells that are cut, as blocks."""
    at = np.searchsorted(inner.cell, cut)
    block, column, row = inner.block[at], inner.column[at], inner.row[at]
    width, height = blocks.width[block], blocks.height[block]
    return Blocks(
        sides,
        sides,
        blocks.west[block] + column * width,
        blocks.south[block] + row * height,
        width / sides,
        height / sides,
        (blocks.slack[block] + 2.0**-50) * sides,
    )


def _inside(
    pieces: Pieces, inner: Crossings, cut: NDArray[np.int64], sides: NDArray[np.int64]
) -> Pieces:
    """Return the edges in the cells that are cut, as pieces of the new blocks."""
    block = np.searchsorted(cut, inner.cell)
    side, piece = sides[block].astype(np.float64), inner.piece
    return Pieces(
        block, inner.edge,
        (pieces.ax[piece] - inner.column) * side, (pieces.ay[piece] - inner.row) * side,
        (pieces.bx[piece] - inner.column) * side, (pieces.by[piece] - inner.row) * side,
    )  # fmt: skip


def _begun(
    smaller: Blocks,
    inner: Crossings,
    leaves: Leaves,
    borders: Borders,
    vertices: NDArray[np.float64],
    cut: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, as turns, which grids cover the first middle of each line of the new blocks.

    Those that covered from where no edge is crossed, turned by each edge that counts as above.
    """
    block = np.searchsorted(cut, inner.cell)
    every = np.repeat(np.arange(len(block)), smaller.rows[block])
    row = ranges(np.zeros(len(block), dtype=np.int64), smaller.rows[block])
    block = block[every]
    lon, lat = smaller.centre_lon(block, 0), smaller.centre_lat(block, row)
    counted = counted_above(inner.taken(every), borders, vertices, lon, lat)
    line, edge = (smaller.lines[block] + row)[counted], inner.edge[every][counted]
    high = borders.other[edge]

    leaf = leaves.candidate_leaf
    slot = np.arange(len(leaf)) - np.searchsorted(leaf, leaf)
    covers = (leaves.base[leaf] >> slot.astype(np.uint32)) & 1 == 1
    covers &= np.isin(leaves.cell[leaf], cut)
    block = np.searchsorted(cut, leaves.cell[leaf[covers]])
    base_line = ranges(smaller.lines[block], smaller.rows[block])
    base_rank = np.repeat(leaves.candidate[covers], smaller.rows[block])
    ranks = (borders.one[edge], high[high != NOBODY], base_rank)
    return (
        np.concatenate([line, line[high != NOBODY], base_line]),
        np.concatenate([each.astype(np.int64) for each in ranks]),
    )
