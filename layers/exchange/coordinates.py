"""Coordinates in columns: which columns, which numbers, and which way round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyproj import CRS

from layers.errors import FileUnreadable, LayerRefused
from layers.exchange.placing import Datum, Floats

# Columns that hold coordinates wherever they are called so, the likeliest pair first.
WELL_KNOWN: Final = (
    ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"), ("经度", "纬度"),
    ("easting", "northing"), ("东坐标", "北坐标"), ("横坐标", "纵坐标"), ("x", "y"),
    ("x坐标", "y坐标"), ("point_x", "point_y"), ("x_coord", "y_coord"),
)  # fmt: skip

# Names that leave no doubt; x and y do (X is north in Chinese survey practice).
_EASTWARD: Final = {east for east, _ in WELL_KNOWN} - {"x", "x坐标", "point_x", "x_coord"}
_NORTHWARD: Final = {north for _, north in WELL_KNOWN} - {"y", "y坐标", "point_y", "y_coord"}

# National grids by 3° zones: codes from zone 25 on of the series whose eastings begin with the
# zone number; the series without it, named by central meridian, lies 21 codes further.
_ZONE_SERIES: Final = (4513, 2349, 2401)
_ZONES: Final = range(25, 46)

_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
# Coordinates this large are no mistyped degrees.
_NO_DEGREES: Final = 1000.0
# How far (degrees) outside its area of use a CRS is still what a surveyor may have meant.
_MARGIN: Final = 1.5


@dataclass(frozen=True)
class CoordinateColumns:
    """The columns that hold a table's coordinates."""

    x: str
    y: str
    decimal_comma: bool = False

    def numbers(self, frame: pd.DataFrame) -> tuple[Floats, Floats, dict[int, str]]:
        """Return both columns as numbers (NaN where there is none), and why (row from 1 → why)."""
        x, bad_x = _numbers(frame[self.x], self.decimal_comma)
        y, bad_y = _numbers(frame[self.y], self.decimal_comma)
        wrong = self._wrong(x, y, bad_x, bad_y)
        return x, y, {row + 1: why for row, why in wrong.items()}

    def numbers_of(self, batch: pa.RecordBatch) -> tuple[Floats, Floats, dict[int, str]]:
        """Return the same of Arrow columns; here rows count from 0."""
        x, bad_x = self._column(batch.column(self.x))
        y, bad_y = self._column(batch.column(self.y))
        return x, y, self._wrong(x, y, bad_x, bad_y)

    def _column(self, column: pa.Array) -> tuple[Floats, NDArray[np.object_]]:
        if pa.types.is_string(column.type) and not self.decimal_comma:
            # Where every text is a plain number, as in nearly every batch, one cast reads them.
            try:
                numbers = pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.float64())
            except pa.ArrowInvalid:
                pass
            else:
                values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
                # A word as “nan” or “inf” is a number to the cast, but none to us.
                if int(np.isfinite(values).sum()) == len(values) - numbers.null_count:
                    return values, np.full(len(column), "", dtype=object)
        return _numbers(column.to_pandas(), self.decimal_comma)

    def _wrong(
        self, x: Floats, y: Floats, bad_x: NDArray[np.object_], bad_y: NDArray[np.object_]
    ) -> dict[int, str]:
        """Return of which rows (from 0) no coordinates could be read, and why."""
        problems: dict[int, str] = {}
        for i in np.flatnonzero(np.isnan(x) | np.isnan(y)):
            wrong = [
                f"{name} is “{bad[i][:40]}”, no number" if bad[i] else f"{name} is empty"
                for name, bad, value in ((self.x, bad_x, x[i]), (self.y, bad_y, y[i]))
                if np.isnan(value)
            ]
            problems[int(i)] = "no usable coordinates: " + ", ".join(wrong)
        return problems


def find_columns(
    columns: Sequence[str], x: str | None, y: str | None, *, file: str
) -> tuple[str, str] | None:
    """Return the columns of the coordinates: those asked for, or those with a well-known name."""
    if (x is None) != (y is None):
        raise FileUnreadable("Give both --x and --y, or neither of them.")
    if x is not None and y is not None:
        if x.strip().lower() in _NORTHWARD and y.strip().lower() in _EASTWARD:
            raise LayerRefused(f"--x is the longitude or easting. Use --x {y} --y {x}.")
        return _asked(columns, x, file=file), _asked(columns, y, file=file)
    plain = {name.strip().lower(): name for name in reversed(columns)}
    for east, north in WELL_KNOWN:
        if east in plain and north in plain:
            return plain[east], plain[north]
    return None


