"""The index of an edition from that of the one before: only cells that changed are made anew.

A grid that was changed, added or taken away touches some cells, before and after. These are made
again with all the grids that reach into them; all the others are as they were, but that grids have
other positions and vertices other places. What was left behind is cleared away by making all anew
once it is too much.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.borders import Borders
from gis.cells.build import begin, levels_of
from gis.cells.covers import covers_of
from gis.cells.index import MANY, CellIndex, Frame, Ranking
from gis.cells.lookup import grids_in
from gis.cells.pack import Parts, pack, shift
from gis.geometry import OUTSIDE, Positions
from gis.rings import Rings, ranges

_SHARE_MAX: Final = 0.25  # of the grids: if more are changed, all is made anew
_LEFT_MAX: Final = 1.5  # nodes, those left behind included, for each that was made at first


class Before(NamedTuple):
    """What there was, and what became of it.

    Attributes
    ----------
    cells, rings
        The index before, and its outlines.
    now : ndarray of intp, shape (n,)
        The position now of each grid that was there; ``OUTSIDE`` for those changed or gone.
    """

    cells: CellIndex
    rings: Rings
    now: Positions


def rebuild(before: Before, rings: Rings, ranking: Ranking) -> CellIndex | None:
    """Make the index again where something changed.

    Returns
    -------
    CellIndex or None
        None where making all anew is as quick, or needed because the place has grown.
    """
    fresh = np.ones(len(rings), dtype=bool)
    fresh[before.now[before.now != OUTSIDE]] = False
    gone = np.flatnonzero(before.now == OUTSIDE)
    frame = before.cells.frame
    if (
        len(gone) + fresh.sum() > _SHARE_MAX * len(rings)
        or len(before.cells.nodes) > _LEFT_MAX * before.cells.made
        or not frame.holds(rings.bounds)
    ):
        return None
    cells = _touched(frame, before.rings.taken(gone))
    cells |= _touched(frame, rings.taken(np.flatnonzero(fresh)))
    at = np.flatnonzero(cells)
    _, there = grids_in(before.cells, np.zeros(len(at), dtype=np.intp), at)
    fresh[before.now[there[before.now[there] != OUTSIDE]]] = True
    patch = _patch(frame, rings, ranking, np.flatnonzero(fresh), cells)
    return _joined(_moved(before, rings), patch, cells)


def _touched(frame: Frame, rings: Rings) -> NDArray[np.bool_]:
    """Return which cells of the frame some outlines cross or cover."""
    borders = Borders.of(rings, np.arange(len(rings))).paired(rings.vertices)
    blocks, pieces = begin(frame, borders, rings.vertices, (0, frame.rows))
    covers = covers_of(blocks, pieces, borders, len(rings), rings.vertices, None)
    cells: NDArray[np.bool_] = covers.middles(blocks).first != OUTSIDE
    _, column, row = pieces.crossed(blocks)
    cells[row * frame.columns + column] = True
    return cells


def _patch(
    frame: Frame, rings: Rings, ranking: Ranking, some: Positions, cells: NDArray[np.bool_]
) -> Parts:
    """Make the arrays of some grids in some cells, in positions and vertices of them all."""
    chosen = np.zeros(len(rings), dtype=bool)
    chosen[some] = True
    order = ranking.positions[chosen[ranking.positions]]
    dedicated = int(chosen[ranking.positions[: ranking.dedicated]].sum())
    rank = np.empty(len(rings), dtype=np.intp)
    rank[order] = np.arange(len(order))
    few = rings.taken(some)
    borders = Borders.of(few, rank[some]).paired(few.vertices)
    blocks, pieces = begin(frame, borders, few.vertices, (0, frame.rows))
    levels = levels_of(blocks, pieces, few, borders, only=cells)
    patch = pack(len(cells), levels, Ranking(order, dedicated))
    # from the vertices of the few to those of all
    place = ranges(rings.starts[rings.of_grid[some]], _vertex_counts(rings)[some])
    one = patch.nodes[:, 0] < MANY
    patch.nodes[one, 1] = place[patch.nodes[one, 1]]
    patch.runs[:, 0] = place[patch.runs[:, 0]]
    return patch


def _moved(before: Before, rings: Rings) -> CellIndex:
    """Return the index before with positions and vertices of now."""
    old, now = before.cells, np.append(before.now, OUTSIDE).astype(np.int32)
    kept = np.flatnonzero(before.now != OUTSIDE)
    shift = np.zeros(len(before.rings), dtype=np.int64)
    shift[kept] = (
        rings.starts[rings.of_grid[before.now[kept]]]
        - before.rings.starts[before.rings.of_grid[kept]]
    )
    shift = np.repeat(shift, _vertex_counts(before.rings))
    cells, nodes, runs = old.cells.copy(), old.nodes.copy(), old.runs.copy()
    sure = cells >= 0
    cells[sure] = now[cells[sure]]
    one = nodes[:, 0] < MANY
    nodes[one, 1] += shift[nodes[one, 1]].astype(np.uint32)
    nodes[one, 2:4] = now[nodes[one, 2:4].view(np.int32)].view(np.uint32)
    runs[:, 0] += shift[runs[:, 0]].astype(np.uint32)
    return CellIndex(
        old.frame, rings.vertices, cells, nodes, runs, now[old.candidates], len(rings), old.made
    )


def _joined(old: CellIndex, patch: Parts, cells: NDArray[np.bool_]) -> CellIndex:
    """Put the patch over the cells that it is for."""
    top = len(cells)
    codes = np.where(patch.cells < OUTSIDE, patch.cells - len(old.nodes), patch.cells)
    whole_place = old.cells.copy()
    whole_place[:top][cells] = codes[:top][cells]
    shift(patch.nodes, len(old.cells) - top, len(old.runs), len(old.candidates))
    return CellIndex(
        old.frame,
        old.vertices,
        np.concatenate([whole_place, codes[top:]]).astype(np.int32),
        np.concatenate([old.nodes, patch.nodes]),
        np.concatenate([old.runs, patch.runs]),
        np.concatenate([old.candidates, patch.candidates]),
        old.grids,
        old.made,
    )


def _vertex_counts(rings: Rings) -> NDArray[np.int64]:
    """Return how many vertices each grid has."""
    return np.diff(rings.starts[rings.of_grid])
