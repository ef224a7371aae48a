"""Where routed points go, batch by batch: CSV, GeoParquet, or any format that is written whole."""

import codecs
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from gis.crs import STORAGE_CRS
from layers.exchange import wkb
from layers.exchange.points import PointSource, RoutedBatch
from layers.exchange.writer import write_layer

_GEOMETRY: Final = "geometry"
_QUOTED: Final = b'"\r\n'
_TEXT: Final = pa.large_string()


class Sink(Protocol):
    """Takes routed batches: ``encode`` in any thread, ``write`` in one and in order."""

    def encode(self, batch: RoutedBatch) -> Any:
        """Return a batch in the form in which it is written."""

    def write(self, encoded: Any) -> None:
        """Write what ``encode`` made."""

    def close(self) -> tuple[str, ...]:
        """Write what stands at the end; return what had to be done to names, in words."""


class CsvSink:
    """Rows of text: every value as it was read, quoted only where it must be."""

    def __init__(self, file: BinaryIO, names: Sequence[str], delimiter: str, encoding: str) -> None:
        self._file = file
        self._delimiter = delimiter
        file.write(codecs.BOM_UTF8 if encoding == "utf-8-sig" else b"")
        file.write(self._lines([pa.array([name]) for name in names]))

    def encode(self, batch: RoutedBatch) -> memoryview:
        """Return the rows as bytes."""
        return self._lines([*batch.columns.columns, *batch.added])

    def write(self, encoded: memoryview) -> None:
        """Write the rows."""
        self._file.write(encoded)

    def close(self) -> tuple[str, ...]:
        """Return nothing: all is written."""
        return ()

    def _lines(self, columns: Sequence[pa.Array]) -> memoryview:
        """Join columns to lines; no value becomes a Python object."""
        texts = [self._quoted(as_text(column)) for column in columns]
        texts[-1] = pc.binary_join_element_wise(texts[-1], _scalar("\n"), _scalar(""))
        lines = pc.binary_join_element_wise(*texts, _scalar(self._delimiter))
        if not len(lines):
            return memoryview(b"")
        start, end = _span(lines)
        return memoryview(lines.buffers()[2])[start:end]

    def _quoted(self, texts: pa.Array) -> pa.Array:
        """Put quotation marks around the values that hold a delimiter, a mark or a line end."""
        special = _QUOTED + self._delimiter.encode()
        if not _holds_any(texts, special):
            return texts
        marked = pc.match_substring_regex(texts, f"[{special.decode()}]")
        doubled = pc.replace_substring(texts, '"', '""')
        quoted = pc.binary_join_element_wise(_scalar('"'), doubled, _scalar('"'), _scalar(""))
        return pc.if_else(marked, quoted, texts)


class GeoParquetSink:
    """GeoParquet with points in the storage CRS; the metadata know the bounds of all of them."""

    def __init__(self, file: str | BinaryIO, source: PointSource, added: pa.Schema) -> None:
        fields = _own_fields(source)
        fields.insert(source.geometry_at, pa.field(_GEOMETRY, pa.binary()))
        self._schema = pa.schema([*fields, *added])
        self._source = source
        self._west = self._south = np.inf
        self._east = self._north = -np.inf
        # Words repeat, numbers and geometries do not: to look for repetitions there costs most.
        words = [field.name for field in self._schema if _is_text(field.type)]
        compared = [name for name in self._schema.names if name != _GEOMETRY]
        self._writer = pq.ParquetWriter(
            file, self._schema, compression="snappy", use_dictionary=words,
            write_statistics=compared,
        )  # fmt: skip

    def encode(self, batch: RoutedBatch) -> tuple[pa.RecordBatch, RoutedBatch]:
        """Return the batch with its points as WKB."""
        columns = list(batch.columns.columns)
        columns.insert(self._source.geometry_at, wkb.point_column(batch.lon, batch.lat))
        rows = pa.RecordBatch.from_arrays([*columns, *batch.added], schema=self._schema)
        return rows, batch

    def write(self, encoded: tuple[pa.RecordBatch, RoutedBatch]) -> None:
        """Write the batch as a row group of its own."""
        rows, batch = encoded
        there = np.isfinite(batch.lon)
        if there.any():
            lon, lat = batch.lon[there], batch.lat[there]
            self._west, self._east = min(self._west, lon.min()), max(self._east, lon.max())
            self._south, self._north = min(self._south, lat.min()), max(self._north, lat.max())
        self._writer.write_batch(rows, row_group_size=max(len(rows), 1))

    def note(self, key: str, value: Any) -> None:
        """Write something about the file into its metadata."""
        self._writer.add_key_value_metadata({key: json.dumps(value, sort_keys=True)})

    def close(self) -> tuple[str, ...]:
        """Write the metadata: which column is the geometry, in which CRS, and its bounds."""
        points: dict[str, Any] = {
            "encoding": "WKB", "geometry_types": [], "crs": STORAGE_CRS.to_json_dict(),
        }  # fmt: skip
        if np.isfinite(self._west):
            points["geometry_types"] = ["Point"]
            points["bbox"] = [float(side) for side in
                              (self._west, self._south, self._east, self._north)]  # fmt: skip
        columns = {_GEOMETRY: points, **self._source.geometries}
        self.note("geo", {"version": "1.0.0", "primary_column": _GEOMETRY, "columns": columns})
        self._writer.close()
        return ()


