"""Whoever can say which grid a point lies in: ours, and what else one would take.

All answer alike: with the position of the first grid that covers each point. Grids are in the order
of their codes. Points are handed over before the clock starts, as each would have them: two arrays,
or a table of numbers in the database.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import duckdb_extension_spatial
import geopandas as gpd
import numpy as np
import pyarrow as pa
import sedonadb
import shapely
from numpy.typing import NDArray

from gis import compiled
from gis.compiled.jit import jit
from gis.geometry import OUTSIDE, Degrees, Geometries, Positions
from gis.ownership import GridIndex
from layers.cluster import scratch_cluster
from tests.postgis import reachable_folder
from tests.real.partitions import COVERS, DISJOINT, owners_by_sql, stored


class Peer(Protocol):
    """One who answers."""

    name: str
    least: int
    """How many points it gets however slow it is: as many as it was made for."""

    def take(self, lon: Degrees, lat: Degrees) -> None:
        """Take the points; this is not measured."""

    def answer(self) -> Any:
        """Find the owners; this is."""

    def owners(self, answer: Any) -> Positions:
        """Return what was answered as positions, one for each point; this is not measured."""


class Arrays:
    """Peers that take two arrays."""

    name = ""
    least = 250

    def take(self, lon: Degrees, lat: Degrees) -> None:
        self.lon, self.lat = lon, lat

    def owners(self, answer: Any) -> Positions:
        return np.asarray(answer, dtype=np.intp)

    def first(self, point: NDArray[Any], grid: NDArray[Any]) -> Positions:
        """Return the first grid of each point, from pairs."""
        least = np.iinfo(np.intp).max
        best = np.full(len(self.lon), least, dtype=np.intp)
        np.minimum.at(best, point, grid)
        return np.where(best == least, OUTSIDE, best)


class Ours(Arrays):
    """The index of the product."""

    def __init__(self, index: GridIndex, *, threads: int = 1, plain: bool = False) -> None:
        self.index, self.threads, self.plain = index, threads, plain
        self.least = 20_000 if plain else 1 << 60  # all of them
        how = "without compiled code" if plain else f"compiled, {threads} thread"
        self.name = f"GridIndex, {how}{'s' if threads > 1 else ''}"

    def answer(self) -> Positions:
        with compiled.switched_off() if self.plain else contextlib.nullcontext():
            return self.index.owners(self.lon, self.lat, threads=self.threads)


class Bound(Arrays):
    """One look into a raster of the index's own size: not an answer, but nobody can be faster."""

    name = "bound: one raster lookup a point"
    least = 1 << 60

    def __init__(self, index: GridIndex) -> None:
        self.frame, self.cells = index._cells.frame, index._cells.cells

    def answer(self) -> Positions:
        f = self.frame
        scale = (f.west, f.south, f.columns_a_degree, f.rows_a_degree)
        out = np.empty(len(self.lon), dtype=np.intp)
        _look(self.lon, self.lat, scale, (f.columns, f.rows), self.cells, out)
        return out


@jit
def _look(
    lon: Degrees,
    lat: Degrees,
    scale: tuple[float, float, float, float],
    size: tuple[int, int],
    cells: NDArray[np.int32],
    out: Positions,
) -> None:
    west, south, across, up = scale
    columns, rows = size
    for i in range(len(lon)):
        x, y = (lon[i] - west) * across, (lat[i] - south) * up
        inside = 0 <= x < columns and 0 <= y < rows
        out[i] = cells[int(y) * columns + int(x)] if inside else -1


class Tree(Arrays):
    """shapely's tree: the yardstick. What is nowhere is kept from it."""

    name = "shapely.STRtree, intersects"

    def __init__(self, geometries: Geometries) -> None:
        self.tree = shapely.STRtree(geometries)
        self.tree.query(shapely.Point(0, 0))

    def take(self, lon: Degrees, lat: Degrees) -> None:
        super().take(lon, lat)
        self.finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        self.x, self.y = lon[self.finite], lat[self.finite]

    def answer(self) -> Any:
        return self.tree.query(shapely.points(self.x, self.y), predicate="intersects")

    def owners(self, answer: Any) -> Positions:
        point, grid = answer
        return self.first(self.finite[point], grid)


