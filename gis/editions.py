"""What changes between two editions of the boundaries: grids, ground, homes and cases.

Ground belongs to the grid that owns it, as a point does: where grids overlap, to a dedicated one
before a basic one, else to the lowest code (:mod:`gis.ownership`). So nothing is counted twice,
and what one grid loses another gains, or nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.changes import (
    KINDS,
    EditionChanges,
    GridChange,
    Kind,
    Moves,
    Passage,
    Places,
    Staff,
    Tally,
)
from gis.geometry import OUTSIDE, Geometries, Metres, Positions
from gis.measure import areas_m2
from gis.outlines import mended
from gis.ownership import GridIndex
from gis.routing import SNAP_M

__all__ = [
    "KINDS", "TOLERANCE_M2", "EditionChanges", "GridChange", "Kind", "Moves", "Passage", "Places",
    "Staff", "Tally", "compare_editions",
]  # fmt: skip

TOLERANCE_M2: Final = 1.0
"""Ground up to this area is rounding: a grid that gains and loses no more is kept."""

_CUT_DEGREES2: Final = 1e-12  # about 0.01 m²


def compare_editions(
    old: GridIndex,
    new: GridIndex,
    *,
    buildings: Places | None = None,
    households: Places | None = None,
    open_cases: Places | None = None,
    staff: Staff | None = None,
) -> EditionChanges:
    """Return what changes from one edition to another.

    Each code of either edition is one of

    ``kept``
        In both, and gains and loses no more than 1 m² (``TOLERANCE_M2``): no more than rounding.
    ``split``
        Of the old edition, and two or more new grids are pieces of it: more than half of such a
        piece is its ground, and the piece has its code or one that the old edition had not.
    ``merged``
        Of the new edition, and two or more old grids went into it: more than half of such a grid
        lies in it, and that grid had its code or one that the new edition has not.
    ``moved``
        In both, with another outline, and neither of these.
    ``new``
        Only in the new edition, and not merged (a piece of a split grid is new too).
    ``gone``
        Only in the old edition, and not split (renumbered: gone, and new under its new code).

    The first that holds, in the order kept, split, merged.

    Parameters
    ----------
    old, new : GridIndex
        The grids of each; they may overlap, or leave gaps.
    buildings, households, open_cases : Places, optional
        What goes along with the ground: each has the owner that the index names, an open case
        outside every grid the one within 50 m, as in routing.
    staff : Staff, optional
        Who answers for the grids; it makes no grid another ``kind``.

    Returns
    -------
    EditionChanges
        Grids by code; a crosswalk by old code, in which the shares of each old grid sum to 1, as
        what falls outside every new grid has a row of its own. A passage of up to 1 m² without any
        place in it is left out, unless its old grid has no greater one. An old grid that owns no
        ground at all goes in equal parts.

    Notes
    -----
    Only grids that differ are cut; those whose outlines are the same to the bit are not.

    Examples
    --------
    >>> whole, west = shapely.box(0, 0, 0.02, 0.01), shapely.box(0, 0, 0.01, 0.01)
    >>> east = shapely.box(0.01, 0, 0.02, 0.01)
    >>> old, new = GridIndex(["G01"], [whole]), GridIndex(["G01", "G02"], [west, east])
    >>> changes = compare_editions(old, new)
    >>> [(grid.code, grid.kind, round(grid.lost_m2, -3)) for grid in changes.grids]
    [('G01', 'split', 1231000.0), ('G02', 'new', 0.0)]
    >>> [(row.old, row.new, round(row.area_share, 6)) for row in changes.crosswalk]
    [('G01', 'G01', 0.5), ('G01', 'G02', 0.5)]
    """
    both = _Both.of(old, new)
    codes, ground = both.codes, _cut(both)
    given = {"buildings": buildings, "households": households, "open_cases": open_cases}
    owners = {
        name: None if places is None else _Owners.of(places, both, snapped=name == "open_cases")
        for name, places in given.items()
    }
    answering = staff or Staff({}, {})
    crosswalk = _crosswalk(codes, ground, owners, answering)
    return EditionChanges(
        grids=_grid_changes(both, ground, crosswalk, owners, answering),
        crosswalk=crosswalk,
        buildings=_moves(codes, owners["buildings"]),
        households=_moves(codes, owners["households"]),
        open_cases=_moves(codes, owners["open_cases"]),
        staff=staff,
    )


@dataclass(frozen=True)
class _Side:
    """One edition, in the order of the codes of both."""

    index: GridIndex
    there: NDArray[np.bool_]
    shapes: Geometries
    areas: Metres
    numbers: Positions
    """Of each of its own positions, and ``OUTSIDE`` of ``OUTSIDE``."""

    @classmethod
    def of(cls, index: GridIndex, codes: list[str]) -> "_Side":
        number = {code: i for i, code in enumerate(codes)}
        own = np.array([number[code] for code in index.codes], dtype=np.intp)
        shapes = np.full(len(codes), shapely.Polygon(), dtype=object)
        shapes[own] = _owned(index)
        there = np.zeros(len(codes), dtype=bool)
        there[own] = True
        return cls(index, there, shapes, areas_m2(shapes), np.append(own, OUTSIDE))


@dataclass(frozen=True)
class _Both:
    """Both editions side by side: what stands at one number has one code."""

    codes: list[str]
    before: _Side
    after: _Side
    same: NDArray[np.bool_]
    """Where the ground is the same to the bit."""

    @classmethod
    def of(cls, old: GridIndex, new: GridIndex) -> "_Both":
        codes = sorted({*old.codes, *new.codes})
        before, after = _Side.of(old, codes), _Side.of(new, codes)
        shapes = shapely.normalize(before.shapes), shapely.normalize(after.shapes)
        same = shapely.equals_exact(*shapes, 0.0) & before.there & after.there
        return cls(codes, before, after, same)


@dataclass(frozen=True)
class _Owners:
    """Places with the numbers of their grids in each edition."""

    codes: Sequence[str]
    old: Positions
    new: Positions

    @classmethod
    def of(cls, places: Places, both: _Both, *, snapped: bool) -> "_Owners":
        def asked(side: _Side) -> Positions:
            if snapped:
                found = side.index.nearest(places.lon, places.lat, within_m=SNAP_M)
            else:
                found = side.index.owners(places.lon, places.lat)
            return side.numbers[found]

        return cls(places.codes, asked(both.before), asked(both.after))

    def counts(self) -> dict[tuple[int, int], int]:
        """Return how many go from which number to which."""
        pairs, counts = np.unique(np.stack([self.old, self.new]), axis=1, return_counts=True)
        return {(int(i), int(j)): int(n) for (i, j), n in zip(pairs.T, counts, strict=True)}

    def tallies(self, size: int) -> list[Tally]:
        """Return the tally of each number."""
        moved = self.old != self.new

        def count(owners: Positions) -> list[int]:
            counts: list[int] = np.bincount(owners[owners != OUTSIDE], minlength=size).tolist()
            return counts

        columns = count(self.old), count(self.new), count(self.new[moved]), count(self.old[moved])
        return [Tally(*row) for row in zip(*columns, strict=True)]


_Ground = dict[tuple[int, int], tuple[float, shapely.Geometry | None]]
"""Area and outline of what goes from which number to which."""


def _owned(index: GridIndex) -> Geometries:
    """Return the ground that each grid owns: its outline without what grids before it cover."""
    shapes = mended(index.geometries)
    if shapely.is_empty(shapely.coverage_invalid_edges(shapes)).all():
        return shapes
    # any two, not only those with such edges: in a dedicated ring inside a basic grid, a third
    # grid shares all its edges with the ring
    pairs = STRtree(shapes).query(shapes, predicate="intersects")
    pairs = pairs[:, pairs[0] < pairs[1]]
    overlap = shapely.area(shapely.intersection(shapes[pairs[0]], shapes[pairs[1]])) > 0
    order = sorted(range(len(index)), key=lambda i: (not index.dedicated[i], index.codes[i]))
    rank = np.argsort(order)
    before: dict[int, list[int]] = defaultdict(list)
    for a, b in pairs.T[overlap].tolist():
        first, then = (a, b) if rank[a] < rank[b] else (b, a)
        before[then].append(first)
    owned = shapes.copy()
    for then, first in before.items():
        owned[then] = shapely.difference(shapes[then], shapely.union_all(shapes[sorted(first)]))
    return mended(owned)


def _cut(both: _Both) -> _Ground:
    """Cut the grids that differ by one another; ``OUTSIDE`` stands for no grid."""
    before, after, same = both.before, both.after, both.same
    ground: _Ground = {
        (int(i), int(i)): (float(before.areas[i]), None) for i in np.flatnonzero(same)
    }
    old = np.flatnonzero(before.there & ~same)
    new = np.flatnonzero(after.there & ~same)
    one, two = STRtree(after.shapes[new]).query(before.shapes[old], predicate="intersects")
    one, two = old[one], new[two]
    shared = mended(shapely.intersection(before.shapes[one], after.shapes[two]))
    wide = shapely.area(shared) > 0
    one, two, shared = one[wide], two[wide], shared[wide]
    for i, j, area, shape in zip(one, two, areas_m2(shared), shared, strict=True):
        ground[int(i), int(j)] = (float(area), shape)
    for i, area, shape in _rest(before, old, after, one, two, shared):
        ground[i, OUTSIDE] = (area, shape)
    for j, area, shape in _rest(after, new, before, two, one, shared):
        ground[OUTSIDE, j] = (area, shape)
    placed = {i for i, _ in ground}
    ground |= {(i, OUTSIDE): (0.0, None) for i in old.tolist() if i not in placed}
    return ground


def _rest(
    side: _Side,
    rows: Positions,
    other: _Side,
    ours: Positions,
    theirs: Positions,
    shared: Geometries,
) -> list[tuple[int, float, shapely.Geometry]]:
    """Return what of each grid lies in none of the other edition's."""
    left = shapely.area(side.shapes)
    np.subtract.at(left, ours, shapely.area(shared))
    near: dict[int, list[int]] = defaultdict(list)
    for i, j in zip(ours.tolist(), theirs.tolist(), strict=True):
        near[i].append(j)
    found = rows[left[rows] > _CUT_DEGREES2]
    around = np.array([shapely.union_all(other.shapes[near[i]]) for i in found], dtype=object)
    rests = mended(np.atleast_1d(shapely.difference(side.shapes[found], around)))
    return list(zip(found.tolist(), areas_m2(rests).tolist(), rests, strict=True))


