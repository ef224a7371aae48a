"""The compiled twin of what takes longest of making an index: see :mod:`gis.cells.leaves`."""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gis.cells import blocks as plain
from gis.cells import borders as plain_borders
from gis.cells import covers
from gis.cells.borders import NOBODY
from gis.cells.leaves import BITS_AT, CANDIDATES, EDGES, ENDS_ABOVE, STARTS_ABOVE, Leaves
from gis.compiled.exact import side
from gis.compiled.jit import inlined, jit

_FEW: Final = 24

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]


class Blocks(NamedTuple):
    """As :class:`gis.cells.blocks.Blocks`, and where the cells of each begin."""

    columns: Numbers
    west: Floats
    south: Floats
    width: Floats
    height: Floats
    cells: Numbers


class Crossings(NamedTuple):
    """As :class:`gis.cells.leaves.Crossings`."""

    piece: Numbers
    cell: Numbers
    block: Numbers
    column: Numbers
    row: Numbers
    edge: Numbers
    starts_above: NDArray[np.bool_]
    ends_above: NDArray[np.bool_]


class Borders(NamedTuple):
    """As :class:`gis.cells.borders.Borders`."""

    start: Numbers
    one: NDArray[np.int32]
    other: NDArray[np.int32]


class Middles(NamedTuple):
    """Who covers the middles of cells: the first one, how many, and all where they are several."""

    first: NDArray[np.int32]
    counts: Numbers
    cell: Numbers
    rank: Numbers


class Runs(NamedTuple):
    """Room for the runs and candidates of one cell."""

    start: Numbers
    length: Numbers
    word: Numbers
    low: Numbers
    high: Numbers
    odd: NDArray[np.bool_]
    candidate: Numbers
    covered: NDArray[np.bool_]


class Made(NamedTuple):
    """Room for :class:`gis.cells.leaves.Leaves`, and how many leaves, runs and candidates are."""

    cell: Numbers
    base: NDArray[np.uint32]
    run_leaf: Numbers
    run_start: NDArray[np.uint32]
    run_word: NDArray[np.uint32]
    candidate_leaf: Numbers
    candidate: NDArray[np.int32]
    edge_count: Numbers
    counts: Numbers


def leaves_of(
    blocks: plain.Blocks,
    crossings: Crossings,
    borders: plain_borders.Borders,
    middles: covers.Middles,
    vertices: Floats,
    wanted: NDArray[np.bool_],
) -> Leaves:
    """Make the leaves of all cells that are crossed, and of those that are wanted besides."""
    made = _leaves(
        _blocks(blocks),
        Crossings(*crossings),
        Borders(borders.start, borders.one, borders.other),
        Middles(*middles[:4]),
        vertices,
        wanted,
    )
    leaves, runs, candidates = made.counts.tolist()
    return Leaves(
        made.cell[:leaves].copy(), made.base[:leaves].copy(), made.run_leaf[:runs],
        made.run_start[:runs], made.run_word[:runs], made.candidate_leaf[:candidates],
        made.candidate[:candidates], made.edge_count[:leaves].copy(),
    )  # fmt: skip


def _blocks(blocks: plain.Blocks) -> Blocks:
    return Blocks(*(getattr(blocks, name) for name in Blocks._fields))


@jit
def _leaves(
    blocks: Blocks,
    crossings: Crossings,
    borders: Borders,
    middles: Middles,
    vertices: Floats,
    wanted: NDArray[np.bool_],
) -> Made:
    """Make the leaves, cell after cell."""
    most, longest = _room(crossings)
    room = 2 * most + len(middles.cell)
    for cell in range(len(wanted)):
        room += middles.counts[cell] == 1
    made = Made(
        np.empty(room, np.int64), np.empty(room, np.uint32), np.empty(2 * most, np.int64),
        np.empty(2 * most, np.uint32), np.empty(2 * most, np.uint32), np.empty(room, np.int64),
        np.empty(room, np.int32), np.empty(room, np.int64), np.zeros(3, np.int64),
    )  # fmt: skip
    at_once = 2 * longest + middles.counts.max() + 1 if len(wanted) else 1
    runs = Runs(
        np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64),
        np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.bool_),
        np.empty(at_once, np.int64), np.empty(at_once, np.bool_),
    )  # fmt: skip
    block, at, several = 0, 0, 0
    for cell in range(len(wanted)):
        while cell >= blocks.cells[block + 1]:
            block += 1
        begin, first = at, several
        while at < most and crossings.cell[at] == cell:
            at += 1
        while several < len(middles.cell) and middles.cell[several] == cell:
            several += 1
        if begin < at or wanted[cell]:
            place = cell - blocks.cells[block]
            row, column = place // blocks.columns[block], place % blocks.columns[block]
            lon = blocks.west[block] + (column + 0.5) * blocks.width[block]
            lat = blocks.south[block] + (row + 0.5) * blocks.height[block]
            count = _find_runs(crossings, borders, vertices, (begin, at), (lon, lat), runs)
            candidates = _find_candidates(middles, cell, (first, several), runs, count)
            for leaf in range(0, candidates, CANDIDATES):
                made.cell[made.counts[0]] = cell
                made.edge_count[made.counts[0]] = at - begin
                _write_leaf(made, runs, count, leaf, min(leaf + CANDIDATES, candidates))
    return made


