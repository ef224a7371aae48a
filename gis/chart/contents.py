"""What goes into a chart's page: its layers, packed, with the counts and ranks they lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.chart.definition import ChartData, ChartDefinition, StatusStyle
from gis.chart.frames import Bounds, Layer, bounds_of, read_layers
from gis.chart.lattice import spread
from gis.chart.packing import (
    Json,
    pack_counts,
    pack_degrees,
    pack_numbers,
    pack_polygons,
    pack_text,
)
from gis.chart.symbols import SHAPES
from gis.errors import InvalidChart
from gis.geometry import OUTSIDE, Degrees, Positions
from gis.measure import areas_m2

NOBODY: Final = 255
"""The status of a building in which no household is known."""

SHADES: Final = 4
"""Shades of a grid above "no open case"."""

NO_TIME: Final = -(2**31)
"""A packed time that is not known."""

UNKNOWN: Final = StatusStyle(
    code="",
    name_zh="未知",
    name_en="Unknown",
    shape="question",
    colour_day="#606468",
    colour_night="#B2B3B4",
    severity=0,
    order=10_000,
    normal=False,
    unknown=True,
)
"""Stands for a missing status where the scheme has no status of its own that means unknown."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Joined:
    """The layers, and for each household and case what it is and to whom it belongs.

    Positions are −1 where there is none.
    """

    layers: Mapping[str, Layer]
    styles: tuple[StatusStyle, ...]
    states: tuple[StatusStyle, ...]
    status: Positions
    state: Positions
    household_grid: Positions
    household_building: Positions
    case_grid: Positions
    open_case: NDArray[np.bool_]
    late: NDArray[np.bool_]

    @property
    def grids(self) -> Layer:
        return self.layers["grids"]

    @property
    def buildings(self) -> Layer:
        return self.layers["buildings"]

    @property
    def households(self) -> Layer:
        return self.layers["households"]

    @property
    def cases(self) -> Layer:
        return self.layers["cases"]

    def bounds(self) -> Bounds | None:
        """Return the box of the grids, else of what is in them, else of the areas.

        A case far outside every grid must not shrink the town to a spot.
        """
        for names in (("grids",), ("buildings", "households", "cases"), ("areas",)):
            bounds = bounds_of([self.layers[name] for name in names])
            if bounds is not None:
                return bounds
        return None


def contents(definition: ChartDefinition, data: ChartData) -> Json:
    """Return everything that the page needs, ready to be written as JSON.

    Parameters
    ----------
    definition, data
        What to draw. Layers may be empty and may lack columns.

    Raises
    ------
    MissingCrs
        A layer with rows does not say in which CRS it is.
    InvalidChart
        A status or state occurs that the definition does not know.
    """
    joined = _join(definition, data)
    bounds = joined.bounds()
    origin = bounds[0] if bounds else 0.0
    grids, shading = _grids(joined, origin)
    return {
        "head": {
            "title": {"zh": definition.title_zh, "en": definition.title_en},
            "name": definition.name,
            "language": definition.language,
            "theme": definition.theme,
            "time": _moment(data),
            "edition": data.edition,
            "scheme": {"zh": definition.scheme.name_zh, "en": definition.scheme.name_en},
            "statuses": _legend(joined.styles, joined.status),
            "states": _legend(joined.states, joined.state),
            "shapes": dict(SHAPES),
            "shading": shading,
            "dedicated": "dedicated" in joined.grids.texts("kind"),
            "totals": _totals(joined),
            "bounds": [round(edge, 7) for edge in bounds] if bounds else None,
        },
        "origin": origin,
        "areas": _areas(joined.layers["areas"], origin),
        "grids": grids,
        "buildings": _buildings(joined, origin),
        "households": _households(joined, origin),
        "cases": _cases(joined, data, origin),
    }


