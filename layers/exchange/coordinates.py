"""Coordinates in columns: which columns, which numbers, and which way round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis import datum as datums
from gis import survey
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

_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


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
    """Raise when most coordinates make sense only the other way round, or in another datum."""
    doubt = survey.look(x, y, datums.Datum(datum.name, datum.crs))
    if doubt is None:
        return
    first, second = columns or ("the first coordinate", "the second coordinate")
    east, north = ("longitude", "latitude") if datum.in_degrees else ("easting", "northing")
    raise LayerRefused(
        f"{first} (taken as {east}) is mostly near {_middle(x)}, {second} (taken as {north}) near "
        f"{_middle(y)}, which makes no sense in {datum.name}: {doubt.message}. "
        f"{_remedy(doubt, datum, columns)}"
    )


def _middle(numbers: Floats) -> str:
    middle = float(np.nanmedian(numbers))
    return f"{middle:.4f}" if abs(middle) <= 180 else f"{middle:.0f}"


def _remedy(doubt: survey.Doubt, datum: Datum, columns: tuple[str, str] | None) -> str:
    """Say what to do; what a file declares itself, no flag can say otherwise."""
    if columns is None:
        return "Correct the file, or the CRS that it declares."
    if not doubt.swapped and doubt.datum is None:
        return f"Name theirs, as in --datum {'EPSG:4546' if datum.in_degrees else 'gcj02'}."
    swap = [f"--x {columns[1]} --y {columns[0]}"] * doubt.swapped
    return f"Use {' '.join([*swap, *[f'--datum {doubt.datum}'] * (doubt.datum is not None)])}."


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
