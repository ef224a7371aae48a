"""Two drawings of one boundary become one: corners meet, and segments take in what lies on them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.geometry import Geometries
from gis.mending.limits import ROUNDING_M, Limits
from gis.mending.segments import (
    Corners,
    Position,
    Segments,
    redrawn,
    same,
    segments_of,
)

_ROUNDS: Final = 5


@dataclass(frozen=True)
class Touch:
    """A corner of a grid that was moved or put in."""

    grid: int
    place: Position
    moved_m: float


def snap(shapes: Geometries, limits: Limits, reach_m: float) -> tuple[Geometries, list[Touch]]:
    """Move loose corners onto those of other grids within reach: the lower code's stays.

    The nearest pairs come first. A corner does not move onto one that its own grid already has a
    corner at, so no grid loses detail of its own.
    """
    corners = Corners(segments_of(shapes))
    loose = _amiss(shapes, corners, limits, reach_m)
    moves = _moves(corners, loose, limits, reach_m)
    by_grid: dict[int, dict[Position, Position]] = defaultdict(dict)
    touched: list[Touch] = []
    for old, (new, metres) in moves.items():
        for grid in corners.grids(old):
            here, there = _position(corners, old), _position(corners, new)
            by_grid[grid][here] = there
            touched.append(Touch(grid, there, metres))
    result = shapes.copy()
    for grid, moved in by_grid.items():
        result[grid] = redrawn(shapes[grid], _following(moved))
    return result, touched


def _following(moved: dict[Position, Position]) -> Callable[[list[Position]], list[Position]]:
    """Return how a ring is drawn whose corners go where they are told."""
    return lambda ring: [moved.get(place, place) for place in ring]


def _amiss(
    shapes: Geometries, corners: Corners, limits: Limits, reach_m: float
) -> NDArray[np.intp]:
    """Return the loose corners near which the coverage is not as it should be."""
    loose = corners.loose
    if reach_m <= ROUNDING_M or not len(loose):
        return loose
    bad = shapely.coverage_invalid_edges(limits.plane(shapes), gap_width=reach_m)
    tree = STRtree(shapely.get_parts(bad[~shapely.is_empty(bad)]))
    places = limits.plane.points(corners.places[loose])
    near, _ = tree.query(places, predicate="dwithin", distance=reach_m)
    loose = loose[np.unique(near)]
    free = ~limits.are_held(shapely.points(corners.places[loose]))
    return np.asarray(loose[free], dtype=np.intp)


def _moves(
    corners: Corners, loose: NDArray[np.intp], limits: Limits, reach_m: float
) -> dict[int, tuple[int, float]]:
    """Return which corner goes to which, and how far."""
    points = limits.plane.points(corners.places[loose])
    one, two = STRtree(points).query(points, predicate="dwithin", distance=reach_m)
    one, two = one[one < two], two[one < two]
    apart = shapely.distance(points[one], points[two])
    whose = {at: corners.grids(loose[at]) for at in {*one.tolist(), *two.tolist()}}
    names = {
        at: (_rank(grids, limits), _position(corners, loose[at]), at) for at, grids in whose.items()
    }
    pairs = []
    for a, b, metres in zip(one.tolist(), two.tolist(), apart.tolist(), strict=True):
        if not whose[a] & whose[b]:
            stays, goes = sorted((names[a], names[b]))
            pairs.append((metres, stays, goes))
    moves: dict[int, tuple[int, float]] = {}
    gathered: dict[int, frozenset[int]] = {}
    for metres, (*_, stays), (*_, goes) in sorted(pairs):
        target, corner = int(loose[stays]), int(loose[goes])
        if target in moves or corner in moves or corner in gathered:
            continue
        there = gathered.get(target, corners.grids(target))
        here = corners.grids(corner)
        if there & here or not limits.allow(here, points[stays], reach_m):
            continue
        moves[corner] = (target, metres)
        gathered[target] = there | here
    return moves


def _rank(grids: frozenset[int], limits: Limits) -> tuple[bool, int]:
    """Return what decides which of two corners stays: a frozen grid's, else the lower code's."""
    return limits.frozen.isdisjoint(grids), min(limits.rank[grid] for grid in grids)


def _position(corners: Corners, corner: int) -> Position:
    x, y = corners.places[corner].tolist()
    return x, y


def node(shapes: Geometries, limits: Limits, reach_m: float) -> tuple[Geometries, list[Touch]]:
    """Put into loose segments the corners of other grids within reach, and where lines cross."""
    segments = segments_of(shapes)
    corners = Corners(segments)
    loose = segments.chosen(segments.free)
    ends = _amiss(shapes, corners, limits, reach_m)
    places = corners.places[ends]
    if reach_m <= ROUNDING_M:
        loose = inner_too(segments, shapes)
        crossings = shapely.get_coordinates(shapely.unary_union(loose.lines))
        crossings = crossings[~same(crossings, corners.places)]
        places = np.concatenate([places, crossings])

    def whose(number: int) -> frozenset[int]:
        return corners.grids(ends[number]) if number < len(ends) else frozenset()

    nodes, touched = _nodes(loose, places, whose, limits, reach_m)
    result = shapes.copy()
    for grid, at in nodes.items():
        result[grid] = redrawn(shapes[grid], _taking_in(at))
    return result, touched


def _taking_in(
    at: dict[tuple[Position, Position], list[Position]],
) -> Callable[[list[Position]], Iterator[Position]]:
    """Return how a ring is drawn whose segments take corners in."""

    def draw(ring: list[Position]) -> Iterator[Position]:
        for pair in pairwise(ring):
            yield pair[0]
            yield from at.get(pair, ())
        yield ring[-1]

    return draw


_Nodes = dict[int, dict[tuple[Position, Position], list[Position]]]


def _nodes(
    loose: Segments, places: NDArray[np.float64], whose: Callable[[int], frozenset[int]],
    limits: Limits, reach_m: float,
) -> tuple[_Nodes, list[Touch]]:  # fmt: skip
    """Return the positions that each segment of each grid takes in, in order along it."""
    points = limits.plane.points(places)
    lines = limits.plane(loose.lines)
    point, line = STRtree(lines).query(points, predicate="dwithin", distance=reach_m)
    along = shapely.line_locate_point(lines[line], points[point])
    inside = (along > 0) & (along < shapely.length(lines[line]))
    point, line, along = point[inside], line[inside], along[inside]
    apart = shapely.distance(points[point], lines[line])
    found: dict[int, list[tuple[float, Position]]] = defaultdict(list)
    touched: list[Touch] = []
    for p, s, far, metres in zip(
        point.tolist(), line.tolist(), along.tolist(), apart.tolist(), strict=True
    ):
        grid = int(loose.grid[s])
        place = (float(places[p, 0]), float(places[p, 1]))
        if grid in whose(p) or place in {tuple(loose.start[s]), tuple(loose.end[s])}:
            continue
        if limits.allow([grid], points[p], reach_m):
            found[s].append((far, place))
            touched.append(Touch(grid, place, metres))
    nodes: _Nodes = defaultdict(dict)
    for s, places_along in found.items():
        (ax, ay), (bx, by) = loose.start[s].tolist(), loose.end[s].tolist()
        nodes[int(loose.grid[s])][(ax, ay), (bx, by)] = [p for _, p in sorted(places_along)]
    return nodes, touched


def inner_too(segments: Segments, shapes: Geometries) -> Segments:
    """Return the loose segments, and the shared ones that end in or run through another grid."""
    loose = segments.chosen(segments.free)
    if not len(loose.grid):
        return loose
    suspects = np.unique(loose.grid)
    tree = STRtree(segments.lines[~segments.free])
    shared = np.flatnonzero(~segments.free)
    shapely.prepare(shapes[suspects])
    which, line = tree.query(shapes[suspects], predicate="intersects")
    line, grid = shared[line], suspects[which]
    foreign = segments.grid[line] != grid
    line, grid = line[foreign], grid[foreign]
    through = ~shapely.touches(shapes[grid], segments.lines[line])
    mask = segments.free.copy()
    mask[np.unique(line[through])] = True
    return segments.chosen(mask)


def joined(shapes: Geometries, limits: Limits) -> tuple[Geometries, list[Touch]]:
    """Make one what is drawn twice but for rounding, until every crossing is a corner."""
    touched: list[Touch] = []
    for _ in range(_ROUNDS):
        shapes, snapped = snap(shapes, limits, ROUNDING_M)
        shapes, noded = node(shapes, limits, ROUNDING_M)
        touched += snapped + noded
        if not snapped and not noded:
            break
    return shapes, touched


def without_spare(shapes: Geometries, limits: Limits, touched: list[Touch]) -> Geometries:
    """Take out corners that were put in on the way and that no neighbour shares in the end."""
    corners = Corners(segments_of(shapes))
    put_in: dict[int, set[Position]] = defaultdict(set)
    for touch in touched:
        put_in[touch.grid].add(touch.place)
    shared = {
        (x, y)
        for number, (x, y) in enumerate(corners.places.tolist())
        if len(corners.grids(number)) > 1
    }
    result = shapes.copy()
    for grid, places in put_in.items():
        came = set(map(tuple, shapely.get_coordinates(limits.shapes[grid]).tolist()))
        if spare := places - shared - came:
            result[grid] = redrawn(shapes[grid], _leaving_out(spare, limits))
    return result


def _leaving_out(
    spare: set[Position], limits: Limits
) -> Callable[[list[Position]], list[Position]]:
    """Return how a ring is drawn without corners at which it does not turn."""

    def draw(ring: list[Position]) -> list[Position]:
        around = zip([ring[-2], *ring[:-2]], ring[:-1], ring[1:], strict=True)
        kept = [
            place
            for before, place, after in around
            if place not in spare or not _is_straight(before, place, after, limits)
        ]
        return [*kept, *kept[:1]]

    return draw


def _is_straight(before: Position, place: Position, after: Position, limits: Limits) -> bool:
    line = limits.plane(shapely.LineString([before, after]))
    return bool(shapely.distance(line, limits.plane(shapely.Point(place))) <= ROUNDING_M)
