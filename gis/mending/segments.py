"""The segments of a coverage's rings: which are shared, and which no neighbour has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.mending.plane import Points
from gis.outlines import mended

Position = tuple[float, float]


@dataclass(frozen=True)
class Segments:
    """The segments of all rings, their grids on the left: shells run counter-clockwise."""

    start: Points
    end: Points
    grid: NDArray[np.intp]
    free: NDArray[np.bool_]
    """Whether it is drawn otherwise than once in each direction: an outer edge, or a defect."""

    @cached_property
    def lines(self) -> Geometries:
        """The segments as lines, in degrees."""
        return np.asarray(shapely.linestrings(np.stack([self.start, self.end], axis=1)))

    def chosen(self, mask: NDArray[np.bool_]) -> "Segments":
        """Return some of them."""
        return Segments(self.start[mask], self.end[mask], self.grid[mask], self.free[mask])


def segments_of(shapes: Geometries) -> Segments:
    """Return the segments of valid polygons and multipolygons; empty ones have none."""
    parts, grid = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero((ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1))
    start, end = points[first], points[first + 1]
    numbers = np.unique(_complex(points), return_inverse=True)[1].reshape(-1)
    a, b = numbers[first], numbers[first + 1]
    keys, position, count = np.unique(a * len(points) + b, return_inverse=True, return_counts=True)
    back = np.searchsorted(keys, b * len(points) + a)
    found = back < len(keys)
    back[~found] = 0
    found &= keys[back] == b * len(points) + a if len(keys) else found
    shared = (count[position] == 1) & found & (count[back] == 1) if len(keys) else found
    return Segments(start, end, grid[part[ring[first]]], ~shared)


class Corners:
    """The positions at which rings turn, and the grids that each belongs to."""

    def __init__(self, segments: Segments) -> None:
        places, self._number = np.unique(_complex(segments.start), return_inverse=True)
        self._number = self._number.reshape(-1)
        self.places: Points = np.stack([places.real, places.imag], axis=1)
        order = np.argsort(self._number, kind="stable")
        self._grids = segments.grid[order]
        self._first = np.searchsorted(self._number[order], np.arange(len(places) + 1))
        # of a ring every corner starts a segment and ends another
        loose = np.concatenate([segments.start[segments.free], segments.end[segments.free]])
        self.loose: NDArray[np.intp] = np.searchsorted(places, np.unique(_complex(loose)))

    def grids(self, corner: int) -> frozenset[int]:
        """Return the grids that have a corner there."""
        return frozenset(self._grids[self._first[corner] : self._first[corner + 1]].tolist())


def same(one: Points, other: Points) -> NDArray[np.bool_]:
    """Return which of the first positions are among the others."""
    return np.isin(_complex(one), _complex(other))


def _complex(points: Points) -> NDArray[np.complex128]:
    whole = points + 0.0  # so that -0.0 and 0.0 are one place
    return whole[:, 0] + 1j * whole[:, 1]


def redrawn(
    shape: shapely.Geometry, draw: Callable[[list[Position]], Iterable[Position]]
) -> shapely.Geometry:
    """Return a shape whose rings, closed lists of positions, were each drawn anew."""
    polygons = []
    for polygon in shapely.get_parts(shapely.orient_polygons(shape)):
        shell, *holes = [_ring(draw, ring) for ring in shapely.get_rings(polygon)]
        if shell:
            polygons.append(shapely.Polygon(shell, [hole for hole in holes if hole]))
    whole = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if whole.is_valid:
        return whole
    again: shapely.Geometry = mended(np.array([whole], dtype=object))[0]
    return again


def _ring(
    draw: Callable[[list[Position]], Iterable[Position]], ring: shapely.Geometry
) -> list[Position]:
    drawn: list[Position] = []
    for place in draw([(x, y) for x, y in shapely.get_coordinates(ring).tolist()]):
        if not drawn or drawn[-1] != place:
            drawn.append(place)
    return drawn if len(drawn) >= 4 else []
