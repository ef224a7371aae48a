"""Points of a GeoParquet or Parquet file, some row groups at a time."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS

from layers.errors import FileUnreadable, LayerRefused
from layers.exchange import wkb
from layers.exchange.coordinates import CoordinateColumns, find_columns
from layers.exchange.placing import settle_datum
from layers.exchange.points import BATCH_ROWS, PointBatch, PointSource
from layers.exchange.vector import damaged

_GEO: Final = b"geo"
_NO_GEOMETRY: Final = "it has no geometry, or one that cannot be read (a ring that does not close)"
# pandas writes an index without a name of its own under such a one.
_INDEX: Final = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class _Geometry:
    """The column that holds the points, as the file's own metadata describe it."""

    name: str
    encoding: str
    crs: CRS | None
    others: dict[str, Any]
    """The file's further geometries, as described."""


def open_parquet(
    file: str | BinaryIO, *, name: str, datum: str | None, x: str | None, y: str | None
) -> PointSource:
    """Open a Parquet file by its path, or as a file that can seek.

    Its points are those of its primary geometry, WKB or native, or of two columns of numbers.
    """
    try:
        parquet = pq.ParquetFile(file, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(name) from error
    schema = parquet.schema_arrow
    kept = [i for i, field in enumerate(schema) if not _INDEX.fullmatch(field.name)]
    geometry = _geometry_of(schema, name) if x is None and y is None else None
    columns: tuple[str, str] | None = None
    where: _Geometry | CoordinateColumns
    if geometry is not None:
        where = geometry
    else:
        names = [schema.names[i] for i in kept]
        columns = find_columns(names, x, y, file=name)
        if columns is None:
            raise FileUnreadable(
                f"{name} has no geometry and no columns that are known to hold coordinates. Name "
                f"them with --x and --y. Its columns: {', '.join(names)}."
            )
        where = CoordinateColumns(*columns)
    settled = settle_datum(geometry.crs if geometry else None, datum, file=name)
    own = [i for i in kept if geometry is None or schema.names[i] != geometry.name]
    return PointSource(
        name=name,
        schema=pa.schema([schema.field(i).remove_metadata() for i in own]),
        datum=settled,
        read=lambda: _read(parquet, name, where),
        geometry_at=len(own) if geometry is None else _place_of(schema, geometry.name, own),
        notes=[settled.note] if settled.note else [],
        columns=columns,
        geometries=geometry.others if geometry else {},
        row_count=lambda _: int(parquet.metadata.num_rows),
    )


def _read(
    parquet: pq.ParquetFile, name: str, where: _Geometry | CoordinateColumns
) -> Iterator[PointBatch]:
    row = 0
    try:
        for groups in _runs(parquet.metadata):
            for table in parquet.iter_batches(batch_size=BATCH_ROWS, row_groups=groups):
                yield _batch(_without_index(table), where, row, name)
                row += len(table)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(name) from error


def _batch(
    columns: pa.RecordBatch, where: _Geometry | CoordinateColumns, row: int, name: str
) -> PointBatch:
    if isinstance(where, CoordinateColumns):
        return PointBatch(columns, *where.numbers_of(columns))
    points = columns.column(where.name)
    try:
        x, y = _native(points) if where.encoding == "point" else wkb.coordinates_of(points)
    except LayerRefused as error:
        raise LayerRefused(f"{name}, from row {row + 1} on: {error}") from error
    lost = np.flatnonzero(np.isnan(x) | np.isnan(y))
    problems = {}
    if len(lost):
        missing = points.take(pa.array(lost)).is_null().to_numpy(zero_copy_only=False)
        problems = dict.fromkeys(lost[missing].tolist(), _NO_GEOMETRY)
    return PointBatch(columns.drop_columns([where.name]), x, y, problems)


def _native(points: pa.Array) -> tuple[Any, Any]:
    """Return the coordinates of points that are kept as x and y."""
    if not pa.types.is_struct(points.type):
        raise LayerRefused("its geometry is none that GeoParquet describes.")
    both = []
    for axis in ("x", "y"):
        values = points.field(axis).to_numpy(zero_copy_only=False).astype(np.float64)
        values[points.is_null().to_numpy(zero_copy_only=False)] = np.nan
        both.append(values)
    return both[0], both[1]


def _runs(metadata: pq.FileMetaData) -> Iterator[list[int]]:
    """Yield row groups that together have enough rows to be worth a batch."""
    groups: list[int] = []
    rows = 0
    for i in range(metadata.num_row_groups):
        groups.append(i)
        rows += metadata.row_group(i).num_rows
        if rows >= BATCH_ROWS:
            yield groups
            groups, rows = [], 0
    if groups:
        yield groups


def _without_index(table: pa.RecordBatch) -> pa.RecordBatch:
    names = [name for name in table.schema.names if _INDEX.fullmatch(name)]
    return table.drop_columns(names) if names else table


def _place_of(schema: pa.Schema, geometry: str, own: list[int]) -> int:
    """Return before which of its own columns a file's geometry stands."""
    at = schema.names.index(geometry)
    return sum(i < at for i in own)


def _geometry_of(schema: pa.Schema, name: str) -> _Geometry | None:
    """Return the primary geometry; None for a plain Parquet."""
    text = (schema.metadata or {}).get(_GEO)
    if text is None:
        return None
    try:
        geo = json.loads(text)
        primary = geo["primary_column"]
        column = geo["columns"][primary]
        encoding = str(column["encoding"])
        crs = column.get("crs", "OGC:CRS84")
        declared = None if crs is None else CRS.from_user_input(crs)
    except (ValueError, KeyError, TypeError) as error:
        raise FileUnreadable(f"{name}: its GeoParquet metadata are damaged.") from error
    if primary not in schema.names:
        raise FileUnreadable(f"{name} has no column {primary}, which its metadata name.")
    if encoding.lower() not in ("wkb", "point"):
        raise LayerRefused(f"{name} holds {encoding}s. Only points can be routed.")
    others = {other: about for other, about in geo["columns"].items() if other != primary}
    return _Geometry(primary, encoding.lower(), declared, others)
