"""Every edge of a coverage once, with the grids that meet there."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.geometry import Degrees, Positions
from gis.rings import Rings

NOBODY: Final = -1
"""The rank of the missing neighbour of an edge that one grid has for itself."""

_MIX: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64
)


@dataclass(frozen=True)
class Borders:
    """Edges, in the order of the vertices where they begin.

    Attributes
    ----------
    start : ndarray of int64, shape (k,)
        The vertex where each begins; it ends at the next one.
    one, other : ndarray of int32, shape (k,)
        The ranks of the grids that have it; ``other`` is ``NOBODY`` where there is one only. An
        edge of three or more grids comes once for each two of them.
    """

    start: NDArray[np.int64]
    one: NDArray[np.int32]
    other: NDArray[np.int32]

    @classmethod
    def of(cls, rings: Rings, rank: Positions) -> "Borders":
        """Take every edge of every grid for itself.

        Parameters
        ----------
        rings : Rings
        rank : ndarray of int, shape (n,)
            The place of each grid in the order of precedence.
        """
        start = rings.edges
        whose = np.repeat(rank[rings.grids].astype(np.int32), np.diff(rings.starts) - 1)
        return cls(start, whose, np.full(len(start), NOBODY, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.start)

    def taken(self, which: Positions) -> "Borders":
        """Return some of them."""
        return Borders(self.start[which], self.one[which], self.other[which])

    def paired(self, vertices: NDArray[np.float64]) -> "Borders":
        """Pair, of edges that are taken each for itself, those that two grids share.

        They are the same to the last bit of their coordinates. Edges of no length are left out, and
        so are those that one grid has twice: they bound nothing. What differs in the last bit is
        two edges, which is as right and a little slower.
        """
        (ax, ay), (bx, by) = vertices[self.start].T, vertices[self.start + 1].T
        some = np.flatnonzero((ax != bx) | (ay != by))
        start, whose = self.start[some], self.one[some]
        ends = ax[some], ay[some], bx[some], by[some]
        order = _equals_together(*ends)
        same = _same_as_before(*(each[order] for each in ends))
        group = np.flatnonzero(~same)
        turn = np.arange(len(order)) - np.repeat(group, np.diff(np.append(group, len(order))))
        leads = turn % 2 == 0
        follows = np.append(~leads[1:], False)  # behind a leader comes its partner, or a leader
        other = np.full(len(start), NOBODY, dtype=np.int32)
        paired = np.flatnonzero(leads & follows)
        other[order[paired]] = whose[order[paired + 1]]
        chosen = np.zeros(len(start), dtype=bool)
        chosen[order[leads]] = True
        chosen &= other != whose
        return Borders(start[chosen], whose[chosen], other[chosen])


def _equals_together(ax: Degrees, ay: Degrees, bx: Degrees, by: Degrees) -> Positions:
    """Return an order of edges in which equal ones, there or back, follow one another.

    They are sorted by a hash. Two others that share theirs may come between equal ones, which
    then count as different.
    """
    swapped = (ax > bx) | ((ax == bx) & (ay > by))
    key = np.zeros(len(ax), dtype=np.uint64)
    for turn, (one, other) in enumerate(((ax, bx), (ay, by), (bx, ax), (by, ay))):
        key ^= key >> np.uint64(31)
        key *= _MIX[turn]
        key += (np.where(swapped, other, one) + 0.0).view(np.uint64)  # no negative zeros
    key ^= key >> np.uint64(29)
    key *= _MIX[0]
    # numbers are sorted faster than their places, so these go along in the low bits
    room = np.uint64(max(len(ax) - 1, 1).bit_length())
    key >>= room
    key <<= room
    key |= np.arange(len(ax), dtype=np.uint64)
    key.sort()
    return (key & ((np.uint64(1) << room) - np.uint64(1))).astype(np.intp)


def _same_as_before(ax: Degrees, ay: Degrees, bx: Degrees, by: Degrees) -> NDArray[np.bool_]:
    """Return which edges are the same segment as the one before them."""
    same = np.zeros(len(ax), dtype=bool)
    ahead = (ax[1:] == ax[:-1]) & (ay[1:] == ay[:-1]) & (bx[1:] == bx[:-1]) & (by[1:] == by[:-1])
    back = (ax[1:] == bx[:-1]) & (ay[1:] == by[:-1]) & (bx[1:] == ax[:-1]) & (by[1:] == ay[:-1])
    same[1:] = ahead | back
    return same
