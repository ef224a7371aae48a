"""Asking the cell index of one point, in plain Python: without arrays, in a few microseconds.

:mod:`gis.compiled.single` is its twin.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from gis.cells import lookup
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
from gis.exact import side
from gis.geometry import OUTSIDE, Positions

_NONE: Final = 0xFFFFFFFF
_FEW: Final = 64  # cells of a box, for which arrays cost more than they spare


class Claim(NamedTuple):
    """The owner of a point, and whether others claim it; see :func:`gis.cells.lookup.claims`."""

    owner: int
    disputed: bool


class _Leaf(NamedTuple):
    """A leaf of either kind, spelt out."""

    base: int
    runs: list[list[int]]
    candidates: list[int]
    dedicated: int


def owner(index: CellIndex, x: float, y: float) -> int:
    """Return the position of the first grid that covers a point, or ``OUTSIDE``."""
    code = _code(index, x, y)
    if code >= OUTSIDE:
        return code
    for leaf in _leaves(index, FIRST_NODE - code):
        mask, met = _covering(index, leaf, x, y)
        if mask | met:
            return leaf.candidates[_lowest(mask | met)]
    return OUTSIDE


def claim(index: CellIndex, x: float, y: float) -> Claim:
    """Return the owner of a point, and whether others claim it."""
    code = _code(index, x, y)
    if code >= OUTSIDE:
        return Claim(code, False)
    position, is_dedicated, disputed = OUTSIDE, False, False
    for leaf in _leaves(index, FIRST_NODE - code):
        mask, met = _covering(index, leaf, x, y)
        mask |= met
        dedicated = (1 << leaf.dedicated) - 1
        own = 0
        if position == OUTSIDE and mask:
            place = _lowest(mask)
            own = 1 << place
            position, is_dedicated = leaf.candidates[place], bool(own & dedicated)
        kind = dedicated if is_dedicated else ~dedicated
        disputed |= bool(mask & kind & ~own) or bool(met & own)
    return Claim(position, disputed)


def around(index: CellIndex, west: float, south: float, east: float, north: float) -> Positions:
    """Return the positions of the grids that may touch a box, ascending: all that do, and some."""
    frame = index.frame
    if not frame.meets(west, south, east, north):
        return np.zeros(0, dtype=np.intp)
    left, low = frame.counts(max(west, frame.west), max(south, frame.south))
    right, high = frame.counts(min(east, frame.east), min(north, frame.north))
    columns, rows = range(int(left), int(right) + 1), range(int(low), int(high) + 1)
    if len(columns) * len(rows) > _FEW:
        _, found = lookup.around(index, *(np.array([each]) for each in (west, south, east, north)))
        return found
    codes = {int(index.cells[row * frame.columns + column]) for row in rows for column in columns}
    grids: set[int] = set()
    while codes:
        code = codes.pop()
        if code >= OUTSIDE:
            grids.add(code)
            continue
        head, begin = index.nodes[FIRST_NODE - code, :2].tolist()
        if head >= BLOCK:
            size = head - BLOCK
            codes.update(index.cells[begin : begin + size * size].tolist())
        else:
            for leaf in _leaves(index, FIRST_NODE - code):
                grids.update(leaf.candidates)
    return np.array(sorted(grids - {OUTSIDE}), dtype=np.intp)


def _code(index: CellIndex, x: float, y: float) -> int:
    """Return what the cell of a point says: its owner, ``OUTSIDE``, or which leaf to ask."""
    frame = index.frame
    if not (frame.west <= x <= frame.east and frame.south <= y <= frame.north):  # NaN is not
        return OUTSIDE
    u, v = (x - frame.west) * frame.columns_a_degree, (y - frame.south) * frame.rows_a_degree
    column, row = int(u), int(v)
    code = int(index.cells[row * frame.columns + column])
    while code < OUTSIDE:
        node = FIRST_NODE - code
        head = int(index.nodes[node, 0])
        if head < BLOCK:
            break
        size = head - BLOCK
        u, v = (u - column) * size, (v - row) * size
        column, row = int(u), int(v)
        code = int(index.cells[int(index.nodes[node, 1]) + row * size + column])
    return code


def _leaves(index: CellIndex, node: int) -> Iterator[_Leaf]:
    """Return the leaves of a cell, of which ``node`` is the first."""
    more = True
    while more:
        head, base, one, other = index.nodes[node].tolist()
        more = False
        if head < MANY:
            candidates = [one] if other == _NONE else [one, other]
            yield _Leaf(
                head >> BASE_AT & 3, [[base, head & RUN_WORD]], candidates, head >> KINDS_AT
            )
        else:
            more = bool(head & MORE)
            count = head >> CANDIDATES_AT & 31
            yield _Leaf(
                base,
                index.runs[one : one + (head & RUNS)].tolist(),
                index.candidates[other : other + count].tolist(),
                head >> DEDICATED_AT & 31,
            )
        node += 1


def _covering(index: CellIndex, leaf: _Leaf, x: float, y: float) -> tuple[int, int]:
    """Return, as bits, the candidates that cover a point, and those on whose edge it lies."""
    mask, met = leaf.base, 0
    for start, word in leaf.runs:
        odd, on = _above(index, start, word, x, y)
        if odd:
            mask ^= word >> BITS_AT
        if on:
            met |= word >> BITS_AT
    return mask, met


def _above(index: CellIndex, start: int, word: int, x: float, y: float) -> tuple[bool, bool]:
    """Return whether an odd number of a run's edges counts as above, and whether one is met."""
    (ax, ay), *others = index.vertices[start : start + (word & EDGES) + 1].tolist()
    left = ax <= x
    odd = left and bool(word & STARTS_ABOVE)
    on = ax == x and ay == y
    for bx, by in others:
        right = bx <= x
        if left != right:
            turn = side(ax, ay, bx, by, x, y)
            odd ^= (turn < 0) == left
            on |= turn == 0
        if bx == x:  # at its end, or beside an upright edge
            on |= by == y or (ax == x and min(ay, by) <= y <= max(ay, by))
        ax, ay, left = bx, by, right
    return odd ^ (left and bool(word & ENDS_ABOVE)), on


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
