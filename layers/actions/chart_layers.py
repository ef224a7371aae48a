"""The layers of a chart, made of files: every row with the grid that it lies in."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_CRS
from gis.datum import STORAGE
from gis.geometry import Geometries
from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.chart_columns import match_states, name_categories
from layers.actions.chart_sources import (
    ChartOrder,
    is_routed,
    note_rows,
    points_of,
    polygons_of,
    read_fields,
    read_source,
    texts,
)
from layers.actions.importing.instants import Calendar, read_instants
from layers.actions.index_grids import index_grids
from layers.errors import LayerRefused
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping, find_column
from layers.exchange.reader import SourceLayer

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


def grids_layer(
    source: SourceLayer, order: ChartOrder, notes: list[str]
) -> tuple[GridIndex, gpd.GeoDataFrame]:
    """Return the index of the grids that have a code and an area, and the chart's layer."""
    frame = source.frame
    code = find_column([str(column) for column in frame.columns], order.code, file=source.name)
    codes = pd.Series(texts(frame[code]), index=frame.index, dtype=object)
    outlines = polygons_of(frame.geometry.to_numpy())
    usable = (codes.notna() & ~pd.Series(shapely.is_missing(outlines), frame.index)).to_numpy()
    note_rows(notes, source, int((~usable).sum()), "has no code or no area and is left out")
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
            texts(kept[column])[::-1] if column else codes[usable][::-1],
            strict=True,
        )
    )
    grids = gpd.GeoDataFrame(
        {"code": list(index.codes), "name": [names.get(each) or each for each in index.codes]},
        geometry=np.asarray(index.geometries, dtype=object),
        crs=STORAGE_CRS,
    )
    return index, grids


def buildings_layer(order: ChartOrder, router: Router, notes: list[str]) -> gpd.GeoDataFrame | None:
    """Return the buildings that have an outline, or None where no file was named."""
    if order.buildings is None:
        return None
    source = read_source(order.buildings, order, points=False)
    outlines = polygons_of(source.frame.geometry.to_numpy())
    drawn = ~shapely.is_missing(outlines)
    note_rows(notes, source, int((~drawn).sum()), "is no polygon and is left out")
    fields = read_fields("buildings", source, _BUILDING, order)[drawn]
    fields["address"] = _addresses(source.frame[drawn], fields["address"])
    anchors = shapely.point_on_surface(outlines[drawn])
    fields["grid_code"] = _owners(router, anchors)
    return gpd.GeoDataFrame(fields, geometry=outlines[drawn], crs=STORAGE_CRS)


def households_layer(
    order: ChartOrder, router: Router, notes: list[str]
) -> gpd.GeoDataFrame | None:
    """Return the households with their statuses as written, or None where no file was named."""
    if order.households is None:
        return None
    source = read_source(order.households, order, points=True)
    fields = read_fields("households", source, _HOUSEHOLD, order)
    columns = [str(column) for column in source.frame.columns]
    fields["status"] = pd.Series(None, index=fields.index, dtype=object)
    if order.status is not None:
        column = find_column(columns, order.status, file=source.name)
        fields["status"] = pd.Series(texts(source.frame[column]), fields.index, dtype=object)
    points = points_of(source, notes)
    fields["grid_code"] = _owners(router, points)
    return gpd.GeoDataFrame(fields, geometry=points, crs=STORAGE_CRS)


def cases_layer(order: ChartOrder, router: Router, notes: list[str]) -> gpd.GeoDataFrame | None:
    """Return the cases that a chart may show, or None where no file was named."""
    if order.cases is None:
        return None
    source = read_source(order.cases, order, points=True)
    fields = read_fields("cases", source, _CASE, order, code="id")
    points = points_of(source, notes)
    routed = is_routed(source)
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
    note_rows(
        notes, source, int(confidential.sum()), "is confidential by its category and left out"
    )
    return cases[~confidential]


def _addresses(frame: gpd.GeoDataFrame, streets: "pd.Series[Any]") -> list[str | None]:
    """Return street and house number where a file has them apart, as OpenStreetMap does."""
    column = next((c for c in ("addr:housenumber", "addr_housenumber") if c in frame), None)
    if column is None:
        return list(streets)
    pairs = zip(streets, texts(frame[column]), strict=True)
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
    written = texts(source.frame["grid_code"])
    strange = sum(code is not None and code not in known for code in written)
    note_rows(notes, source, strange, "was routed to a grid that is not in the file of grids")
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
    note_rows(notes, source, int(bad.sum()), "has a time that cannot be read")
    return [None if value is pd.NaT else value for value in instants.to_pandas()]
