"""Faces joined to grids: what must stay together, and small pieces given to a neighbour."""

import heapq
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from gis.geometry import OUTSIDE, Metres, Positions


def components(count: int, pairs: Positions) -> Positions:
    """Return for each of ``count`` things the lowest that pairs connect it with.

    Parameters
    ----------
    count : int
    pairs : ndarray of intp, shape (p, 2)

    Returns
    -------
    ndarray of intp, shape (count,)

    Examples
    --------
    >>> components(5, np.array([[1, 2], [2, 4]])).tolist()
    [0, 1, 1, 3, 1]
    """
    root = list(range(count))

    def top(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for one, two in pairs.tolist():
        a, b = top(one), top(two)
        if a != b:
            root[max(a, b)] = min(a, b)
    return np.array([top(at) for at in range(count)], dtype=np.intp)


def chained(groups: Positions, members: Positions) -> Positions:
    """Return pairs that connect the members of each group, for :func:`components`.

    Examples
    --------
    >>> chained(np.array([7, 7, 8, 7]), np.array([0, 1, 2, 3])).tolist()
    [[0, 1], [1, 3]]
    """
    order = np.lexsort([members, groups])
    groups, members = groups[order], members[order]
    same = groups[1:] == groups[:-1]
    return np.stack([members[:-1][same], members[1:][same]], axis=1).reshape(-1, 2)


def give_away(
    pieces: Positions,
    small: dict[int, float],
    face_m2: Metres,
    edges: Positions,
    edge_m: Metres,
) -> Positions:
    """Give small pieces to the neighbour with the longest shared border, the smallest first.

    Parameters
    ----------
    pieces : ndarray of intp, shape (f,)
        The piece of each face, or ``OUTSIDE``.
    small : dict of int to float
        Of a piece that may be given away: the area in m² from which it stays.
    face_m2 : ndarray of float, shape (f,)
    edges : ndarray of intp, shape (e, 2)
        Pairs of faces across whose common edge a piece may be given.
    edge_m : ndarray of float, shape (e,)

    Returns
    -------
    ndarray of intp, shape (f,)
        The piece of each face afterwards. Pieces that were given to one another until they are
        large enough stay; so does one without a neighbour.

    Examples
    --------
    >>> edges, metres = np.array([[0, 1], [1, 2]]), np.array([5.0, 9.0])
    >>> give_away(np.arange(3), {1: 10.0}, np.array([50.0, 1.0, 50.0]), edges, metres).tolist()
    [0, 2, 2]
    """
    area: dict[int, float] = defaultdict(float)
    for piece, metres in zip(pieces.tolist(), face_m2.tolist(), strict=True):
        area[piece] += metres
    border = _borders(pieces, edges, edge_m)
    taken: dict[int, int] = {}
    waiting = [(area[piece], piece) for piece, least in small.items() if area[piece] < least]
    heapq.heapify(waiting)
    while waiting:
        metres, piece = heapq.heappop(waiting)
        if piece in taken or metres != area[piece] or not border[piece]:
            continue
        to = min(border[piece], key=lambda other: (-border[piece][other], other))
        taken[piece] = to
        area[to] += metres
        for other, length in border.pop(piece).items():
            del border[other][piece]
            if other != to:
                border[to][other] = border[to].get(other, 0.0) + length
                border[other][to] = border[to][other]
        if to in small and area[to] < small[to]:
            heapq.heappush(waiting, (area[to], to))
    return _settled(pieces, taken)


def _borders(
    pieces: Positions, edges: Positions, edge_m: Metres
) -> defaultdict[int, dict[int, float]]:
    border: defaultdict[int, dict[int, float]] = defaultdict(dict)
    ends: NDArray[np.intp] = pieces[edges]
    for (one, two), metres in zip(ends.tolist(), edge_m.tolist(), strict=True):
        if one != two and OUTSIDE not in (one, two):
            border[one][two] = border[two][one] = border[one].get(two, 0.0) + metres
    return border


def _settled(pieces: Positions, taken: dict[int, int]) -> Positions:
    final: dict[int, int] = {}
    for piece in np.unique(pieces).tolist():
        to = piece
        while to in taken:
            to = taken[to]
        final[piece] = to
    return np.array([final[piece] for piece in pieces.tolist()], dtype=np.intp)
