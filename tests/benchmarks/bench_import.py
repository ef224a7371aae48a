"""Import of households, against ``geopandas.to_postgis`` on the same server in the same run.

The yardstick writes the rows into a bare table of its own; the import checks each value, finds
each owner among the grids in force, and merges into a table with its keys, constraints and
indexes. The number of households comes from the command line or LIANXIN_BENCH_ROWS.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from layers.actions.import_layer import ImportOptions, LayerName, import_layer
from layers.actions.publish_edition import publish_edition
from layers.cluster import scratch_cluster
from layers.database import check_server, upgrade
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer
from layers.session import Database, open_database
from layers.settings import Settings
from layers.vocabulary import CodeScheme

ROWS = 1_000_000
SIDE = 45
"""Grids on a side of the town: 2,025 in all."""

WEST, SOUTH, SIZE = 111.1, 39.8, 0.2
FREE = ImportOptions(scheme=CodeScheme.FREE)


def main() -> None:
    """Print a table: what was done, how long it took, rows a second, ratio to the yardstick."""
    rows = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LIANXIN_BENCH_ROWS", ROWS))
    with tempfile.TemporaryDirectory(prefix="lianxin-bench-") as folder:
        Path(folder).chmod(0o755)
        with scratch_cluster(Path(folder) / "data") as cluster:
            database = open_database(Settings(database_url=cluster.url))
            check_server(database.engine)
            upgrade(database.engine)
            _measure(database, rows)
            database.close()


def _measure(database: Database, rows: int) -> None:
    edition = _load(database, LayerName.GRIDS, _grids()).edition_id
    assert edition is not None
    publish_edition(database, edition)
    households = _households(rows)
    frame = households.frame
    yardstick = _timed(
        lambda: frame.to_postgis("yardstick", database.engine, chunksize=100_000, index=False)
    )
    steps = [
        ("geopandas.to_postgis", yardstick),
        ("import, all new", _timed(lambda: _load(database, LayerName.HOUSEHOLDS, households))),
        (
            "import again, nothing new",
            _timed(lambda: _load(database, LayerName.HOUSEHOLDS, households)),
        ),
    ]
    second = _load(database, LayerName.GRIDS, _grids(prefix="N")).edition_id
    assert second is not None
    steps.append(("publish, all owners new", _timed(lambda: publish_edition(database, second))))
    print(f"import of {rows:,} households into 2,025 grids")
    for name, seconds in steps:
        print(
            f"{name:<28}{seconds:>8.2f} s{rows / seconds:>12,.0f} rows/s"
            f"{seconds / yardstick:>8.2f} × the yardstick's time"
        )


def _load(database: Database, layer: LayerName, source: SourceLayer):  # type: ignore[no-untyped-def]
    report = import_layer(database, layer, source, ColumnMapping(), options=FREE)
    assert not report.rejects, report.rejects[0]
    return report


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _grids(prefix: str = "G", moved: float = 0.0) -> SourceLayer:
    """Cut the square into grids; every tenth line from north to south is moved eastwards."""
    west, south = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    edges = np.linspace(0, SIZE, SIDE + 1)
    lines = edges + np.where(np.arange(SIDE + 1) % 10 == 5, moved * SIZE / SIDE, 0.0)
    boxes = shapely.box(
        WEST + lines[west], SOUTH + edges[south], WEST + lines[west + 1], SOUTH + edges[south + 1]
    ).ravel()
    codes = [f"{prefix}{number:05d}" for number in range(len(boxes))]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=boxes, crs="EPSG:4490")
    return SourceLayer(frame, np.arange(1, len(frame) + 1), "grids", "cgcs2000")


def _households(count: int) -> SourceLayer:
    chance = np.random.default_rng(150622)
    lon = WEST + chance.random(count) * SIZE
    lat = SOUTH + chance.random(count) * SIZE
    number = np.arange(count)
    frame = gpd.GeoDataFrame(
        {
            "code": [f"150622003003{n:09d}" for n in number],
            "unit": (number % 4 + 1).astype(str),
            "floor": number % 18 + 1,
            "room": (100 + number % 7).astype(str),
            "resident_count": number % 6,
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs="EPSG:4490",
    )
    return SourceLayer(frame, number + 1, "households", "cgcs2000")


if __name__ == "__main__":
    main()