def worst_statuses(counts: Counts, styles: Sequence[StatusStyle]) -> NDArray[np.uint8]:
    """Return the worst status that occurs in each row of ``counts``, by declared severity.

    Parameters
    ----------
    counts
        Households by building (rows) and status (columns).
    styles
        The statuses, in the order of the columns.

    Returns
    -------
    ndarray of uint8
        Positions in ``styles``; ``NOBODY`` where no household is known. Among equals the one
        that comes first in the legend.
    """
    worst = np.full(len(counts), NOBODY, dtype=np.uint8)
    for i in sorted(range(len(styles)), key=lambda i: (styles[i].severity, -styles[i].order)):
        worst[counts[:, i] > 0] = i
    return worst


def _join(definition: ChartDefinition, data: ChartData) -> _Joined:
    layers = read_layers(
        {
            "grids": data.grids,
            "buildings": data.buildings,
            "households": data.households,
            "cases": data.cases,
            "areas": data.areas,
        }
    )
    households, cases = layers["households"], layers["cases"]
    styles = _with_unknown(definition.scheme.statuses, households)
    state = _places_of("case", cases.texts("state"), definition.case_states)
    # One more at the end, for the −1 of a case whose state is not said: it counts as open.
    ended = np.array([style.normal for style in definition.case_states] + [False])
    grids = _positions(layers["grids"].texts("code"))
    buildings = _positions(layers["buildings"].texts("code"))
    return _Joined(
        layers=layers,
        styles=styles,
        states=definition.case_states,
        status=_places_of("household", households.texts("status"), styles),
        state=state,
        household_grid=_look_up(households.texts("grid_code"), grids),
        household_building=_look_up(households.texts("building_code"), buildings),
        case_grid=_look_up(cases.texts("grid_code"), grids),
        open_case=~ended[state],
        late=cases.flags("overdue") & ~ended[state],
    )


def _with_unknown(styles: tuple[StatusStyle, ...], households: Layer) -> tuple[StatusStyle, ...]:
    if any(style.unknown for style in styles) or None not in households.texts("status"):
        return styles
    code = UNKNOWN.code
    while any(style.code == code for style in styles):
        code += "?"
    normal = max((style.severity for style in styles if style.normal), default=0)
    return (*styles, replace(UNKNOWN, code=code, severity=normal + 1))


def _places_of(what: str, codes: Sequence[str | None], styles: Sequence[StatusStyle]) -> Positions:
    """Return each code's position; a missing one is the unknown style's, or −1."""
    position: dict[str | None, int] = {style.code: i for i, style in enumerate(styles)}
    position[None] = next((i for i, style in enumerate(styles) if style.unknown), OUTSIDE)
    strangers = {code for code in codes if code not in position}
    if strangers:
        raise InvalidChart(
            f"the {what} status {min(map(str, strangers))!r} is not one of this chart's: "
            f"{', '.join(style.code for style in styles) or 'none'}; add it to the definition"
        )
    return np.fromiter((position[code] for code in codes), dtype=np.intp, count=len(codes))


def _positions(codes: Sequence[str | None]) -> dict[str, int]:
    first: dict[str, int] = {}
    for i, code in enumerate(codes):
        if code is not None:
            first.setdefault(code, i)
    return first


def _look_up(codes: Sequence[str | None], positions: Mapping[str, int]) -> Positions:
    found = (OUTSIDE if code is None else positions.get(code, OUTSIDE) for code in codes)
    return np.fromiter(found, dtype=np.intp, count=len(codes))


def _tally(positions: Positions, length: int) -> Counts:
    return np.bincount(positions[positions >= 0], minlength=length).astype(np.int64)


def _cross(rows: Positions, columns: Positions, shape: tuple[int, int]) -> Counts:
    counts = np.zeros(shape, dtype=np.int64)
    known = (rows >= 0) & (columns >= 0)
    np.add.at(counts, (rows[known], columns[known]), 1)
    return counts


