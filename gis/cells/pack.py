"""Putting what was made of the levels into the flat arrays that are asked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.cells.index import (
    BLOCK,
    CANDIDATES_AT,
    DEDICATED_AT,
    FIRST_NODE,
    MORE,
    RUNS,
    CellIndex,
    Frame,
    Ranking,
)
from gis.cells.leaves import Leaves
from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Positions


class Level(NamedTuple):
    """What was made of the blocks of one level.

    Attributes
    ----------
    ranks : ndarray of int32
        The first grid that covers the middle of each cell, or ``OUTSIDE``.
    leaves : Leaves
        The leaves of the cells that borders cross or several grids cover.
    cut, sides : ndarray of int64
        The cells that are blocks of the next level, and how many cells a side each has.
    """

    ranks: NDArray[np.int32]
    leaves: Leaves
    cut: NDArray[np.int64]
    sides: NDArray[np.int64]


class _Parts(NamedTuple):
    """What one level adds to each array, and to which of its cells the leaves belong."""

    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]


def pack(
    frame: Frame, vertices: NDArray[np.float64], levels: Sequence[Level], ranking: Ranking
) -> CellIndex:
    """Put the levels together."""
    whole = np.full(frame.columns * frame.rows, OUTSIDE, dtype=np.int32)
    empty = _Parts(
        whole[:0], np.zeros((0, 8), np.uint32), np.zeros((0, 2), np.uint32), whole[:0]
    )  # fmt: skip
    parts = [empty]
    ends = np.zeros(4, dtype=np.int64)
    for level in levels:
        parts.append(_packed(level, ranking, ends))
        ends += [len(each) for each in parts[-1]]
    if not levels:
        parts.append(empty._replace(cells=whole))
    cells, nodes, runs, candidates = (np.concatenate(each) for each in zip(*parts, strict=True))
    return CellIndex(
        frame, vertices, cells, nodes, runs, candidates, len(ranking.positions), len(nodes)
    )


def _packed(level: Level, ranking: Ranking, ends: NDArray[np.int64]) -> _Parts:
    """Return what a level adds, where so much is there already."""
    positions = np.append(ranking.positions, OUTSIDE).astype(np.int32)
    leaves = level.leaves
    kept = ~np.isin(leaves.cell, level.cut)
    leaf_cells = leaves.cell[kept]
    nodes, run_turn, candidate_turn = _heads(leaves, ranking, positions)
    runs, nodes[:, 6] = _spilt(kept, leaves.run_leaf, run_turn, 1, int(ends[2]))
    others, nodes[:, 7] = _spilt(kept, leaves.candidate_leaf, candidate_turn, 2, int(ends[3]))
    nodes = nodes[kept]
    follows = leaf_cells[1:] == leaf_cells[:-1]
    nodes[:-1][follows, 0] |= np.uint32(MORE)

    cells = positions[level.ranks]
    first = np.flatnonzero(np.concatenate([[True], ~follows])[: len(leaf_cells)])
    cells[leaf_cells[first]] = FIRST_NODE - (ends[1] + first)
    cells[level.cut] = FIRST_NODE - (ends[1] + len(nodes) + np.arange(len(level.cut)))
    blocks = np.zeros((len(level.cut), 8), dtype=np.uint32)
    blocks[:, 0] = BLOCK | level.sides
    sizes = level.sides * level.sides
    blocks[:, 1] = ends[0] + len(cells) + np.cumsum(sizes) - sizes
    return _Parts(
        cells,
        np.concatenate([nodes, blocks]),
        np.stack([leaves.run_start[runs], leaves.run_word[runs]], axis=1),
        positions[leaves.candidate[others]],
    )


def _heads(
    leaves: Leaves, ranking: Ranking, positions: NDArray[np.int32]
) -> tuple[NDArray[np.uint32], Positions, Positions]:
    """Return the nodes of leaves but for what they spill, and the turn of runs and candidates."""
    count = len(leaves.cell)
    run_counts, run_turn = _turns(leaves.run_leaf, count)
    counts, turn = _turns(leaves.candidate_leaf, count)
    if run_counts.max(initial=0) > RUNS:
        raise InvalidGrids(
            f"more than {RUNS:,} borders meet in a place smaller than a micrometre: simplify them"
        )
    dedicated = np.bincount(
        leaves.candidate_leaf[leaves.candidate < ranking.dedicated], minlength=count
    )
    nodes = np.zeros((count, 8), dtype=np.uint32)
    nodes[:, 0] = run_counts | counts << CANDIDATES_AT | dedicated << DEDICATED_AT
    nodes[:, 1] = leaves.base
    first = np.flatnonzero(run_turn == 0)
    nodes[leaves.run_leaf[first], 2] = leaves.run_start[first]
    nodes[leaves.run_leaf[first], 3] = leaves.run_word[first]
    nodes[:, 4:6] = np.uint32(0xFFFFFFFF)
    for place in (0, 1):
        at = np.flatnonzero(turn == place)
        own = positions[leaves.candidate[at]]
        nodes[leaves.candidate_leaf[at], 4 + place] = own.view(np.uint32)
    return nodes, run_turn, turn


def _turns(leaf: Positions, count: int) -> tuple[Positions, Positions]:
    """Return how many things each leaf has, and the turn of each thing in its leaf."""
    counts = np.bincount(leaf, minlength=count)
    return counts, np.arange(len(leaf)) - (np.cumsum(counts) - counts)[leaf]


def _spilt(
    kept: NDArray[np.bool_], leaf: Positions, turn: Positions, room: int, before: int
) -> tuple[Positions, NDArray[np.int64]]:
    """Return which things have no room in the node, and where those of each leaf begin."""
    spilt = np.flatnonzero((turn >= room) & kept[leaf])
    counts = np.bincount(leaf[spilt], minlength=len(kept))
    return spilt, before + np.cumsum(counts) - counts