class Join(Tree):
    """geopandas' spatial join."""

    name = "geopandas.sjoin"
    least = 20_000

    def __init__(self, geometries: Geometries) -> None:
        self.grids = gpd.GeoDataFrame(geometry=geometries, crs=4490)

    def answer(self) -> Any:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(self.x, self.y), crs=4490)
        return gpd.sjoin(points, self.grids, predicate="intersects", how="inner")

    def owners(self, answer: Any) -> Positions:
        return self.first(
            self.finite[answer.index.to_numpy()], answer["index_right"].to_numpy(dtype=np.intp)
        )


_JOIN: Final = """
    SELECT p.i AS point, min(g.i) AS grid
    FROM (SELECT i, ST_Point(x, y) AS here FROM p) AS p
    JOIN g ON ST_Intersects(g.boundary, p.here) GROUP BY p.i
"""


class Duck(Tree):
    """DuckDB's spatial join."""

    name = "DuckDB, spatial join, 2 threads"
    least = 20_000

    def __init__(self, geometries: Geometries) -> None:
        folder = Path(duckdb_extension_spatial.__file__).parent
        extension = next(folder.rglob("*.duckdb_extension"))
        config = {"allow_unsigned_extensions": "true", "threads": "2"}
        self.connection = duckdb.connect(config=config)
        self.connection.execute(f"LOAD '{extension}'")
        self.connection.register("grids", _table(geometries))
        self.connection.execute(
            "CREATE TABLE g AS SELECT i, ST_GeomFromWKB(wkb) AS boundary FROM grids"
        )

    def take(self, lon: Degrees, lat: Degrees) -> None:
        super().take(lon, lat)
        self.connection.register("places", _places(self.x, self.y))
        self.connection.execute("CREATE OR REPLACE TABLE p AS SELECT * FROM places")

    def answer(self) -> Any:
        return self.connection.execute(_JOIN).fetchnumpy()

    def owners(self, answer: Any) -> Positions:
        return self.first(self.finite[answer["point"]], answer["grid"])


class Sedona(Tree):
    """SedonaDB's spatial join."""

    name = "SedonaDB, spatial join"
    least = 20_000

    def __init__(self, geometries: Geometries) -> None:
        self.database = sedonadb.connect()
        self.database.create_data_frame(_table(geometries)).to_view("grids", overwrite=True)
        made = self.database.sql("SELECT i, ST_GeomFromWKB(wkb) AS boundary FROM grids")
        made.to_memtable().to_view("g", overwrite=True)

    def take(self, lon: Degrees, lat: Degrees) -> None:
        super().take(lon, lat)
        self.database.create_data_frame(_places(self.x, self.y)).to_view("p", overwrite=True)

    def answer(self) -> Any:
        return pa.RecordBatchReader.from_stream(self.database.sql(_JOIN)).read_all()

    def owners(self, answer: Any) -> Positions:
        return self.first(self.finite[answer["point"].to_numpy()], answer["grid"].to_numpy())


class PostGis(Tree):
    """A statement to a PostGIS on the same machine, for all points at once."""

    def __init__(self, cursor: Any, covering: str, name: str) -> None:
        self.cursor, self.covering, self.name = cursor, covering, name

    def answer(self) -> Any:
        return owners_by_sql(self.cursor, self.x, self.y, self.covering)

    def owners(self, answer: Any) -> Positions:
        found = np.full(len(self.lon), OUTSIDE, dtype=np.intp)
        found[self.finite] = answer
        return found


@contextlib.contextmanager
def databases(codes: list[str], geometries: Geometries) -> Iterator[list[Peer]]:
    """Run a PostGIS that holds the grids."""
    with (
        reachable_folder("lianxin-bench-") as home,
        scratch_cluster(home / "data") as server,
        stored(server.url, codes, geometries) as cursor,
    ):
        yield [
            PostGis(cursor, COVERS, "PostGIS, ST_Covers by GiST"),
            PostGis(cursor, DISJOINT, "PostGIS, the store's statement"),
        ]


def _table(geometries: Geometries) -> pa.Table:
    return pa.table({"i": np.arange(len(geometries)), "wkb": shapely.to_wkb(geometries)})


def _places(x: Degrees, y: Degrees) -> pa.Table:
    return pa.table({"i": np.arange(len(x)), "x": x, "y": y})
