"""Dates and times in the forms that files bring, read in one named time zone."""

from __future__ import annotations  # a Series has a type parameter only for type checkers

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from layers.errors import InstantInvalid, LayerRefused, MappingInvalid

DateOrder = Literal["dmy", "mdy"]

INSTANT = pa.timestamp("us", tz="UTC")

_TIME = (
    r"(?:[T\s日]*(?P<hour>\d{1,2})(?:[:时點点](?P<minute>\d{1,2}))?"
    r"(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?[分秒]?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<offset>Z|z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_YEAR_FIRST = r"^(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?" + _TIME + r"$"
_COMPACT = (
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?$"
)
_YEAR_LAST = (
    r"^(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})[-/.](?P<year>\d{4})" + _TIME + r"$"
)


@dataclass(frozen=True)
class Calendar:
    """How instants without a zone, and dates like 04/12/2018, are to be understood."""

    timezone: str = "Asia/Shanghai"
    date_order: DateOrder | None = None

    def zone(self) -> ZoneInfo:
        """Return the time zone by its name."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise MappingInvalid(
                f"{self.timezone!r} is not a time zone; write it like Asia/Shanghai."
            ) from problem


def read_instant(text: str, timezone: str) -> datetime:
    """Return a date or a time as an instant; without an offset it is in ``timezone``.

    Raises
    ------
    InstantInvalid
        It is neither, in the form of ISO 8601.

    Examples
    --------
    >>> read_instant("2026-03-01", "Asia/Shanghai").isoformat()
    '2026-03-01T00:00:00+08:00'
    >>> read_instant("2026-03-01T08:00Z", "Asia/Shanghai").isoformat()
    '2026-03-01T08:00:00+00:00'
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InstantInvalid(
            f"{text!r} is no date or time. Write it like 2026-03-01 or 2026-03-01T08:30+08:00."
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=Calendar(timezone).zone())


def read_instants(
    text: pa.Array, name: str, calendar: Calendar
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Read dates and times as instants; return them, and a mask of what cannot be read.

    Raises
    ------
    LayerRefused
        All dates could be read day first or month first, and ``calendar`` doesn't say which.
    """
    written = pd.Series(text.to_numpy(zero_copy_only=False), dtype="object")
    given = written.notna().to_numpy()
    unique, back = _unique(written)
    parts = _parts(unique, name, calendar)
    instants = _assemble(parts, calendar.zone())
    every = instants[back] if len(unique) else instants.reindex(range(len(written)))
    bad: NDArray[np.bool_] = given & every.isna().to_numpy()
    return pa.array(every, type=INSTANT, from_pandas=True), bad


def _unique(written: pd.Series[Any]) -> tuple[pd.Series[Any], NDArray[np.intp]]:
    """Return each text once, and where each row finds it."""
    codes, unique = pd.factorize(written, use_na_sentinel=False)
    return pd.Series(unique, dtype="object"), codes


def _parts(unique: pd.Series[Any], name: str, calendar: Calendar) -> pd.DataFrame:
    """Split each text into the parts of a date and time, whichever form it has."""
    text = unique.astype("string")
    first = text.str.extract(_YEAR_FIRST)
    compact = text.str.extract(_COMPACT)
    last = text.str.extract(_YEAR_LAST)
    day_first = _day_first(last, name, calendar.date_order)
    last["day"] = last["first"].where(day_first, last["other"])
    last["month"] = last["other"].where(day_first, last["first"])
    return first.combine_first(compact).combine_first(last)


def _day_first(last: pd.DataFrame, name: str, order: DateOrder | None) -> pd.Series[bool]:
    """Tell which dates with the year at the end have the day first; a dot always means it."""
    dotted = (last["mark"] == ".").fillna(False).astype(bool)
    open_ones = last[last["first"].notna().to_numpy() & ~dotted.to_numpy()]
    if order is None and len(open_ones):
        first = open_ones["first"].astype(int)
        other = open_ones["other"].astype(int)
        if not ((first > 12).any() or (other > 12).any()):
            raise LayerRefused(
                f"The dates in {name}, like {open_ones['first'].iloc[0]}/"
                f"{open_ones['other'].iloc[0]}/{open_ones['year'].iloc[0]}, can be read day "
                "first or month first. Say which: --date-order dmy or --date-order mdy."
            )
        order = "dmy" if (first > 12).sum() > (other > 12).sum() else "mdy"
    return dotted | (order == "dmy")


def _assemble(parts: pd.DataFrame, zone: ZoneInfo) -> pd.Series[Any]:
    """Build instants from parts; impossible ones become NaT."""
    number = {
        name: pd.to_numeric(parts[name], errors="coerce").astype("float64")
        for name in ("year", "month", "day", "hour", "minute", "second")
    }
    half = parts["half"].str.upper().str.replace(".", "", regex=False)
    hour = number["hour"].fillna(0)
    wrong_half = half.notna() & ((hour < 1) | (hour > 12))
    hour = hour.where(half.isna(), hour % 12 + 12 * (half == "PM").fillna(False).astype(float))
    local = pd.to_datetime(
        pd.DataFrame(
            {
                "year": number["year"],
                "month": number["month"],
                "day": number["day"],
                "hour": hour,
                "minute": number["minute"].fillna(0),
                "second": number["second"].fillna(0),
            }
        ),
        errors="coerce",
    )
    fraction = pd.to_numeric("0." + parts["fraction"].fillna("0"), errors="coerce").astype(float)
    local = local + pd.to_timedelta((fraction * 1e6).round(), unit="us")
    out_of_clock = (hour > 23) | (number["minute"] > 59) | (number["second"] > 59)
    local = local.mask((wrong_half.astype(bool) | out_of_clock).fillna(False).astype(bool))
    return _in_utc(local, parts["offset"], zone)


def _in_utc(local: pd.Series[Any], offset: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """Move local times to UTC by their own offset, or by the zone where they have none.

    In the hour that a zone lives twice the first is meant; one that it skips moves forward.
    """
    twice = np.ones(len(local), dtype=bool)
    by_zone = local.dt.tz_localize(zone, ambiguous=twice, nonexistent="shift_forward")
    own = offset.str.upper().str.replace("Z", "+0000", regex=False).str.replace(":", "")
    minutes = pd.to_numeric(own.str[1:3], errors="coerce") * 60 + pd.to_numeric(
        own.str[3:5].replace("", "0"), errors="coerce"
    ).fillna(0)
    minutes = minutes.where(own.str[0] != "-", -minutes).astype("float64")
    by_offset = local.dt.tz_localize("UTC") - pd.to_timedelta(minutes, unit="min")
    instants: pd.Series[Any] = by_zone.dt.tz_convert("UTC").where(offset.isna(), by_offset)
    return instants