def _totals(joined: _Joined) -> Json:
    outside = joined.open_case & (joined.case_grid < 0)
    return {
        "grids": len(joined.grids),
        "buildings": len(joined.buildings),
        "households": len(joined.households),
        "cases": len(joined.cases),
        "open": int(joined.open_case.sum()),
        "late": int(joined.late.sum()),
        "limits": joined.cases.knows("overdue"),
        "outside": int(outside.sum()) if len(joined.grids) else 0,
        "unplaced_households": int((~joined.households.placed()).sum()),
        "unplaced_cases": int((~joined.cases.placed()).sum()),
    }


def _moment(data: ChartData) -> Json:
    offset = data.data_time.strftime("%z")
    return {
        "date": data.data_time.strftime("%Y-%m-%d"),
        "time": data.data_time.strftime("%H:%M"),
        "offset": f"{offset[:3]}:{offset[3:5]}",
    }


def _legend(styles: Sequence[StatusStyle], positions: Positions) -> list[Json]:
    counts = _tally(positions, len(styles))
    return [
        {
            "code": style.code,
            "zh": style.name_zh,
            "en": style.name_en,
            "shape": style.shape,
            "night": style.colour_night,
            "day": style.colour_day,
            "severity": style.severity,
            "order": style.order,
            "normal": style.normal,
            "unknown": style.unknown,
            "count": int(count),
        }
        for style, count in zip(styles, counts, strict=True)
    ]


def _areas(areas: Layer, origin: float) -> Json:
    return {"n": len(areas), "outline": pack_polygons(areas.geometries, origin)}


def _grids(joined: _Joined, origin: float) -> tuple[Json, Json]:
    """Pack the grids, and say what their shades mean."""
    grids = joined.grids
    open_cases = grids.counts("open_cases")
    if open_cases is None:
        open_cases = _tally(joined.case_grid[joined.open_case], len(grids))
    households = grids.counts("household_count")
    if households is None:
        households = _tally(joined.household_grid, len(grids))
    density, per = _densities(grids, open_cases, households)
    shade, breaks = _shades(density)
    shape = (len(grids), len(joined.styles))
    packed = _outlined(grids, origin) | {
        "kind": pack_text(grids.texts("kind")),
        "responsible": pack_text(grids.texts("responsible")),
        "open": pack_counts(open_cases),
        "late": pack_counts(_tally(joined.case_grid[joined.late], len(grids))),
        "households": pack_counts(households),
        "shade": pack_numbers(shade, "u1"),
        "statuses": pack_counts(_cross(joined.household_grid, joined.status, shape)),
    }
    return packed, {"per": per, "breaks": breaks}


def _densities(
    grids: Layer, open_cases: Counts, households: Counts
) -> tuple[NDArray[np.float64], str]:
    """Return open cases for a grid's size: a hundred households where known, else a km²."""
    if households.any() and (households[open_cases > 0] > 0).all():
        return open_cases * 100 / np.maximum(households, 1), "households"
    areas = areas_m2(grids.geometries) if len(grids) else np.empty(0)
    square_km = np.where(np.isfinite(areas) & (areas > 0), areas, np.inf) / 1e6
    return open_cases / square_km, "km2"


def _shades(density: NDArray[np.float64]) -> tuple[NDArray[np.uint8], list[float]]:
    """Sort grids into shades: 0 for no open case, then up by rounded quantiles of the others."""
    some = density[density > 0]
    if not len(some):
        return np.zeros(len(density), dtype=np.uint8), []
    quantiles = np.quantile(some, np.arange(1, SHADES) / SHADES)
    breaks = sorted({float(f"{value:.2g}") for value in quantiles})
    above = np.searchsorted(np.array(breaks), density, side="right")
    return (above + (density > 0)).astype(np.uint8), breaks


def _buildings(joined: _Joined, origin: float) -> Json:
    buildings = joined.buildings
    shape = (len(buildings), len(joined.styles))
    counts = _cross(joined.household_building, joined.status, shape)
    return _outlined(buildings, origin) | {
        "address": pack_text(buildings.texts("address")),
        "grid": pack_text(buildings.texts("grid_code")),
        "worst": pack_numbers(worst_statuses(counts, joined.styles), "u1"),
        "statuses": pack_counts(counts),
    }


