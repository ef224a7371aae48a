"""Rounds of joining, giving and snapping, until nothing changes or nothing more may."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.mending.faces import Given, give
from gis.mending.limits import ROUNDING_M, Limits, MendOptions, beyond, pieces
from gis.mending.plane import Plane, Points
from gis.mending.segments import segments_of
from gis.mending.snapping import Touch, joined, node, snap, without_spare

Tell = Callable[[str, int, int | None], None]
"""Told the step, how much of it is done, and how much there is where that is known."""

_ROUNDS: Final = 6
_ATTEMPTS: Final = 2
_SETTLED: Final = 3
_MOST_ZONES: Final = 2_000
_AROUND: Final = 3  # tolerances: what one step can reach from where another ended
_SLACK: Final = 1 + 1e-6


@dataclass
class Work:
    """What was done on the way, for the record."""

    shapes: Geometries
    touched: list[Touch] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    frozen: frozenset[int] = frozenset()

    def take(self, work: "Work", rows: NDArray[np.intp]) -> None:
        """Take in what was done to some of the grids, whose positions among all are given."""
        row = rows.tolist()
        self.shapes[rows] = work.shapes
        self.touched += [replace(touch, grid=row[touch.grid]) for touch in work.touched]
        self.given += [
            replace(
                each,
                winner=row[each.winner],
                losers=tuple(row[loser] for loser in each.losers),
            )
            for each in work.given
        ]
        self.frozen |= {row[grid] for grid in work.frozen}


def work_on(shapes: Geometries, codes: Sequence[str], options: MendOptions, tell: Tell) -> Work:
    """Mend valid outlines, and leave alone where mending what came out would go further.

    Only grids with an edge that no neighbour has are looked at, with what is around these.
    """
    order = sorted(range(len(codes)), key=lambda row: (codes[row], row))
    rank = np.zeros(len(codes), dtype=np.intp)
    rank[order] = np.arange(len(codes))
    plane = Plane(shapes)
    tell("compare edges", 0, len(shapes))
    rows, fringe = _concerned(shapes, plane, options)
    frozen = fringe | _specks(shapes[rows], plane)
    work = Work(shapes.copy())
    limits = Limits(shapes[rows], rank[rows].tolist(), plane, options, frozen)
    work.take(_settled(limits, tell), rows)
    return work


def _concerned(
    shapes: Geometries, plane: Plane, options: MendOptions
) -> tuple[NDArray[np.intp], set[int]]:
    """Return the rows of grids that may have to change, and which of them only stand around."""
    segments = segments_of(shapes)
    loose = np.unique(segments.grid[segments.free])
    tree = shapely.STRtree(shapes)
    reach = _AROUND * options.tolerance_m / plane.scale.min()
    inner = np.union1d(loose, tree.query(shapes[loose], predicate="dwithin", distance=reach)[1])
    outer = tree.query(shapes[inner], predicate="dwithin", distance=reach)[1]
    rows = np.union1d(inner, outer)
    return rows, set(np.flatnonzero(~np.isin(rows, inner)).tolist())


def _settled(limits: Limits, tell: Tell) -> Work:
    """Mend; where mending the outcome would move it on, all stays as it came."""
    frozen, zones = limits.frozen, limits.zones
    attempt = 0
    while True:
        work = _within(replace(limits, frozen=set(frozen), zones=[*zones]), tell)
        if not (work.shapes != limits.shapes).any():
            return work
        came = replace(limits, shapes=work.shapes, frozen=set(frozen), zones=[*zones])
        again = _within(came, tell)
        moved = np.flatnonzero(again.shapes != work.shapes)
        if not len(moved):
            return work
        if attempt < _SETTLED:
            radius = _AROUND * limits.options.tolerance_m / limits.plane.scale.min()
            differ = shapely.symmetric_difference(again.shapes[moved], work.shapes[moved])
            points = shapely.points(np.unique(shapely.get_coordinates(differ), axis=0))
            zones += shapely.get_parts(shapely.union_all(shapely.buffer(points, radius))).tolist()
        else:
            frozen |= set(moved.tolist())
        attempt += 1


def _within(limits: Limits, tell: Tell) -> Work:
    """Mend; where a grid would move too far it and its defects are left alone."""
    for attempt in count():
        limits.refused.clear()
        work = _rounds(limits, tell)
        tell("measure", 0, None)
        bad = _too_far(work, limits)
        places = np.concatenate([shapely.get_coordinates(limits.refused), *bad.values()])
        if not len(places) or (not bad and (attempt >= _ATTEMPTS or len(places) > _MOST_ZONES)):
            break
        if attempt < _ATTEMPTS and len(places) <= _MOST_ZONES:
            radius = _AROUND * limits.options.tolerance_m / limits.plane.scale.min()
            limits.zones += shapely.buffer(
                shapely.points(places / limits.plane.scale), radius
            ).tolist()
        else:
            limits.frozen |= set(bad)
    work.frozen = frozenset(limits.frozen)
    return work


def _specks(shapes: Geometries, plane: Plane) -> set[int]:
    """Return the grids in which all corners are one but for rounding."""
    west, south, east, north = shapely.bounds(plane(shapes)).reshape(-1, 4).T
    return set(np.flatnonzero(np.hypot(east - west, north - south) < 10 * ROUNDING_M).tolist())


def _rounds(limits: Limits, tell: Tell) -> Work:
    work = Work(limits.shapes)
    reach = limits.options.tolerance_m
    for number in range(1, _ROUNDS + 1):
        tell(f"mend, round {number}", 0, None)
        before = work.shapes
        limits.held.clear()
        shapes, rounding = joined(before, limits)
        shapes, given = give(shapes, limits)
        shapes, moved = snap(shapes, limits, reach) if reach else (shapes, [])
        shapes, bent = node(shapes, limits, reach) if reach else (shapes, [])
        work.shapes = shapes
        work.touched += [*rounding, *moved, *bent]
        work.given += given
        if not (rounding or given or moved or bent):
            break
    work.shapes = without_spare(work.shapes, limits, work.touched)
    alike = np.flatnonzero(work.shapes != limits.shapes)
    pairs = shapely.normalize(work.shapes[alike]), shapely.normalize(limits.shapes[alike])
    alike = alike[shapely.equals_exact(*pairs)]
    work.shapes[alike] = limits.shapes[alike]
    return work


def _too_far(work: Work, limits: Limits) -> dict[int, Points]:
    """Return the changed grids that are no areas any more or moved too far, and where."""
    changed = {touch.grid for touch in work.touched}
    changed |= {grid for each in work.given for grid in (*each.losers, each.winner)}
    gone: dict[int, list[shapely.Geometry]] = defaultdict(list)
    for each in work.given:
        for grid in {*each.losers, each.winner} if each.enclosed else ():
            gone[grid].append(each.shape)
    bad = {}
    for grid in sorted(changed - limits.frozen):
        if work.shapes[grid] is not limits.shapes[grid]:
            places = _unfit(grid, work.shapes[grid], gone[grid], limits)
            if len(places):
                bad[grid] = places
    return bad


def _unfit(
    grid: int, shape: shapely.Geometry, gone: list[shapely.Geometry], limits: Limits
) -> Points:
    """Return where a grid is not as it may be, in metres; faces that are gone left no boundary."""
    if shapely.is_empty(shape) or not shapely.is_valid(shape):
        return shapely.get_coordinates(limits.outlines[grid])
    most = max(limits.options.tolerance_m, 1e-3) * _SLACK
    old, new = pieces(limits.outlines[grid]), pieces(limits.plane(shapely.boundary(shape)))
    stays = [
        new,
        *(pieces(shapely.boundary(face)) for face in limits.plane(np.array(gone, dtype=object))),
    ]
    moved = shapely.get_coordinates(
        limits.plane(shapely.symmetric_difference(limits.shapes[grid], shape))
    )
    between = np.asarray(shapely.linestrings(np.stack([moved, moved], axis=1)))
    return np.concatenate([
        beyond(_without(new, old), old, most),
        beyond(_without(old, new), np.concatenate(stays), most),
        beyond(between, old, most),
    ])  # fmt: skip


def _without(segments: Geometries, others: Geometries) -> Geometries:
    """Return the segments that are not among the others."""
    known = set(shapely.to_wkb(shapely.normalize(others)).tolist())
    own = shapely.to_wkb(shapely.normalize(segments)).tolist()
    return segments[[each not in known for each in own]]