@jit
def _room(crossings: Crossings) -> tuple[int, int]:
    """Return how many crossings there are, and how many at most in one cell."""
    longest, length = 1, 0
    for at in range(len(crossings.cell)):
        same = at > 0 and crossings.cell[at] == crossings.cell[at - 1]
        length = length + 1 if same else 1
        longest = max(longest, length)
    return len(crossings.cell), longest


@inlined
def _find_runs(
    crossings: Crossings,
    borders: Borders,
    vertices: Floats,
    stretch: tuple[int, int],
    middle: tuple[float, float],
    runs: Runs,
) -> Any:
    """Write the runs of a cell, and whether an odd number of their edges is above its middle."""
    count = 0
    for at in range(stretch[0], stretch[1]):
        edge = crossings.edge[at]
        start, low, high = borders.start[edge], borders.one[edge], borders.other[edge]
        last = count - 1
        if (
            count == 0
            or start != runs.start[last] + runs.length[last]
            or runs.low[last] != low
            or runs.high[last] != high
            or runs.length[last] == EDGES
        ):
            runs.start[count], runs.length[count] = start, 0
            runs.low[count], runs.high[count] = low, high
            runs.word[count], runs.odd[count] = crossings.starts_above[at] * STARTS_ABOVE, False
            last = count
            count += 1
        runs.length[last] += 1
        runs.word[last] = runs.word[last] & STARTS_ABOVE | crossings.ends_above[at] * ENDS_ABOVE
        runs.odd[last] ^= _counted_above(
            vertices, start, middle, crossings.starts_above[at], crossings.ends_above[at]
        )
    return count


@inlined
def _counted_above(
    vertices: Floats,
    start: int,
    middle: tuple[float, float],
    starts_above: bool,
    ends_above: bool,
) -> bool:
    """Return whether an edge counts as above a place; see :mod:`gis.cells.leaves`."""
    lon, lat = middle
    ax, ay, bx, by = (
        vertices[start, 0], vertices[start, 1], vertices[start + 1, 0], vertices[start + 1, 1]
    )  # fmt: skip
    left, right = ax <= lon, bx <= lon
    counted: bool = (left & starts_above) ^ (right & ends_above)
    if left != right:
        turn = side(ax, ay, bx, by, lon, lat)
        rising = ((ax < bx) == (ay < by)) & (ay != by)
        counted ^= (turn < 0 if left else turn > 0) | ((turn == 0) & rising)
    return counted


@inlined
def _find_candidates(
    middles: Middles, cell: int, several: tuple[int, int], runs: Runs, count: int
) -> Any:
    """Write the grids of the runs and those that cover the middle, and name them to the runs.

    Their ranks ascend; the runs have their places instead.
    """
    found, covered = runs.candidate, runs.covered
    length = 0
    if middles.counts[cell] == 1:
        found[0] = 2 * middles.first[cell]
        length = 1
    for at in range(several[0], several[1]):
        found[length] = 2 * middles.rank[at]
        length += 1
    for run in range(count):
        found[length] = 2 * runs.low[run] + 1
        length += 1
        if runs.high[run] != NOBODY:
            found[length] = 2 * runs.high[run] + 1
            length += 1
    _sort(found, length)
    distinct = 0
    for at in range(length):
        rank, from_run = found[at] >> 1, found[at] & 1
        if distinct == 0 or rank != found[distinct - 1]:
            found[distinct], covered[distinct] = rank, from_run == 0
            distinct += 1
    for run in range(count):
        runs.low[run] = _place(found, distinct, runs.low[run])
        if runs.high[run] != NOBODY:
            runs.high[run] = _place(found, distinct, runs.high[run])
    return distinct


@inlined
def _sort(numbers: Numbers, length: Any) -> None:
    """Sort the first numbers of an array; mostly they are very few."""
    if length > _FEW:
        numbers[:length].sort()
        return
    for end in range(1, length):
        number, at = numbers[end], end
        while at > 0 and numbers[at - 1] > number:
            numbers[at] = numbers[at - 1]
            at -= 1
        numbers[at] = number


@inlined
def _place(numbers: Numbers, length: Any, number: Any) -> Any:
    """Return where a number is among the first, sorted ones of an array."""
    low, high = 0, length - 1
    while low < high:
        middle = (low + high) >> 1
        if numbers[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _write_leaf(made: Made, runs: Runs, count: Any, first: Any, end: Any) -> None:
    """Write a leaf of those of a cell's candidates from the first to the end."""
    leaf, at, after = made.counts[0], made.counts[1], made.counts[2] - first
    base = np.uint32(0)
    for place in range(first, end):
        made.candidate_leaf[after + place] = leaf
        made.candidate[after + place] = runs.candidate[place]
        base |= np.uint32(runs.covered[place]) << np.uint32(place - first)
    for run in range(count):
        bits = np.uint32(0)
        for place in (runs.low[run], runs.high[run]):
            if first <= place < end:  # NOBODY is before the first
                bits |= np.uint32(1) << np.uint32(place - first)
        if bits:
            if runs.odd[run]:
                base ^= bits
            made.run_leaf[at], made.run_start[at] = leaf, runs.start[run]
            word = np.uint32(runs.word[run] | runs.length[run])
            made.run_word[at] = word | bits << np.uint32(BITS_AT)
            at += 1
    made.base[leaf] = base
    made.counts[0], made.counts[1], made.counts[2] = leaf + 1, at, after + end
