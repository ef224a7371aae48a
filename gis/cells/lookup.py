"""Asking the cell index, in plain numpy; :mod:`gis.compiled.lookup` is its twin."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import BLOCK, CANDIDATES_AT, DEDICATED_AT, FIRST_NODE, MORE, RUNS, CellIndex
from gis.cells.leaves import BITS_AT, EDGES, ENDS_ABOVE, STARTS_ABOVE
from gis.exact import sides
from gis.geometry import OUTSIDE, Degrees, Positions
from gis.rings import ranges

_AT_ONCE: Final = 32_768  # points whose working arrays stay in the cache
_NONE: Final = np.uint32(0)


class _Crossed(NamedTuple):
    """Points in cells that need a leaf: which they are, where, and the leaf's node."""

    row: Positions
    node: Positions
    x: Degrees
    y: Degrees


def owners(index: CellIndex, lon: Degrees, lat: Degrees) -> Positions:
    """Return the position of the first grid that covers each point, or ``OUTSIDE``."""
    out = np.full(len(lon), OUTSIDE, dtype=np.intp)
    for start in range(0, len(lon), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        row, node, x, y = _crossed(index, lon[part], lat[part], out[part])
        row += start
        while row.size:
            head = index.nodes[node]
            mask, met = _covering(index, head, x, y)
            mask |= met
            out[row] = _first_candidate(index, head, mask)
            on = np.flatnonzero((mask == 0) & (head[:, 0] & MORE != 0))
            row, node, x, y = row[on], node[on] + 1, x[on], y[on]
    return out


def claims(index: CellIndex, lon: Degrees, lat: Degrees) -> tuple[Positions, NDArray[np.bool_]]:
    """Return the owner of each point, and whether others claim it.

    Returns
    -------
    ndarray of intp, shape (n,)
        As :func:`owners`.
    ndarray of bool, shape (n,)
        Where a point lies on its owner's boundary, or several grids of the owner's kind cover it.
    """
    out = np.full(len(lon), OUTSIDE, dtype=np.intp)
    disputed = np.zeros(len(lon), dtype=bool)
    for start in range(0, len(lon), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        row, node, x, y = _crossed(index, lon[part], lat[part], out[part])
        row += start
        out[row] = OUTSIDE
        before_dedicated = np.zeros(len(row), dtype=bool)
        while row.size:
            head = index.nodes[node]
            mask, met = _covering(index, head, x, y)
            mask |= met
            fresh = out[row] == OUTSIDE
            out[row[fresh]] = _first_candidate(index, head[fresh], mask[fresh])
            own = np.where(fresh, mask & (~mask + np.uint32(1)), _NONE)
            dedicated = (np.uint32(1) << (head[:, 0] >> DEDICATED_AT & np.uint32(31))) - np.uint32(
                1
            )
            is_dedicated = np.where(fresh, own & dedicated != 0, before_dedicated)
            kind = mask & np.where(is_dedicated, dedicated, ~dedicated)
            disputed[row] |= (kind & ~own != 0) | (met & own != 0)
            on = np.flatnonzero(head[:, 0] & MORE != 0)
            row, node, x, y = row[on], node[on] + 1, x[on], y[on]
            before_dedicated = is_dedicated[on]
    return out, disputed


def around(
    index: CellIndex, west: Degrees, south: Degrees, east: Degrees, north: Degrees
) -> tuple[Positions, Positions]:
    """Return pairs of a box and a grid that may touch it: all that do, and some that are near.

    Parameters
    ----------
    west, south, east, north : ndarray of float, shape (n,)
        Finite degrees.

    Returns
    -------
    ndarray of intp, shape (p,)
        Boxes, ascending.
    ndarray of intp, shape (p,)
        Positions of grids, ascending for each box; no pair comes twice.
    """
    frame = index.frame
    left, low = frame.counts(west, south)
    right, high = frame.counts(east, north)
    met = (left < frame.columns) & (low < frame.rows) & (right >= 0.0) & (high >= 0.0)
    box = np.flatnonzero(met)
    first_column = np.clip(left[box], 0, None).astype(np.intp)
    first_row = np.clip(low[box], 0, None).astype(np.intp)
    columns = np.clip(right[box], None, frame.columns - 1).astype(np.intp) - first_column + 1
    rows = np.clip(high[box], None, frame.rows - 1).astype(np.intp) - first_row + 1
    line_box, line = np.repeat(box, rows), ranges(first_row, rows)
    columns, first_column = np.repeat(columns, rows), np.repeat(first_column, rows)
    cell = ranges(line * frame.columns + first_column, columns)
    return grids_in(index, np.repeat(line_box, columns), cell)


def grids_in(index: CellIndex, whose: Positions, cell: Positions) -> tuple[Positions, Positions]:
    """Return the grids that may cover something of cells, for each of whom the cells are."""
    found_by: list[Positions] = []
    found: list[Positions] = []
    while cell.size:
        code = index.cells[cell].astype(np.intp)
        sure = code >= 0
        found_by.append(whose[sure])
        found.append(code[sure])
        node = FIRST_NODE - code
        deep = np.flatnonzero(node >= 0)
        whose, node = whose[deep], node[deep]
        head = index.nodes[node]
        cut = head[:, 0] >= BLOCK
        by, grid = _candidates(index, whose[~cut], node[~cut])
        found_by.append(by)
        found.append(grid)
        size = (head[cut, 0] & np.uint32(BLOCK - 1)).astype(np.intp)
        cell = ranges(head[cut, 1].astype(np.intp), size * size)
        whose = np.repeat(whose[cut], size * size)
    if not found:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    keys = np.sort(np.concatenate(found_by) * index.grids + np.concatenate(found))
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = keys[1:] != keys[:-1]
    by, grid = np.divmod(keys[fresh], max(index.grids, 1))
    return by, grid


def _candidates(index: CellIndex, whose: Positions, node: Positions) -> tuple[Positions, Positions]:
    """Return all candidates of leaves, and of those that follow them."""
    found_by: list[Positions] = [whose[:0]]
    found: list[Positions] = [whose[:0]]
    while node.size:
        head = index.nodes[node]
        for place in (4, 5):
            grid = head[:, place].view(np.int32).astype(np.intp)
            found_by.append(whose[grid != OUTSIDE])
            found.append(grid[grid != OUTSIDE])
        start = head[:, 7].astype(np.intp)
        more = (head[:, 0] >> np.uint32(CANDIDATES_AT) & np.uint32(31)).astype(np.intp) - 2
        more = np.maximum(more, 0)
        found_by.append(np.repeat(whose, more))
        found.append(index.candidates[ranges(start, more)].astype(np.intp))
        on = head[:, 0] & MORE != 0
        whose, node = whose[on], node[on] + 1
    return np.concatenate(found_by), np.concatenate(found)


def _crossed(index: CellIndex, lon: Degrees, lat: Degrees, out: Positions) -> _Crossed:
    """Write the owners that cells know by themselves, and return the points that need a leaf."""
    frame = index.frame
    inside = (lon >= frame.west) & (lon <= frame.east) & (lat >= frame.south) & (lat <= frame.north)
    row = np.flatnonzero(inside)
    x, y = lon[row], lat[row]
    u, v = frame.counts(x, y)
    column, line = u.astype(np.intp), v.astype(np.intp)
    code = index.cells[line * frame.columns + column]
    out[row] = code
    at = np.flatnonzero(code < OUTSIDE)
    row, node, x, y = row[at], FIRST_NODE - code[at].astype(np.intp), x[at], y[at]
    u, v = u[at] - column[at], v[at] - line[at]
    while True:
        head = index.nodes[node, 0]
        block = np.flatnonzero(head >= BLOCK)
        if not block.size:
            return _Crossed(row, node, x, y)
        size = (head[block] & np.uint32(BLOCK - 1)).astype(np.intp)
        inner_u, inner_v = u[block] * size, v[block] * size
        column, line = inner_u.astype(np.intp), inner_v.astype(np.intp)
        u[block], v[block] = inner_u - column, inner_v - line
        code = index.cells[index.nodes[node[block], 1].astype(np.intp) + line * size + column]
        out[row[block]] = code
        node[block] = FIRST_NODE - code.astype(np.intp)
        deep = node >= 0
        row, node, x, y, u, v = (each[deep] for each in (row, node, x, y, u, v))


def _covering(
    index: CellIndex, head: NDArray[np.uint32], x: Degrees, y: Degrees
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return, as bits, the candidates that cover each point, and those on whose edge it lies."""
    count = (head[:, 0] & np.uint32(RUNS)).astype(np.intp)
    mask = head[:, 1].copy()
    met = np.zeros(len(mask), dtype=np.uint32)
    point = np.flatnonzero(count)
    start, word = head[point, 2].astype(np.intp), head[point, 3]
    turn = 0
    while point.size:
        odd, on = _above(index.vertices, start, word, x[point], y[point])
        bits = word >> np.uint32(BITS_AT)
        mask[point] ^= np.where(odd, bits, _NONE)
        met[point] |= np.where(on, bits, _NONE)
        turn += 1
        point = point[count[point] > turn]
        run = index.runs[head[point, 6].astype(np.intp) + (turn - 1)]
        start, word = run[:, 0].astype(np.intp), run[:, 1]
    return mask, met


def _above(
    vertices: NDArray[np.float64],
    start: Positions,
    word: NDArray[np.uint32],
    x: Degrees,
    y: Degrees,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether an odd number of a run's edges counts as above, and whether one is met."""
    count = (word & np.uint32(EDGES)).astype(np.intp)
    ax, ay = vertices[start, 0], vertices[start, 1]
    left = ax <= x
    odd = left & (word & np.uint32(STARTS_ABOVE) != 0)
    on = (ax == x) & (ay == y)
    every, px, py = np.arange(len(start)), x, y
    step = 0
    while every.size:
        step += 1
        at = start[every] + step
        bx, by = vertices[at, 0], vertices[at, 1]
        right = bx <= px
        over = np.flatnonzero(left != right)
        ends = (ax[over], ay[over], bx[over], by[over], px[over], py[over])
        turn = sides(*ends)
        odd[every[over]] ^= (turn < 0) == left[over]
        on[every[over]] |= turn == 0
        end = np.flatnonzero(bx == px)  # at its end, or beside an upright edge
        if end.size:
            beside = (ax[end] == px[end]) & (np.minimum(ay, by)[end] <= py[end])
            beside &= py[end] <= np.maximum(ay, by)[end]
            on[every[end]] |= beside | (by[end] == py[end])
        ended = count[every] == step
        last = every[ended]
        odd[last] ^= right[ended] & (word[last] & np.uint32(ENDS_ABOVE) != 0)
        go = np.flatnonzero(~ended)
        every, ax, ay, left, px, py = every[go], bx[go], by[go], right[go], px[go], py[go]
    return odd, on


def _first_candidate(
    index: CellIndex, head: NDArray[np.uint32], mask: NDArray[np.uint32]
) -> Positions:
    """Return the position of the candidate of the lowest bit; ``OUTSIDE`` where there is none."""
    one, two = mask & np.uint32(1) != 0, mask & np.uint32(2) != 0
    own = np.where(one, head[:, 4], np.where(two, head[:, 5], np.uint32(0xFFFFFFFF)))
    out = own.view(np.int32).astype(np.intp)
    more = np.flatnonzero((mask != 0) & ~one & ~two)
    if more.size:
        bits = mask[more].astype(np.int64)
        place = np.log2((bits & -bits).astype(np.float64)).astype(np.intp)
        out[more] = index.candidates[head[more, 7].astype(np.intp) + place - 2]
    return out
