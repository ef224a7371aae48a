"""The compiled twin of :mod:`gis.cells.lookup`: asking the cell index of many points.

Points are taken some thousand at a time, and each step is done for all of them before the next. It
begins with asking memory for all that the step will read, so that these waits overlap; and leaves
are sorted by how many edges they have, so that the processor guesses right how long each takes.

What rounding leaves in doubt, and what lies on an edge, is asked again exactly, point by point.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import BASE_AT, BLOCK, FIRST_NODE, KINDS_AT, MANY, RUNS, Frame
from gis.cells.leaves import BITS_AT, EDGES, ENDS_ABOVE, STARTS_ABOVE
from gis.compiled.jit import inlined, jit
from gis.compiled.prefetch import prefetch
from gis.compiled.single import code_at, first_candidate, leaf_claim, leaf_owner
from gis.compiled.tables import Bare, Floats, Integer, Tables, named
from gis.exact import FILTER
from gis.geometry import OUTSIDE

_AT_ONCE: Final = 2048
_LONG: Final = 5
"""Leaves of one run are sorted by how many edges it has, up to so many."""


class Points(NamedTuple):
    """Some points, and what is written of them; ``disputed`` may have no length."""

    lon: Floats
    lat: Floats
    out: NDArray[np.intp]
    disputed: NDArray[np.bool_]


class Lists(NamedTuple):
    """Points whose cell does not know its owner, by the kind of leaf; and how many there are.

    The first list is of those whose leaf has many runs, the others of those whose leaf has one run
    of so many edges; the last one takes all that are longer.
    """

    points: NDArray[np.int32]
    counts: NDArray[np.int64]


@jit
def owners(
    bare: Bare,
    lon: Floats,
    lat: Floats,
    out: NDArray[np.intp],
    disputed: NDArray[np.bool_],
) -> None:
    """Write the position of the first grid that covers each point, or ``OUTSIDE``.

    ``disputed`` of the same length is written too; of no length, nothing is.
    """
    tables = named(bare)
    cell = np.empty(_AT_ONCE, dtype=np.int32)
    deep = np.empty(_AT_ONCE + 1, dtype=np.int32)
    lists = Lists(
        np.empty((_LONG + 1, _AT_ONCE + 1), dtype=np.int32), np.empty(_LONG + 1, dtype=np.int64)
    )
    for begin in range(0, len(lon), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        some = Points(lon[part], lat[part], out[part], disputed[part])
        _find_cells(tables.frame, some, cell)
        count = _ask_cells(tables, some, cell, deep)
        _sort_leaves(tables, some, deep[:count], lists)
        _fetch_many(tables, some, lists)
        _ask_leaves(tables, some, lists, 1, 1)
        _ask_leaves(tables, some, lists, 2, 2)
        _ask_leaves(tables, some, lists, 3, 3)
        _ask_leaves(tables, some, lists, 4, 4)
        _ask_leaves(tables, some, lists, _LONG, 0)
        _ask_leaves_of_many(tables, some, lists)


@jit
def _find_cells(frame: Frame, some: Points, cell: NDArray[np.int32]) -> None:
    """Write the cell of each point, or −1 outside the frame; several at once, without branches."""
    west, south, east, north, columns, _, columns_a_degree, rows_a_degree = frame
    across = np.int32(columns)
    for i in range(len(some.lon)):
        x, y = some.lon[i], some.lat[i]
        inside = (west <= x) & (x <= east) & (south <= y) & (y <= north)
        row, column = np.int32((y - south) * rows_a_degree), np.int32((x - west) * columns_a_degree)
        cell[i] = row * across + column if inside else np.int32(-1)


@inlined
def _ask_cells(
    tables: Tables, some: Points, cell: NDArray[np.int32], deep: NDArray[np.int32]
) -> Integer:
    """Write what cells know by themselves, and list the points that need a leaf."""
    place: Integer
    code: Integer
    count: Integer = 0
    for i in range(len(some.out)):
        prefetch(tables.cells, max(np.int64(cell[i]), 0))
    for i in range(len(some.out)):
        place = max(np.int64(cell[i]), 0)
        code = tables.cells[place]
        code = code if cell[i] >= 0 else np.int32(OUTSIDE)
        some.out[i] = code
        deep[count] = i  # always, and kept if need be: a branch would be guessed wrong too often
        count += code < OUTSIDE
    some.disputed[:] = False
    return count


@inlined
def _sort_leaves(tables: Tables, some: Points, deep: NDArray[np.int32], lists: Lists) -> None:
    """List points by the kind of their leaf, and ask for the leaf's vertices."""
    nodes, counts = tables.nodes, lists.counts
    kind: Integer
    for i in deep:
        prefetch(nodes, (FIRST_NODE - some.out[i]) * 4)
    counts[:] = 0
    for i in deep:
        node = FIRST_NODE - some.out[i]
        word, start = nodes[node, 0], np.int64(nodes[node, 1])
        edges = np.int64(word & np.uint32(EDGES))
        kind = min(edges, _LONG) if word < np.uint32(MANY) else 0
        lists.points[kind, counts[kind]] = i
        counts[kind] += 1
        prefetch(tables.vertices, start * 2)  # of leaves of many nothing that is needed
        prefetch(tables.vertices, (start + edges) * 2)


