"""Putting what was made of the levels into the flat arrays that are asked."""

from collections.abc import Sequence
from typing import NamedTuple

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
    RUNS,
    CellIndex,
    Frame,
    Ranking,
)
from gis.cells.leaves import Leaves
from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Positions
from gis.rings import ranges


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


class Parts(NamedTuple):
    """The arrays of an index, or what one level adds to each; see :class:`CellIndex`."""

    cells: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    candidates: NDArray[np.int32]


def pack(cells: int, levels: Sequence[Level], ranking: Ranking) -> Parts:
    """Put the levels of one block together.

    Parameters
    ----------
    cells : int
        How many cells the block has.
    levels : sequence of Level
        None where no edge is in it.
    ranking : Ranking
    """
    whole = np.full(cells, OUTSIDE, dtype=np.int32)
    empty = Parts(whole[:0], np.zeros((0, 4), np.uint32), np.zeros((0, 2), np.uint32), whole[:0])
    parts = [empty]
    ends = np.zeros(4, dtype=np.int64)
    for level in levels:
        parts.append(_packed(level, ranking, ends))
        ends += [len(each) for each in parts[-1]]
    if not levels:
        parts.append(empty._replace(cells=whole))
    return Parts(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def joined(
    frame: Frame, vertices: NDArray[np.float64], bands: Sequence[Parts], grids: int
) -> CellIndex:
    """Put bands of the frame, from south to north, together; what is in them is changed."""
    tops = [len(part.cells) - _inner(part) for part in bands]
    inner, nodes, runs, candidates = sum(tops), 0, 0, 0
    for part, top in zip(bands, tops, strict=True):
        part.cells[part.cells < OUTSIDE] -= nodes
        shift(part.nodes, inner - top, runs, candidates)
        inner += len(part.cells) - top
        nodes += len(part.nodes)
        runs += len(part.runs)
        candidates += len(part.candidates)
    cells = [part.cells[:top] for part, top in zip(bands, tops, strict=True)]
    cells += [part.cells[top:] for part, top in zip(bands, tops, strict=True)]
    return CellIndex(
        frame,
        vertices,
        np.concatenate(cells),
        np.concatenate([part.nodes for part in bands]),
        np.concatenate([part.runs for part in bands]),
        np.concatenate([part.candidates for part in bands]),
        grids,
        nodes,
    )


def shift(nodes: NDArray[np.uint32], cells: int, runs: int, candidates: int) -> None:
    """Let nodes know that what they point to now lies so much further on."""
    block = nodes[:, 0] >= BLOCK
    many = ~block & (nodes[:, 0] >= MANY)
    nodes[block, 1] += np.uint32(cells)
    nodes[many, 2] += np.uint32(runs)
    nodes[many, 3] += np.uint32(candidates)


def _inner(part: Parts) -> int:
    """Return how many cells are in blocks."""
    words = part.nodes[:, 0]
    sides = (words[words >= BLOCK] & np.uint32(BLOCK - 1)).astype(np.int64)
    return int((sides * sides).sum())


def _packed(level: Level, ranking: Ranking, ends: NDArray[np.int64]) -> Parts:
    """Return what a level adds, where so much is there already."""
    positions = np.append(ranking.positions, OUTSIDE).astype(np.int32)
    leaves = level.leaves
    kept = np.flatnonzero(~np.isin(leaves.cell, level.cut))
    nodes, runs, candidates = _nodes(leaves, kept, ranking, ends)
    leaf_cells = leaves.cell[kept]
    follows = leaf_cells[1:] == leaf_cells[:-1]
    nodes[:-1][follows, 0] |= np.uint32(MORE)

    cells = positions[level.ranks]
    first = np.flatnonzero(np.concatenate([[True], ~follows])[: len(leaf_cells)])
    cells[leaf_cells[first]] = FIRST_NODE - (ends[1] + first)
    cells[level.cut] = FIRST_NODE - (ends[1] + len(nodes) + np.arange(len(level.cut)))
    blocks = np.zeros((len(level.cut), 4), dtype=np.uint32)
    blocks[:, 0] = BLOCK | level.sides
    sizes = level.sides * level.sides
    blocks[:, 1] = ends[0] + len(cells) + np.cumsum(sizes) - sizes
    return Parts(
        cells,
        np.concatenate([nodes, blocks]),
        np.stack([leaves.run_start[runs], leaves.run_word[runs]], axis=1),
        positions[leaves.candidate[candidates]],
    )


def _nodes(
    leaves: Leaves, kept: Positions, ranking: Ranking, ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], Positions, Positions]:
    """Return the nodes of the leaves that are kept, and which runs and candidates they share."""
    positions = np.append(ranking.positions, OUTSIDE).astype(np.int32).view(np.uint32)
    run_at, run_counts = _groups(leaves.run_leaf, kept, len(leaves.cell))
    at, counts = _groups(leaves.candidate_leaf, kept, len(leaves.cell))
    if run_counts.max(initial=0) > RUNS:
        raise InvalidGrids(
            f"more than {RUNS:,} borders meet in a place smaller than a micrometre: simplify them"
        )
    before = leaves.candidate_leaf[leaves.candidate < ranking.dedicated]
    dedicated = np.bincount(before, minlength=len(leaves.cell))[kept]
    base = leaves.base[kept]
    nodes = np.zeros((len(kept), 4), dtype=np.uint32)

    few = (run_counts == 1) & (counts <= 2)
    one, first, run = np.flatnonzero(few), at[few], run_at[few]
    nodes[one, 0] = leaves.run_word[run] | base[one] << np.uint32(BASE_AT)
    nodes[one, 0] |= (dedicated[one] << KINDS_AT).astype(np.uint32)
    nodes[one, 1] = leaves.run_start[run]
    nodes[one, 2] = positions[leaves.candidate[first]]
    second = np.where(counts[one] == 2, leaves.candidate[first + counts[one] - 1], OUTSIDE)
    nodes[one, 3] = positions[second]

    many = np.flatnonzero(~few)
    run_counts, counts = run_counts[many], counts[many]
    nodes[many, 0] = MANY | run_counts | counts << CANDIDATES_AT | dedicated[many] << DEDICATED_AT
    nodes[many, 1] = base[many]
    nodes[many, 2] = ends[2] + np.cumsum(run_counts) - run_counts
    nodes[many, 3] = ends[3] + np.cumsum(counts) - counts
    return nodes, ranges(run_at[many], run_counts), ranges(at[many], counts)


def _groups(
    leaf: Positions, kept: Positions, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the things of each leaf that is kept begin, and how many they are."""
    counts = np.bincount(leaf, minlength=count)
    return (np.cumsum(counts) - counts)[kept], counts[kept]
