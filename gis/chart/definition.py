"""What a battle chart shows: a definition (titles, statuses, symbols) and the data drawn by it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from geopandas import GeoDataFrame

from gis.chart.symbols import SHAPES
from gis.errors import InvalidChart

Language = Literal["zh", "en"]
Theme = Literal["night", "day"]

MOST_STATUSES: Final = 250
"""A status travels to the page as one byte; the last values of the byte are reserved."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True)
class StatusStyle:
    """One status and the symbol that shows it: always a shape and a colour together.

    ``severity`` decides which status speaks for a building (the highest), ``order`` the place in
    the legend. A ``normal`` status is drawn small and first; ``unknown`` marks the status that
    stands for "nobody has looked yet", which is not the same as normal.
    """

    code: str
    name_zh: str
    name_en: str
    shape: str
    colour_day: str
    colour_night: str
    severity: int
    order: int
    normal: bool
    unknown: bool

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise InvalidChart(
                f"status {self.code!r} asks for the shape {self.shape!r}; "
                f"known shapes are {', '.join(sorted(SHAPES))}"
            )
        for colour in (self.colour_day, self.colour_night):
            if not _COLOUR.fullmatch(colour):
                raise InvalidChart(
                    f"status {self.code!r} has the colour {colour!r}; write it as #RRGGBB"
                )


@dataclass(frozen=True)
class StatusScheme:
    """A vocabulary of statuses (状态方案)."""

    code: str
    name_zh: str
    name_en: str
    statuses: tuple[StatusStyle, ...]

    def __post_init__(self) -> None:
        _refuse_repeated(f"scheme {self.code!r}", self.statuses)


@dataclass(frozen=True)
class ChartDefinition:
    """Everything about a chart that is not data: names, vocabularies, language and theme."""

    name: str
    title_zh: str
    title_en: str
    scheme: StatusScheme
    case_states: tuple[StatusStyle, ...]
    language: Language = "zh"
    theme: Theme = "night"

    def __post_init__(self) -> None:
        if self.language not in ("zh", "en"):
            raise InvalidChart(f"a chart speaks zh or en, not {self.language!r}")
        if self.theme not in ("night", "day"):
            raise InvalidChart(f"a chart's theme is night or day, not {self.theme!r}")
        _refuse_repeated("the case states", self.case_states)


@dataclass(frozen=True)
class ChartData:
    """The layers of one chart at one moment.

    Each layer is in any CRS, as long as it says which. A layer may be empty, and columns other
    than the geometry may be missing: what is not known is not shown.

    Parameters
    ----------
    data_time
        When the data were true; aware. Times in the chart are shown in this time zone.
    edition
        The edition of the boundaries, where they have one.
    grids
        code, name, kind (basic or dedicated), responsible, open_cases, household_count.
    buildings
        code, name, address, grid_code.
    households
        code, building_code, unit, floor, room, grid_code, open_cases, and status: a code of the
        scheme, or missing where it is unknown.
    cases
        id, category_zh, category_en, state (code of a case state), reported_at, grid_code,
        overdue (true, false, or missing where there is no time limit).
    areas
        code, name, level: outlines of the areas above the grids.
    """

    data_time: datetime
    edition: int | None
    grids: GeoDataFrame
    buildings: GeoDataFrame
    households: GeoDataFrame
    cases: GeoDataFrame
    areas: GeoDataFrame | None = None

    def __post_init__(self) -> None:
        if self.data_time.utcoffset() is None:
            raise InvalidChart("the time of the data has no time zone; a map without one is wrong")


def _refuse_repeated(owner: str, styles: Iterable[StatusStyle]) -> None:
    codes = [style.code for style in styles]
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise InvalidChart(f"{owner}: the code {repeated[0]!r} occurs more than once")
    if len(codes) > MOST_STATUSES:
        raise InvalidChart(f"{owner}: {len(codes)} codes; a chart can show {MOST_STATUSES}")
