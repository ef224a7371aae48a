"""The compiled twin of :mod:`gis.cells.single`: asking the cell index of one point."""

from typing import Any

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
)
from gis.cells.leaves import BITS_AT, EDGES, ENDS_ABOVE, STARTS_ABOVE
from gis.compiled.exact import side
from gis.compiled.jit import inlined, jit
from gis.compiled.tables import Bare, Floats, Integer, Tables, named
from gis.exact import FILTER
from gis.geometry import OUTSIDE


@jit
def owner(bare: Bare, x: float, y: float) -> Integer:
    """Return the position of the first grid that covers one point, or ``OUTSIDE``."""
    tables = named(bare)
    code = code_at(tables, x, y)
    return code if code >= OUTSIDE else leaf_owner(tables, FIRST_NODE - code, x, y)


@jit
def claim(bare: Bare, x: float, y: float) -> tuple[Integer, bool]:
    """Return the owner of one point, and whether others claim it."""
    tables = named(bare)
    code = code_at(tables, x, y)
    return (code, False) if code >= OUTSIDE else leaf_claim(tables, FIRST_NODE - code, x, y)


@jit
def around(bare: Bare, west: float, south: float, east: float, north: float) -> NDArray[np.intp]:
    """Return the positions of the grids that may touch a box, ascending: all that do, and some."""
    tables = named(bare)
    frame = tables.frame
    found = {np.int64(OUTSIDE)}
    west, south = max(west, frame.west), max(south, frame.south)
    east, north = min(east, frame.east), min(north, frame.north)
    if west <= east and south <= north:
        left, low = (
            np.int64((west - frame.west) * frame.columns_a_degree),
            np.int64((south - frame.south) * frame.rows_a_degree),
        )
        right, high = (
            np.int64((east - frame.west) * frame.columns_a_degree),
            np.int64((north - frame.south) * frame.rows_a_degree),
        )
        for row in range(low, high + 1):
            for cell in range(row * frame.columns + left, row * frame.columns + right + 1):
                _add_candidates(tables, np.int64(tables.cells[cell]), found)
    found.discard(np.int64(OUTSIDE))
    out = np.empty(len(found), dtype=np.intp)
    for place, grid in enumerate(found):
        out[place] = grid
    out.sort()
    return out


@jit
def _add_candidates(tables: Tables, code: Integer, found: set[Any]) -> None:
    """Add the grids that may cover something of a cell that says ``code``."""
    nodes, candidates = tables.nodes, tables.candidates
    if code >= OUTSIDE:
        found.add(code)
        return
    waiting = [FIRST_NODE - code]
    while waiting:
        node = waiting.pop()
        word = np.int64(nodes[node, 0])
        if word >= BLOCK:
            begin, size = np.int64(nodes[node, 1]), word - BLOCK
            for cell in range(begin, begin + size * size):
                code = np.int64(tables.cells[cell])
                if code >= OUTSIDE:
                    found.add(code)
                else:
                    waiting.append(FIRST_NODE - code)
        elif word < MANY:
            found.add(np.int64(np.int32(nodes[node, 2])))
            found.add(np.int64(np.int32(nodes[node, 3])))
        else:
            begin = np.int64(nodes[node, 3])
            for place in range(begin, begin + (word >> CANDIDATES_AT & 31)):
                found.add(np.int64(candidates[place]))
            if word & MORE:
                waiting.append(node + 1)


@inlined
def code_at(tables: Tables, x: float, y: float) -> Integer:
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
def leaf_owner(tables: Tables, node: Integer, x: float, y: float) -> Integer:
    """Return who owns a point in a leaf, or in the leaves that follow it."""
    while True:
        mask, met = _covering(tables, node, x, y)
        mask |= met
        if mask:
            return first_candidate(tables, node, mask)
        if not _more(tables, node):
            return OUTSIDE
        node += 1


@inlined
def leaf_claim(tables: Tables, node: Integer, x: float, y: float) -> tuple[Integer, bool]:
    """Return the same, and whether others of the owner's kind, or its own edge, are met."""
    position, is_dedicated, disputed = OUTSIDE, False, False
    while True:
        mask, met = _covering(tables, node, x, y)
        mask |= met
        word = np.int64(tables.nodes[node, 0])
        dedicated = (1 << (word >> DEDICATED_AT & 31 if word >= MANY else word >> KINDS_AT)) - 1
        own = 0
        if position == OUTSIDE and mask:
            own = mask & -mask
            position = first_candidate(tables, node, mask)
            is_dedicated = own & dedicated != 0
        kind = mask & (dedicated if is_dedicated else ~dedicated)
        disputed |= (kind & ~own != 0) | (met & own != 0)
        if not _more(tables, node):
            return position, disputed
        node += 1


@inlined
def _more(tables: Tables, node: Integer) -> bool:
    """Return whether the next node is a leaf of the same cell."""
    word = int(tables.nodes[node, 0])
    return word >= MANY and word & MORE != 0


@inlined
def first_candidate(tables: Tables, node: Integer, mask: Integer) -> Integer:
    """Return the position of the candidate of the lowest bit."""
    if tables.nodes[node, 0] < np.uint32(MANY):
        return np.int64(np.int32(tables.nodes[node, 2 if mask & 1 else 3]))
    place = np.int64(tables.nodes[node, 3])
    while mask & 1 == 0:
        mask >>= 1
        place += 1
    return np.int64(tables.candidates[place])


@inlined
def _covering(tables: Tables, node: Integer, x: float, y: float) -> tuple[Integer, Integer]:
    """Return, as bits, a leaf's candidates that cover a point, and those on whose edge it lies."""
    nodes, runs = tables.nodes, tables.runs
    word = np.int64(nodes[node, 0])
    if word < MANY:
        base, bits = word >> BASE_AT & 3, word >> BITS_AT & 3
        odd, on = _above(tables.vertices, np.int64(nodes[node, 1]), word & RUN_WORD, x, y)
        return base ^ bits if odd else base, bits if on else 0
    mask: Integer = np.int64(nodes[node, 1])
    met: Integer = 0
    begin = np.int64(nodes[node, 2])
    for place in range(begin, begin + (word & RUNS)):
        word = np.int64(runs[place, 1])
        odd, on = _above(tables.vertices, np.int64(runs[place, 0]), word, x, y)
        if odd:
            mask ^= word >> BITS_AT
        if on:
            met |= word >> BITS_AT
    return mask, met


@inlined
def _above(
    vertices: Floats, start: Integer, word: Integer, x: float, y: float
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
