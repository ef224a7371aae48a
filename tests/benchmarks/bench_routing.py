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
from numpy.typing import NDArray

from gis.geometry import OUTSIDE, Geometries
from gis.ownership import GridIndex
from gis.routing import Router

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCKS = "partitions/baltimore_census_blocks_2020.gpkg"
DISTRICTS = ("cases/baltimore_areas_epsg2804.gpkg", "police_districts_2023")


def main(count: int = 200_000) -> None:
    """Print how long each step takes, and its ratio to the yardstick."""
    run("synthetic partition", synthetic(), count)
    data = Path(os.environ.get("LIANXIN_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    for name, file, layer in (
        ("census blocks, many and small", BLOCKS, None),
        ("police districts, few of many vertices", *DISTRICTS),
    ):
        if (data / file).exists():
            frame = gpd.read_file(data / file, layer=layer).to_crs(4326)  # as numbers EPSG:4490's
            run(name, frame.geometry.to_numpy(), count)
        else:
            print(f"{name}: not here ({data / file})")


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
    router = Router(index)
    show("Router.place_many, cgcs2000", timed(lambda: router.place_many(lon, lat, "cgcs2000")),
         yardstick)  # fmt: skip
    show("Router.place_many, gcj02", timed(lambda: router.place_many(lon, lat, "gcj02")),
         yardstick)  # fmt: skip
    inside = index.owners(lon, lat) != OUTSIDE
    points = np.column_stack([lon, lat])
    print(f"  Router.place, gcj02, load {os.getloadavg()[0]:.1f}:")
    each(router, "one point inside", points[inside])
    each(router, "one point outside, grids around", points[~inside])
    each(router, "one point far outside", points + np.array([east - west, 0.0]))


def each(router: Router, what: str, points: NDArray[np.float64]) -> None:
    """Place up to 2,000 points one by one."""
    micros = []
    for x, y in points[:2000].tolist():
        start = time.perf_counter_ns()
        router.place(x, y, "gcj02")
        micros.append((time.perf_counter_ns() - start) / 1e3)
    if micros:
        half, most = np.percentile(micros, (50, 99))
        print(f"    {what:43} p50 {half:5.0f} µs, p99 {most:5.0f} µs")


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