def check_plausible(x: Floats, y: Floats, datum: Datum, columns: tuple[str, str] | None) -> None:
    """Raise when most coordinates make sense only the other way round, or in another zone."""
    usable = np.isfinite(x) & np.isfinite(y)
    x, y = x[usable], y[usable]
    if not len(x) or _share_inside(x, y, datum) >= 0.5:
        return
    names = columns or ("the first coordinate", "the second coordinate")
    if _share_inside(y, x, datum) >= 0.5:
        raise LayerRefused(_swapped_message(x, y, datum, names, flags=columns is not None))
    if datum.in_degrees and min(np.median(np.abs(x)), np.median(np.abs(y))) > _NO_DEGREES:
        raise LayerRefused(
            f"The coordinates (mostly near {np.median(x):.0f}, {np.median(y):.0f}) are metres, but "
            f"{datum.name} is in degrees. Name their CRS, as in --datum EPSG:4546, or write "
            "it into the file."
        )
    hint = _zone_hint(x, datum)
    if hint:
        raise LayerRefused(hint)
    hint = _zone_hint(y, datum)
    if hint:
        raise LayerRefused(
            f"{_swapped_message(x, y, datum, names, flags=columns is not None)} {hint}"
        )


def _asked(columns: Sequence[str], wanted: str, *, file: str) -> str:
    if wanted in columns:
        return wanted
    matches = [name for name in columns if name.strip().lower() == wanted.strip().lower()]
    if len(matches) == 1:
        return matches[0]
    raise FileUnreadable(f"{file} has no column “{wanted}”. Its columns: {', '.join(columns)}.")


def _numbers(column: "pd.Series[str]", decimal_comma: bool) -> tuple[Floats, NDArray[np.object_]]:
    """Return a column as numbers, and the texts that are none (empty where nothing was said)."""
    if not (pd.api.types.is_string_dtype(column) or column.dtype == object):
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        values = np.where(np.isfinite(values), values, np.nan)
        return values, np.full(len(column), "", dtype=object)
    text = column.astype("string").fillna("").str.strip()
    if decimal_comma:
        text = text.str.replace(",", ".", regex=False)
    values = _parsed(text)
    rest = np.isnan(values) & (text != "").to_numpy(dtype=bool)
    if rest.any():
        # Digits as wide as characters are digits all the same.
        values[rest] = _parsed(text[rest].str.normalize("NFKC").str.strip())
    texts = np.full(len(text), "", dtype=object)
    lost = np.isnan(values)
    texts[lost] = text[lost].to_numpy(dtype=object)
    return values, texts


def _parsed(text: "pd.Series[str]") -> Floats:
    """Return the numbers among texts to their last digit, NaN where there is none."""
    array = pa.array(text, type=pa.large_string(), from_pandas=True)
    good = pc.match_substring_regex(array, _NUMBER)
    numbers = pc.cast(pc.if_else(good, array, None), pa.float64())
    values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _share_inside(x: Floats, y: Floats, datum: Datum) -> float:
    """Return the share of points that lie where the datum is used."""
    if datum.in_degrees:
        return float(np.mean((np.abs(x) <= 180) & (np.abs(y) <= 90)))
    area = datum.crs.area_of_use if datum.crs is not None else None
    lon, lat = datum.convert(x, y)
    if area is None:
        return float(np.mean(np.isfinite(lon)))
    with np.errstate(invalid="ignore"):
        width = (area.east - area.west) % 360
        east_of_west = (lon - area.west + _MARGIN) % 360
        inside = (east_of_west <= width + 2 * _MARGIN) & (lat >= area.south - _MARGIN)
        return float(np.mean(inside & (lat <= area.north + _MARGIN)))


def _swapped_message(
    x: Floats, y: Floats, datum: Datum, names: tuple[str, str], *, flags: bool
) -> str:
    first, second = float(np.median(x)), float(np.median(y))
    remedy = f" Use --x {names[1]} --y {names[0]}." if flags else " Correct the file."
    if datum.in_degrees:
        return (
            f"Longitude and latitude look exchanged: {names[0]} (taken as longitude) is mostly "
            f"near {first:.4f}, {names[1]} (taken as latitude) near {second:.4f}.{remedy}"
        )
    return (
        f"Easting and northing look exchanged in {datum.name}: {names[0]} (taken as easting) is "
        f"mostly near {first:.0f}, {names[1]} (taken as northing) near {second:.0f}. In Chinese "
        f"survey practice X points north and Y points east.{remedy}"
    )


def _zone_hint(x: Floats, datum: Datum) -> str | None:
    """Say which code of the same national grid the eastings fit, if they do."""
    crs = datum.crs
    epsg = crs.to_epsg() if isinstance(crs, CRS) else None
    if epsg is None:
        return None
    easting = float(np.median(x))
    zone = int(easting // 1_000_000)
    for first in _ZONE_SERIES:
        if epsg in range(first, first + 42) and zone in _ZONES and epsg != first + zone - 25:
            return (
                f"The eastings (mostly near {easting:.0f}) begin with the zone number {zone}, "
                f"which {datum.name} does not expect. Use --datum EPSG:{first + zone - 25}."
            )
        if epsg in range(first, first + 21) and zone == 0:
            return (
                f"The eastings (mostly near {easting:.0f}) have no zone number in front, which "
                f"{datum.name} expects. Use --datum EPSG:{epsg + 21}."
            )
    return None
