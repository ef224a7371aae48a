"""Rounds of joining, giving and snapping, until nothing changes or nothing more may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely

from gis.geometry import Geometries
from gis.mending.faces import Given, give
from gis.mending.limits import Limits, MendOptions, furthest_m, pieces
from gis.mending.plane import Plane
from gis.mending.snapping import Touch, joined, node, snap, without_spare

Tell = Callable[[str, int, int | None], None]
"""Told the step, how much of it is done, and how much there is where that is known."""

_ROUNDS: Final = 6
_SLACK: Final = 1 + 1e-6


@dataclass
class Work:
    """What was done on the way, for the record."""

    shapes: Geometries
    touched: list[Touch] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    frozen: frozenset[int] = frozenset()


def work_on(shapes: Geometries, codes: Sequence[str], options: MendOptions, tell: Tell) -> Work:
    """Mend valid outlines; where a grid would move too far it and its defects are left alone."""
    order = sorted(range(len(codes)), key=lambda row: (codes[row], row))
    rank = [0] * len(codes)
    for place, row in enumerate(order):
        rank[row] = place
    frozen: set[int] = set()
    while True:
        limits = Limits(shapes, rank, Plane(shapes), options, frozen)
        work = _rounds(limits, tell)
        tell("measure", 0, None)
        bad = _too_far(work, limits)
        if not bad:
            work.frozen = frozenset(frozen)
            return work
        frozen |= bad


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


def _too_far(work: Work, limits: Limits) -> set[int]:
    """Return the changed grids that are no areas any more, or moved further than they may."""
    changed = {touch.grid for touch in work.touched}
    changed |= {grid for each in work.given for grid in (*each.losers, each.winner)}
    return {
        grid
        for grid in changed - limits.frozen
        if work.shapes[grid] is not limits.shapes[grid] and not _is_fit(work, grid, limits)
    }


def _is_fit(work: Work, grid: int, limits: Limits) -> bool:
    shape = work.shapes[grid]
    if shapely.is_empty(shape) or not shapely.is_valid(shape):
        return False
    most = max(limits.options.tolerance_m, 1e-3) * _SLACK
    old, new = pieces(limits.outlines[grid]), pieces(limits.plane(shapely.boundary(shape)))
    moved = shapely.symmetric_difference(limits.shapes[grid], shape)
    # where a face went over as a whole, the edge there is gone
    gone = [each.shape for each in work.given if grid in {*each.losers, each.winner}]
    stays = [new, *(pieces(shapely.boundary(face)) for face in limits.plane(np.array(gone)))]
    return (
        furthest_m(new, old) <= most
        and furthest_m(old, np.concatenate(stays)) <= most
        and furthest_m(limits.plane(moved), old) <= most
    )
