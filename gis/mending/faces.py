"""Overlaps and gaps as faces: each goes to one grid, where no boundary moves too far for it."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely import STRtree

from gis.geometry import Geometries
from gis.mending.limits import Limits, furthest_m
from gis.mending.segments import Position, segments_of
from gis.mending.snapping import inner_too
from gis.outlines import mended

_DUST_M2: Final = 1e-4
_WIDEST: Final = 5  # what lies within w of a line of length l has an area of 2·w·l, and two rounds


@dataclass(frozen=True)
class Face:
    """A piece of land that not exactly one grid has, and how its edges run."""

    shape: shapely.Geometry
    flat: Any
    """The same in metres."""
    cover: tuple[int, ...]
    """The grids that have it."""
    lines: Geometries
    """Its edges, in metres."""
    sides: tuple[frozenset[int], ...]
    """Of each edge, the grids whose boundary runs there."""
    area_m2: float
    width_m: float
    """In the mean."""

    def shares_m(self) -> dict[int, float]:
        """Return for each grid that may have it the length of the edge to the rest of that grid.

        Of an overlap, that is where only the other's boundary runs; of a gap, where its own does.
        """
        lengths = shapely.length(self.lines)
        shares: dict[int, float] = dict.fromkeys(self.cover, 0.0)
        for length, sides in zip(lengths.tolist(), self.sides, strict=True):
            for grid in set(self.cover) - sides if self.cover else sides:
                shares[grid] = shares.get(grid, 0.0) + length
        return shares

    def reach_m(self, grid: int) -> float:
        """Return how far a grid's boundary moves where it loses or gains the face."""
        own = np.array([grid in sides for sides in self.sides], dtype=bool)
        if not own.any():
            return float("inf")
        if own.all():
            return 2 * float(shapely.length(shapely.maximum_inscribed_circle(self.flat)))
        mine, rest = self.lines[own], self.lines[~own]
        return max(furthest_m(mine, rest), furthest_m(rest, mine))


@dataclass(frozen=True)
class Given:
    """A face that went to one grid, and the grids that lost it."""

    shape: shapely.Geometry
    winner: int
    losers: tuple[int, ...]
    area_m2: float
    narrow: bool
    enclosed: bool
    """Whether all its edge was one grid's, and so is gone."""


def faces_of(shapes: Geometries, limits: Limits) -> Iterator[Face]:
    """Return the overlaps and the closed gaps of grids whose crossings are all corners.

    Of those so wide that no tolerance reaches across them, the edges are left out.
    """
    segments = inner_too(segments_of(shapes), shapes)
    polygons = shapely.get_parts(shapely.polygonize([shapely.unary_union(segments.lines)]))
    if not len(polygons):
        return
    inside = shapely.point_on_surface(polygons)
    face, grid = STRtree(shapes).query(inside, predicate="within")
    cover: dict[int, list[int]] = defaultdict(list)
    for number, owner in zip(face.tolist(), grid.tolist(), strict=True):
        cover[number].append(owner)
    sides: dict[tuple[Position, Position], set[int]] = defaultdict(set)
    for (ax, ay), (bx, by), owner in zip(
        segments.start.tolist(), segments.end.tolist(), segments.grid.tolist(), strict=True
    ):
        sides[_edge((ax, ay), (bx, by))].add(owner)
    for number, polygon in enumerate(polygons):
        owners = sorted(cover.get(number, ()))
        if len(owners) != 1:
            yield _face(polygon, tuple(owners), sides, limits)


def _edge(one: Position, two: Position) -> tuple[Position, Position]:
    return (one, two) if one <= two else (two, one)


def _face(
    polygon: Any,
    cover: tuple[int, ...],
    sides: dict[tuple[Position, Position], set[int]],
    limits: Limits,
) -> Face:
    flat = limits.plane(polygon)
    area = float(shapely.area(flat))
    around = float(shapely.length(flat))
    width = 2 * area / around if around else 0.0
    edges: list[tuple[Position, Position]] = []
    for ring in shapely.get_rings(polygon) if width <= _WIDEST * limits.options.tolerance_m else ():
        places = [(x, y) for x, y in shapely.get_coordinates(ring).tolist()]
        edges += itertools.pairwise(places)
    lines = limits.plane(shapely.linestrings(np.array(edges).reshape(-1, 2, 2)))
    own = tuple(frozenset(sides.get(_edge(*edge), ())) for edge in edges)
    return Face(polygon, flat, cover, lines, own, area, width)


def give(shapes: Geometries, limits: Limits) -> tuple[Geometries, list[Given]]:
    """Give each overlap and gap away that one grid can have without moving a boundary too far.

    The grid with the longest edge to it comes first, else the lowest code. No grid loses its last
    piece.
    """
    given = [found for face in faces_of(shapes, limits) if (found := _given(face, limits))]
    while True:
        result, emptied = _applied(shapes, given, limits)
        if not emptied:
            return result, given
        given = [each for each in given if emptied.isdisjoint(each.losers)]


def _given(face: Face, limits: Limits) -> Given | None:
    options = limits.options
    narrow = face.width_m < options.sliver_m
    if face.cover and not narrow and face.area_m2 > options.largest_overlap_m2:
        limits.held.append(face.shape)
        return None
    if limits.zones and shapely.intersects(limits.zones, face.shape).any():
        return None
    shares = face.shares_m()
    reach = {grid: face.reach_m(grid) for grid in shares}
    for grid in sorted(shares, key=lambda g: (-round(shares[g], 3), limits.rank[g])):
        losers = tuple(other for other in face.cover if other != grid)
        moved = losers or (grid,)
        if limits.frozen.isdisjoint(moved) and all(
            reach[other] <= options.tolerance_m for other in moved
        ):
            enclosed = any(all(other in sides for sides in face.sides) for other in moved)
            return Given(face.shape, grid, losers, face.area_m2, narrow, enclosed)
    return None


def _applied(shapes: Geometries, given: list[Given], limits: Limits) -> tuple[Geometries, set[int]]:
    """Return the grids after the faces changed hands, and those of which nothing would be left."""
    lost: dict[int, list[Any]] = defaultdict(list)
    gained: dict[int, list[Any]] = defaultdict(list)
    for each in given:
        for grid in each.losers:
            lost[grid].append(each.shape)
        if not each.losers:
            gained[each.winner].append(each.shape)
    result = shapes.copy()
    for grid, faces in lost.items():
        result[grid] = _swept(shapely.difference(result[grid], shapely.union_all(faces)), limits)
    for grid, faces in gained.items():
        result[grid] = _swept(shapely.union_all([result[grid], *faces]), limits)
    return result, {grid for grid in lost if shapely.is_empty(result[grid])}


def _swept(shape: Any, limits: Limits) -> Any:
    """Return the polygons of a shape without what rounding left of others."""
    parts = shapely.get_parts(mended(np.array([shape], dtype=object))[0])
    parts = parts[shapely.area(limits.plane(parts)) > _DUST_M2]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
