"""Datum conversion on one thread, compiled and not, against PROJ and the one-step inverse.

``python -m tests.benchmarks.bench_datum [POINTS]``; prints, asserts nothing. Seconds are the
thread's own: what else runs on the machine takes none of them.
"""

import math
import os
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gis import compiled
from gis.crs import crs, transformer
from gis.datum import convert, convert_point
from gis.ellipsoid import distances_m

Floats = NDArray[np.float64]

PLACES = {
    "all over China": (73.0, 18.0, 135.0, 53.0),
    "over a town": (111.1, 39.8, 111.3, 40.0),
}
WAYS = [("wgs84", "gcj02"), ("gcj02", "wgs84"), ("wgs84", "bd09"), ("bd09", "wgs84"),
        ("gcj02", "bd09"), ("bd09", "gcj02")]  # fmt: skip


def main(count: int = 1_000_000) -> None:
    """Print how many points a second each way converts, and its ratio to both yardsticks."""
    for place, (west, south, east, north) in PLACES.items():
        random = np.random.default_rng(1)
        lon, lat = random.uniform(west, east, count), random.uniform(south, north, count)
        print(f"{count} points {place}, one thread, load {os.getloadavg()[0]:.1f}; ratios of "
              "points a second (more is better)")  # fmt: skip
        proj = transformer(crs("EPSG:4547"), crs("EPSG:4326"))
        middle = transformer(crs("EPSG:4326"), crs("EPSG:4547")).transform(
            random.uniform(112.6, 115.4, count), lat
        )
        yardsticks = (
            timed(lambda: proj.transform(*middle)),  # noqa: B023 - called at once
            timed(lambda: one_step_inverse(lon, lat)),  # noqa: B023
        )
        print(f"  {'':46}{'M points/s':>10} {'× PROJ':>8} {'× one-step':>11}")
        show("PROJ: EPSG:4547 → 4326 (pyproj, zone of 114°)", count, yardsticks[0], yardsticks)
        show("the one-step inverse in common use: gcj02 → wgs84", count, yardsticks[1], yardsticks)
        for source, target in WAYS:
            with compiled.switched_off():
                show(f"{source} → {target}, numpy", count, way(lon, lat, source, target),
                     yardsticks)  # fmt: skip
            if compiled.twin("datum") is not None:
                show(f"{source} → {target}, compiled", count, way(lon, lat, source, target),
                     yardsticks)  # fmt: skip
        errors(lon, lat)
    one_by_one()


def way(x: Floats, y: Floats, source: str, target: str) -> float:
    """Return the seconds that one way takes."""
    return timed(lambda: convert(x, y, source, target))


def errors(lon: Floats, lat: Floats) -> None:
    """Print how far two inverses bring shifted points from where they were."""
    x, y = convert(lon, lat, "wgs84", "gcj02")
    for name, (back_lon, back_lat) in {
        "the one-step inverse": one_step_inverse(x, y),
        "gcj02 → wgs84": convert(x, y, "gcj02", "wgs84"),
        "bd09 → wgs84": convert(*convert(lon, lat, "wgs84", "bd09"), "bd09", "wgs84"),
    }.items():
        metres = distances_m(lon, lat, back_lon, back_lat)
        print(f"  {name:46} off by {metres.max():.2g} m at most, {metres.mean():.2g} m on average")


def one_by_one() -> None:
    """Print how long one point takes."""
    for source in ("gcj02", "bd09"):
        with compiled.switched_off():
            point(f"one point, {source} → wgs84, plain Python", source)
        if compiled.twin("datum") is not None:
            point(f"one point, {source} → wgs84, compiled", source)


def point(what: str, source: str) -> None:
    """Print the microseconds of one conversion."""
    seconds = timed(lambda: [convert_point(111.2, 39.9, source, "wgs84") for _ in range(1000)])
    print(f"  {what:50}{seconds * 1e3:6.1f} µs")


def one_step_inverse(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return WGS 84 as most code has it: what the point would be shifted by, taken away once."""
    x, y, pi, sin = lon - 105.0, lat - 35.0, math.pi, np.sin
    both = 20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (both + 20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (both + 20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    axis, squared, radians = 6378245.0, 0.00669342162296594323, lat / 180.0 * pi
    magic = 1.0 - squared * sin(radians) ** 2
    north *= 180.0 / (axis * (1.0 - squared) / (magic * np.sqrt(magic)) * pi)
    east *= 180.0 / (axis / np.sqrt(magic) * np.cos(radians) * pi)
    return lon - east, lat - north


def timed(work: Callable[[], object]) -> float:
    """Return the best of three runs, in seconds of the thread; the first one warms up."""
    best = float("inf")
    for _ in range(4):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best


def show(what: str, count: int, seconds: float, yardsticks: tuple[float, float]) -> None:
    """Print points a second, and the ratios to the yardsticks'."""
    proj, one_step = (yardstick / seconds for yardstick in yardsticks)
    print(f"  {what:50}{count / seconds / 1e6:6.2f} {proj:8.1f} {one_step:11.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
