"""One owner of every point of real partitions, whoever is asked."""

from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis import compiled
from gis.ownership import GridIndex
from gis.testing import owners_exactly
from tests.benchmarks.tessellation import points
from tests.real.partitions import LAYERS, owners_by_geos, owners_by_sql, real_grids, stored

pytestmark = pytest.mark.real

layers = cache(real_grids)  # reading takes longer than asking


def hard_points(shapes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on and next to edges, and as many anywhere."""
    hard, easy = points("adversarial", count, shapes), points("uniform", count, shapes)
    lon, lat = np.append(hard[0], easy[0]), np.append(hard[1], easy[1])
    finite = np.isfinite(lon) & np.isfinite(lat)
    return lon[finite], lat[finite]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mode", ["compiled", "plain"])
def test_owners_are_those_of_rational_arithmetic(shared_data: Path, name: str, mode: str) -> None:
    codes, shapes = layers(shared_data, name)
    lon, lat = hard_points(shapes, 1500)
    with compiled.switched_off() if mode == "plain" else nullcontext():
        found = GridIndex(codes, shapes).owners(lon, lat)
    assert found.tolist() == owners_exactly(codes, shapes, lon, lat).tolist()


@pytest.mark.parametrize("name", LAYERS)
def test_owners_are_those_of_geos(shared_data: Path, name: str) -> None:
    codes, shapes = layers(shared_data, name)
    lon, lat = hard_points(shapes, 20_000)
    found = GridIndex(codes, shapes).owners(lon, lat)
    other = owners_by_geos(codes, shapes, lon, lat)
    # what crosses itself is decided by the even-odd rule here, by no stated rule there
    crossing = shapely.convex_hull(shapely.boundary(shapes[~shapely.is_valid(shapes)]))
    places = shapely.points(lon, lat)
    beside, _ = shapely.STRtree(crossing).query(places, predicate="dwithin", distance=1e-6)
    sound = ~np.isin(np.arange(len(lon)), beside)
    assert sound.mean() > 0.9
    assert found[sound].tolist() == other[sound].tolist()


@pytest.mark.parametrize("name", LAYERS)
def test_owners_are_those_of_the_database(
    shared_data: Path, empty_database_url: str, name: str
) -> None:
    codes, shapes = layers(shared_data, name)
    sound = shapely.is_valid(shapes)
    codes, shapes = np.array(codes)[sound].tolist(), shapes[sound]
    lon, lat = hard_points(shapes, 1000)
    found = GridIndex(codes, shapes).owners(lon, lat)
    with stored(empty_database_url, codes, shapes) as cursor:
        assert found.tolist() == owners_by_sql(cursor, lon, lat).tolist()
