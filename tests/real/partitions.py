"""Layers of real outlines as grids, and their owners as a database names them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from gis.geometry import OUTSIDE, Degrees, Geometries, Positions
from layers.exchange.reader import read_layer

_AREAS = "cases/baltimore_areas_epsg2804.gpkg"
LAYERS: Final = {
    "blocks": "partitions/baltimore_census_blocks_2020.gpkg",
    "tracts": "partitions/baltimore_census_tracts_2010.geojson",
    "tottori": "partitions/tottori_chome_2015_shp_cp932.zip",
    "neighborhoods_2010": f"{_AREAS}:neighborhoods_2010",
    "neighborhoods_2020": f"{_AREAS}:neighborhoods_2020",
    "council": f"{_AREAS}:council_districts",
    "police_1959": f"{_AREAS}:police_districts_1959_2022",
    "police_2023": f"{_AREAS}:police_districts_2023",
    "bayreuth buildings": "buildings/bayreuth_north_osm.gpkg:buildings",
    "shanghai buildings": "buildings/shanghai_osm_tiles_buildings.geojson",
}
"""Each layer's file below the folder of real data."""

DISJOINT: Final = "boundary && here AND NOT ST_Disjoint(boundary, here)"
"""How the store asks which grids cover a point (:func:`layers.store.territory.owning_grid`)."""

COVERS: Final = "ST_Covers(boundary, here)"
"""The short way to say it, which rounds."""


def real_grids(folder: Path, name: str) -> tuple[list[str], Geometries]:
    """Return one layer's outlines, each a grid with a code whose order is not the rows'."""
    frame = read_layer(f"{folder / LAYERS[name]}").frame
    shapes = frame.geometry.to_numpy()
    shapes = shapes[np.isin(shapely.get_type_id(shapes), (3, 6))]
    order = np.random.default_rng(len(shapes)).permutation(len(shapes))
    return [f"R{number:06d}" for number in order], shapes


@contextmanager
def stored(url: str, codes: list[str], geometries: Geometries) -> Iterator["psycopg.Cursor[Any]"]:
    """Keep grids in a table of an empty database while the block runs."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS postgis")
        cursor.execute("DROP TABLE IF EXISTS asked")
        cursor.execute(
            'CREATE TABLE asked (number int, code text COLLATE "C", '
            "boundary geometry(Geometry, 4490))"
        )
        with cursor.copy("COPY asked FROM STDIN") as copy:
            shapes = shapely.to_wkb(shapely.set_srid(geometries, 4490), hex=True, include_srid=True)
            for row in enumerate(zip(codes, shapes, strict=True)):
                copy.write_row((row[0], *row[1]))
        cursor.execute("CREATE INDEX ON asked USING gist (boundary)")
        cursor.execute("VACUUM ANALYZE asked")
        yield cursor


def owners_by_sql(
    cursor: "psycopg.Cursor[Any]", lon: Degrees, lat: Degrees, covering: str = DISJOINT
) -> Positions:
    """Return the position of the grid that the database names as each finite point's owner."""
    cursor.execute(
        f"""SELECT coalesce(owner.number, {OUTSIDE})
        FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS place (lon, lat, number)
        CROSS JOIN LATERAL (SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4490) AS here) AS point
        LEFT JOIN LATERAL (
            SELECT number FROM asked WHERE {covering} ORDER BY code LIMIT 1
        ) AS owner ON true ORDER BY place.number""",  # noqa: S608 - one of the two above
        (lon.tolist(), lat.tolist()),
    )
    return np.array([owner for (owner,) in cursor.fetchall()], dtype=np.intp)


def owners_by_geos(
    codes: list[str], geometries: Geometries, lon: Degrees, lat: Degrees
) -> Positions:
    """Return the lowest code among the grids that cover each finite point, by shapely."""
    points = shapely.points(lon, lat)
    point, grid = shapely.STRtree(geometries).query(points, predicate="covered_by")
    by_code = np.argsort(codes)
    rank: NDArray[np.intp] = np.argsort(by_code)
    best = np.full(len(lon), len(codes))
    np.minimum.at(best, point, rank[grid])
    return np.append(by_code, OUTSIDE)[best]
