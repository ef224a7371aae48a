"""``lianxin route`` from file to file against geopandas, in the same run; prints, asserts nothing.

``python -m tests.benchmarks.bench_route_file [POINTS]``

geopandas has the easier job: points in EPSG:4546, one conversion to EPSG:4490, the join, no
distance to the boundary. Ours are in GCJ-02, and get rule, distance and place as well. Its CSV is
read with ``pandas.read_csv`` and ``points_from_xy``, which is faster than ``geopandas.read_file``.
Beside the clock's seconds stand those of the processor: on a busy machine only these compare.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis import datum
from gis.crs import transformer
from layers.actions.route_file import RouteOrder, route_file
from tests.benchmarks.tessellation import BOX, tessellation

CATEGORIES = np.array(["道路破损", "井盖缺失", "占道经营", "暴露垃圾"])
PARTS = 8


def main(count: int = 4_000_000) -> None:
    """Print seconds and ratios for two numbers of grids and two formats."""
    print(f"{count:,} points, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="lianxin-bench-") as name:
        folder = Path(name)
        write_points(folder, count)
        for number in (2_000, 20_000):
            codes, grids = tessellation(number)
            frame = gpd.GeoDataFrame({"code": codes}, geometry=grids, crs=4490)
            frame.to_parquet(folder / "grids.parquet")
            vertices = shapely.get_num_coordinates(grids).sum()
            print(f"\n{len(grids):,} grids, {vertices:,} vertices")
            files(folder)
        print("\nThe same points in parts")
        parts(folder, count)


def write_points(folder: Path, count: int) -> None:
    """Write the same places as geopandas and as we get them, as CSV, GeoParquet and in parts."""
    random = np.random.default_rng(20250101)
    lon, lat = random.uniform(BOX[0], BOX[2], count), random.uniform(BOX[1], BOX[3], count)
    own = {
        "case": [f"{i:09d}" for i in range(count)],
        "category": CATEGORIES[random.integers(0, len(CATEGORIES), count)],
    }  # fmt: skip
    metres = transformer("EPSG:4490", "EPSG:4546").transform(lon, lat)
    shifted = datum.convert(lon, lat, "cgcs2000", "gcj02")
    for name, (x, y), crs in (("theirs", metres, 4546), ("ours", shifted, None)):
        table = pd.DataFrame({**own, "x": np.round(x, 7), "y": np.round(y, 7)})
        table.to_csv(folder / f"{name}.csv", index=False)
        points = gpd.GeoDataFrame(own, geometry=gpd.points_from_xy(x, y), crs=crs or 4326)
        points.to_parquet(folder / f"{name}.parquet")
        if name == "ours":
            (folder / "parts").mkdir()
            for part in range(PARTS):
                points.iloc[part::PARTS].to_parquet(folder / "parts" / f"{part}.parquet")


def files(folder: Path) -> None:
    """Route a CSV and a GeoParquet, with the index's first compilation out of the way."""
    ours(folder, "csv")
    for ending in ("csv", "parquet"):
        yardstick = timed(partial(theirs, folder, ending))
        show(f"{ending}: geopandas read → to_crs → sjoin → write", yardstick, yardstick)
        show(f"{ending}: lianxin route, gcj02", timed(partial(ours, folder, ending)), yardstick)


def theirs(folder: Path, ending: str) -> None:
    """Do with geopandas what it can do of it."""
    grids = gpd.read_parquet(folder / "grids.parquet")
    if ending == "csv":
        table = pd.read_csv(folder / "theirs.csv", dtype={"case": str})
        geometry = gpd.points_from_xy(table["x"], table["y"])
        points = gpd.GeoDataFrame(table, geometry=geometry, crs=4546)
    else:
        points = gpd.read_parquet(folder / "theirs.parquet")
    joined = gpd.sjoin(points.to_crs(4490), grids, predicate="intersects", how="left")
    if ending == "csv":
        joined["lon"], joined["lat"] = joined.geometry.x, joined.geometry.y
        pd.DataFrame(joined.drop(columns="geometry")).to_csv(folder / "joined.csv", index=False)
    else:
        joined.to_parquet(folder / "joined.parquet")


def ours(folder: Path, ending: str) -> float:
    """Route; return the seconds that routing alone took."""
    order = RouteOrder(folder / f"ours.{ending}", folder / "grids.parquet", "code",
                       folder / f"routed.{ending}", datum="gcj02")  # fmt: skip
    return route_file(order).routing_seconds


def parts(folder: Path, count: int) -> None:
    """Route parts in one process and with two workers; print the cost a million."""
    order = RouteOrder(folder / "parts", folder / "grids.parquet", "code", folder / "alone",
                       datum="gcj02")  # fmt: skip
    yardstick = Cost.of(lambda: route_file(order))
    show(f"{PARTS} parts: one process", yardstick, yardstick)
    print(f"    a million points: {yardstick.wall / count * 1e6:.2f} s by the clock, "
          f"{yardstick.processor / count * 1e6:.2f} s of processor")  # fmt: skip
    for label in ("workers' code compiled now", "code compiled before"):
        out = folder / label
        spread = replace(order, out=out, workers=2)
        show(f"{PARTS} parts: --workers 2, {label}", Cost.of(partial(route_file, spread)),
             yardstick)  # fmt: skip
    resumed = replace(order, resume=True)
    show(f"{PARTS} parts: --resume, nothing left to do", Cost.of(lambda: route_file(resumed)),
         yardstick)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What something took, in seconds."""

    wall: float
    processor: float
    """Of this process and those that it started and waited for."""

    @classmethod
    def of(cls, work: Callable[[], object]) -> "Cost":
        """Do it and measure."""
        start, before = time.perf_counter(), os.times()
        work()
        wall, after = time.perf_counter() - start, os.times()
        return cls(wall, sum(after[:4]) - sum(before[:4]))


def timed(work: Callable[[], object]) -> Cost:
    """Return the better of two runs."""
    return min((Cost.of(work) for _ in range(2)), key=lambda cost: cost.processor)


def show(step: str, cost: Cost, yardstick: Cost) -> None:
    """Print a step, and how many times less than the yardstick it takes."""
    print(f"  {step:52} clock {cost.wall:7.2f} s  {yardstick.wall / cost.wall:5.2f} ×   "
          f"processor {cost.processor:7.2f} s  {yardstick.processor / cost.processor:5.2f} ×",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
