"""How the cell index of a coverage is made: level by level, crowded cells cut again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.cells.blocks import Blocks, Pieces
from gis.cells.borders import NOBODY, Borders
from gis.cells.covers import covers_of
from gis.cells.index import CellIndex, Frame, Ranking
from gis.cells.leaves import Crossings, Leaves, counted_above, crossings_of, leaf_maker, leaves_of
from gis.cells.pack import Level, Parts, joined, pack
from gis.rings import Rings, ranges

CELLS_AN_EDGE: Final = 1.5
"""How many cells the place is cut into, for each edge of each grid: twice as many for each that two
grids share. More are quicker to ask, and larger."""

AT_ONCE: Final = 300_000
"""How many edges are in a band, about."""

_THREADS: Final = 4
_CROWDED: Final = 8  # edges in a cell that is cut again
_LEVELS: Final = 4
_SIDE_MAX: Final = 32  # cells a side of a cell that was cut
_SLACK_MAX: Final = 2.0**-24


def build(rings: Rings, ranking: Ranking) -> CellIndex:
    """Make the index; band by band, so that working arrays stay small, on several processors.

    Parameters
    ----------
    rings : Rings
        The outlines of the grids.
    ranking : Ranking
        The order of precedence among them.
    """
    edges = Borders.of(rings, np.argsort(ranking.positions))
    frame = Frame.around(rings.bounds, CELLS_AN_EDGE * len(edges))

    make_leaves = leaf_maker(len(edges))

    def made(band: tuple[tuple[int, int], Borders]) -> Parts:
        rows, edges = band
        borders = edges.paired(rings.vertices)
        start = begin(frame, borders, rings.vertices, rows)
        levels = levels_of(*start, rings, borders, make_leaves=make_leaves)
        return pack((rows[1] - rows[0]) * frame.columns, levels, ranking)

    with ThreadPoolExecutor(_THREADS) as pool:
        parts = list(pool.map(made, _bands(frame, edges, rings.vertices)))
    return joined(frame, rings.vertices, parts, len(rings))


def _bands(
    frame: Frame, edges: Borders, vertices: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, int], Borders]]:
    """Return bands of the frame, from its first row to its end, and the edges that may be in each.

    How many there are depends on the edges only: the index is the same on every machine.
    """
    row = frame.counts(0.0, vertices[:, 1])[1].astype(np.int32)
    here, ahead = row[edges.start], row[edges.start + 1]
    low, high = np.minimum(here, ahead), np.maximum(here, ahead)
    before = np.cumsum(np.bincount(low, minlength=frame.rows))
    count = min(len(edges) // AT_ONCE + 1, frame.rows)
    cuts = np.searchsorted(before, np.linspace(0, len(edges), count + 1)[1:-1])
    cuts = np.unique([0, *cuts, frame.rows])
    # an edge next to another band is in that too: rounding moves it by less than a row
    whose = np.searchsorted(cuts, np.arange(-1, frame.rows + 1), side="right").astype(np.uint16)
    first = np.maximum(whose[low], 1) - 1
    last = np.minimum(whose[high + 2], len(cuts) - 1) - 1
    order = np.argsort(first, kind="stable")
    ends = np.cumsum(np.bincount(first, minlength=len(cuts) - 1))
    wide = np.flatnonzero(last > first)
    for band, rows in enumerate(pairwise(cuts.tolist())):
        own = order[ends[band - 1] if band else 0 : ends[band]]
        others = wide[(first[wide] < band) & (last[wide] >= band)]
        yield rows, edges.taken(np.sort(np.concatenate([own, others])) if others.size else own)


def levels_of(
    blocks: Blocks,
    pieces: Pieces,
    rings: Rings,
    borders: Borders,
    *,
    make_leaves: Callable[..., Leaves] = leaves_of,
    only: NDArray[np.bool_] | None = None,
) -> list[Level]:
    """Make the leaves and blocks, level by level.

    Parameters
    ----------
    blocks, pieces
        What to begin with: one block, west of which there is nothing, and the edges in it.
    make_leaves : callable
        :func:`gis.cells.leaves.leaves_of`, or its twin.
    only : ndarray of bool, optional
        The cells of the block that are wanted; in the others nothing is decided.
    """
    begun: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    edges = len(pieces)
    levels: list[Level] = []
    while len(pieces):
        covers = covers_of(blocks, pieces, borders, len(rings), rings.vertices, begun)
        crossings = crossings_of(blocks, pieces)
        middles = covers.middles(blocks)
        wanted = middles.counts > 1
        if only is not None and not levels:
            crossings = crossings.taken(only[crossings.cell])
            wanted &= only
        leaves = make_leaves(blocks, crossings, borders, middles, rings.vertices, wanted)
        budget = edges if len(levels) + 1 < _LEVELS else 0
        cut, sides = _to_cut(blocks, pieces, crossings, leaves, budget)
        levels.append(Level(middles.first, leaves, cut, sides))
        if not cut.size:
            break
        inner = crossings.taken(np.isin(crossings.cell, cut))
        smaller = _cut(blocks, inner, cut, sides)
        begun = _begun(smaller, inner, leaves, borders, rings.vertices, cut)
        pieces = _inside(pieces, inner, cut, sides)
        blocks = smaller
    return levels


def begin(
    frame: Frame, borders: Borders, vertices: NDArray[np.float64], rows: tuple[int, int]
) -> tuple[Blocks, Pieces]:
    """Return some rows of the frame as a block, and edges as pieces of it."""
    first, end = rows
    blocks = Blocks(
        np.array([frame.columns]), np.array([end - first]),
        np.array([frame.west]), np.array([frame.south + first / frame.rows_a_degree]),
        np.array([1.0 / frame.columns_a_degree]), np.array([1.0 / frame.rows_a_degree]),
        np.array([frame.slack]),
    )  # fmt: skip
    (ax, ay), (bx, by) = vertices[borders.start].T, vertices[borders.start + 1].T
    (ax, ay), (bx, by) = frame.counts(ax, ay), frame.counts(bx, by)
    edge = np.arange(len(borders))
    return blocks, Pieces(np.zeros_like(edge), edge, ax, ay - first, bx, by - first)


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