class WholeSink:
    """Keeps every batch, and writes them as one layer at the end."""

    def __init__(self, path: Path, source: PointSource, added: pa.Schema) -> None:
        self._path = path
        metadata = source.schema.metadata
        self._schema = pa.schema([*_own_fields(source), *added], metadata=metadata)
        self._geometry_at = source.geometry_at
        self._rows: list[pa.RecordBatch] = []
        self._points: list[Any] = []

    def encode(self, batch: RoutedBatch) -> tuple[pa.RecordBatch, Any]:
        """Return the batch's columns and its points."""
        columns = [*batch.columns.columns, *batch.added]
        there = np.isfinite(batch.lon)
        points = np.full(len(there), None, dtype=object)
        points[there] = shapely.points(batch.lon[there], batch.lat[there])
        return pa.RecordBatch.from_arrays(columns, schema=self._schema), points

    def write(self, encoded: tuple[pa.RecordBatch, Any]) -> None:
        """Keep the batch."""
        self._rows.append(encoded[0])
        self._points.append(encoded[1])

    def close(self) -> tuple[str, ...]:
        """Write the layer."""
        frame = pa.Table.from_batches(self._rows, self._schema).to_pandas()
        points = np.concatenate([*self._points, np.empty(0, dtype=object)])
        frame.insert(self._geometry_at, _GEOMETRY, gpd.GeoSeries(points, crs=STORAGE_CRS))
        return write_layer(gpd.GeoDataFrame(frame, geometry=_GEOMETRY), self._path)


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as a person writes its values; what is missing as an empty text."""
    kind = column.type
    if _is_text(kind):
        texts = pc.cast(column, _TEXT)
    elif pa.types.is_boolean(kind):
        texts = pc.if_else(column, _scalar("True"), _scalar("False"))
    elif pa.types.is_timestamp(kind):
        texts = pc.replace_substring_regex(pc.cast(column, _TEXT), r"\.0+(Z?)$", r"\1")
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_date(kind):
        texts = pc.cast(column, _TEXT)
    else:
        texts = pa.array([None if v is None else str(v) for v in column.to_pylist()], _TEXT)
    return pc.fill_null(texts, "") if texts.null_count else texts


def _own_fields(source: PointSource) -> list[pa.Field]:
    """Return a source's columns; one that is called as our geometry gives way to it."""
    fields: list[pa.Field] = []
    for field in source.schema:
        ending = "text" if _is_text(field.type) else "2"
        name = f"{_GEOMETRY}_{ending}" if field.name == _GEOMETRY else field.name
        fields.append(field.with_name(name))
    return fields


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text, _TEXT)


def _span(texts: pa.Array) -> tuple[int, int]:
    """Return where the bytes of a column of large strings begin and end."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)
    return int(offsets[texts.offset]), int(offsets[texts.offset + len(texts)])


def _holds_any(texts: pa.Array, special: bytes) -> bool:
    """Return whether any value of a column holds one of some bytes, looking at all at once."""
    data = texts.buffers()[2]
    if data is None or not len(texts):
        return False
    start, end = _span(texts)
    held = np.frombuffer(data, dtype=np.uint8)[start:end]
    return any(bool((held == byte).any()) for byte in special)
