"""Atoms and their common borders, and their parting into connected, balanced groups.

Two groups side by side are thrown together and cut anew along a random spanning tree (as is done
with electoral districts), or one atom changes sides; by simulated annealing. No step leaves a
group in two pieces.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.proposal.ground import Bounds

Group = frozenset[int]

_OUTSIDE: Final = 2.0
"""What counts most: that a group is within the bounds at all,"""
_MISSING: Final = 12.0
"""then how many households it has above or below, as a share of a grid."""
_UNEVEN: Final = 10.0
_RAGGED: Final = 1.0
_OFF_STREET: Final = 1.5

# In five communities each of four searches ended at the best that any of them found.
_HOT: Final = 2.0
_COLD: Final = 0.002
_STEPS_A_GROUP: Final = 1500
_MOST_STEPS: Final = 40_000
_GLANCE: Final = 0.3
"""The effort by which it is seen how many groups are best."""
_TREES: Final = 8
_CUTS: Final = 3
_KEEP_OFF_STREET: Final = 0.35
"""Off the streets an edge of the tree is kept the sooner, so that cuts fall on streets."""


@dataclass(frozen=True)
class Border:
    """What two atoms have in common: its length, and how much of that is off the streets."""

    length_m: float
    off_street_m: float


@dataclass(frozen=True)
class AtomGraph:
    """Atoms by position: their households, and borders with their neighbours.

    ``oversize`` atoms are above the upper bound by themselves.
    """

    households: tuple[int, ...]
    areas_m2: tuple[float, ...]
    perimeters_m: tuple[float, ...]
    neighbours: tuple[dict[int, Border], ...]

    def pieces(self, members: Iterable[int]) -> list[Group]:
        """Return the connected pieces of some atoms, in the order of their lowest atom."""
        left, found = set(members), []
        while left:
            start = min(left)
            piece, edge = {start}, [start]
            while edge:
                near = self.neighbours[edge.pop()].keys() & left
                new = near - piece
                piece |= new
                edge += sorted(new)
            left -= piece
            found.append(frozenset(piece))
        return found

    def connected(self, members: Group) -> bool:
        """Tell whether some atoms hang together."""
        return len(self.pieces(members)) <= 1


@dataclass(frozen=True)
class _Tree:
    """A spanning tree: the parent of each atom, from the root on, which is its own."""

    parent: dict[int, int]

    def cuts(self, loads: list[float], wanted: float) -> list[tuple[float, int, int]]:
        """Return for each edge how far the load below is from the one wanted; the best first.

        With it, how many atoms are below, and the atom at the edge's lower end.
        """
        load = {i: loads[i] for i in self.parent}
        size = dict.fromkeys(self.parent, 1)
        for i, above in reversed(self.parent.items()):
            if i != above:
                load[above] += load[i]
                size[above] += size[i]
        return sorted(
            (abs(load[i] - wanted), size[i], i) for i, above in self.parent.items() if i != above
        )

    def below(self, at: int) -> Group:
        """Return an atom and all that hang on it."""
        found = {at}
        for i, above in self.parent.items():
            if above in found:
                found.add(i)
        return frozenset(found)


class Parting:
    """The search for a good parting of connected atoms into a number of groups."""

    def __init__(
        self, graph: AtomGraph, bounds: Bounds, target: float, rng: np.random.Generator
    ) -> None:
        self._graph = graph
        self._bounds = bounds
        self._target = target
        self._rng = rng
        self._big = frozenset(i for i, n in enumerate(graph.households) if n > bounds.most)
        # A giant counts as one grid, so that it neither starves nor feeds its neighbours.
        self._loads = [
            target if i in self._big else float(n) for i, n in enumerate(graph.households)
        ]
        self._known: dict[Group, float] = {}

    def cost(self, group: Group) -> float:
        """Return how bad a group is; the sum over all groups is what is made small."""
        cost = self._known.get(group)
        if cost is None:
            cost = self._known[group] = self._cost(group)
        return cost

    def _cost(self, group: Group) -> float:
        graph = self._graph
        load = sum(self._loads[i] for i in group)
        around = sum(graph.perimeters_m[i] for i in group)
        off_street = 0.0
        for i in group:
            for j, border in graph.neighbours[i].items():
                if j in group:
                    around -= border.length_m
                else:
                    off_street += border.off_street_m
        area = sum(graph.areas_m2[i] for i in group)
        compact = min(1.0, 4 * np.pi * area / around**2) if around > 0 else 0.0
        if group & self._big:
            missing, uneven = (load - self._target) / self._target, 0.0
        else:
            missing = max(0.0, self._bounds.fewest - load, load - self._bounds.most) / self._target
            uneven = (load / self._target - 1) ** 2
        return float(
            _OUTSIDE * (missing > 0)
            + _MISSING * missing
            + _UNEVEN * uneven
            + _RAGGED * (1 - compact)
            + _OFF_STREET * off_street / max(around, 1.0)
        )

    def mean_cost(self, groups: list[Group]) -> float:
        """Return how bad groups are on average."""
        return sum(map(self.cost, groups)) / len(groups)

    def part(self, members: Group, count: int, effort: float = 1.0) -> list[Group]:
        """Part connected atoms into ``count`` connected groups, or as many as there are atoms."""
        count = min(count, len(members))
        groups = self._improved(self._bisected(members, count), effort)
        return sorted(groups, key=min)

    def _bisected(self, members: Group, count: int) -> list[Group]:
        if count == 1:
            return [members]
        share = count // 2
        wanted = sum(self._loads[i] for i in members) * share / count
        trees = [self._tree(members) for _ in range(_TREES)]
        cuts = [(*cut, n) for n, tree in enumerate(trees) for cut in tree.cuts(self._loads, wanted)]
        roomy = [cut for cut in cuts if share <= cut[1] <= len(members) - count + share]
        _, size, at, number = min(roomy or cuts)
        first = trees[number].below(at)
        here = min(max(share, count - len(members) + size), size)
        return [*self._bisected(first, here), *self._bisected(members - first, count - here)]

    def _tree(self, members: Group) -> "_Tree":
        """Return a random spanning tree of connected atoms."""
        root = min(members)
        chances = iter(self._rng.random(sum(len(self._graph.neighbours[i]) for i in members)))
        parent: dict[int, int] = {}
        heap: list[tuple[float, int, int]] = [(0.0, root, root)]
        while heap:
            _, i, above = heapq.heappop(heap)
            if i in parent:
                continue
            parent[i] = above
            for j, border in self._graph.neighbours[i].items():
                if j in members and j not in parent:
                    off = border.off_street_m > border.length_m / 2
                    key = next(chances) * (_KEEP_OFF_STREET if off else 1.0)
                    heapq.heappush(heap, (key, j, i))
        return _Tree(parent)

    def _improved(self, groups: list[Group], effort: float) -> list[Group]:
        """Anneal groups; the best that were met on the way."""
        if len(groups) == 1:
            return groups
        owner = {i: g for g, group in enumerate(groups) for i in group}
        steps = round(effort * min(_STEPS_A_GROUP * len(groups), _MOST_STEPS))
        best, now = list(groups), sum(map(self.cost, groups))
        lowest = now
        atoms = sorted(owner)
        for step in range(steps):
            heat = _HOT * (_COLD / _HOT) ** (step / steps)
            change = self._step(groups, owner, atoms)
            if change is None:
                continue
            one, two, first, second = change
            rise = self.cost(first) + self.cost(second)
            rise -= self.cost(groups[one]) + self.cost(groups[two])
            if rise > 0 and self._rng.random() >= np.exp(-rise / heat):
                continue
            groups[one], groups[two] = first, second
            owner.update(dict.fromkeys(first, one))
            owner.update(dict.fromkeys(second, two))
            now += rise
            if now < lowest - 1e-9:
                lowest, best = now, list(groups)
        return best

    def _step(
        self, groups: list[Group], owner: dict[int, int], atoms: list[int]
    ) -> tuple[int, int, Group, Group] | None:
        """Propose two neighbours in a new shape, from an atom on their border."""
        atom = atoms[int(self._rng.integers(len(atoms)))]
        here = owner[atom]
        near = {owner.get(j, here) for j in self._graph.neighbours[atom]}
        there = sorted(near - {here})
        if not there:
            return None
        other = there[int(self._rng.integers(len(there)))]
        if self._rng.random() < 0.6:
            left = groups[here] - {atom}
            if not left or not self._graph.connected(left):
                return None
            return here, other, left, groups[other] | {atom}
        both = groups[here] | groups[other]
        tree = self._tree(both)
        cuts = tree.cuts(self._loads, sum(self._loads[i] for i in both) / 2)[:_CUTS]
        first = min(
            (tree.below(at) for _, _, at in cuts),
            key=lambda group: self.cost(group) + self.cost(both - group),
        )
        return here, other, first, both - first


def parted(
    graph: AtomGraph, bounds: Bounds, rng: np.random.Generator, *, tries: int = 3
) -> list[Group]:
    """Part all atoms into groups of a good size, each connected.

    Parameters
    ----------
    graph : AtomGraph
        Each connected piece of it is parted by itself.
    bounds : Bounds
        Of households a group; an atom above them stays alone as far as can be.
    rng : Generator
        The same numbers give the same parting.
    tries : int
        How many numbers of groups are tried, around the best guess.

    Returns
    -------
    list of frozenset of int
        Every atom in exactly one group; by the lowest atom.

    Examples
    --------
    >>> line = tuple({j: Border(9, 0) for j in (i - 1, i + 1) if 0 <= j < 4} for i in range(4))
    >>> graph = AtomGraph((200, 210, 190, 200), (81.0,) * 4, (36.0,) * 4, line)
    >>> [sorted(group) for group in parted(graph, Bounds(300, 500), np.random.default_rng(1))]
    [[0, 1], [2, 3]]
    """
    groups: list[Group] = []
    for piece in graph.pieces(range(len(graph.households))):
        groups += _best_parting(graph, piece, bounds, rng, tries)
    return sorted(groups, key=min)


def _best_parting(
    graph: AtomGraph, piece: Group, bounds: Bounds, rng: np.random.Generator, tries: int
) -> list[Group]:
    big = sum(graph.households[i] > bounds.most for i in piece)
    rest = sum(graph.households[i] for i in piece if graph.households[i] <= bounds.most)
    tried: list[tuple[float, list[Group], Parting]] = []
    for ordinary in _counts(rest, bounds, tries, alone=not big):
        target = rest / ordinary if ordinary and rest else bounds.middle
        parting = Parting(graph, bounds, target, rng)
        groups = parting.part(piece, max(1, big + ordinary), _GLANCE)
        # The size itself counts beside evenness: of 1,250 households three grids, not four.
        stray = ((target - bounds.middle) / bounds.middle) ** 2
        tried.append((parting.mean_cost(groups) + stray, groups, parting))
    _, groups, parting = min(tried, key=lambda each: each[0])
    again = parting.part(piece, len(groups))
    return min(groups, again, key=parting.mean_cost)


def _counts(households: int, bounds: Bounds, tries: int, *, alone: bool) -> list[int]:
    """Return the numbers of grids to try: those that the bounds allow, the likeliest first."""
    guess = max(int(alone), round(households / bounds.middle))
    least, most = -(-households // bounds.most), households // bounds.fewest
    near: NDArray[np.intp] = np.arange(max(int(alone), least), most + 1)
    if not len(near):
        return [guess]
    ranked = sorted(near.tolist(), key=lambda n: (abs(n - guess), n))
    return ranked[:tries]
