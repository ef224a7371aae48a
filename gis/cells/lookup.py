"""Asking the cell index, in plain numpy and plain Python; :mod:`gis.compiled.lookup` is its twin."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import BLOCK, MORE, CellIndex
from gis.exact import FILTER, side, sides
from gis.geometry import OUTSIDE, Degrees, Positions
from gis.rings import ranges

_AT_ONCE: Final = 32_768  # points whose working arrays stay in the cache


def owners(index: CellIndex, lon: Degrees, lat: Degrees) -> Positions:
    """Return the position of the first grid that covers each point, or ``OUTSIDE``."""
    out = np.full(len(lon), OUTSIDE, dtype=np.intp)
    for start in range(0, len(lon), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        _owners(index, lon[part], lat[part], out[part])
    return out


def _owners(index: CellIndex, lon: Degrees, lat: Degrees, out: Positions) -> None:
    frame = index.frame
    inside = (lon >= frame.west) & (lon <= frame.east) & (lat >= frame.south) & (lat <= frame.north)
    row = np.flatnonzero(inside)
    x, y = lon[row], lat[row]
    column_count, row_count = frame.counts(x, y)
    column, line = column_count.astype(np.intp), row_count.astype(np.intp)
    code = index.cells[line * frame.columns + column]
    out[row] = code
    at = np.flatnonzero(code < OUTSIDE)
    if not at.size:
        return
    row, x, y = row[at], x[at], y[at]
    node = -2 - code[at].astype(np.intp)
    column_count, row_count = column_count[at] - column[at], row_count[at] - line[at]
    while (index.nodes[node, 0] >= BLOCK).any():
        head = index.nodes[node]
        block = np.flatnonzero(head[:, 0] >= BLOCK)
        size = (head[block, 0] & (BLOCK - 1)).astype(np.intp)
        u, v = column_count[block] * size, row_count[block] * size
        column, line = u.astype(np.intp), v.astype(np.intp)
        column_count[block], row_count[block] = u - column, v - line
        found = index.cells[head[block, 1].astype(np.intp) + line * size + column]
        out[row[block]] = found
        sure = np.ones(len(node), dtype=bool)
        sure[block] = found < OUTSIDE
        node[block] = -2 - found.astype(np.intp)
        row, x, y, node = row[sure], x[sure], y[sure], node[sure]
        column_count, row_count = column_count[sure], row_count[sure]
    out[row] = _leaf_owners(index, node, x, y)


def _leaf_owners(index: CellIndex, node: Positions, x: Degrees, y: Degrees) -> Positions:
    """Return who owns points in leaves; from leaf to leaf where a cell has several."""
    out = np.full(len(node), OUTSIDE, dtype=np.intp)
    row = np.arange(len(node))
    while row.size:
        head = index.nodes[node]
        mask = _masks(index, head, x, y)
        out[row] = _first_candidate(index, head, mask)
        on = np.flatnonzero((mask == 0) & (head[:, 0] & MORE != 0))
        row, node, x, y = row[on], node[on] + 1, x[on], y[on]
    return out


def _masks(
    index: CellIndex, head: NDArray[np.uint32], x: Degrees, y: Degrees
) -> NDArray[np.uint32]:
    """Return the bits of the candidates that cover each point, edges included."""
    count = (head[:, 0] & (MORE - 1)).astype(np.intp)
    mask = head[:, 1].copy()
    touched = np.zeros(len(mask), dtype=np.uint32)
    point = np.flatnonzero(count)
    start, word = head[point, 2].astype(np.intp), head[point, 3]
    turn = 0
    while point.size:
        odd, on = _above(index.vertices, start, word, x[point], y[point])
        bits = word >> np.uint32(10)
        mask[point] ^= np.where(odd, bits, np.uint32(0))
        touched[point] |= np.where(on, bits, np.uint32(0))
        turn += 1
        point = point[count[point] > turn]
        run = index.runs[head[point, 6].astype(np.intp) + (turn - 1)]
        start, word = run[:, 0].astype(np.intp), run[:, 1]
    return mask | touched


def _above(
    vertices: NDArray[np.float64],
    start: Positions,
    word: NDArray[np.uint32],
    x: Degrees,
    y: Degrees,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether an odd number of a run's edges counts as above, and whether one is met."""
    count = (word & np.uint32(0xFF)).astype(np.intp)
    ax, ay = vertices[start, 0], vertices[start, 1]
    left = ax <= x
    odd = left & (word & np.uint32(1 << 8) != 0)
    met = np.zeros(len(start), dtype=bool)
    every = np.arange(len(start))
    step = 0
    while every.size:
        step += 1
        at = start[every] + step
        bx, by = vertices[at, 0], vertices[at, 1]
        px, py = x[every], y[every]
        right = bx <= px
        one, other = (bx - ax) * (py - ay), (by - ay) * (px - ax)
        turn = one - other
        spans = left != right
        odd[every] ^= spans & ((turn < 0) == left)
        near = ~(np.abs(turn) > FILTER * (np.abs(one) + np.abs(other))) & spans
        near |= (ax == px) | (bx == px)
        doubt = np.flatnonzero(near)
        if doubt.size:
            some = every[doubt]
            _decide(odd, met, some, spans[doubt] & ((turn[doubt] < 0) == left[doubt]), left[doubt],
                    spans[doubt], (ax[doubt], ay[doubt], bx[doubt], by[doubt], px[doubt], py[doubt]))
        ended = count[every] == step
        last = every[ended]
        odd[last] ^= right[ended] & (word[last] & np.uint32(1 << 9) != 0)
        on = ~ended
        every, ax, ay, left = every[on], bx[on], by[on], right[on]
    return odd, met


def _decide(odd, met, rows, said, left, spans, ends) -> None:  # type: ignore[no-untyped-def]
    """Say again, exactly, what the filter could not tell."""
    ax, ay, bx, by, px, py = ends
    turn = sides(ax, ay, bx, by, px, py)
    odd[rows] ^= said ^ (spans & ((turn < 0) == left))
    within = (np.minimum(ax, bx) <= px) & (px <= np.maximum(ax, bx))
    within &= (np.minimum(ay, by) <= py) & (py <= np.maximum(ay, by))
    met[rows] |= within & (turn == 0)


def _first_candidate(
    index: CellIndex, head: NDArray[np.uint32], mask: NDArray[np.uint32]
) -> Positions:
    """Return the position of the candidate of the lowest bit."""
    own = np.where(mask & 1, head[:, 4], np.where(mask & 2, head[:, 5], np.uint32(0xFFFFFFFF)))
    out = own.view(np.int32).astype(np.intp)
    more = np.flatnonzero((mask != 0) & (mask & 3 == 0))
    if more.size:
        lowest = mask[more] & -mask[more].astype(np.int64)
        place = np.log2(lowest.astype(np.float64)).astype(np.intp)
        out[more] = index.candidates[head[more, 7].astype(np.intp) + place - 2]
    return out
