"""A file of points, opened by its ending: streamed where its format allows, else read whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
from pyproj import CRS

from gis.datum import STORAGE, parse
from layers.errors import FileUnreadable, LayerRefused
from layers.exchange import csv_points
from layers.exchange.coordinates import find_columns
from layers.exchange.parquet_points import open_parquet
from layers.exchange.placing import Datum, settle_datum
from layers.exchange.points import BATCH_ROWS, PointBatch, PointSource
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer, check_there, read_layer, split_source
from layers.exchange.wkb import coordinates_of_geometries

TEXT: Final = (".csv", ".tsv", ".txt")
PARQUET: Final = (".parquet", ".geoparquet")


@dataclass(frozen=True)
class PointOptions:
    """What a file of points cannot say itself."""

    datum: str | None = None
    x: str | None = None
    y: str | None = None
    encoding: str | None = None


def open_points(
    source: Path | str, options: PointOptions, progress: Progress = silent
) -> PointSource:
    """Open ``FILE`` or ``FILE:LAYER``; only formats that cannot be streamed are read now.

    Raises
    ------
    LayersError, GisError
        Where the file, a column or the datum cannot be used.
    """
    path, layer = split_source(source)
    ending = path.suffix.lower()
    if layer is None and ending in TEXT:
        check_there(path)
        return _open_text(path, options)
    if layer is None and ending in PARQUET:
        check_there(path)
        return open_parquet(
            str(path), name=path.name, datum=options.datum, x=options.x, y=options.y
        )
    return _open_whole(
        read_layer(
            source, datum=options.datum, x=options.x, y=options.y, encoding=options.encoding,
            progress=progress,
        )
    )  # fmt: skip


def _open_text(path: Path, options: PointOptions) -> PointSource:
    rows = csv_points.TextRows.open(path, options.encoding)
    columns = find_columns(rows.names, options.x, options.y, file=path.name)
    if columns is None:
        raise FileUnreadable(
            f"{path.name} has no columns that are known to hold coordinates. Name them with "
            f"--x and --y. Its columns: {', '.join(rows.names)}."
        )
    datum = settle_datum(None, options.datum, file=path.name)
    if datum.note:
        rows.notes.append(datum.note)
    return PointSource(
        name=path.stem,
        schema=pa.schema([(name, pa.string()) for name in rows.names]),
        datum=datum,
        read=lambda: csv_points.batches(rows, columns),
        geometry_at=len(rows.names),
        notes=rows.notes,
        encoding=rows.codec,
        delimiter=rows.delimiter,
        columns=columns,
        row_count=rows.rows_expected,
    )


def _open_whole(layer: SourceLayer) -> PointSource:
    """Make a source of a layer in memory."""
    points = layer.frame.geometry.to_numpy()
    at = list(layer.frame.columns).index("geometry")
    own = {new: old for old, new in layer.renamed.items()}
    frame = pd.DataFrame(layer.frame.drop(columns="geometry")).rename(columns=own)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    try:
        x, y = coordinates_of_geometries(points)
    except LayerRefused as error:
        raise LayerRefused(f"{layer.name}: {error}") from error
    datum = Datum(STORAGE, CRS.from_epsg(4490))
    if layer.raw_x is not None and layer.raw_y is not None and parse(layer.datum).crs is None:
        # As they were sent, or the router could not doubt their datum.
        x, y, datum = layer.raw_x, layer.raw_y, Datum(layer.datum, None)

    def read() -> Iterator[PointBatch]:
        for start in range(0, len(x), BATCH_ROWS):
            stop = min(start + BATCH_ROWS, len(x))
            rows = table.slice(start, stop - start).combine_chunks().to_batches()
            numbers = range(start + 1, stop + 1)
            problems = {n - start - 1: layer.problems[n] for n in numbers if n in layer.problems}
            yield PointBatch(_one(rows, table.schema), x[start:stop], y[start:stop], problems)

    return PointSource(
        name=layer.name,
        schema=table.schema,
        datum=datum,
        read=read,
        geometry_at=at,
        notes=list(layer.notes),
        encoding=layer.encoding,
        delimiter=layer.delimiter,
        row_count=lambda _: len(x),
    )


def _one(rows: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    return rows[0] if rows else pa.RecordBatch.from_pylist([], schema)
