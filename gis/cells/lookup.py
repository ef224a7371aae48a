"""Asking the cell index, in plain numpy; :mod:`gis.compiled.lookup` is its twin."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import (
    BASE_AT,
    BLOCK,
    CANDIDATES_AT,
    DEDICATED_AT,
    FIRST_NODE,
    KINDS_AT,
    MANY,
    MORE,
    RUN_WORD,
    RUNS,
    CellIndex,
)
from gis.cells.leaves import BITS_AT, EDGES, ENDS_ABOVE, STARTS_ABOVE
from gis.exact import sides
from gis.geometry import OUTSIDE, Degrees, Positions
from gis.rings import ranges

_AT_ONCE: Final = 32_768  # points whose working arrays stay in the cache
_NONE: Final = np.uint32(0)


class _Leaves(NamedTuple):
    """Leaves of either kind, of one run or of many, each an array.

    Attributes
    ----------
    head : ndarray of uint32, shape (n, 4)
        As in the index.
    many : ndarray of bool, shape (n,)
    base, dedicated : ndarray of uint32, shape (n,)
    more : ndarray of bool, shape (n,)
    """

    head: NDArray[np.uint32]
    many: NDArray[np.bool_]
    base: NDArray[np.uint32]
    dedicated: NDArray[np.uint32]
    more: NDArray[np.bool_]

    @classmethod
    def of(cls, index: CellIndex, node: Positions) -> "_Leaves":
        """Read nodes that are leaves."""
        head = index.nodes[node]
        word = head[:, 0]
        many = word >= MANY
        return cls(
            head,
            many,
            np.where(many, head[:, 1], word >> np.uint32(BASE_AT) & np.uint32(3)),
            np.where(
                many, word >> np.uint32(DEDICATED_AT) & np.uint32(31), word >> np.uint32(KINDS_AT)
            ),
            many & (word & np.uint32(MORE) != 0),
        )


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
            leaf = _Leaves.of(index, node)
            mask, met = _covering(index, leaf, x, y)
            mask |= met
            out[row] = _first_candidate(index, leaf, mask)
            on = np.flatnonzero((mask == 0) & leaf.more)
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
            leaf = _Leaves.of(index, node)
            mask, met = _covering(index, leaf, x, y)
            mask |= met
            fresh = out[row] == OUTSIDE
            found = _first_candidate(index, leaf, mask)
            out[row[fresh]] = found[fresh]
            own = np.where(fresh, mask & (~mask + np.uint32(1)), _NONE)
            dedicated = (np.uint32(1) << leaf.dedicated) - np.uint32(1)
            is_dedicated = np.where(fresh, own & dedicated != 0, before_dedicated)
            kind = mask & np.where(is_dedicated, dedicated, ~dedicated)
            disputed[row] |= (kind & ~own != 0) | (met & own != 0)
            on = np.flatnonzero(leaf.more)
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
        leaf = _Leaves.of(index, node)
        few = np.flatnonzero(~leaf.many)
        for place in (2, 3):
            grid = leaf.head[few, place].view(np.int32).astype(np.intp)
            found_by.append(whose[few[grid != OUTSIDE]])
            found.append(grid[grid != OUTSIDE])
        many = np.flatnonzero(leaf.many)
        word, start = leaf.head[many, 0], leaf.head[many, 3].astype(np.intp)
        count = (word >> np.uint32(CANDIDATES_AT) & np.uint32(31)).astype(np.intp)
        found_by.append(np.repeat(whose[many], count))
        found.append(index.candidates[ranges(start, count)].astype(np.intp))
        whose, node = whose[leaf.more], node[leaf.more] + 1
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
    index: CellIndex, leaf: _Leaves, x: Degrees, y: Degrees
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return, as bits, the candidates that cover each point, and those on whose edge it lies."""
    mask = leaf.base.copy()
    met = np.zeros(len(mask), dtype=np.uint32)
    point = np.flatnonzero(~leaf.many)
    start, word = leaf.head[point, 1].astype(np.intp), leaf.head[point, 0]
    _turn(index, (point, start, word & np.uint32(RUN_WORD)), x, y, (mask, met))
    point = np.flatnonzero(leaf.many)
    count = (leaf.head[point, 0] & np.uint32(RUNS)).astype(np.intp)
    first = leaf.head[point, 2].astype(np.intp)
    for turn in range(int(count.max(initial=0))):
        going = count > turn
        point, count, first = point[going], count[going], first[going]
        run = index.runs[first + turn]
        _turn(index, (point, run[:, 0].astype(np.intp), run[:, 1]), x, y, (mask, met))
    return mask, met


def _turn(
    index: CellIndex,
    runs: tuple[Positions, Positions, NDArray[np.uint32]],
    x: Degrees,
    y: Degrees,
    bits: tuple[NDArray[np.uint32], NDArray[np.uint32]],
) -> None:
    """Write to the bits of each point what a run says of it."""
    point, start, word = runs
    odd, on = _above(index.vertices, start, word, x[point], y[point])
    both = word >> np.uint32(BITS_AT)
    bits[0][point] ^= np.where(odd, both, _NONE)
    bits[1][point] |= np.where(on, both, _NONE)


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


def _first_candidate(index: CellIndex, leaf: _Leaves, mask: NDArray[np.uint32]) -> Positions:
    """Return the position of the candidate of the lowest bit; ``OUTSIDE`` where there is none."""
    one, two = mask & np.uint32(1) != 0, mask & np.uint32(2) != 0
    own = np.where(one, leaf.head[:, 2], np.where(two, leaf.head[:, 3], np.uint32(0xFFFFFFFF)))
    out = own.view(np.int32).astype(np.intp)
    many = np.flatnonzero(leaf.many)
    bits = mask[many].astype(np.int64)
    out[many] = OUTSIDE
    many, bits = many[bits != 0], bits[bits != 0]
    place = np.log2((bits & -bits).astype(np.float64)).astype(np.intp)
    out[many] = index.candidates[leaf.head[many, 3].astype(np.intp) + place]
    return out