def _outlined(layer: Layer, origin: float) -> Json:
    """Pack what grids and buildings have alike: code, name, outline and a place for the name."""
    inside = shapely.point_on_surface(layer.geometries)
    centroid = shapely.centroid(layer.geometries)
    place = np.where(shapely.contains(layer.geometries, centroid), centroid, inside)
    x, y = shapely.get_x(place), shapely.get_y(place)
    return {
        "n": len(layer),
        "code": pack_text(layer.texts("code")),
        "name": pack_text(layer.texts("name")),
        "x": pack_degrees(np.where(np.isfinite(x), x, origin), origin),
        "y": pack_degrees(np.where(np.isfinite(y), y, 0.0)),
        "outline": pack_polygons(layer.geometries, origin),
    }


def _households(joined: _Joined, origin: float) -> Json:
    rows = np.flatnonzero(joined.households.placed())
    rows = rows[_reading_order(joined.households.take(rows))]
    layer, status = joined.households.take(rows), joined.status[rows]
    lon, lat = spread(
        shapely.get_x(layer.geometries),
        shapely.get_y(layer.geometries),
        joined.household_building[rows],
        joined.buildings.geometries,
    )
    open_cases = layer.counts("open_cases")
    return _points(status, lon, lat, origin) | {
        "open": pack_counts(open_cases if open_cases is not None else np.zeros(len(layer))),
        **{
            column: pack_text(layer.texts(column))
            for column in ("code", "building_code", "grid_code", "unit", "floor", "room")
        },
    }


def _reading_order(layer: Layer) -> NDArray[np.intp]:
    """Sort by building, unit, floor and room, numbers by their value, then by code."""
    keys: list[NDArray[Any]] = [pd.factorize(np.array(layer.texts("code"), dtype=object))[0]]
    for column in ("room", "floor", "unit", "building_code"):  # the last one counts most
        texts = pd.Series(layer.texts(column), dtype=object)
        place, known = pd.factorize(texts, sort=True)
        values = pd.to_numeric(pd.Series(known, dtype=object), errors="coerce").fillna(np.inf)
        keys += [place, np.append(values.to_numpy(np.float64), np.inf)[place]]
    return np.lexsort(keys)


def _cases(joined: _Joined, data: ChartData, origin: float) -> Json:
    rows = np.flatnonzero(joined.cases.placed())
    layer = joined.cases.take(rows)
    lon, lat = shapely.get_x(layer.geometries), shapely.get_y(layer.geometries)
    return _points(joined.state[rows], lon, lat, origin) | {
        "late": pack_numbers(joined.late[rows], "u1"),
        "id": pack_text(layer.texts("id")),
        "zh": pack_text(layer.texts("category_zh")),
        "en": pack_text(layer.texts("category_en")),
        "grid_code": pack_text(layer.texts("grid_code")),
        "reported": pack_numbers(_minutes(layer, data), "i4"),
    }


def _points(status: Positions, lon: Degrees, lat: Degrees, origin: float) -> Json:
    return {
        "n": len(status),
        "x": pack_degrees(lon, origin),
        "y": pack_degrees(lat),
        "status": pack_numbers(np.where(status < 0, NOBODY, status), "u1"),
    }


def _minutes(layer: Layer, data: ChartData) -> NDArray[np.int64]:
    """Return when each case was reported, in minutes of the chart's own clock since 1970."""
    minutes = np.full(len(layer), NO_TIME, dtype=np.int64)
    if "reported_at" not in layer.frame:
        return minutes
    for i, value in enumerate(layer.frame["reported_at"]):
        if pd.isna(value):
            continue
        moment = pd.Timestamp(value)
        if moment.tzinfo is not None:
            moment = moment.tz_convert(data.data_time.tzinfo).tz_localize(None)
        minutes[i] = moment.timestamp() // 60
    return minutes
