"""Draw a battle chart (作战图) of a place from what is stored."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Executable
from sqlalchemy.orm import Session

from gis.chart.definition import (
    ChartData,
    ChartDefinition,
    Language,
    StatusScheme,
    StatusStyle,
    Theme,
)
from gis.chart.web import render
from gis.crs import STORAGE_CRS
from layers.actions.chart_styles import case_state_styles
from layers.errors import ChartNotFound, NotAllowed
from layers.models import StatusValue
from layers.policy import ExactField, may_see
from layers.session import Database
from layers.store import charts, territory
from layers.viewer import EVERYWHERE, SYSTEM, viewer

EVERYTHING = "all"
"""The name of the chart of the whole place."""

DEFAULT_SCHEME = "hazard"


@dataclass(frozen=True)
class ChartPlace:
    """A place that has a chart: the whole, an area, or a grid of the edition in force.

    ``name`` goes into the chart's address; ``level`` is ``all``, an area's level, or ``grid``.
    """

    name: str
    level: str
    code: str | None
    name_zh: str
    name_en: str
    path: str
    grid_count: int = 0
    open_case_count: int = 0

    @property
    def title_zh(self) -> str:
        """The chart's title in Chinese."""
        return f"{self.name_zh}作战图"

    @property
    def title_en(self) -> str:
        """The chart's title in English."""
        return f"{self.name_en} battle chart"

    @property
    def depth(self) -> int:
        """How many places this one lies in."""
        return max(self.path.count("/") - 1, 0)


