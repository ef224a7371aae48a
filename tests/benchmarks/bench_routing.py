"""Bulk routing against ``geopandas.sjoin``, measured in the same run; prints, asserts nothing.

``python -m tests.benchmarks.bench_routing [POINTS]``
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry import Geometries
from gis.ownership import GridIndex
from gis.routing import Router

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCKS = "partitions/baltimore_census_blocks_2020.gpkg"


def main(count: int = 200_000) -> None:
    """Print how long each step takes, and its ratio to the yardstick."""
    run("synthetic partition", synthetic(), count)
    data = Path(os.environ.get("LIANXIN_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if (data / BLOCKS).exists():
        run("census blocks", gpd.read_file(data / BLOCKS).geometry.to_numpy(), count)
    else:
        print(f"census blocks: not here ({data / BLOCKS})")


def synthetic(sites: int = 2_000, seed: int = 150622) -> Geometries:
    """Return a seeded partition of a square by its nearest sites."""
    places = np.random.default_rng(seed).uniform((111.1, 39.8), (111.3, 40.0), (sites, 2))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(places)))
    return np.asarray(cells)


def run(name: str, grids: Geometries, count: int) -> None:
    """Route points all over a partition."""
    west, south, east, north = shapely.total_bounds(grids)
    random = np.random.default_rng(1)
    lon, lat = random.uniform(west, east, count), random.uniform(south, north, count)
    frame = gpd.GeoDataFrame(geometry=grids, crs=4490)

    def join() -> None:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4490)
        gpd.sjoin(points, frame, predicate="intersects", how="left")

    print(f"{name}: {len(grids)} grids, {shapely.get_num_coordinates(grids).sum()} vertices, "
          f"{count} points")  # fmt: skip
    yardstick = timed(join)
    show("geopandas.sjoin, points made from columns", yardstick, yardstick)
    index = GridIndex([f"{i:06d}" for i in range(len(grids))], grids)
    show("GridIndex.owners", timed(lambda: index.owners(lon, lat)), yardstick)
    router = Router(index)
    show("Router.place_many, cgcs2000", timed(lambda: router.place_many(lon, lat, "cgcs2000")),
         yardstick)  # fmt: skip
    show("Router.place_many, gcj02", timed(lambda: router.place_many(lon, lat, "gcj02")),
         yardstick)  # fmt: skip
    some = range(0, count, max(1, count // 500))
    each = timed(lambda: [router.place(lon[i], lat[i], "gcj02") for i in some]) / len(some)
    print(f"  {'Router.place, one point':45} {each * 1e6:8.0f} µs")


def timed(work: Callable[[], object]) -> float:
    """Return the better of two runs, in seconds."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def show(step: str, seconds: float, yardstick: float) -> None:
    """Print a step and its ratio."""
    print(f"  {step:45} {seconds:8.2f} s   {seconds / yardstick:5.2f} ×")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
