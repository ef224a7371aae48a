"""A layer to a file: CSV, GeoPackage, GeoParquet, FlatGeobuf or GeoJSON, by its ending."""

import csv
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from layers.errors import FileUnreadable
from layers.exchange.inert import inert_frame
from layers.settings import load_settings

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_DRIVERS: Final = {
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
}
_PARQUET: Final = (".parquet", ".geoparquet")
ENDINGS: Final = (*_DELIMITERS, *_DRIVERS, *_PARQUET)


def write_layer(
    frame: pd.DataFrame, path: Path, *, encoding: str = "utf-8", delimiter: str | None = None
) -> tuple[str, ...]:
    """Write a frame with its columns and their types; the file appears whole or not at all.

    Returns what had to be done to names and texts, in words.
    A CSV gets points as ``lon`` and ``lat`` and other geometries as text, and what a spreadsheet
    would run as a formula an apostrophe in front (decision 0007; ``LIANXIN_CSV_RAW`` for none);
    GeoJSON is in CRS84, as its standard asks. ``encoding`` and ``delimiter`` are for CSV alone.
    """
    path = Path(path)
    ending = check_writable(path)
    with replacing(path) as target:
        if ending in _DELIMITERS:
            flat, notes = _inert(_flat(frame))
            flat.to_csv(
                target,
                index=False,
                sep=delimiter or _DELIMITERS[ending],
                encoding=encoding,
                lineterminator="\n",
                quoting=_quoting(flat),
            )
            return notes
        if ending in _PARQUET:
            frame.to_parquet(target, index=False)
            return ()
        return _write_with_gdal(frame, target, path.stem, _DRIVERS[ending])


def check_writable(path: Path) -> str:
    """Return a path's ending; raise, in words, where nothing can be written."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise FileUnreadable(
            f"{path.name}: the ending “{path.suffix}” is none that can be written. "
            f"Possible: {', '.join(ENDINGS)}."
        )
    if path.is_dir():
        raise FileUnreadable(f"{path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise FileUnreadable(f"There is no folder {path.parent}. Make it first.")
    return ending


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place when all went well."""
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, pyogrio.errors.DataSourceError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise FileUnreadable(f"{path} cannot be written: {why}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _inert(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a table in which no spreadsheet finds a formula, and a note if one was there."""
    if load_settings().csv_raw:
        return frame, ()
    frame, count = inert_frame(frame)
    if not count:
        return frame, ()
    texts = "1 text begins" if count == 1 else f"{count} texts begin"
    return frame, (
        f"{texts} as a formula does and got an apostrophe in front, so that no spreadsheet runs "
        "it. Lianxin takes it away when it reads the file; LIANXIN_CSV_RAW=1 writes none.",
    )


def _quoting(frame: pd.DataFrame) -> Literal[0, 2]:
    """Quote every text where one holds a carriage return: Python's csv takes it for a letter."""
    texts = (column for _, column in frame.items() if not pd.api.types.is_numeric_dtype(column))
    if any("\r" in value for column in texts for value in column if isinstance(value, str)):
        return csv.QUOTE_NONNUMERIC
    return csv.QUOTE_MINIMAL


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without geometry objects: points as lon and lat, others as WKT."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    geometries = frame.geometry.to_numpy()
    flat = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    kinds = shapely.get_type_id(geometries)
    if ((kinds == shapely.GeometryType.POINT) | shapely.is_missing(geometries)).all():
        flat["lon"], flat["lat"] = shapely.get_x(geometries), shapely.get_y(geometries)
    else:
        flat["geometry"] = shapely.to_wkt(geometries, rounding_precision=-1)
    return flat


def _write_with_gdal(frame: pd.DataFrame, target: Path, layer: str, driver: str) -> tuple[str, ...]:
    options: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    if driver == "GPKG":
        # A column of the file's own may be called as GDAL calls its key or geometry.
        taken = {str(name).lower() for name in frame.columns}
        options["FID"] = _free("fid", taken)
        options["GEOMETRY_NAME"] = _free("geom", taken)
        frame, notes = _named_apart(frame)
    if isinstance(frame, gpd.GeoDataFrame):
        if driver == "GeoJSON" and frame.crs is not None:
            frame = frame.to_crs("OGC:CRS84")
        if driver == "FlatGeobuf" and shapely.is_missing(frame.geometry.to_numpy()).any():
            options["SPATIAL_INDEX"] = "NO"  # the index has no place for a row without geometry
        frame = frame.reset_index(drop=True)
    pyogrio.write_dataframe(frame, target, layer=layer, driver=driver, layer_options=options)
    return notes


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _named_apart(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give columns that differ only in case names of their own, as SQLite needs them."""
    names: dict[str, str] = {}
    seen: set[str] = set()
    for column in frame.columns:
        name, count = str(column), 2
        while name.lower() in seen:
            name, count = f"{column}_{count}", count + 1
        seen.add(name.lower())
        names[column] = name
    changed = {column: name for column, name in names.items() if column != name}
    notes = tuple(f"The column {old} is called {new} in the file." for old, new in changed.items())
    return frame.rename(columns=changed), notes
