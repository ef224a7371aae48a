"""Bulk loading: an Arrow table becomes rows of a PostgreSQL table by COPY in its binary form.

The bytes of a whole batch are made column by column in Arrow and NumPy, never row by row in
Python; geometry goes in as EWKB. The layout is PostgreSQL's own:
https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from psycopg import sql

from gis.crs import STORAGE_SRID
from gis.geometry import Geometries

BATCH_ROWS = 50_000

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = np.array(-1, dtype=">i4").tobytes()
_EPOCH_2000_US = 946_684_800_000_000

_FIXED = {
    pa.int16(): ">i2",
    pa.int32(): ">i4",
    pa.int64(): ">i8",
    pa.float64(): ">f8",
    pa.bool_(): "?",
    pa.timestamp("us", tz="UTC"): ">i8",
}

_SQL_TYPES = {
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.timestamp("us", tz="UTC"): "timestamptz",
    pa.string(): "text",
    pa.large_string(): "text",
    pa.binary(): "geometry",
    pa.large_binary(): "geometry",
}


def ewkb(geometries: Geometries) -> pa.Array:
    """Write geometries as EWKB in the storage CRS; None stays null."""
    marked = shapely.set_srid(geometries, STORAGE_SRID)
    return pa.array(shapely.to_wkb(marked, include_srid=True, byte_order=1), type=pa.large_binary())


def point_ewkb(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> pa.Array:
    """Write points as EWKB without making a geometry of each; a NaN coordinate becomes null."""
    layout = np.dtype(
        [("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("x", "<f8"), ("y", "<f8")]
    )
    records = np.empty(len(lon), dtype=layout)
    records["order"] = 1
    records["type"] = 0x20000001  # point, with SRID
    records["srid"] = STORAGE_SRID
    records["x"], records["y"] = lon, lat
    known = np.isfinite(lon) & np.isfinite(lat)
    return _fixed_binary(records, known)


def create_staging(connection: psycopg.Connection[Any], name: str, schema: pa.Schema) -> None:
    """Make an empty temporary table with the columns of ``schema``; it is gone at commit.

    One that an earlier step of the same transaction left is replaced.
    """
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_SQL_TYPES[field.type]))
        for field in schema
    )
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("pg_temp", name)))
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier(name), columns
        )
    )


def copy_table(
    connection: psycopg.Connection[Any],
    name: str,
    table: pa.Table,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Append the rows of ``table`` to the database table ``name``, columns found by name."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    )
    done = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEADER)
        for batch in table.to_batches(max_chunksize=BATCH_ROWS):
            copy.write(_rows(batch))
            done += batch.num_rows
            if progress is not None:
                progress(done)
        copy.write(_TRAILER)


def stage(
    connection: psycopg.Connection[Any],
    name: str,
    table: pa.Table,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Make the temporary table ``name``, fill it, and let the planner know its size."""
    create_staging(connection, name, table.schema)
    copy_table(connection, name, table, progress)
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _rows(batch: pa.RecordBatch) -> memoryview:
    """Return the bytes of a batch: for each row the field count, then length and value of each."""
    count = np.array(batch.num_columns, dtype=">i2").tobytes()
    pieces: list[Any] = [pa.scalar(count, pa.large_binary())]
    for column in batch.columns:
        pieces.extend(_field(column))
    joined = pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.large_binary()))
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int64)
    start, end = offsets[joined.offset], offsets[joined.offset + len(joined)]
    return memoryview(joined.buffers()[2])[start:end]


def _field(column: pa.Array) -> list[pa.Array]:
    """Return the byte columns that stand for one column: its length, and its value."""
    if column.type in _FIXED:
        return [_fixed_field(column)]
    data = column.cast(pa.large_string()).cast(pa.large_binary()) if _is_text(column) else column
    data = data.cast(pa.large_binary())
    known = _known(column)
    lengths = pc.fill_null(pc.binary_length(data), -1).to_numpy(zero_copy_only=False)
    lengths = lengths.astype(">i4")
    every = np.ones(len(known), dtype=bool)
    return [_fixed_binary(lengths, every), pc.fill_null(data, b"")]


def _fixed_field(column: pa.Array) -> pa.Array:
    """Return length and value of a column whose values all have one width; null is -1 alone."""
    form = _FIXED[column.type]
    known = _known(column)
    if pa.types.is_timestamp(column.type):
        values = pc.fill_null(column.cast(pa.int64()), _EPOCH_2000_US)
        values = values.to_numpy(zero_copy_only=False) - _EPOCH_2000_US
    else:
        zero = pa.scalar(0).cast(column.type)
        values = pc.fill_null(column, zero).to_numpy(zero_copy_only=False)
    width = np.dtype(form).itemsize
    records = np.empty(len(column), dtype=np.dtype([("length", ">i4"), ("value", form)]))
    records["length"], records["value"] = width, values
    return pc.fill_null(_fixed_binary(records, known), _NULL)


def _fixed_binary(records: NDArray[Any], known: NDArray[np.bool_]) -> pa.Array:
    """View an array of records as byte strings of one width; null where not known."""
    width = records.dtype.itemsize
    records = np.ascontiguousarray(records)
    offsets = np.arange(0, (len(records) + 1) * width, width, dtype=np.int64)
    mask = None if known.all() else pa.array(known)
    validity = None if mask is None else mask.buffers()[1]
    return pa.Array.from_buffers(
        pa.large_binary(),
        len(records),
        [validity, pa.py_buffer(offsets), pa.py_buffer(records)],
    )


def _known(column: pa.Array) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return known


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
