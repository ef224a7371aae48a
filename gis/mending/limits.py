"""How far mending may go, and which grids it leaves alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.mending.plane import Plane, Points

ROUNDING_M: Final = 1e-4
"""Positions nearer than this are one position, drawn twice."""

_FINEST_M: Final = 1e-3
_MOST_SEGMENTS: Final = 50_000
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
    zones: list[shapely.Geometry] = field(default_factory=list)
    """Places, in degrees, where an earlier attempt went too far: there nothing moves."""
    held: list[shapely.Geometry] = field(default_factory=list)
    """Overlaps too large to be given away, in degrees."""
    refused: list[shapely.Geometry] = field(default_factory=list)
    """Where a second step would have gone beyond the tolerance, in metres."""

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
        near = bool((shapely.distance(self.outlines[grids], point) <= most).all())
        if not near:
            self.refused.append(point)
        return near

    def are_held(self, points: Geometries) -> NDArray[np.bool_]:
        """Return which points, in degrees, belong to overlaps that a person must settle."""
        tree = shapely.STRtree([*self.held, *self.zones])
        held = np.zeros(len(points), dtype=bool)
        held[tree.query(points, predicate="dwithin", distance=_NEAR_DEGREES)[0]] = True
        return held


def furthest_m(of: Geometries, lines: Geometries) -> float:
    """Return how far the corners of some geometries are from lines, at most; in metres."""
    corners = np.unique(shapely.get_coordinates(of), axis=0)
    return float(_distances(corners, shapely.STRtree(lines)).max(initial=0.0))


def beyond(segments: Geometries, lines: Geometries, most: float) -> Points:
    """Return points of segments that are further than so many metres from all lines.

    A segment with both ends near one and the same line is near it all along. Others are halved
    until their ends tell: no point between is further than half of what the distances at both ends
    and its length add up to. Where that would take too long, what is unsure counts as further.
    """
    tree = shapely.STRtree(lines)
    ends = shapely.get_coordinates(segments).reshape(-1, 2, 2)
    found = [np.zeros((0, 2))]
    while len(ends := ends[~_along(ends, tree, most)]):
        apart = _distances(ends.reshape(-1, 2), tree).reshape(-1, 2)
        found.append(ends[apart > most])
        long = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
        unsure = (apart.max(axis=1) <= most) & (apart.sum(axis=1) + long > 2 * most)
        ends = ends[unsure & (long > _FINEST_M)]
        if len(ends) > _MOST_SEGMENTS:
            return np.concatenate([*found, ends[:, 0]])
        middle = ends.mean(axis=1)
        ends = np.concatenate(
            [np.stack([ends[:, 0], middle], axis=1), np.stack([middle, ends[:, 1]], axis=1)]
        )
    return np.concatenate(found)


def _along(ends: Points, tree: shapely.STRtree, most: float) -> NDArray[np.bool_]:
    """Return which segments, shape (n, 2, 2), have both ends near one of the lines of a tree."""
    near = np.zeros(len(ends), dtype=bool)
    if not len(tree) or not len(ends):
        return near
    found = []
    for points in (shapely.points(ends[:, 0]), shapely.points(ends[:, 1])):
        segment, line = tree.query(points, predicate="dwithin", distance=most)
        found.append(segment * len(tree) + line)
    near[np.intersect1d(*found) // len(tree)] = True
    return near


def _distances(points: Points, tree: shapely.STRtree) -> Points:
    """Return the distance of each point from the nearest line of a tree."""
    if not len(tree) or not len(points):
        return np.full(len(points), np.inf)
    _, apart = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=False)
    return np.asarray(apart)


def pieces(shape: shapely.Geometry) -> Geometries:
    """Return the segments of a boundary."""
    points, line = shapely.get_coordinates(shapely.get_parts(shape), return_index=True)
    first = np.flatnonzero(line[1:] == line[:-1])
    return np.asarray(shapely.linestrings(np.stack([points[first], points[first + 1]], axis=1)))
