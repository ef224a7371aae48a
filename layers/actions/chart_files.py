"""Draw a battle chart from files: grids, and what lies in them, with no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.chart.definition import ChartData, ChartDefinition, Language, Theme
from gis.chart.web import render
from gis.crs import STORAGE_CRS
from gis.datum import STORAGE
from gis.errors import MissingCrs
from gis.geometry import Geometries
from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.chart_columns import (
    match_states,
    match_statuses,
    name_categories,
    no_scheme,
)
from layers.actions.chart_styles import case_state_styles
from layers.actions.importing.instants import Calendar, read_instants
from layers.actions.route_file import index_grids
from layers.errors import LayerRefused, MappingInvalid
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping, find_column
from layers.exchange.reader import SourceLayer, read_layer, split_source

LAYERS: Final = ("buildings", "households", "cases")

_TEXT_FILES: Final = (".csv", ".tsv", ".txt")
_ENCRYPTED: Final = ("gcj02", "bd09")
_ROUTED: Final = {"grid_code", "rule", "distance_to_boundary_m", "lon", "lat"}

_NAME = FieldSpec("name", synonyms=("gst_name", "s_name", "label"))
_BUILDING = (
    FieldSpec("code", synonyms=("building_code", "楼栋编码", "osm_id", "osm_way_id", "id")),
    FieldSpec("name", synonyms=("building_name", "楼栋名称")),
    FieldSpec("address", synonyms=("addr_street", "addr:street")),
)
_HOUSEHOLD = (
    FieldSpec("code", synonyms=("household_code", "户编码", "户编号", "osm_id", "id")),
    FieldSpec("building_code"),
    FieldSpec("unit"),
    FieldSpec("floor"),
    FieldSpec("room"),
)
_CASE = (
    FieldSpec("id", synonyms=("source_id", "案件编号", "工单编号", "servicerequestnum")),
    FieldSpec("category", synonyms=("小类代码", "srtype", "service_name", "type")),
    FieldSpec("state", synonyms=("status", "srstatus")),
    FieldSpec(
        "reported_at",
        synonyms=("上报时间", "createddate", "created_at", "requested_datetime", "occurred_at"),
    ),
)


@dataclass(frozen=True)
class ChartOrder:
    """Which files make the chart, how their columns are called, and how it looks at first."""

    grids: str
    """``FILE`` or ``FILE:LAYER``, as every file here."""
    code: str
    """The column of the grids' codes."""
    name: str | None = None
    buildings: str | None = None
    households: str | None = None
    status: str | None = None
    """The column of the households' statuses."""
    cases: str | None = None
    datum: str | None = None
    """Of the files that do not declare a CRS."""
    x: str | None = None
    y: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns that go by an unusual name: ``cases.state`` → ``SRStatus``."""
    timezone: str = "Asia/Shanghai"
    title: str | None = None
    language: Language = "zh"
    theme: Theme = "night"
    scheme: str | None = None


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
    notes: list[str] = []
    for key in order.columns:
        layer, _, _ = key.partition(".")
        if layer not in LAYERS:
            raise MappingInvalid(
                f"--map {key}=…: write the layer before the field, as in cases.state=COLUMN. "
                f"Layers: {', '.join(LAYERS)}."
            )
    source = read_file(order.grids, order, points=False)
    index, grids = _grids(source, order, notes)
    router = Router(index)
    buildings = _buildings(order, router, notes)
    households = _households(order, router, notes)
    scheme = no_scheme()
    if households is not None:
        scheme, households["status"], words = match_statuses(
            households.pop("status").tolist(), order.scheme
        )
        notes += words
    cases = _cases(order, router, notes)
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


def read_file(file: str, order: ChartOrder, *, points: bool) -> SourceLayer:
    """Read a layer; the order's datum counts where the file itself declares no CRS."""
    path, _ = split_source(file)
    if path.suffix.lower() in _TEXT_FILES:
        return _read_text(file, order)
    asked = order.datum if points and (order.datum or "").lower() in _ENCRYPTED else None
    try:
        return read_layer(file, datum=asked)
    except MissingCrs:
        if order.datum is None:
            raise
        return read_layer(file, datum=order.datum)


def _read_text(file: str, order: ChartOrder) -> SourceLayer:
    """Read a table of points; in a result of ``lianxin route`` lon and lat need no datum."""
    layer = read_layer(file, datum=order.datum or STORAGE, x=order.x, y=order.y)
    if order.x is None and set(layer.frame.columns) >= _ROUTED:
        if order.datum not in (None, STORAGE):
            layer = read_layer(file, datum=STORAGE, x="lon", y="lat")
        return layer
    return layer if order.datum else read_layer(file, x=order.x, y=order.y)