@dataclass(frozen=True)
class SchemeName:
    """A permanent status scheme, by its names."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class ChartRequest:
    """Which chart, and how it is to look at first."""

    name: str = EVERYTHING
    language: Language = "zh"
    theme: Theme = "night"
    scheme: str = DEFAULT_SCHEME


_NOTHING_RECORDED = StatusStyle(
    code="nothing_recorded",
    name_zh="无记录",
    name_en="Nothing recorded",
    shape="circle",
    colour_day="#606468",
    colour_night="#65717C",
    severity=-1,
    order=99,
    normal=True,
    unknown=False,
)
"""A scheme that only marks some (party members, people in care) says nothing bad of the others."""


@dataclass(frozen=True)
class ChartVersion:
    """What a chart is drawn from: equal versions make equal charts, but for the time on them."""

    tag: str
    read_at: datetime


def draw_chart(database: Database, request: ChartRequest) -> str:
    """Draw the chart of a place as a self-contained page.

    Parameters
    ----------
    database : Database
        Grids, buildings, households and cases are read under one edition.
    request : ChartRequest
        The name is ``all``, or the code or path of an area or of a grid in force.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ChartNotFound
        If there is no such place, or no such permanent scheme.

    Notes
    -----
    Cases of confidential categories are left out, and so are ended ones reported more than
    thirty days ago. Open ones are always there.
    """
    with database.transaction() as session:
        definition, data = read_chart(session, request)
        while session.scalars(territory.edition_id_in_force()).one_or_none() != data.edition:
            # Published in between: the first layers would not agree with the last.
            definition, data = read_chart(session, request)
    return render(definition, data)


def read_chart(session: Session, request: ChartRequest) -> tuple[ChartDefinition, ChartData]:
    """Read what a chart shows; see ``draw_chart``."""
    place = find_place(session, request.name)
    scheme = _scheme(session, request.scheme)
    edition_id = session.scalars(territory.edition_id_in_force()).one_or_none()
    definition = ChartDefinition(
        name=place.name,
        title_zh=place.title_zh,
        title_en=place.title_en,
        scheme=scheme,
        case_states=case_state_styles(),
        language=request.language,
        theme=request.theme,
    )
    english = request.language == "en"
    data = ChartData(
        data_time=session.execute(charts.data_version()).one().read_at.astimezone(),
        edition=edition_id,
        grids=_grids(session, place.path, edition_id, english=english),
        buildings=_outlines(session, charts.chart_buildings(place.path)),
        households=_households(session, place.path, scheme),
        cases=_points(session, charts.chart_cases(place.path, edition_id=edition_id)),
        areas=_named(_outlines(session, charts.chart_areas(place.path)), english=english),
    )
    return definition, data


def chart_version(database: Database, request: ChartRequest) -> ChartVersion:
    """Return what tells whether a chart would be drawn otherwise than before; it reads no layer.

    Raises
    ------
    ChartNotFound
        If there is no such chart.
    """
    with database.transaction() as session:
        place = find_place(session, request.name)
        _scheme(session, request.scheme)
        row = session.execute(charts.data_version()).one()
    # Ended cases leave the chart day by day without anything being written.
    words = (
        repr(viewer()), row.version, f"{row.read_at:%Y%m%d}", place.path, request.name,
        request.language, request.theme, request.scheme,
    )  # fmt: skip
    tag = hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]
    return ChartVersion(tag, row.read_at)


def find_place(session: Session, name: str) -> ChartPlace:
    """Return the place of that name.

    Raises
    ------
    ChartNotFound
        If neither an area nor a grid in force has this code or path.
    NotAllowed
        If it lies outside the viewer's area; ``all`` is all of that area.
    """
    who = viewer() or SYSTEM
    if name == EVERYTHING and who.area == EVERYWHERE:
        return _whole(session.execute(charts.chart_places()).all())
    asked = who.area if name == EVERYTHING else name
    for level, statement in ((None, charts.area_with(asked)), ("grid", charts.grid_with(asked))):
        row = session.execute(statement).one_or_none()
        if row is not None:
            if not who.within(row.path):
                raise NotAllowed("This chart is of another area than your account's.")
            return ChartPlace(
                name=name,
                level=level or str(row.level),
                code=row.code,
                name_zh=row.name,
                name_en=row.name_en or row.name,
                path=row.path,
            )
    raise ChartNotFound(
        "There is no chart of that name. A chart is called all, or by the code of an area or of a "
        "grid in force; /charts lists them."
    )


def list_charts(database: Database) -> tuple[list[ChartPlace], list[SchemeName]]:
    """Return every place that has a chart, ancestors before what lies in them, and the schemes.

    Returns
    -------
    places, schemes : list
        The whole place first; counts of grids and of open cases include all that lies within.
    """
    with database.transaction() as session:
        areas = session.execute(charts.chart_places()).all()
        grids = session.execute(charts.grid_places()).all()
        matters = session.execute(charts.open_case_counts()).all()
        schemes = [
            SchemeName(scheme.code, scheme.name_zh, scheme.name_en)
            for scheme in session.scalars(charts.permanent_schemes())
        ]
    cells = Counter(prefix for grid in grids for prefix in _prefixes(grid.path))
    waiting: Counter[str] = Counter()
    for matter in matters:
        for prefix in _prefixes(matter.path or ""):
            waiting[prefix] += matter.open_cases
    taken = {area.code for area in areas} | {EVERYTHING}
    whole = _whole(areas)
    who = viewer() or SYSTEM
    places = [
        ChartPlace(
            name=row.path.rstrip("/") if level == "grid" and row.code in taken else row.code,
            level=level,
            code=row.code,
            name_zh=row.name,
            name_en=row.name_en or row.name,
            path=row.path,
            grid_count=cells[row.path],
            open_case_count=waiting[row.path],
        )
        for level, row in [
            *((str(area.level), area) for area in areas),
            *(("grid", grid) for grid in grids),
        ]
        if who.within(row.path)
    ]
    # An area before the grid of the same path: the sort keeps the order in which they came.
    places.sort(key=lambda place: _reading_order(place.path))
    everything = ChartPlace(
        name=EVERYTHING,
        level=whole.level,
        code=None,
        name_zh=whole.name_zh,
        name_en=whole.name_en,
        path="",
        grid_count=len(grids),
        open_case_count=sum(matter.open_cases for matter in matters),
    )
    schemes.sort(key=lambda scheme: scheme.code != DEFAULT_SCHEME)
    return ([everything, *places] if who.area == EVERYWHERE else places), schemes


def _whole(areas: Sequence[Any]) -> ChartPlace:
    """Return the whole place, called by its banner where there is just one."""
    roots = [area for area in areas if area.path.count("/") == 1]
    alone = roots[0] if len(roots) == 1 else None
    return ChartPlace(
        name=EVERYTHING,
        level="all",
        code=None,
        name_zh=alone.name if alone else "全域",
        name_en=(alone.name_en or alone.name) if alone else "Whole area",
        path="",
    )


def _prefixes(path: str) -> Iterable[str]:
    """Return a path and the paths it lies in.

    >>> list(_prefixes("33/1/"))
    ['33/', '33/1/']
    """
    ends = [position + 1 for position, letter in enumerate(path) if letter == "/"]
    return (path[:end] for end in ends)


def _reading_order(path: str) -> list[str | int]:
    """Return a key that sorts numbers by their value, and what lies in a place right after it.

    >>> sorted(["10/", "9/", "9/2/"], key=_reading_order)
    ['9/', '9/2/', '10/']
    """
    parts = re.split(r"([0-9]+)", path)  # text and number in turn
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _scheme(session: Session, code: str) -> StatusScheme:
    schemes = {scheme.code: scheme for scheme in session.scalars(charts.permanent_schemes())}
    if code not in schemes:
        known = ", ".join(schemes) or "none yet: run lianxin db upgrade"
        raise ChartNotFound(
            f"A chart can show the households by one of these status schemes: {known}. "
            "Schemes of a campaign are not shown."
        )
    styles = [_style(value) for value in session.scalars(charts.scheme_values(code))]
    if not any(style.normal or style.unknown for style in styles):
        styles.append(_NOTHING_RECORDED)
    found = schemes[code]
    return StatusScheme(code, found.name_zh, found.name_en, tuple(styles))


def _style(value: StatusValue) -> StatusStyle:
    return StatusStyle(
        code=value.code,
        name_zh=value.name_zh,
        name_en=value.name_en,
        shape=value.shape,
        colour_day=value.colour_day,
        colour_night=value.colour_night,
        severity=value.severity,
        order=value.order,
        normal=value.normal,
        unknown=value.unknown,
    )


def _grids(
    session: Session, prefix: str, edition_id: int | None, *, english: bool
) -> gpd.GeoDataFrame:
    if edition_id is None:
        columns = ("code", "name", "kind", "responsible", "open_cases", "household_count")
        return gpd.GeoDataFrame({name: [] for name in columns}, geometry=[], crs=STORAGE_CRS)
    grids = _outlines(session, charts.chart_grids(prefix, edition_id=edition_id))
    return _named(grids, english=english)


def _named(frame: gpd.GeoDataFrame, *, english: bool) -> gpd.GeoDataFrame:
    """Call each row by the name in the chart's language, where it has one."""
    if english:
        frame["name"] = frame["name_en"].fillna(frame["name"])
    return frame.drop(columns="name_en")


