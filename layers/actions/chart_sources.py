"""The files of a chart: which they are, and their rows as text, points and polygons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.chart.definition import Language, Theme
from gis.datum import STORAGE
from gis.errors import MissingCrs
from gis.geometry import Geometries
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping, written
from layers.exchange.reader import SourceLayer, read_layer, split_source

_TEXT_FILES: Final = (".csv", ".tsv", ".txt")
_ENCRYPTED: Final = ("gcj02", "bd09")
_ROUTED: Final = {"grid_code", "rule", "distance_to_boundary_m", "lon", "lat"}


@dataclass(frozen=True)
class ChartOrder:
    """Which files make the chart, how their columns are called, and how it looks at first."""

    grids: str
    """``FILE`` or ``FILE:LAYER``, as every file here."""
    code: str
    """The column of the grids' codes."""
    name: str | None = None
    buildings: str | None = None
    households: str | None = None
    status: str | None = None
    """The column of the households' statuses."""
    cases: str | None = None
    datum: str | None = None
    """Of the files that do not declare a CRS."""
    x: str | None = None
    y: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns that go by an unusual name: ``cases.state`` → ``SRStatus``."""
    timezone: str = "Asia/Shanghai"
    title: str | None = None
    language: Language = "zh"
    theme: Theme = "night"
    scheme: str | None = None


def read_source(file: str, order: ChartOrder, *, points: bool) -> SourceLayer:
    """Read a layer; the order's datum counts where the file itself declares no CRS."""
    path, _ = split_source(file)
    if path.suffix.lower() in _TEXT_FILES:
        return _read_text(file, order)
    asked = order.datum if points and (order.datum or "").lower() in _ENCRYPTED else None
    try:
        return read_layer(file, datum=asked)
    except MissingCrs:
        if order.datum is None:
            raise
        return read_layer(file, datum=order.datum)


def _read_text(file: str, order: ChartOrder) -> SourceLayer:
    """Read a table of points; in a result of ``lianxin route`` lon and lat need no datum."""
    layer = read_layer(file, datum=order.datum or STORAGE, x=order.x, y=order.y)
    if order.x is None and is_routed(layer):
        if order.datum not in (None, STORAGE):
            layer = read_layer(file, datum=STORAGE, x="lon", y="lat")
        return layer
    return layer if order.datum else read_layer(file, x=order.x, y=order.y)


def is_routed(source: SourceLayer) -> bool:
    """Return whether ``lianxin route`` wrote these rows."""
    return set(source.frame.columns) >= _ROUTED


def read_fields(
    layer: str,
    source: SourceLayer,
    specs: Sequence[FieldSpec],
    order: ChartOrder,
    code: str = "code",
) -> pd.DataFrame:
    """Return the fields of a layer as text; a row without a code is called by its number."""
    asked = {
        key.partition(".")[2]: column
        for key, column in order.columns.items()
        if key.partition(".")[0] == layer
    }
    filled = ColumnMapping(columns=asked).apply(pd.DataFrame(source.frame), specs)
    filled = filled.apply(lambda column: pd.Series(texts(column), column.index, dtype=object))
    numbers = pd.Series([str(row) for row in source.rows], index=filled.index, dtype=object)
    filled[code] = filled[code].where(filled[code].notna(), numbers)
    return filled.reset_index(drop=True)


def points_of(source: SourceLayer, notes: list[str]) -> Geometries:
    """Return a point of each row: of a line or polygon one on it."""
    shapes: NDArray[np.object_] = np.array(source.frame.geometry.to_numpy(), dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    other = ~shapely.is_missing(shapes) & (shapely.get_type_id(shapes) != 0)
    if other.any():
        note_rows(notes, source, int(other.sum()), "is no point; a point on it stands for it")
        shapes[other] = shapely.point_on_surface(shapes[other])
    return shapes


def polygons_of(shapes: NDArray[Any]) -> Geometries:
    """Return the polygons of each geometry, mended; None where there is no area."""
    outlines = np.asarray(shapes, dtype=object).copy()
    invalid = ~shapely.is_missing(outlines) & ~shapely.is_valid(outlines)
    outlines[invalid] = shapely.make_valid(outlines[invalid])
    mixed = np.flatnonzero(shapely.get_type_id(outlines) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for i in mixed:
        parts = shapely.get_parts(outlines[i])
        outlines[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    flat = (shapely.get_dimensions(outlines) != 2) | shapely.is_empty(outlines)
    outlines[flat] = None
    return outlines


def texts(column: "pd.Series[Any]") -> list[str | None]:
    """Return values as a person writes them; what is empty or missing is None."""
    return [None if pd.isna(value) else written(value).strip() or None for value in column]


def note_rows(notes: list[str], source: SourceLayer, count: int, what: str) -> None:
    """Note what befell some rows of a file."""
    if count:
        notes.append(f"{source.name}: {count:,} {'row' if count == 1 else 'rows'}: each {what}.")