def _grids(
    source: SourceLayer, order: ChartOrder, notes: list[str]
) -> tuple[GridIndex, gpd.GeoDataFrame]:
    """Return the index of the grids that have a code and an area, and the chart's layer."""
    frame = source.frame
    code = find_column([str(column) for column in frame.columns], order.code, file=source.name)
    codes = pd.Series(_texts(frame[code]), index=frame.index, dtype=object)
    outlines = _polygons(frame.geometry.to_numpy())
    usable = (codes.notna() & ~pd.Series(shapely.is_missing(outlines), frame.index)).to_numpy()
    _note(notes, source, int((~usable).sum()), "has no code or no area and is left out")
    if not usable.any():
        raise LayerRefused(f"{source.name}: no row has both a code in {code} and an area.")
    kept = frame[usable].set_geometry(
        gpd.GeoSeries(outlines[usable], index=frame.index[usable], crs=STORAGE_CRS)
    )
    index, words = index_grids(
        SourceLayer(kept, source.rows[usable], source.name, source.datum), code
    )
    notes += [*source.notes, *words]
    named = order.name and find_column(
        [str(c) for c in frame.columns], order.name, file=source.name
    )
    column = named or ColumnMapping().resolve([str(c) for c in kept.columns], (_NAME,)).get("name")
    names = dict(
        zip(
            codes[usable][::-1],
            _texts(kept[column])[::-1] if column else codes[usable][::-1],
            strict=True,
        )
    )
    grids = gpd.GeoDataFrame(
        {"code": list(index.codes), "name": [names.get(each) or each for each in index.codes]},
        geometry=np.asarray(index.geometries, dtype=object),
        crs=STORAGE_CRS,
    )
    return index, grids


def _buildings(order: ChartOrder, router: Router, notes: list[str]) -> gpd.GeoDataFrame | None:
    if order.buildings is None:
        return None
    source = read_file(order.buildings, order, points=False)
    outlines = _polygons(source.frame.geometry.to_numpy())
    drawn = ~shapely.is_missing(outlines)
    _note(notes, source, int((~drawn).sum()), "is no polygon and is left out")
    fields = _fields("buildings", source, _BUILDING, order)[drawn]
    fields["address"] = _addresses(source.frame[drawn], fields["address"])
    anchors = shapely.point_on_surface(outlines[drawn])
    fields["grid_code"] = _owners(router, anchors)
    return gpd.GeoDataFrame(fields, geometry=outlines[drawn], crs=STORAGE_CRS)


def _households(order: ChartOrder, router: Router, notes: list[str]) -> gpd.GeoDataFrame | None:
    if order.households is None:
        return None
    source = read_file(order.households, order, points=True)
    fields = _fields("households", source, _HOUSEHOLD, order)
    columns = [str(column) for column in source.frame.columns]
    fields["status"] = pd.Series(None, index=fields.index, dtype=object)
    if order.status is not None:
        column = find_column(columns, order.status, file=source.name)
        fields["status"] = pd.Series(_texts(source.frame[column]), fields.index, dtype=object)
    points = _as_points(source, notes)
    fields["grid_code"] = _owners(router, points)
    return gpd.GeoDataFrame(fields, geometry=points, crs=STORAGE_CRS)


def _cases(order: ChartOrder, router: Router, notes: list[str]) -> gpd.GeoDataFrame | None:
    if order.cases is None:
        return None
    source = read_file(order.cases, order, points=True)
    fields = _fields("cases", source, _CASE, order, code="id")
    points = _as_points(source, notes)
    routed = set(source.frame.columns) >= _ROUTED
    owners = (
        _routed_owners(source, router.grids, notes) if routed else list(_owners(router, points))
    )
    states, words = match_states(fields["state"].tolist())
    notes += [f"{source.name}: {word}" for word in words]
    zh, en, confidential = name_categories(fields["category"].tolist())
    cases = gpd.GeoDataFrame(
        {
            "id": fields["id"],
            "category_zh": zh,
            "category_en": en,
            "state": states,
            "reported_at": _instants(fields["reported_at"], order, source, notes),
            "grid_code": owners,
        },
        geometry=points,
        crs=STORAGE_CRS,
    )
    _note(notes, source, int(confidential.sum()), "is confidential by its category and left out")
    return cases[~confidential]


def _fields(
    layer: str,
    source: SourceLayer,
    specs: Sequence[FieldSpec],
    order: ChartOrder,
    code: str = "code",
) -> pd.DataFrame:
    """Return the fields of a layer as text; a row without a code is called by its number."""
    asked = {
        key.partition(".")[2]: column
        for key, column in order.columns.items()
        if key.partition(".")[0] == layer
    }
    filled = ColumnMapping(columns=asked).apply(pd.DataFrame(source.frame), specs)
    filled = filled.apply(lambda column: pd.Series(_texts(column), column.index, dtype=object))
    numbers = pd.Series([str(row) for row in source.rows], index=filled.index, dtype=object)
    filled[code] = filled[code].where(filled[code].notna(), numbers)
    return filled.reset_index(drop=True)


