"""Draw a battle chart from files: grids, and what lies in them, with no database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import geopandas as gpd

from gis.chart.definition import ChartData, ChartDefinition
from gis.chart.web import render
from gis.crs import STORAGE_CRS
from gis.routing import Router
from layers.actions.chart_columns import match_statuses, no_scheme
from layers.actions.chart_layers import (
    buildings_layer,
    cases_layer,
    grids_layer,
    households_layer,
)
from layers.actions.chart_sources import ChartOrder, read_source
from layers.actions.chart_styles import case_state_styles
from layers.actions.importing.instants import Calendar
from layers.errors import MappingInvalid
from layers.exchange.reader import split_source

LAYERS: Final = ("buildings", "households", "cases")


@dataclass(frozen=True)
class FileChart:
    """The page, how much is on it, and what had to be decided on the way."""

    page: str
    counts: dict[str, int]
    notes: tuple[str, ...]


def draw_chart_from_files(order: ChartOrder) -> FileChart:
    """Draw a chart of files; what is in them is counted into their grids.

    Parameters
    ----------
    order : ChartOrder
        Only the grids are needed.

    Returns
    -------
    FileChart
        The time on the page is that of the youngest file.

    Raises
    ------
    LayersError, GisError
        Where a file, a column or a datum cannot be used.
    """
    _check_columns(order)
    notes: list[str] = []
    source = read_source(order.grids, order, points=False)
    index, grids = grids_layer(source, order, notes)
    router = Router(index)
    buildings = buildings_layer(order, router, notes)
    households = households_layer(order, router, notes)
    scheme = no_scheme()
    if households is not None:
        scheme, households["status"], words = match_statuses(
            households.pop("status").tolist(), order.scheme
        )
        notes += words
    cases = cases_layer(order, router, notes)
    title = (order.title or source.name).strip()
    definition = ChartDefinition(
        name="files",
        title_zh=order.title or f"{title}作战图",
        title_en=order.title or f"{title} battle chart",
        scheme=scheme,
        case_states=case_state_styles(),
        language=order.language,
        theme=order.theme,
    )
    empty = gpd.GeoDataFrame(geometry=[], crs=STORAGE_CRS)
    data = ChartData(
        data_time=_file_time(order),
        edition=None,
        grids=grids,
        buildings=empty if buildings is None else buildings,
        households=empty if households is None else households,
        cases=empty if cases is None else cases,
    )
    layers = {"grids": grids, "buildings": buildings, "households": households, "cases": cases}
    counts = {name: len(frame) for name, frame in layers.items() if frame is not None}
    return FileChart(render(definition, data), counts, tuple(dict.fromkeys(notes)))


def _check_columns(order: ChartOrder) -> None:
    """Refuse a column that is of no layer."""
    for key in order.columns:
        layer, _, _ = key.partition(".")
        if layer not in LAYERS:
            raise MappingInvalid(
                f"--map {key}=…: write the layer before the field, as in cases.state=COLUMN. "
                f"Layers: {', '.join(LAYERS)}."
            )


def _file_time(order: ChartOrder) -> datetime:
    files = [order.grids, order.buildings, order.households, order.cases]
    youngest = max(split_source(file)[0].stat().st_mtime for file in files if file is not None)
    zone: ZoneInfo = Calendar(order.timezone).zone()
    return datetime.fromtimestamp(youngest, UTC).astimezone(zone)
