"""Layers made by hand for the tests of importing and publishing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import text

from layers.actions.import_layer import ImportOptions, ImportReport, LayerName, import_layer
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer
from layers.session import Database
from layers.vocabulary import CodeScheme

WEST, SOUTH, STEP = 111.2, 39.8, 0.01
FREE = ImportOptions(scheme=CodeScheme.FREE)
NATIONAL = ImportOptions()

Row = Mapping[str, Any]


def square(column: int, row: int = 0, *, size: float = STEP) -> shapely.Polygon:
    """A square of the chessboard on which the tests' grids lie."""
    west, south = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(west, south, west + size, south + size)


def middle(column: int, row: int = 0) -> shapely.Point:
    """The middle of a square."""
    return square(column, row).centroid


def layer(
    rows: Sequence[Row], shapes: Sequence[Any] | None = None, *, name: str = "made"
) -> SourceLayer:
    """A source layer from rows and their geometries, as if it had been read from a file."""
    shapes = [None] * len(rows) if shapes is None else shapes
    frame = gpd.GeoDataFrame(
        {key: [row.get(key) for row in rows] for key in dict.fromkeys(k for r in rows for k in r)},
        geometry=list(shapes),
        crs="EPSG:4490",
    )
    numbers = np.arange(1, len(rows) + 1)
    made = SourceLayer(frame, numbers, name, "cgcs2000")
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    if kinds == {"Point"}:
        points = frame.geometry.to_numpy()
        made = replace(made, raw_x=shapely.get_x(points), raw_y=shapely.get_y(points))
    return made


def load(
    database: Database,
    name: str,
    source: SourceLayer,
    options: ImportOptions = FREE,
    mapping: ColumnMapping | None = None,
) -> ImportReport:
    """Import a layer."""
    return import_layer(
        database, LayerName(name), source, mapping or ColumnMapping(), options=options
    )


def grids(codes: Iterable[str], **columns: Any) -> SourceLayer:
    """Grids on a row of the chessboard, one square each."""
    codes = list(codes)
    rows = [{"code": code, **columns} for code in codes]
    return layer(rows, [square(column) for column in range(len(codes))], name="grids")


def publish(database: Database, source: SourceLayer, **changes: Any) -> int:
    """Import grids and put them in force; return the number of the edition."""
    report = load(database, "grids", source, replace(FREE, publish=True, **changes))
    assert report.published is not None, report.findings
    return report.published.edition_id


def read(database: Database, query: str, **given: Any) -> list[tuple[Any, ...]]:
    """Read rows as they are stored."""
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(text(query), given)]


def rows_of(database: Database, *tables: str) -> list[list[tuple[Any, ...]]]:
    """Read whole tables, each by its first column, to see whether anything changed."""
    return [read(database, f"SELECT * FROM {name} ORDER BY 1") for name in tables]  # noqa: S608 # written in a test
