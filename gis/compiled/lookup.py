"""The compiled twin of :mod:`gis.cells.lookup`.

Points are taken some thousand at a time, and each step is done for all of them before the next:
fetching a cell, then a node, then a vertex. So a step's fetches wait for memory together instead
of one after the other, which makes four times as many points a second.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.compiled.exact import side
from gis.compiled.jit import jit
from gis.exact import FILTER
from gis.geometry import OUTSIDE

_AT_ONCE = 2048
_BLOCK = 1 << 31
_MORE = 1 << 30


@jit
def owners(
    frame: Any,
    vertices: NDArray[np.float64],
    cells: NDArray[np.int32],
    nodes: NDArray[np.uint32],
    runs: NDArray[np.uint32],
    candidates: NDArray[np.int32],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    out: NDArray[np.intp],
) -> None:
    """Write the position of the first grid that covers each point, or ``OUTSIDE``."""
    west, south, east, north, columns, _, columns_a_degree, rows_a_degree = frame
    where = np.empty(_AT_ONCE, dtype=np.int64)
    node_of = np.empty(_AT_ONCE, dtype=np.int64)
    u_of = np.empty(_AT_ONCE)
    v_of = np.empty(_AT_ONCE)
    fetched = 0.0
    for begin in range(0, len(lon), _AT_ONCE):
        crossed = 0
        for i in range(begin, min(begin + _AT_ONCE, len(lon))):
            x, y = lon[i], lat[i]
            if not (west <= x <= east and south <= y <= north):
                out[i] = OUTSIDE
                continue
            u, v = (x - west) * columns_a_degree, (y - south) * rows_a_degree
            column, row = np.int64(u), np.int64(v)
            code = cells[row * columns + column]
            out[i] = code
            where[crossed] = i
            node_of[crossed] = -2 - np.int64(code)
            u_of[crossed], v_of[crossed] = u - column, v - row
            crossed += code < OUTSIDE
        left = 0
        for k in range(crossed):
            i, node, u, v = where[k], node_of[k], u_of[k], v_of[k]
            head = np.int64(nodes[node, 0])
            while head >= _BLOCK:
                size = head - _BLOCK
                u, v = u * size, v * size
                column, row = np.int64(u), np.int64(v)
                u, v = u - column, v - row
                code = cells[np.int64(nodes[node, 1]) + row * size + column]
                node = -2 - np.int64(code)
                if node < 0:
                    out[i] = code
                    break
                head = np.int64(nodes[node, 0])
            if node >= 0:
                where[left], node_of[left] = i, node
                left += 1
        for k in range(left):
            fetched += vertices[nodes[node_of[k], 2], 0]
        for k in range(left):
            i = where[k]
            out[i] = _leaf_owner(vertices, nodes, runs, candidates, node_of[k], lon[i], lat[i])
    if fetched == 0.5:  # never: it only keeps the fetches from being left out
        out[0] = out[0]


@jit
def owner(
    frame: Any,
    vertices: NDArray[np.float64],
    cells: NDArray[np.int32],
    nodes: NDArray[np.uint32],
    runs: NDArray[np.uint32],
    candidates: NDArray[np.int32],
    x: float,
    y: float,
) -> int:
    """Return the position of the first grid that covers one point, or ``OUTSIDE``."""
    west, south, east, north, columns, _, columns_a_degree, rows_a_degree = frame
    if not (west <= x <= east and south <= y <= north):
        return OUTSIDE
    u, v = (x - west) * columns_a_degree, (y - south) * rows_a_degree
    column, row = np.int64(u), np.int64(v)
    code = np.int64(cells[row * columns + column])
    while code < OUTSIDE:
        node = -2 - code
        head = np.int64(nodes[node, 0])
        if head < _BLOCK:
            return _leaf_owner(vertices, nodes, runs, candidates, node, x, y)
        size = head - _BLOCK
        u, v = (u - column) * size, (v - row) * size
        column, row = np.int64(u), np.int64(v)
        code = np.int64(cells[np.int64(nodes[node, 1]) + row * size + column])
    return code


@jit
def _leaf_owner(
    vertices: NDArray[np.float64],
    nodes: NDArray[np.uint32],
    runs: NDArray[np.uint32],
    candidates: NDArray[np.int32],
    node: int,
    x: float,
    y: float,
) -> int:
    """Return who owns a point in a leaf, or in the leaves that follow it."""
    while True:
        mask = covering(vertices, nodes, runs, node, x, y)
        if mask & 1:
            return np.int64(np.int32(nodes[node, 4]))
        if mask & 2:
            return np.int64(np.int32(nodes[node, 5]))
        if mask:
            place = np.int64(nodes[node, 7])
            mask >>= 2
            while mask & 1 == 0:
                mask >>= 1
                place += 1
            return np.int64(candidates[place])
        if nodes[node, 0] & _MORE == 0:
            return OUTSIDE
        node += 1


@jit
def covering(
    vertices: NDArray[np.float64],
    nodes: NDArray[np.uint32],
    runs: NDArray[np.uint32],
    node: int,
    x: float,
    y: float,
) -> int:
    """Return the bits of a leaf's candidates that cover a point, edges included."""
    count = np.int64(nodes[node, 0]) & (_MORE - 1)
    mask = np.int64(nodes[node, 1])
    met = 0
    start, word = np.int64(nodes[node, 2]), np.int64(nodes[node, 3])
    for turn in range(count):
        if turn > 0:
            place = np.int64(nodes[node, 6]) + turn - 1
            start, word = np.int64(runs[place, 0]), np.int64(runs[place, 1])
        ax, ay = vertices[start, 0], vertices[start, 1]
        left = ax <= x
        odd = left & ((word >> 8) & 1 == 1)
        on = (ax == x) & (ay == y)
        for at in range(start + 1, start + (word & 0xFF) + 1):
            bx, by = vertices[at, 0], vertices[at, 1]
            right = bx <= x
            if left != right:
                one, other = (bx - ax) * (y - ay), (by - ay) * (x - ax)
                turned = one - other
                if abs(turned) > FILTER * (abs(one) + abs(other)):
                    odd ^= (turned < 0.0) == left
                else:
                    sign = side(ax, ay, bx, by, x, y)
                    odd ^= (sign < 0) == left
                    on |= sign == 0
            if bx == x:  # at its end, or beside an upright edge
                on |= (by == y) | ((ax == x) & (min(ay, by) <= y) & (y <= max(ay, by)))
            ax, ay, left = bx, by, right
        odd ^= left & ((word >> 9) & 1 == 1)
        if odd:
            mask ^= word >> 10
        if on:
            met |= word >> 10
    return mask | met