def _outlines(session: Session, statement: Executable) -> gpd.GeoDataFrame:
    frame = _frame(session, statement)
    outlines = shapely.from_wkb(frame.pop("wkb").to_numpy(dtype=object))
    return gpd.GeoDataFrame(frame, geometry=outlines, crs=STORAGE_CRS)


def _households(session: Session, prefix: str, scheme: StatusScheme) -> gpd.GeoDataFrame:
    exact = may_see(viewer() or SYSTEM, prefix, ExactField.DOOR)
    households = _points(
        session,
        charts.chart_households(prefix, scheme=scheme.code, exact=exact),
    )
    if _NOTHING_RECORDED in scheme.statuses:
        households["status"] = households["status"].fillna(_NOTHING_RECORDED.code)
    return households


def _points(session: Session, statement: Executable) -> gpd.GeoDataFrame:
    """Read points; one without coordinates becomes None."""
    frame = _frame(session, statement)
    lon = frame.pop("lon").to_numpy(dtype=np.float64)
    lat = frame.pop("lat").to_numpy(dtype=np.float64)
    points = np.full(len(frame), None, dtype=object)
    placed = np.isfinite(lon) & np.isfinite(lat)
    points[placed] = shapely.points(lon[placed], lat[placed])
    return gpd.GeoDataFrame(frame, geometry=points, crs=STORAGE_CRS)


def _frame(session: Session, statement: Executable) -> pd.DataFrame:
    # Columns, not objects: a hundred thousand households are read in about half a second.
    result = session.execute(statement)
    names = list(result.keys())
    rows = result.all()
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pd.DataFrame(
        {name: pd.Series(column, dtype=object) for name, column in zip(names, columns, strict=True)}
    )
