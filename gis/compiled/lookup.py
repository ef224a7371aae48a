"""The compiled twin of :mod:`gis.cells.lookup` and :mod:`gis.cells.single`.

Points are taken some thousand at a time, and each step is done for all of them before the next:
fetching a cell, then a node, then a vertex. So a step's fetches wait for memory together instead
of one after the other, which makes four times as many points a second.
"""

from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import (
    BLOCK,
    DEDICATED_AT,
    FIRST_NODE,
    MORE,
    RUNS,
    CellIndex,
    Frame,
)
from gis.cells.leaves import BITS_AT, EDGES, ENDS_ABOVE, STARTS_ABOVE
from gis.compiled.exact import side
from gis.compiled.jit import jit
from gis.exact import FILTER
from gis.geometry import OUTSIDE

_AT_ONCE: Final = 2048

inlined = partial(jit, inline=True)
"""For what is called once a point: an index has too many arrays to be handed on each time."""

Integer: TypeAlias = Any
"""Of 64 bits, whether numpy's or Python's: compiled, they are one."""


class Tables(NamedTuple):
    """The arrays of a cell index, as compiled code takes them."""

    frame: Frame
    vertices: NDArray[np.float64]
    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]


class Deep(NamedTuple):
    """The points whose cell does not know its owner: which, the node, and where in the cell."""

    row: NDArray[np.int64]
    node: NDArray[np.int64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]


Bare: TypeAlias = tuple[tuple[Any, ...], Any, Any, Any, Any, Any]
"""The same as plain tuples: numba looks at each named one anew with every call, which takes five
microseconds."""


def bare(index: CellIndex) -> Bare:
    """Return the arrays of an index."""
    return (
        tuple(index.frame), index.vertices, index.cells, index.nodes, index.runs, index.candidates
    )  # fmt: skip


@inlined
def _named(bare: Bare) -> Tables:
    """Give the arrays their names back."""
    frame, vertices, cells, nodes, runs, candidates = bare
    return Tables(Frame(*frame), vertices, cells, nodes, runs, candidates)


@jit
def owners(
    bare: Bare,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    out: NDArray[np.intp],
    disputed: NDArray[np.bool_],
) -> None:
    """Write the position of the first grid that covers each point, or ``OUTSIDE``.

    ``disputed`` of the same length is written too; of no length, nothing is.
    """
    tables = _named(bare)
    row_of, node_of = np.empty(_AT_ONCE, dtype=np.int64), np.empty(_AT_ONCE, dtype=np.int64)
    deep = Deep(row_of, node_of, np.empty(_AT_ONCE), np.empty(_AT_ONCE))
    fetched = 0.0
    for begin in range(0, len(lon), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(lon))
        count = _fetch_cells(tables, lon, lat, out, (begin, end), deep)
        count = _fetch_nodes(tables, out, count, deep)
        for k in range(count):
            fetched += tables.vertices[tables.nodes[node_of[k], 2], 0]
        if len(disputed):
            disputed[begin:end] = False
            for k in range(count):
                i = row_of[k]
                out[i], disputed[i] = _leaf_claim(tables, node_of[k], lon[i], lat[i])
        else:
            for k in range(count):
                i = row_of[k]
                out[i] = _leaf_owner(tables, node_of[k], lon[i], lat[i])
    if fetched == 0.5:  # whatever it is: it only keeps the fetches from being left out
        out[0] = out[0]


@inlined
def _fetch_cells(
    tables: Tables,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    out: NDArray[np.intp],
    stretch: tuple[int, int],
    deep: "Deep",
) -> Integer:
    """Write what cells know by themselves, and list the points that need a leaf."""
    west, south, east, north, columns, _, columns_a_degree, rows_a_degree = tables.frame
    row_of, node_of, u_of, v_of = deep.row, deep.node, deep.u, deep.v
    count = 0
    for i in range(stretch[0], stretch[1]):
        x, y = lon[i], lat[i]
        if not (west <= x <= east and south <= y <= north):
            out[i] = OUTSIDE
            continue
        u, v = (x - west) * columns_a_degree, (y - south) * rows_a_degree
        column, row = np.int64(u), np.int64(v)
        code = tables.cells[row * columns + column]
        out[i] = code
        # written always and kept if need be: a branch would be guessed wrong too often
        row_of[count], node_of[count] = i, FIRST_NODE - np.int64(code)
        u_of[count], v_of[count] = u - column, v - row
        count += code < OUTSIDE
    return count


@inlined
def _fetch_nodes(tables: Tables, out: NDArray[np.intp], count: Integer, deep: "Deep") -> Integer:
    """Go down blocks to the leaves, and list the points whose cell has one."""
    row_of, node_of, u_of, v_of = deep.row, deep.node, deep.u, deep.v
    left = 0
    for k in range(count):
        node, u, v = node_of[k], u_of[k], v_of[k]
        head = np.int64(tables.nodes[node, 0])
        while head >= BLOCK:
            size = head - BLOCK
            u, v = u * size, v * size
            column, row = np.int64(u), np.int64(v)
            u, v = u - column, v - row
            code = tables.cells[np.int64(tables.nodes[node, 1]) + row * size + column]
            node = FIRST_NODE - np.int64(code)
            if node < 0:
                out[row_of[k]] = code
                break
            head = np.int64(tables.nodes[node, 0])
        row_of[left], node_of[left] = row_of[k], node
        left += node >= 0
    return left