def _addresses(frame: gpd.GeoDataFrame, streets: "pd.Series[Any]") -> list[str | None]:
    """Return street and house number where a file has them apart, as OpenStreetMap does."""
    column = next((c for c in ("addr:housenumber", "addr_housenumber") if c in frame), None)
    if column is None:
        return list(streets)
    pairs = zip(streets, _texts(frame[column]), strict=True)
    return [" ".join(part for part in pair if part) or None for pair in pairs]


def _owners(router: Router, points: Geometries) -> NDArray[np.object_]:
    """Return the code of each point's grid, or None."""
    codes = np.array([*router.grids.codes, None], dtype=object)
    placed = router.place_many(shapely.get_x(points), shapely.get_y(points), STORAGE)
    owners: NDArray[np.object_] = codes[placed.positions]
    return owners


def _routed_owners(source: SourceLayer, index: GridIndex, notes: list[str]) -> list[str | None]:
    """Return the owners that ``lianxin route`` wrote, where these grids have such a code."""
    known = set(index.codes)
    written = _texts(source.frame["grid_code"])
    strange = sum(code is not None and code not in known for code in written)
    _note(notes, source, strange, "was routed to a grid that is not in the file of grids")
    return [code if code in known else None for code in written]


def _instants(
    written: "pd.Series[Any]", order: ChartOrder, source: SourceLayer, notes: list[str]
) -> list[Any]:
    """Return when each case was reported, where its file says so in a way that can be read."""
    text = pa.array(written.tolist(), type=pa.large_string())
    try:
        instants, bad = read_instants(text, "reported_at", Calendar(order.timezone))
    except LayerRefused as error:
        notes.append(f"{source.name}: times are left out. {error}")
        return [None] * len(written)
    _note(notes, source, int(bad.sum()), "has a time that cannot be read")
    return [None if value is pd.NaT else value for value in instants.to_pandas()]


def _as_points(source: SourceLayer, notes: list[str]) -> Geometries:
    """Return a point of each row: of a line or polygon one on it."""
    shapes: NDArray[np.object_] = np.array(source.frame.geometry.to_numpy(), dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    other = ~shapely.is_missing(shapes) & (shapely.get_type_id(shapes) != 0)
    if other.any():
        _note(notes, source, int(other.sum()), "is no point; a point on it stands for it")
        shapes[other] = shapely.point_on_surface(shapes[other])
    return shapes


def _polygons(shapes: NDArray[Any]) -> Geometries:
    """Return the polygons of each geometry, mended; None where there is no area."""
    outlines = np.asarray(shapes, dtype=object).copy()
    invalid = ~shapely.is_missing(outlines) & ~shapely.is_valid(outlines)
    outlines[invalid] = shapely.make_valid(outlines[invalid])
    mixed = np.flatnonzero(shapely.get_type_id(outlines) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for i in mixed:
        parts = shapely.get_parts(outlines[i])
        outlines[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    flat = (shapely.get_dimensions(outlines) != 2) | shapely.is_empty(outlines)
    outlines[flat] = None
    return outlines


def _texts(column: "pd.Series[Any]") -> list[str | None]:
    """Return values as a person writes them; what is empty or missing is None."""
    return [None if pd.isna(value) else _text(value) or None for value in column]


def _text(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload] # a float here


def _file_time(order: ChartOrder) -> datetime:
    files = [order.grids, order.buildings, order.households, order.cases]
    youngest = max(split_source(file)[0].stat().st_mtime for file in files if file is not None)
    zone: ZoneInfo = Calendar(order.timezone).zone()
    return datetime.fromtimestamp(youngest, UTC).astimezone(zone)


def _note(notes: list[str], source: SourceLayer, count: int, what: str) -> None:
    if count:
        notes.append(f"{source.name}: {count:,} {'row' if count == 1 else 'rows'}: each {what}.")


def check_page(out: Path) -> None:
    """Raise, before any work is done, where no page can be written.

    Raises
    ------
    MappingInvalid
        If it is no page's name, or lies in no folder.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise MappingInvalid(f"{out}: a chart is a page. Name a file that ends in .html.")
    if not out.parent.is_dir():
        raise MappingInvalid(f"There is no folder {out.parent} for {out.name}.")


def write_page(page: str, out: Path) -> None:
    """Write a page whole or not at all."""
    check_page(out)
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