def _crosswalk(
    codes: list[str], ground: _Ground, owners: dict[str, _Owners | None], staff: Staff
) -> tuple[Passage, ...]:
    counts = {name: None if who is None else who.counts() for name, who in owners.items()}
    places = {pair for found in counts.values() if found for pair in found}
    greatest: dict[int, float] = defaultdict(float)
    for (i, _), (area, _shape) in ground.items():
        greatest[i] = max(greatest[i], area)
    pairs = places | {
        pair
        for pair, (area, _) in ground.items()
        if area > TOLERANCE_M2 or (pair[0] != OUTSIDE and area == greatest[pair[0]])
    }
    pairs.discard((OUTSIDE, OUTSIDE))
    areas: dict[int, float] = defaultdict(float)
    passages: Counter[int] = Counter()
    households: Counter[int] = Counter()
    homes = counts["households"] or {}
    for i, j in pairs:
        areas[i] += ground.get((i, j), (0.0, None))[0]
        passages[i] += 1
        households[i] += homes.get((i, j), 0)

    def area_share(i: int, area: float) -> float | None:
        if i == OUTSIDE:
            return None
        return area / areas[i] if areas[i] else 1 / passages[i]

    def passage(i: int, j: int) -> Passage:
        area, shape = ground.get((i, j), (0.0, None))
        by_name = {name: c if c is None else c.get((i, j), 0) for name, c in counts.items()}
        from_code = None if i == OUTSIDE else codes[i]
        to_code = None if j == OUTSIDE else codes[j]
        before, then = staff.of(from_code, to_code)
        return Passage(
            old=from_code,
            new=to_code,
            area_m2=area,
            area_share=area_share(i, area),
            building_count=by_name["buildings"],
            household_count=by_name["households"],
            household_share=(
                homes.get((i, j), 0) / households[i] if i != OUTSIDE and households[i] else None
            ),
            open_case_count=by_name["open_cases"],
            old_responsible=before,
            new_responsible=then,
            geometry=None if i == j else shape,
        )

    rows = [passage(i, j) for i, j in pairs]
    rows.sort(key=lambda row: (row.old is None, row.old or "", -row.area_m2, row.new or "~"))
    return tuple(rows)


