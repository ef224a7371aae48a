"""How far mending may go, and which grids it leaves alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.mending.plane import Plane

ROUNDING_M: Final = 1e-4
"""Positions nearer than this are one position, drawn twice."""

_NEAR_DEGREES: Final = 1e-8  # 1 mm


@dataclass(frozen=True)
class MendOptions:
    """What mending may do."""

    tolerance_m: float = 1.0
    """How far a boundary may move, at most."""
    sliver_m: float = 1.0
    """What is narrower in the mean is a sliver, given away whatever its area."""
    largest_overlap_m2: float = 100.0
    """Of what is wider, the largest area that is given away."""


@dataclass
class Limits:
    """The outlines as they came, from which nothing may move further than the tolerance."""

    shapes: Geometries
    """Valid, in degrees."""
    rank: list[int]
    """The place of each grid in the order of codes, then rows."""
    plane: Plane
    options: MendOptions
    frozen: set[int] = field(default_factory=set)
    """Grids that stay as they are."""
    held: list[shapely.Geometry] = field(default_factory=list)
    """Overlaps too large to be given away, in degrees."""

    @cached_property
    def outlines(self) -> Geometries:
        """Their boundaries, in metres."""
        lines: Geometries = self.plane(shapely.boundary(self.shapes))
        return lines

    def allow(self, grids: Iterable[int], point: Any, reach_m: float) -> bool:
        """Return whether the boundaries of grids may run through a point, in metres."""
        grids = list(grids)
        if not self.frozen.isdisjoint(grids):
            return False
        most = max(reach_m, self.options.tolerance_m)
        return bool((shapely.distance(self.outlines[grids], point) <= most).all())

    def are_held(self, points: Geometries) -> NDArray[np.bool_]:
        """Return which points, in degrees, belong to overlaps that a person must settle."""
        tree = shapely.STRtree(self.held)
        held = np.zeros(len(points), dtype=bool)
        held[tree.query(points, predicate="dwithin", distance=_NEAR_DEGREES)[0]] = True
        return held


def furthest_m(of: Geometries, lines: Geometries) -> float:
    """Return how far the corners of some geometries are from lines, at most; in metres."""
    corners = np.unique(shapely.get_coordinates(of), axis=0)
    if not len(corners):
        return 0.0
    tree = shapely.STRtree(lines)
    if not len(tree):
        return float("inf")
    _, apart = tree.query_nearest(shapely.points(corners), return_distance=True, all_matches=False)
    return float(apart.max())


def pieces(shape: shapely.Geometry) -> Geometries:
    """Return the segments of a boundary."""
    points, line = shapely.get_coordinates(shapely.get_parts(shape), return_index=True)
    first = np.flatnonzero(line[1:] == line[:-1])
    return np.asarray(shapely.linestrings(np.stack([points[first], points[first + 1]], axis=1)))
