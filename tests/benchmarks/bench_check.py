"""The check of a coverage, against a naive one over the same grids in the same run.

The naive check looks at every pair of grids that an STRtree finds to overlap, measures what they
share, and takes the holes of the union of all as gaps. Some grids are made to overlap, and some
shrunk so as to leave gaps, by a seed; both checks must find as many. The numbers of grids come from
the command line; the naive check is left out above LIANXIN_BENCH_NAIVE (20,000) grids.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from shapely import STRtree

from gis.coverage import check_grids
from gis.geometry import Geometries
from gis.measure import areas_m2
from tests.benchmarks.tessellation import tessellation

SIZES = (2_000, 10_000, 200_000)
NAIVE = int(os.environ.get("LIANXIN_BENCH_NAIVE", "20000"))
FLAWED = 0.005
"""The share of grids of which each is made wider or narrower."""


def main() -> None:
    """Print a table: grids, vertices, flaws, seconds of each, and their ratio."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print(f"{'grids':>9}{'vertices':>12}  {'':<7}{'overlaps':>9}{'gaps':>7}"
          f"{'check':>9}{'naive':>9}{'ratio':>8}")  # fmt: skip
    for size in sizes:
        codes, clean = tessellation(size)
        for name, grids in (("clean", clean), ("flawed", flawed(clean))):
            _measure(name, codes, grids)


def _measure(name: str, codes: list[str], grids: Geometries) -> None:
    found, ours = _timed(lambda: check_grids(codes, grids))
    rules = Counter(finding.rule for finding in found)
    line = (
        f"{len(grids):>9,}{int(shapely.get_num_coordinates(grids).sum()):>12,}  {name:<7}"
        f"{rules['overlap']:>9,}{rules['gap']:>7,}{ours:>7.2f} s"
    )
    if len(grids) > NAIVE:
        print(line)
        return
    (overlaps, gaps), naive = _timed(lambda: naive_check(grids))
    agree = "" if overlaps == _pairs(found) else f"  naive finds {overlaps} overlaps"
    agree += "" if gaps == rules["gap"] else f"  naive finds {gaps} gaps"
    print(f"{line}{naive:>7.2f} s{naive / ours:>7.1f}×{agree}")


def _pairs(found: list) -> int:  # type: ignore[type-arg]
    """Return how many pairs of grids overlap by an area above the tolerance."""
    areal = [f for f in found if f.rule in ("overlap", "sliver") and f.unit == "m²"]
    return len({f.codes for f in areal if "overlap" in f.message_en or "share" in f.message_en})


def naive_check(grids: Geometries) -> tuple[int, int]:
    """Return how many pairs overlap, and how many holes their union has, above a square metre."""
    one, two = STRtree(grids).query(grids, predicate="overlaps")
    one, two = one[one < two], two[one < two]
    shared = areas_m2(shapely.intersection(grids[one], grids[two]))
    union = shapely.union_all(grids, grid_size=1e-9)
    rings = [ring for part in shapely.get_parts(union) for ring in part.interiors]
    holes = shapely.union_all(shapely.polygons(rings)) if rings else shapely.Polygon()
    gaps = areas_m2(shapely.get_parts(shapely.difference(holes, union)))
    return int((shared > 1).sum()), int((gaps > 1).sum())


def flawed(grids: Geometries, seed: int = 4) -> Geometries:
    """Return the grids with some grown over their neighbours, and some shrunk away from them."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(grids), max(int(2 * FLAWED * len(grids)), 2), replace=False)
    wider, narrower = np.array_split(chosen, 2)
    made = grids.copy()
    size = np.sqrt(np.maximum(shapely.area(grids), 1e-12))
    made[wider] = shapely.buffer(grids[wider], 0.02 * size[wider], quad_segs=1)
    made[narrower] = shapely.buffer(grids[narrower], -0.02 * size[narrower], quad_segs=1)
    return made


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


if __name__ == "__main__":
    main()