def _grid_changes(
    both: _Both,
    ground: _Ground,
    crosswalk: tuple[Passage, ...],
    owners: dict[str, _Owners | None],
    staff: Staff,
) -> tuple[GridChange, ...]:
    codes, before, after = both.codes, both.before, both.after
    gained = _differences(after, before, both.same)
    lost = _differences(before, after, both.same)
    gained_m2, lost_m2 = np.zeros(len(codes)), np.zeros(len(codes))
    for (i, j), (area, _) in ground.items():
        if j not in (i, OUTSIDE):
            gained_m2[j] += area
        if i not in (j, OUTSIDE):
            lost_m2[i] += area
    kinds = _kinds(before, after, ground, np.maximum(gained_m2, lost_m2) <= TOLERANCE_M2)
    sources: dict[str, list[str]] = defaultdict(list)
    targets: dict[str, list[str]] = defaultdict(list)
    for row in sorted(
        crosswalk, key=lambda row: (-round(row.area_m2), row.old or "", row.new or "")
    ):
        if row.old is not None and row.new is not None and row.area_m2 > 0:
            sources[row.new].append(row.old)
            targets[row.old].append(row.new)
    tallies = {
        name: [None] * len(codes) if who is None else who.tallies(len(codes))
        for name, who in owners.items()
    }
    return tuple(
        GridChange(
            code=code,
            kind=kinds[i],
            old_area_m2=float(before.areas[i]),
            new_area_m2=float(after.areas[i]),
            gained_m2=float(gained_m2[i]),
            lost_m2=float(lost_m2[i]),
            gained=None if gained[i].is_empty else gained[i],
            lost=None if lost[i].is_empty else lost[i],
            comes_from=tuple(sources[code]),
            goes_to=tuple(targets[code]),
            old_responsible=staff.old.get(code),
            new_responsible=staff.new.get(code),
            buildings=tallies["buildings"][i],
            households=tallies["households"][i],
            open_cases=tallies["open_cases"][i],
        )
        for i, code in enumerate(codes)
    )


