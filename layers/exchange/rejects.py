"""Rows that could not be loaded, kept with their reason to be mended and sent again."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import shapely

from layers.exchange.inert import inert
from layers.exchange.writer import replacing
from layers.settings import load_settings


@dataclass(frozen=True)
class Reject:
    """A row of a file that was not loaded."""

    row: int
    """Its number in the file, from 1, the header not counted."""
    reason: str
    record: Mapping[str, object]
    """Everything the row held."""


def write_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Write rejected rows as CSV, atomically, in the order of the file; return how many.

    The columns are ``row``, ``reason`` and the file's own; with no rejects no file is made. What a
    spreadsheet would run as a formula is written inert, and read as it was when it is sent again.
    """
    shown = str if load_settings().csv_raw else inert
    rows = sorted(rejects, key=lambda reject: reject.row)
    if not rows:
        return 0
    names = dict.fromkeys(name for reject in rows for name in reject.record)
    # A column of the file may itself be called row or reason: the first two are always ours.
    header = ["row", "reason", *(f"{n}_2" if n in ("row", "reason") else n for n in names)]
    # With a byte-order mark, or a spreadsheet shows Chinese as something else.
    with replacing(path) as target, target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([shown(name) for name in header])
        for reject in rows:
            values = (shown(_text(reject.record.get(name))) for name in names)
            writer.writerow([reject.row, shown(reject.reason), *values])
    return len(rows)


def _text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are what differs from itself
        return ""
    return shapely.to_wkt(value) if isinstance(value, shapely.Geometry) else str(value)
