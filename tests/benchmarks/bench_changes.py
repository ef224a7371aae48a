"""Two editions of 2,000 grids with 150,000 households and 40,000 open cases compared.

The yardstick, in the same run, is what one writes with geopandas: ``overlay(how="union")`` of the
two layers for the ground, ``sjoin`` of the places with each of them for the owners. Both are timed
from grids in memory, indexes made anew: ``python -m tests.benchmarks.bench_changes [GRIDS]``. The
times are of this machine at this moment, the ratios are what to read.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_CRS
from gis.editions import EditionChanges, Places, compare_editions
from gis.geometry import Geometries
from gis.ownership import GridIndex
from tests.benchmarks.tessellation import BOX, tessellation

HOUSEHOLDS, CASES = 150_000, 40_000


def here(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift what lies within 10 km of the middle by up to 500 m: edges stay shared."""
    near = np.clip(1 - np.hypot(xy[:, 0] - 111.2, xy[:, 1] - 39.9) / 0.1, 0, 1)
    return xy + np.stack([0.005 * near, np.zeros(len(xy))], axis=1)


def everywhere(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift every corner by up to 11 m."""
    return xy + 1e-4 * np.sin(xy[:, ::-1] * 300)


def ours(
    codes: list[str], old: Geometries, new: Geometries, places: tuple[Places, Places]
) -> EditionChanges:
    """Compare with the index of each edition made first."""
    before = GridIndex(codes, old)
    after = GridIndex(codes, new, previous=before)
    return compare_editions(before, after, households=places[0], open_cases=places[1])


def plainly(
    codes: list[str], old: Geometries, new: Geometries, places: tuple[Places, Places]
) -> tuple[gpd.GeoDataFrame, int]:
    """Return the overlay, and how many households another grid contains."""
    before = gpd.GeoDataFrame({"old": codes}, geometry=old, crs=STORAGE_CRS)
    after = gpd.GeoDataFrame({"new": codes}, geometry=new, crs=STORAGE_CRS)
    pieces = gpd.overlay(before, after, how="union", keep_geom_type=True)
    moved = []
    for each in places:
        points = gpd.GeoDataFrame(
            {"code": each.codes}, geometry=gpd.points_from_xy(each.lon, each.lat), crs=STORAGE_CRS
        )
        was = points.sjoin(before, how="left").drop_duplicates("code").set_index("code")["old"]
        is_now = points.sjoin(after, how="left").drop_duplicates("code").set_index("code")["new"]
        moved.append(int((was.fillna("") != is_now.loc[was.index].fillna("")).sum()))
    return pieces, moved[0]


def spread(count: int, prefix: str, seed: int) -> Places:
    """Return random places in the box of the tessellation."""
    west, south, east, north = BOX
    draw = np.random.default_rng(seed)
    lon, lat = draw.uniform(west, east, count), draw.uniform(south, north, count)
    return Places([f"{prefix}{i}" for i in range(count)], lon, lat)


def timed(act: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """Return how long it took, and what came of it."""
    started = time.perf_counter()
    answer = act(*given)
    return time.perf_counter() - started, answer


def main(count: int = 2_000) -> None:
    """Print a line for each change."""
    codes, shapes = tessellation(count)
    old = np.array(shapes, dtype=object)
    places = spread(HOUSEHOLDS, "h", 1), spread(CASES, "c", 2)
    ours(codes, old, old, places)  # compiled, or read from its cache
    print(f"{count:,} grids, {HOUSEHOLDS:,} households, {CASES:,} open cases")
    print(f"{'change':<11}{'grids':>7}{'households':>12}{'ours s':>9}{'plain s':>9}{'ratio':>7}")
    for name, warp in (("nothing", None), ("here", here), ("everywhere", everywhere)):
        new = old if warp is None else shapely.transform(old, warp)
        seconds, found = timed(ours, codes, old, new, places)
        plain, (_, moved) = timed(plainly, codes, old, new, places)
        summary = found.summary()
        assert summary["moved_household_count"] == moved, "both must name the same households"
        changed = sum(grid.kind != "kept" for grid in found.grids)
        print(
            f"{name:<11}{changed:>7,}{moved:>12,}{seconds:>9.2f}{plain:>9.2f}"
            f"{plain / seconds:>6.1f}×"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