def _differences(side: _Side, other: _Side, same: NDArray[np.bool_]) -> Geometries:
    """Return what each grid has here and not there."""
    shapes = np.full(len(same), shapely.Polygon(), dtype=object)
    rows = np.flatnonzero(~same)
    shapes[rows] = mended(shapely.difference(side.shapes[rows], other.shapes[rows]))
    return shapes


def _kinds(
    before: _Side, after: _Side, ground: _Ground, unchanged: NDArray[np.bool_]
) -> list[Kind]:
    pieces: Counter[int] = Counter()
    parents: Counter[int] = Counter()
    for (i, j), (area, _) in ground.items():
        if OUTSIDE in (i, j):
            continue
        if area > after.areas[j] / 2 and (i == j or not before.there[j]):
            pieces[i] += 1
        if area > before.areas[i] / 2 and (i == j or not after.there[i]):
            parents[j] += 1

    def kind(i: int) -> Kind:
        both = bool(before.there[i] and after.there[i])
        if both and unchanged[i]:
            return "kept"
        if pieces[i] > 1:
            return "split"
        if parents[i] > 1:
            return "merged"
        if both:
            return "moved"
        return "new" if after.there[i] else "gone"

    return [kind(i) for i in range(len(before.there))]


def _moves(codes: list[str], owners: _Owners | None) -> Moves | None:
    if owners is None:
        return None
    names = np.array([*codes, None], dtype=object)  # OUTSIDE, −1, is the last
    moved = np.flatnonzero(owners.old != owners.new)
    return Moves(
        tuple(owners.codes[i] for i in moved.tolist()),
        tuple(names[owners.old[moved]].tolist()),
        tuple(names[owners.new[moved]].tolist()),
    )
