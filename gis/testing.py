"""Hypothesis strategies and assertions for whoever tests against the spatial core.

Needs the package ``hypothesis``, which is a dependency of development only.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely
from hypothesis import strategies as st

from gis.datum import EAST, NORTH, SOUTH, WEST
from gis.geometry import OUTSIDE, Degrees, Geometries, Positions
from gis.ownership import GridIndex


@dataclass(frozen=True)
class Partition:
    """Grids that cover a rectangle exactly once, but for what was left out on purpose."""

    codes: tuple[str, ...]
    geometries: Geometries


def china() -> st.SearchStrategy[tuple[float, float]]:
    """Return longitudes and latitudes in the rectangle where Chinese datums are shifted."""
    return st.tuples(st.floats(WEST, EAST), st.floats(SOUTH, NORTH))


@st.composite
def partitions(draw: st.DrawFn, *, most: int = 12) -> Partition:
    """Draw a partition: cells around random sites or a lattice, some joined to multiparts.

    Cells that are joined may lie apart (a MultiPolygon) or around others (a hole).
    """
    west = draw(st.sampled_from([0.0, 111.2, -76.6]))
    south = draw(st.sampled_from([0.0, 39.9]))
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
def points_of(
    draw: st.DrawFn, partition: Partition, *, most: int = 20
) -> list[tuple[float, float]]:
    """Draw points that are hard for a partition: its vertices, edges, and others anywhere."""
    vertices = shapely.get_coordinates(partition.geometries)
    west, south, east, north = shapely.total_bounds(partition.geometries)
    vertex = st.integers(0, len(vertices) - 1).map(lambda i: (vertices[i, 0], vertices[i, 1]))
    middle = st.integers(0, len(vertices) - 2).map(
        lambda i: tuple((vertices[i] + vertices[i + 1]) / 2)
    )
    anywhere = st.tuples(st.floats(west - 0.01, east + 0.01), st.floats(south - 0.01, north + 0.01))
    drawn = draw(st.lists(st.one_of(vertex, middle, anywhere), min_size=1, max_size=most))
    return [(float(x), float(y)) for x, y in drawn]


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
    """Return whether a closed ring covers a point, in fractions without any rounding."""
    px, py = Fraction(x), Fraction(y)
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        x1, y1, x2, y2 = Fraction(ax), Fraction(ay), Fraction(bx), Fraction(by)
        turn = (x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)
        between = min(x1, x2) <= px <= max(x1, x2) and min(y1, y2) <= py <= max(y1, y2)
        if turn == 0 and between:
            return True
        if (y1 > py) != (y2 > py) and (turn > 0) == (y2 > y1):
            inside = not inside
    return inside
