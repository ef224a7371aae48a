"""How often ``ST_Covers`` errs, and what not to err costs: ``python -m tests.real.predicates``.

Errors are counted against rational arithmetic; of the costs only the ratio is to be trusted. Points
are hard ones all over each layer, and others on its longest edges, where rounding reaches farthest.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from gis.geometry import Degrees, Geometries
from gis.testing import owners_exactly
from layers.cluster import scratch_cluster
from tests.benchmarks.tessellation import points, tessellation
from tests.postgis import reachable_folder
from tests.real.partitions import COVERS, DISJOINT, LAYERS, owners_by_sql, real_grids, stored

COUNT = 4000
Layer = tuple[str, list[str], Geometries]


def layers(folder: Path) -> Iterator[Layer]:
    """Yield the real layers, tessellations, and one of these moved to the equator and Greenwich."""
    for name in LAYERS if folder.exists() else ():
        codes, shapes = real_grids(folder, name)
        sound = shapely.is_valid(shapes)
        yield name, np.array(codes)[sound].tolist(), shapes[sound]
    codes, shapes = tessellation(1000)
    yield "1,000 grids at 111° E", codes, shapes
    moved = shapely.transform(shapes, lambda at: at - np.array([111.2, 39.9]))
    sound = shapely.is_valid(moved)
    yield "the same at (0, 0)", np.array(codes)[sound].tolist(), moved[sound]


def on_long_edges(shapes: Geometries, count: int) -> tuple[Degrees, Degrees]:
    """Return points on the twenty longest edges, as near as floats can be."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    at, ring = shapely.get_coordinates(rings, return_index=True)
    a, b = (part[ring[1:] == ring[:-1]] for part in (at[:-1], at[1:]))
    longest = np.argsort(np.hypot(*(b - a).T))[-20:]
    random = np.random.default_rng(1)
    edge = random.choice(longest, count)
    found = a[edge] + random.random((count, 1)) * (b - a)[edge]
    return found[:, 0], found[:, 1]


def main() -> None:
    """Print the table."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LIANXIN_SHARED_DATA", default))
    print(f"wrong owners among {COUNT:,} points each, and µs a point with a GiST index\n")
    print(f"{'':24}{'hard points, wrong by':^24}{'on long edges, wrong by':^24}{'µs a point':^31}")
    print(f"{'':24}" + f"{'ST_Covers':>12}{'ST_Disjoint':>12}" * 3 + f"{'ratio':>7}")
    with reachable_folder("lianxin-bench-") as home, scratch_cluster(home / "data") as server:
        for name, codes, shapes in layers(folder):
            with stored(server.url, codes, shapes) as cursor:
                cells, cost = [], {COVERS: 0.0, DISJOINT: 0.0}
                hard, long = points("adversarial", COUNT, shapes), on_long_edges(shapes, COUNT)
                for at in (hard, long):
                    lon, lat = np.array(at)[:, np.isfinite(at).all(axis=0)]
                    right = owners_exactly(codes, shapes, lon, lat)
                    for covering in (COVERS, DISJOINT):
                        began = time.perf_counter()
                        found = owners_by_sql(cursor, lon, lat, covering)
                        cost[covering] += (time.perf_counter() - began) / COUNT / 2 * 1e6
                        cells.append(int((found != right).sum()))
            print(f"{name:24}" + "".join(f"{cell:>12,}" for cell in cells)
                  + f"{cost[COVERS]:>12.0f}{cost[DISJOINT]:>12.0f}"
                  + f"{cost[DISJOINT] / cost[COVERS]:>7.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
