"""Any vector file to a layer in the storage CRS: what it holds, row by row, and what was wrong."""

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_CRS
from gis.datum import STORAGE
from layers.errors import FileUnreadable
from layers.exchange import vector
from layers.exchange.coordinates import CoordinateColumns, check_plausible, find_columns
from layers.exchange.delimited import read_table
from layers.exchange.placing import Datum, convert_geometries, settle_datum
from layers.exchange.progress import Progress, silent

_TABLES: Final = (".csv", ".tsv", ".txt")
_JSON: Final = (".geojson", ".json", ".geojsonl")
_BY_GDAL: Final = (".gpkg", ".fgb")
_PARQUET: Final = (".parquet", ".geoparquet")
ENDINGS: Final = (*_JSON, *_BY_GDAL, ".shp", ".zip", *_PARQUET, *_TABLES)


@dataclass(frozen=True)
class SourceLayer:
    """A layer read from a file, or made from a frame, in the storage CRS."""

    frame: gpd.GeoDataFrame
    """In EPSG:4490; the column ``geometry`` may hold None."""
    rows: NDArray[np.int64]
    """The number of each row in the file, from 1, its header not counted."""
    name: str
    datum: str
    """In which the file's own coordinates are; empty where it has none."""
    raw_x: NDArray[np.float64] | None = None
    """Coordinates as sent, of points only; NaN where there is no number."""
    raw_y: NDArray[np.float64] | None = None
    encoding: str | None = None
    problems: dict[int, str] = field(default_factory=dict)
    """Rows without a usable place, and why."""
    notes: tuple[str, ...] = ()
    """What the reader had to decide, in words for whoever reads the report."""
    delimiter: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    """Columns that had to give way to ours: the file's own name → the name here."""

    def __len__(self) -> int:
        """Return how many rows it has."""
        return len(self.frame)


class ReadOptions(TypedDict, total=False):
    """How a file is to be read; everything may be left out that the file says itself."""

    layer: str | None
    datum: str | None
    x: str | None
    y: str | None
    encoding: str | None
    geometry_required: bool
    """False for layers that may come without any place, as areas from a table of divisions."""
    progress: Progress | None


def read_layer(path: Path | str, **options: Unpack[ReadOptions]) -> SourceLayer:
    """Read a layer from a file, given as ``FILE`` or ``FILE:LAYER``, by its ending."""
    path, named = split_source(path)
    options = {**options, "layer": options.get("layer") or named}
    check_there(path)
    ending = path.suffix.lower()
    if ending in _TABLES:
        return _read_text(path, options)
    progress = options.get("progress") or silent
    if ending == ".shp":
        found = vector.read_shapefile(path, options.get("encoding"), progress)
    elif ending == ".zip":
        found = vector.read_zip(path, options["layer"], options.get("encoding"), progress)
    elif ending in _JSON:
        found = vector.read_json(path, options["layer"], options.get("encoding"), progress)
    elif ending in _PARQUET:
        found = vector.read_parquet(path, progress)
    else:
        found = vector.read_with_gdal(path, options["layer"], progress)
    if isinstance(found.frame, gpd.GeoDataFrame):
        return place_geometries(found, path, options)
    table = SourceLayer(
        gpd.GeoDataFrame(found.frame), _numbered(found.frame), found.name, "", notes=found.notes
    )
    return _place_columns(table, path, options)


def place_geometries(found: vector.VectorFile, path: Path, options: ReadOptions) -> SourceLayer:
    """Bring a vector file's geometries into the storage CRS."""
    frame = found.frame
    geometries = frame.geometry.to_numpy()
    if not options.get("geometry_required", True) and shapely.is_missing(geometries).all():
        datum = Datum("", None)
    else:
        datum = settle_datum(found.crs, options.get("datum"), file=path.name)
    notes = (*found.notes, datum.note) if datum.note else found.notes
    bounds = shapely.bounds(geometries)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    check_plausible(middle[:, 0], middle[:, 1], datum, None)
    x = y = None
    kinds = shapely.get_type_id(geometries[~shapely.is_missing(geometries)])
    if len(kinds) and (kinds == shapely.GeometryType.POINT).all():
        x, y = shapely.get_x(geometries), shapely.get_y(geometries)
    (options.get("progress") or silent)("convert", 0, len(frame))
    placed, problems = convert_geometries(geometries, datum)
    name = datum.name
    if name and not datum.is_registered:
        notes = (*notes, f"Its CRS ({name}) is in no register: coordinates are kept as {STORAGE}.")
        name = STORAGE
        x, y = (None, None) if x is None else (shapely.get_x(placed), shapely.get_y(placed))
    frame = gpd.GeoDataFrame(
        frame, geometry=gpd.GeoSeries(placed, index=frame.index, crs=STORAGE_CRS)
    )
    return SourceLayer(
        frame, _numbered(frame), found.name, name, x, y, found.encoding,
        {**problems, **found.problems}, notes,
    )  # fmt: skip


