"""What a field of a request may hold, wherever it stands."""

import re
from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field

LARGEST_COORDINATE: Final = 1e9
LARGEST_ACCURACY_M: Final = 100_000.0
LARGEST_EDITION: Final = 2**31 - 1
LONGEST_DATUM: Final = 32

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BLANK_OFFSET = re.compile(r"(\d[Tt ][\d:.]+) (\d\d:?\d\d)$")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _one_line(value: str) -> str:
    if _CONTROL.search(value) or _SURROGATE.search(value):
        raise ValueError("must not contain control characters")
    return value.strip()


def _some_lines(value: str) -> str:
    if _CONTROL_BUT_LINES.search(value) or _SURROGATE.search(value):
        raise ValueError("must not contain control characters other than line breaks and tabs")
    return value.strip()


def with_plus(value: object) -> object:
    """Give a time's offset back the plus that a query string has turned into a blank.

    Examples
    --------
    >>> with_plus("2026-03-01T08:30 08:00"), with_plus("2026-03-01 08:30")
    ('2026-03-01T08:30+08:00', '2026-03-01 08:30')
    """
    return _BLANK_OFFSET.sub(r"\1+\2", value) if isinstance(value, str) else value


OneLine = Annotated[str, AfterValidator(_one_line)]
SomeLines = Annotated[str, AfterValidator(_some_lines)]

DatumName = Annotated[
    OneLine,
    Field(
        min_length=1,
        max_length=LONGEST_DATUM,
        description="in which datum lon and lat are: wgs84, cgcs2000, gcj02, bd09, EPSG:n or "
        "ESRI:n. It is never guessed: GCJ-02 taken for WGS 84 is half a kilometre off.",
        examples=["wgs84", "gcj02"],
    ),
]
CategoryCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{5}$",
        description="five digits: major (大类) and minor (小类)",
        examples=["53001"],
    ),
]


EditionNumber = Annotated[
    int, Path(ge=1, le=LARGEST_EDITION, description="number of the edition of the boundaries")
]


class Label(BaseModel):
    """A label in both languages."""

    zh: str
    en: str
