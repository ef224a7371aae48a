"""Owners of many places at once, computed in memory and brought back by COPY."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from gis.geometry import OUTSIDE, Degrees, Positions
from layers.actions.boundaries import InForce
from layers.actions.importing.staging import tell_planner
from layers.exchange.copy import copy_table, create_staging
from layers.exchange.progress import Progress

CHUNK_ROWS = 100_000

_PLACES = {"buildings": "anchor", "households": "location"}


@dataclass(frozen=True)
class OwnerColumns:
    """The two columns that say who owns a place; null together where nobody does."""

    columns: dict[str, pa.Array]
    owned: NDArray[np.bool_]


def owner_columns(in_force: InForce | None, lon: Degrees, lat: Degrees) -> OwnerColumns:
    """Compute who owns each place under the edition in force; nobody, where there is none."""
    if in_force is None:
        positions = np.full(len(lon), OUTSIDE, dtype=np.intp)
        return _columns(positions, (), ())
    positions = in_force.grids.owners(lon, lat)
    return _columns(positions, in_force.grids.codes, in_force.grid_paths)


def _columns(positions: Positions, codes: tuple[str, ...], paths: tuple[str, ...]) -> OwnerColumns:
    owned = positions != OUTSIDE
    taken = pa.array(positions, mask=~owned)
    text = pa.large_string()
    return OwnerColumns(
        {
            "grid_code": pa.array(codes, type=text).take(taken),
            "path": pa.array(paths, type=text).take(taken),
        },
        owned,
    )


def own_again(
    connection: psycopg.Connection[Any], table: str, in_force: InForce, progress: Progress
) -> int:
    """Give every place of ``table`` its owner under ``in_force``; return how many rows changed."""
    places = sql.Identifier(_PLACES[table])
    name = f"owners_of_{table}"
    total = 0
    created = False
    with connection.cursor(name=f"places_of_{table}", binary=True) as cursor:
        cursor.itersize = CHUNK_ROWS
        cursor.execute(
            sql.SQL(
                "SELECT code, ST_X({places}), ST_Y({places}) FROM {table} ORDER BY code"
            ).format(places=places, table=sql.Identifier(table))
        )
        while rows := cursor.fetchmany(CHUNK_ROWS):
            codes, lon, lat = zip(*rows, strict=True)
            owners = owner_columns(in_force, np.array(lon), np.array(lat))
            chunk = pa.table({"code": pa.array(codes, type=pa.large_string()), **owners.columns})
            if not created:
                create_staging(connection, name, chunk.schema)
                created = True
            copy_table(connection, name, chunk)
            total += len(rows)
            progress(f"owners of {table}", total, None)
    if not created:
        return 0
    progress(f"storing owners of {table}", 0, total)
    staged = sql.Identifier(name)
    connection.execute(sql.SQL("ANALYZE {}").format(staged))
    changed = connection.execute(
        sql.SQL(
            "UPDATE {table} AS t SET grid_code = s.grid_code, path = s.path"
            " FROM {staged} AS s WHERE s.code = t.code"
            " AND (t.grid_code, t.path) IS DISTINCT FROM (s.grid_code, s.path)"
        ).format(table=sql.Identifier(table), staged=staged)
    )
    tell_planner(connection, table, changed.rowcount)
    return changed.rowcount
