"""Hypothesis strategies and assertions for whoever tests against the spatial core.

Needs the package ``hypothesis``, which is a dependency of development only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import affinity

from gis.datum import EAST, NORTH, SOUTH, WEST
from gis.geometry import OUTSIDE, Degrees, Geometries, Positions
from gis.ownership import GridIndex

PLACES: Final = (
    (111.2, 39.9, 0.1),
    (-76.6, 39.2, 0.01),
    (-0.05, -0.03, 0.1),  # over the equator and Greenwich, where floats are finest
    (0.0, 0.0, 1e-9),
    (111.2, 39.9, 1e-9),
    (-180.0, -89.0, 178.0),
)
"""West, south and size in degrees of where drawn grids lie: usual places and awkward ones."""


@dataclass(frozen=True)
class Partition:
    """Grids that cover a rectangle exactly once, but for what was left out on purpose."""

    codes: tuple[str, ...]
    geometries: Geometries
    dedicated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """Of each grid, where any may be dedicated."""


def china() -> st.SearchStrategy[tuple[float, float]]:
    """Return longitudes and latitudes in the rectangle where Chinese datums are shifted."""
    return st.tuples(st.floats(WEST, EAST), st.floats(SOUTH, NORTH))


@st.composite
def partitions(draw: st.DrawFn, *, most: int = 12) -> Partition:
    """Draw a partition: cells around random sites or a lattice, some joined to multiparts.

    Cells that are joined may lie apart (a MultiPolygon) or around others (a hole).
    """
    west = draw(st.sampled_from([0.0, 111.2, -76.6, -0.03]))
    south = draw(st.sampled_from([0.0, 39.9, -0.03]))
    if draw(st.booleans()):
        columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        cells = [
            shapely.box(west + i / 64, south + j / 64, west + (i + 1) / 64, south + (j + 1) / 64)
            for i in range(columns)
            for j in range(rows)
        ]
    else:
        sites = draw(st.lists(
            st.tuples(st.integers(0, 997), st.integers(0, 991)), min_size=3, max_size=most,
            unique=True,
        ))  # fmt: skip
        places = shapely.MultiPoint([(west + x / 9973, south + y / 9967) for x, y in sites])
        around = shapely.box(west, south, west + 0.1, south + 0.1)
        found = shapely.get_parts(shapely.voronoi_polygons(places, extend_to=around))
        cells = [cell for cell in found if not cell.is_empty]
    owners = draw(st.lists(
        st.integers(0, max(0, len(cells) - 1)), min_size=len(cells), max_size=len(cells)
    ))  # fmt: skip
    groups: dict[int, list[shapely.Geometry]] = {}
    for cell, owner in zip(cells, owners, strict=True):
        groups.setdefault(owner, []).append(cell)
    geometries = np.empty(len(groups), dtype=object)
    geometries[:] = [
        shapely.coverage_union_all(group) if len(group) > 1 else group[0]
        for group in groups.values()
    ]
    names = draw(st.permutations([f"G{i:02d}" for i in range(len(groups))]))
    return Partition(tuple(names), geometries)


@st.composite
def rough_grids(draw: st.DrawFn, *, most: int = 12) -> Partition:
    """Draw grids as they should not be: valid each, but by no means a partition.

    To cells of rows that meet in T-junctions, around random sites, or in a fan around one corner
    come enclaves, dedicated grids, overlaps, gaps, slivers, corners that only one neighbour has,
    and multiparts, at any of ``PLACES``.
    """
    cells = draw(st.one_of(_bricks(), _nearest_sites(most), _fans(most)))
    changes = draw(st.lists(st.sampled_from(sorted(_CHANGES)), max_size=5))
    grids = [(cell, False) for cell in cells]
    for name in changes:
        at = draw(st.integers(0, len(grids) - 1))
        grids = _CHANGES[name](grids, at, draw(st.integers(1, 63)) / 64) or grids
    west, south, size = draw(st.sampled_from(PLACES))
    placed = [
        (affinity.affine_transform(shape, (size, 0, 0, size, west, south)), special)
        for shape, special in grids
    ]
    kept = [(shape, special) for shape, special in placed if shape.is_valid and shape.area > 0]
    kept = kept or [(shapely.box(west, south, west + size, south + size), False)]
    geometries = np.empty(len(kept), dtype=object)
    geometries[:] = [shape for shape, _ in kept]
    names = draw(st.permutations([f"G{i:02d}" for i in range(len(kept))]))
    return Partition(tuple(names), geometries, np.array([special for _, special in kept]))


_Grids = list[tuple[Any, bool]]  # the shape in a unit square, and whether it is dedicated


@st.composite
def _bricks(draw: st.DrawFn) -> list[Any]:
    """Draw rows that are cut each at its own places: corners meet edges."""
    cuts = st.lists(st.integers(1, 15), max_size=3, unique=True).map(sorted)
    cells = []
    for south, north in pairwise([0, *draw(cuts), 16]):
        for west, east in pairwise([0, *draw(cuts), 16]):
            cells.append(shapely.box(west / 16, south / 16, east / 16, north / 16))
    return cells


@st.composite
def _nearest_sites(draw: st.DrawFn, most: int) -> list[Any]:
    """Draw the cells around random sites."""
    coordinate = st.integers(0, 997).map(lambda x: x / 997)
    sites = draw(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=most,
                          unique=True))  # fmt: skip
    frame = shapely.box(0, 0, 1, 1)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(sites), extend_to=frame))
    return [cell for cell in cells if not cell.is_empty] or [frame]


@st.composite
def _fans(draw: st.DrawFn, most: int) -> list[Any]:
    """Draw triangles that meet in one corner."""
    x, y = draw(st.tuples(st.integers(1, 996), st.integers(1, 996)))
    rim = draw(st.lists(st.integers(0, 3987), min_size=1, max_size=most, unique=True))
    turns = sorted({*rim, 0, 997, 1994, 2991})  # along the rim of a square, its corners included
    square = shapely.LinearRing([(0, 0), (1, 0), (1, 1), (0, 1)])
    corners = [(p.x, p.y) for p in shapely.line_interpolate_point(square, np.array(turns) / 997)]
    triangles = [
        shapely.Polygon([(x / 997, y / 997), a, b]) for a, b in pairwise([*corners, corners[0]])
    ]
    return [triangle for triangle in triangles if triangle.is_valid]


def _enclave(grids: _Grids, at: int, size: float) -> _Grids | None:
    """Cut a hole into a grid, and make a grid of it."""
    shape, special = grids[at]
    inner = affinity.scale(shape, size, size, origin=shape.representative_point())
    around = shape.difference(inner)
    if around.geom_type != "Polygon" or not shape.contains(inner):
        return None
    return [*grids[:at], (around, special), *grids[at + 1 :], (inner, False)]


def _dedicated(grids: _Grids, at: int, size: float) -> _Grids:
    middle = grids[at][0].representative_point()
    return [*grids, (shapely.box(middle.x, middle.y, middle.x + size, middle.y + size), True)]


def _overlap(grids: _Grids, at: int, size: float) -> _Grids:
    middle = grids[at][0].representative_point()
    return [*grids, (shapely.box(middle.x - size / 2, middle.y, middle.x, middle.y + size), False)]


def _gap(grids: _Grids, at: int, size: float) -> _Grids | None:  # noqa: ARG001 - one signature
    return [*grids[:at], *grids[at + 1 :]] if len(grids) > 1 else None


def _sliver(grids: _Grids, at: int, size: float) -> _Grids:
    """Lay a triangle along an edge, as thin as floats allow or a billionth wide."""
    (ax, ay), (bx, by) = shapely.get_coordinates(grids[at][0])[:2].tolist()
    x, y = (ax + bx) / 2, (ay + by) / 2
    beside = (np.nextafter(x, 2), np.nextafter(y, 2)) if size < 0.5 else (x + 1e-9, y - 1e-9)
    return [*grids, (shapely.Polygon([(ax, ay), (bx, by), beside]), False)]


def _joint(grids: _Grids, at: int, size: float) -> _Grids | None:
    """Give a grid one more corner, on an edge but for rounding, that its neighbour lacks."""
    shape, special = grids[at]
    if shape.geom_type != "Polygon":
        return None
    (a, b, *rest), holes = shapely.get_coordinates(shape.exterior), shape.interiors
    bent = shapely.Polygon([a, a + size * (b - a), b, *rest], holes)
    return [*grids[:at], (bent, special), *grids[at + 1 :]]


def _multipart(grids: _Grids, at: int, size: float) -> _Grids | None:
    """Make one grid of two."""
    other = int(size * len(grids))
    joined = shapely.unary_union([grids[at][0], grids[other][0]])
    if at == other or not joined.is_valid:
        return None
    rest = [grid for i, grid in enumerate(grids) if i not in (at, other)]
    return [*rest, (joined, grids[at][1])]


_CHANGES: Final = {
    "a dedicated grid": _dedicated, "a gap": _gap, "a joint": _joint, "a multipart": _multipart,
    "a sliver": _sliver, "an enclave": _enclave, "an overlap": _overlap,
}  # fmt: skip


@st.composite
def points_of(
    draw: st.DrawFn, partition: Partition, *, most: int = 20
) -> list[tuple[float, float]]:
    """Draw points that are hard for a partition: on, next to and level with vertices and edges."""
    vertices = shapely.get_coordinates(partition.geometries)
    west, south, east, north = shapely.total_bounds(partition.geometries)
    number = st.integers(0, len(vertices) - 1)
    vertex = number.map(lambda i: (vertices[i, 0], vertices[i, 1]))
    start = st.integers(0, len(vertices) - 2)
    along = st.tuples(start, st.sampled_from([0.5, 0.25, 0.1, 1 / 3])).map(
        lambda at: tuple(vertices[at[0]] + at[1] * (vertices[at[0] + 1] - vertices[at[0]]))
    )
    step = st.sampled_from([-np.inf, np.inf])
    beside = st.tuples(st.one_of(vertex, along), st.booleans(), step).map(
        lambda at: (
            (np.nextafter(at[0][0], at[2]), at[0][1])
            if at[1]
            else (at[0][0], np.nextafter(at[0][1], at[2]))
        )
    )
    level = st.tuples(number, number).map(lambda at: (vertices[at[0], 0], vertices[at[1], 1]))
    about = 0.1 * max(east - west, north - south)
    anywhere = st.tuples(
        st.floats(west - about, east + about), st.floats(south - about, north + about)
    )
    drawn = draw(st.lists(st.one_of(vertex, along, beside, level, anywhere),
                          min_size=1, max_size=most))  # fmt: skip
    return [(float(x), float(y)) for x, y in drawn]


class ExactCover:
    """Which grids cover a point, in whole numbers without any rounding: slow, right.

    A grid covers what an odd number of its rings' windings lies around (so, of a self-crossing
    outline, what the even-odd rule fills) and every edge and corner of it.

    Parameters
    ----------
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees. None and empty ones cover nothing.

    Examples
    --------
    >>> cover = ExactCover(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    >>> cover.at(1.0, 0.5), cover.at(1.5, 0.5)
    (([0, 1], [0, 1]), ([1], []))
    """

    def __init__(self, geometries: Geometries) -> None:
        parts, grid = shapely.get_parts(geometries, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        vertices, ring = shapely.get_coordinates(rings, return_index=True)
        edges = np.flatnonzero(ring[1:] == ring[:-1])
        self._edges = np.concatenate([vertices[edges], vertices[edges + 1]], axis=1)
        self._grid = grid[part[ring[edges]]]
        self._start = np.searchsorted(self._grid, np.arange(len(geometries) + 1))
        # of all rings: of what is invalid, holes may lie outside the shell
        lines: Geometries = np.full(len(geometries), None, dtype=object)
        shapely.multilinestrings(rings, indices=grid[part], out=lines)
        self._boxes = shapely.bounds(lines).reshape(-1, 4)

    def at(self, x: float, y: float) -> tuple[list[int], list[int]]:
        """Return the positions of the grids that cover a point, and those on whose edge it is."""
        west, south, east, north = self._boxes.T
        near = np.flatnonzero((west <= x) & (x <= east) & (south <= y) & (y <= north))
        chosen = [np.arange(self._start[i], self._start[i + 1]) for i in near]
        at = np.concatenate([*chosen, np.zeros(0, int)])
        ax, ay, bx, by = self._edges[at].T
        level = (np.minimum(ay, by) <= y) & (y <= np.maximum(ay, by)) & (np.maximum(ax, bx) >= x)
        beyond = np.minimum(ax, bx) > x
        crossed = self._grid[at[level & beyond & ((ay > y) != (by > y))]]
        inside = np.bincount(crossed, minlength=len(self._boxes)) % 2 == 1
        on_edge = set()
        for edge in at[level & ~beyond]:
            crosses, touches = _cross(self._edges[edge].tolist(), x, y)
            inside[self._grid[edge]] ^= crosses
            if touches:
                on_edge.add(int(self._grid[edge]))
        return [int(i) for i in near if inside[i] or int(i) in on_edge], sorted(on_edge)


def _cross(edge: list[float], x: float, y: float) -> tuple[bool, bool]:
    """Return whether an edge crosses the ray from a point to the east, and whether it is on it."""
    x1, y1, x2, y2, px, py = (_whole(number) for number in (*edge, x, y))
    turn = (x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)
    touches = turn == 0 and min(x1, x2) <= px <= max(x1, x2) and min(y1, y2) <= py <= max(y1, y2)
    return (y1 > py) != (y2 > py) and (turn > 0) == (y2 > y1), touches


def _whole(number: float) -> int:
    """Return a float as a multiple of the smallest there is, of which every float is one."""
    numerator, denominator = number.as_integer_ratio()
    return numerator << (1074 + 1 - denominator.bit_length())


def owners_exactly(
    codes: Sequence[str],
    geometries: Geometries,
    lon: Degrees,
    lat: Degrees,
    dedicated: NDArray[np.bool_] | None = None,
) -> Positions:
    """Return the owner of each point by the stated rule, without any rounding.

    Some 0.1 ms a point.

    Examples
    --------
    >>> grids = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    >>> owners_exactly(["B", "A"], grids, np.array([1.0, 0.9, np.nan]), np.array([0.5, 0.5, 0.5]))
    array([ 1,  0, -1])
    """
    first = np.zeros(len(codes), bool) if dedicated is None else dedicated
    cover = ExactCover(geometries)

    def owners() -> Iterator[int]:
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
            covering, _ = cover.at(x, y)
            yield min(covering, key=lambda i: (not first[i], codes[i]), default=OUTSIDE)

    return np.fromiter(owners(), dtype=np.intp, count=len(lon))


def assert_owners(index: GridIndex, lon: Degrees, lat: Degrees, owners: Positions) -> None:
    """Assert that the owners are those that asking every grid, one by one, gives."""
    for x, y, owner in zip(lon, lat, owners, strict=True):
        point = shapely.Point(x, y)
        covering = [
            (not index.dedicated[i], index.codes[i], i)
            for i, geometry in enumerate(index.geometries)
            if geometry is not None and geometry.covers(point)
        ]
        expected = min(covering)[2] if covering else OUTSIDE
        if owner != expected:
            raise AssertionError(f"({x!r}, {y!r}) is owned by {owner}, not by {expected}")


def covers_exactly(ring: list[tuple[float, float]], x: float, y: float) -> bool:
    """Return whether a closed ring covers a point, decided without any rounding."""
    return bool(ExactCover(np.array([shapely.Polygon(ring)])).at(x, y)[0])