def split_source(source: Path | str) -> tuple[Path, str | None]:
    """Split ``FILE:LAYER``; a colon that belongs to the file's own name stays.

    >>> split_source("areas.gpkg:council_districts")
    (PosixPath('areas.gpkg'), 'council_districts')
    """
    text = str(source)
    file, colon, layer = text.rpartition(":")
    if not colon or Path(text).exists() or Path(file).suffix.lower() not in ENDINGS:
        return Path(text), None
    return Path(file), layer or None


def check_there(path: Path) -> None:
    """Raise, in words, where nothing can be read."""
    if path.is_dir():
        raise FileUnreadable(f"{path} is a folder. Name a file in it.")
    if path.exists() and not path.is_file():
        raise FileUnreadable(
            f"{path} is a pipe or a device. Save what comes from it as a file, and name that."
        )
    if not path.is_file():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        meant = f" Did you mean {path.with_name(near[0])}?" if near else ""
        raise FileUnreadable(f"There is no file {path}.{meant}")
    if path.suffix.lower() in (".dbf", ".shx", ".prj", ".cpg"):
        raise FileUnreadable(f"{path.name} is a part of a shapefile. Name its .shp.")
    if path.suffix.lower() not in ENDINGS:
        raise FileUnreadable(
            f"{path.name}: the ending “{path.suffix}” is none that can be read. "
            f"Readable: {', '.join(ENDINGS)}."
        )
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise FileUnreadable(f"{path.name} cannot be read: {error.strerror}.") from error
    if empty:
        raise FileUnreadable(f"{path.name} is empty (0 bytes).")


def _read_text(path: Path, options: ReadOptions) -> SourceLayer:
    progress = options.get("progress") or silent
    table = read_table(path, encoding=options.get("encoding"), progress=progress)
    layer = SourceLayer(
        gpd.GeoDataFrame(table.frame), _numbered(table.frame), path.stem, "",
        encoding=table.encoding, problems=table.problems, notes=table.notes,
        delimiter=table.delimiter,
    )  # fmt: skip
    return _place_columns(layer, path, options)


def _place_columns(layer: SourceLayer, path: Path, options: ReadOptions) -> SourceLayer:
    """Make points from a table's coordinate columns."""
    names = list(layer.frame.columns)
    found = find_columns(names, options.get("x"), options.get("y"), file=path.name)
    if found is None:
        if options.get("geometry_required", True):
            raise FileUnreadable(
                f"{path.name} has no columns that are known to hold coordinates. Name them with "
                f"--x and --y. Its columns: {', '.join(names)}."
            )
        return _with_points(layer, None, None, Datum("", None), {})
    datum = settle_datum(None, options.get("datum"), file=path.name)
    columns = CoordinateColumns(*found, decimal_comma=layer.delimiter == ";")
    x, y, problems = columns.numbers(layer.frame)
    # A row with a value too many may have its coordinates anywhere.
    unsure = np.array(sorted(layer.problems), dtype=np.intp) - 1
    x[unsure] = y[unsure] = np.nan
    check_plausible(x, y, datum, found)
    if datum.note:
        layer = replace(layer, notes=(*layer.notes, datum.note))
    return _with_points(layer, x, y, datum, problems)


def _with_points(
    layer: SourceLayer,
    x: NDArray[np.float64] | None,
    y: NDArray[np.float64] | None,
    datum: Datum,
    problems: dict[int, str],
) -> SourceLayer:
    count = len(layer.frame)
    points = np.full(count, None, dtype=object)
    if x is not None and y is not None:
        usable = np.isfinite(x) & np.isfinite(y)
        points[usable] = shapely.points(x[usable], y[usable])
        points, unplaced = convert_geometries(points, datum)
        problems = {**problems, **unplaced}
    frame = layer.frame
    renamed = {"geometry": "geometry_text"} if "geometry" in frame.columns else {}
    frame = frame.rename(columns=renamed)
    frame = gpd.GeoDataFrame(
        frame, geometry=gpd.GeoSeries(points, index=frame.index, crs=STORAGE_CRS)
    )
    return SourceLayer(
        frame, layer.rows, layer.name, datum.name, x, y, layer.encoding,
        {**problems, **layer.problems}, layer.notes, layer.delimiter, renamed,
    )  # fmt: skip


def _numbered(frame: pd.DataFrame) -> NDArray[np.int64]:
    return np.arange(1, len(frame) + 1, dtype=np.int64)