@jit
def owner(bare: Bare, x: float, y: float) -> Integer:
    """Return the position of the first grid that covers one point, or ``OUTSIDE``."""
    tables = _named(bare)
    code = _code(tables, x, y)
    return code if code >= OUTSIDE else _leaf_owner(tables, FIRST_NODE - code, x, y)


@jit
def claim(bare: Bare, x: float, y: float) -> tuple[Integer, bool]:
    """Return the owner of one point, and whether others claim it."""
    tables = _named(bare)
    code = _code(tables, x, y)
    return (code, False) if code >= OUTSIDE else _leaf_claim(tables, FIRST_NODE - code, x, y)


@inlined
def _code(tables: Tables, x: float, y: float) -> Integer:
    """Return what the cell of a point says: its owner, ``OUTSIDE``, or which leaf to ask."""
    west, south, east, north, columns, _, columns_a_degree, rows_a_degree = tables.frame
    if not (west <= x <= east and south <= y <= north):
        return OUTSIDE
    u, v = (x - west) * columns_a_degree, (y - south) * rows_a_degree
    column, row = np.int64(u), np.int64(v)
    code = np.int64(tables.cells[row * columns + column])
    while code < OUTSIDE:
        node = FIRST_NODE - code
        size = np.int64(tables.nodes[node, 0]) - BLOCK
        if size < 0:
            break
        u, v = (u - column) * size, (v - row) * size
        column, row = np.int64(u), np.int64(v)
        code = np.int64(tables.cells[np.int64(tables.nodes[node, 1]) + row * size + column])
    return code


@inlined
def _leaf_owner(tables: Tables, node: Integer, x: float, y: float) -> Integer:
    """Return who owns a point in a leaf, or in the leaves that follow it."""
    while True:
        mask, met = _covering(tables, node, x, y)
        mask |= met
        if mask:
            return _first_candidate(tables, node, mask)
        if tables.nodes[node, 0] & MORE == 0:
            return OUTSIDE
        node += 1


@inlined
def _leaf_claim(tables: Tables, node: Integer, x: float, y: float) -> tuple[Integer, bool]:
    """Return the same, and whether others of the owner's kind, or its own edge, are met."""
    position, is_dedicated, disputed = OUTSIDE, False, False
    while True:
        mask, met = _covering(tables, node, x, y)
        mask |= met
        dedicated = (1 << (np.int64(tables.nodes[node, 0]) >> DEDICATED_AT & 31)) - 1
        own = 0
        if position == OUTSIDE and mask:
            own = mask & -mask
            position = _first_candidate(tables, node, mask)
            is_dedicated = own & dedicated != 0
        kind = mask & (dedicated if is_dedicated else ~dedicated)
        disputed |= (kind & ~own != 0) | (met & own != 0)
        if tables.nodes[node, 0] & MORE == 0:
            return position, disputed
        node += 1


@inlined
def _first_candidate(tables: Tables, node: Integer, mask: Integer) -> Integer:
    """Return the position of the candidate of the lowest bit."""
    if mask & 1:
        return np.int64(np.int32(tables.nodes[node, 4]))
    if mask & 2:
        return np.int64(np.int32(tables.nodes[node, 5]))
    place = np.int64(tables.nodes[node, 7])
    mask >>= 2
    while mask & 1 == 0:
        mask >>= 1
        place += 1
    return np.int64(tables.candidates[place])


@inlined
def _covering(tables: Tables, node: Integer, x: float, y: float) -> tuple[Integer, Integer]:
    """Return, as bits, a leaf's candidates that cover a point, and those on whose edge it lies."""
    nodes, runs = tables.nodes, tables.runs
    mask: Integer = np.int64(nodes[node, 1])
    met: Integer = 0
    start, word = np.int64(nodes[node, 2]), np.int64(nodes[node, 3])
    for turn in range(np.int64(nodes[node, 0]) & RUNS):
        if turn > 0:
            place = np.int64(nodes[node, 6]) + turn - 1
            start, word = np.int64(runs[place, 0]), np.int64(runs[place, 1])
        odd, on = _above(tables.vertices, start, word, x, y)
        if odd:
            mask ^= word >> BITS_AT
        if on:
            met |= word >> BITS_AT
    return mask, met


@inlined
def _above(
    vertices: NDArray[np.float64], start: Integer, word: Integer, x: float, y: float
) -> tuple[bool, bool]:
    """Return whether an odd number of a run's edges counts as above, and whether one is met."""
    ax, ay = vertices[start, 0], vertices[start, 1]
    left = ax <= x
    odd = left & (word & STARTS_ABOVE != 0)
    on = (ax == x) & (ay == y)
    for at in range(start + 1, start + (word & EDGES) + 1):
        bx, by = vertices[at, 0], vertices[at, 1]
        right = bx <= x
        if left != right:
            one, other = (bx - ax) * (y - ay), (by - ay) * (x - ax)
            turn = one - other
            if abs(turn) > FILTER * (abs(one) + abs(other)):
                odd ^= (turn < 0.0) == left
            else:
                sign = side(ax, ay, bx, by, x, y)
                odd ^= (sign < 0) == left
                on |= sign == 0
        if bx == x:  # at its end, or beside an upright edge
            on |= (by == y) | ((ax == x) & (min(ay, by) <= y) & (y <= max(ay, by)))
        ax, ay, left = bx, by, right
    return odd ^ (left & (word & ENDS_ABOVE != 0)), on
