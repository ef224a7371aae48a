"""Every edge of a coverage once, with the grids that meet there."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.geometry import Positions
from gis.rings import Rings

NOBODY: Final = -1
"""The rank of the missing neighbour of an edge that one grid has for itself."""

_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


@dataclass(frozen=True)
class Borders:
    """Edges, in the order of the vertices where they begin.

    Attributes
    ----------
    start : ndarray of int64, shape (k,)
        The vertex where each begins; it ends at the next one.
    low, high : ndarray of int32, shape (k,)
        The ranks of the grids that have it, the lower one first; ``NOBODY`` where there is one
        only. An edge of three or more grids comes once for each two of them.
    """

    start: NDArray[np.int64]
    low: NDArray[np.int32]
    high: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.start)


def borders_of(rings: Rings, rank: Positions) -> Borders:
    """Pair the edges that two grids share, to the last bit of their coordinates.

    Parameters
    ----------
    rings : Rings
    rank : ndarray of int, shape (n,)
        The place of each grid in the order of precedence.

    Returns
    -------
    Borders
        Edges of no length are left out, and so are those that one grid has twice: they bound
        nothing. What differs in the last bit is two edges, which is as right and a little slower.
    """
    start = rings.edges
    first, last = rings.vertices[start], rings.vertices[start + 1]
    long = (first != last).any(axis=1)
    start, first, last = start[long], first[long], last[long]
    ring = np.searchsorted(rings.starts, start, side="right") - 1
    whose = rank[rings.grids][ring].astype(np.int64)
    order = np.argsort(_keys(first, last, whose, len(rank)))
    same = _same_as_before(first, last, order)
    group = np.flatnonzero(~same)
    turn = np.arange(len(order)) - np.repeat(group, np.diff(np.append(group, len(order))))
    leads = turn % 2 == 0
    follows = np.append(~leads[1:], False)  # the one after a leader is its partner, or a leader
    high = np.full(len(start), NOBODY, dtype=np.int32)
    paired = np.flatnonzero(leads & follows)
    high[order[paired]] = whose[order[paired + 1]]
    chosen = np.zeros(len(start), dtype=bool)
    chosen[order[leads]] = True
    chosen &= high != whose
    return Borders(start[chosen], whose[chosen].astype(np.int32), high[chosen])


def _keys(
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    whose: NDArray[np.int64],
    count: int,
) -> NDArray[np.uint64]:
    """Return numbers that are equal for equal edges, but for the grid's rank in the low bits."""
    swapped = (first[:, 0] > last[:, 0]) | (
        (first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1])
    )
    one = np.where(swapped[:, None], last, first) + 0.0  # no negative zeros
    other = np.where(swapped[:, None], first, last) + 0.0
    bits = np.concatenate([one, other], axis=1).view(np.uint64)
    key = bits[:, 0].copy()
    for column in range(3):
        key ^= key >> np.uint64(31)
        key *= _MIX[column]
        key += bits[:, column + 1]
    key ^= key >> np.uint64(29)
    key *= _MIX[0]
    room = np.uint64(max(count - 1, 1).bit_length())
    return (key << room) | whose.astype(np.uint64)


def _same_as_before(
    first: NDArray[np.float64], last: NDArray[np.float64], order: Positions
) -> NDArray[np.bool_]:
    """Return which edges, in an order, are the same segment as the one before them."""
    a, b = first[order], last[order]
    same = np.zeros(len(order), dtype=bool)
    ahead = (a[1:] == a[:-1]) & (b[1:] == b[:-1])
    back = (a[1:] == b[:-1]) & (b[1:] == a[:-1])
    same[1:] = ahead.all(axis=1) | back.all(axis=1)
    return same
