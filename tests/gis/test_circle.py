"""Shares of a circle: compiled as without, and as shapely cuts them."""

import math

import numpy as np
import pytest
import shapely

from gis import compiled
from gis.cells import single
from gis.circle import shares
from gis.ellipsoid import metres_a_degree
from gis.ownership import GridIndex
from tests.benchmarks.tessellation import points, tessellation


@pytest.fixture(scope="module")
def index() -> GridIndex:
    return GridIndex(*tessellation(800))


@pytest.mark.parametrize("radius", [3.0, 60.0, 900.0, 20_000.0])
def test_compiled_shares_are_the_plain_ones_and_shapelys(index: GridIndex, radius: float) -> None:
    lon, lat = points("clustered", 40, index.geometries, seed=int(radius))
    corners = np.array([shapely.get_coordinates(each)[0] for each in index.geometries[:20]])
    for x, y in [*zip(lon.tolist(), lat.tolist(), strict=True), *corners.tolist()]:
        near = index.around(x, y, radius)
        found = shares(index, near, x, y, radius)
        with compiled.switched_off():
            assert np.array_equal(index.around(x, y, radius), near)
            assert shares(index, near, x, y, radius) == pytest.approx(found, abs=1e-12)
        east, north = metres_a_degree(y, math.sqrt)
        circle = shapely.Point(0, 0).buffer(radius, quad_segs=256)
        local = shapely.transform(
            index.geometries[near], lambda xy, at=(x, y, east, north): (xy - at[:2]) * at[2:]
        )
        cut = shapely.area(shapely.intersection(local, circle)) / circle.area
        assert found == pytest.approx(cut, abs=3e-5)


def test_whoever_is_near_a_box_is_found_by_both(index: GridIndex) -> None:
    fast = compiled.twin("single")
    assert fast is not None
    random = np.random.default_rng(4)
    for size in (0.0, 1e-5, 1e-3, 0.05, 3.0):
        for x, y in random.uniform((110.0, 39.0), (112.4, 40.8), (40, 2)).tolist():
            box = x - size, y - size, x + size, y + size
            plain = single.around(index._cells, *box)
            assert np.array_equal(fast.around(index._tables, *box), plain)