@inlined
def _fetch_many(tables: Tables, some: Points, lists: Lists) -> None:
    """Go down blocks to their leaves, and ask for what leaves of many will read."""
    nodes, counts, left = tables.nodes, lists.counts, 0
    kind: Integer
    for k in range(counts[0]):
        i = lists.points[0, k]
        node = FIRST_NODE - some.out[i]
        if nodes[node, 0] >= np.uint32(BLOCK):
            code = code_at(tables, some.lon[i], some.lat[i])
            some.out[i] = code
            if code >= OUTSIDE:
                continue
            node = FIRST_NODE - code
            word = nodes[node, 0]
            if word < np.uint32(MANY):
                kind = min(np.int64(word & np.uint32(EDGES)), _LONG)
                lists.points[kind, counts[kind]] = i
                counts[kind] += 1
                prefetch(tables.vertices, np.int64(nodes[node, 1]) * 2)
                continue
        prefetch(tables.runs, np.int64(nodes[node, 2]) * 2)
        prefetch(tables.candidates, np.int64(nodes[node, 3]))
        lists.points[0, left] = i
        left += 1
    counts[0] = left
    for k in range(left):
        node = FIRST_NODE - some.out[lists.points[0, k]]
        begin = np.int64(nodes[node, 2])
        for place in range(begin, begin + np.int64(nodes[node, 0] & np.uint32(RUNS))):
            prefetch(tables.vertices, np.int64(tables.runs[place, 0]) * 2)


@inlined
def _ask_leaves(tables: Tables, some: Points, lists: Lists, kind: Integer, edges: Integer) -> None:
    """Ask the leaves of one run that has so many edges; 0 stands for any number."""
    nodes = tables.nodes
    for k in range(lists.counts[kind]):
        i = lists.points[kind, k]
        x, y = some.lon[i], some.lat[i]
        node = FIRST_NODE - some.out[i]
        word, start = nodes[node, 0], np.int64(nodes[node, 1])
        count = edges if edges else np.int64(word & np.uint32(EDGES))
        odd, unsure = _surely_above(tables.vertices, start, count, word, x, y)
        if unsure:
            _ask_exactly(tables, some, i, node)
            continue
        mask = (word >> np.uint32(BASE_AT)) ^ (word >> np.uint32(BITS_AT)) * np.uint32(odd)
        found = np.int64(OUTSIDE)
        found = np.int64(np.int32(nodes[node, 3])) if mask & np.uint32(2) else found
        found = np.int64(np.int32(nodes[node, 2])) if mask & np.uint32(1) else found
        some.out[i] = found
        if len(some.disputed):  # by another of the same kind
            some.disputed[i] = (mask & np.uint32(3) == 3) & (word >> np.uint32(KINDS_AT) != 1)


@inlined
def _ask_leaves_of_many(tables: Tables, some: Points, lists: Lists) -> None:
    """Ask the leaves of many runs, candidates, or both."""
    nodes, runs = tables.nodes, tables.runs
    for k in range(lists.counts[0]):
        i = lists.points[0, k]
        node = FIRST_NODE - some.out[i]
        unsure = len(some.disputed) > 0
        mask, begin = nodes[node, 1], np.int64(nodes[node, 2])
        for place in range(begin, begin + np.int64(nodes[node, 0] & np.uint32(RUNS))):
            word = runs[place, 1]
            odd, doubt = _surely_above(
                tables.vertices, np.int64(runs[place, 0]), np.int64(word & np.uint32(EDGES)), word,
                some.lon[i], some.lat[i],
            )  # fmt: skip
            unsure |= doubt
            mask ^= (word >> np.uint32(BITS_AT)) * np.uint32(odd)
        if unsure | (mask == 0):
            _ask_exactly(tables, some, i, node)
        else:
            some.out[i] = first_candidate(tables, node, np.int64(mask))


@inlined
def _surely_above(
    vertices: Floats, start: Integer, count: Integer, word: Any, x: float, y: float
) -> tuple[Any, Any]:
    """Return whether an odd number of a run's edges counts as above, and whether that is unsure.

    Without a branch: which edges span a point cannot be guessed.
    """
    ax, ay = vertices[start, 0], vertices[start, 1]
    left = ax <= x
    odd = left & (word & np.uint32(STARTS_ABOVE) != 0)
    unsure = ax == x
    for at in range(start + 1, start + count + 1):
        bx, by = vertices[at, 0], vertices[at, 1]
        right = bx <= x
        one, other = (bx - ax) * (y - ay), (by - ay) * (x - ax)
        turn = one - other
        spans = left ^ right
        unsure |= (bx == x) | (spans & (abs(turn) <= FILTER * (abs(one) + abs(other))))
        odd ^= spans & ((turn < 0.0) == left)
        ax, ay, left = bx, by, right
    return odd ^ (left & (word & np.uint32(ENDS_ABOVE) != 0)), unsure


@jit
def _ask_exactly(tables: Tables, some: Points, i: Integer, node: Integer) -> None:
    """Ask a leaf of any kind, and those that follow it, without a doubt."""
    x, y = float(some.lon[i]), float(some.lat[i])
    if len(some.disputed):
        some.out[i], some.disputed[i] = leaf_claim(tables, node, x, y)
    else:
        some.out[i] = leaf_owner(tables, node, x, y)
