"""Findings as a GeoPackage: a layer each for areas, lines and points, a table for the rest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from gis.crs import STORAGE_CRS
from gis.findings import Finding
from layers.errors import FileUnreadable
from layers.exchange.writer import check_writable, replacing

_LAYERS: Final = ("points", "lines", "polygons")  # by dimension
_TABLE: Final = "without_place"


def check_findings_file(out: Path) -> None:
    """Raise, before any work is done, where no GeoPackage can be written."""
    if out.suffix.lower() != ".gpkg":
        raise FileUnreadable(f"{out.name}: findings are written as a GeoPackage. Name it .gpkg.")
    check_writable(out)


def write_findings(findings: Sequence[Finding], out: Path) -> dict[str, int]:
    """Write findings, numbered as they come; return how many are in each layer.

    A finding with areas and lines is in both layers, under one number.
    """
    check_findings_file(out)
    rows = pd.DataFrame([_row(number, each) for number, each in enumerate(findings, 1)])
    places: dict[str, dict[int, Any]] = {name: {} for name in _LAYERS}
    placed: set[int] = set()
    for position, finding in enumerate(findings):
        for dimension, shape in _by_dimension(finding.geometry):
            places[_LAYERS[dimension]][position] = shape
            placed.add(position)
    frames: dict[str, pd.DataFrame] = {
        name: gpd.GeoDataFrame(
            rows.iloc[list(of)], geometry=list(of.values()), crs=STORAGE_CRS
        ).reset_index(drop=True)
        for name, of in places.items()
        if of
    }
    rest = [position for position in range(len(findings)) if position not in placed]
    if rest or not frames:
        frames[_TABLE] = rows.iloc[rest] if rest else pd.DataFrame(columns=list(_row(0, None)))
    with replacing(out) as target:
        for name, frame in frames.items():
            pyogrio.write_dataframe(
                frame, target, layer=name, driver="GPKG", append=target.exists()
            )
    return {name: len(frame) for name, frame in frames.items()}


def _row(number: int, finding: Finding | None) -> dict[str, object]:
    return {
        "number": number,
        "rule": finding and finding.rule,
        "severity": finding and finding.severity,
        "codes": finding and ", ".join(finding.codes),
        "measure": finding and finding.measure,
        "unit": finding and finding.unit,
        "message_zh": finding and finding.message_zh,
        "message_en": finding and finding.message_en,
    }


def _by_dimension(shape: shapely.Geometry | None) -> list[tuple[int, shapely.Geometry]]:
    """Return the points, the lines and the polygons of a shape, each kind as one."""
    if shape is None or shapely.is_empty(shape):
        return []
    parts = shapely.get_parts(shapely.get_parts(shape))
    rings = shapely.get_type_id(parts) == shapely.GeometryType.LINEARRING
    parts[rings] = [shapely.LineString(ring.coords) for ring in parts[rings]]
    dimensions = shapely.get_dimensions(parts)
    points, lines, polygons = (list(parts[dimensions == dimension]) for dimension in range(3))
    kinds = (
        shapely.MultiPoint(points), shapely.MultiLineString(lines), shapely.MultiPolygon(polygons),
    )  # fmt: skip
    return [(dimension, kind) for dimension, kind in enumerate(kinds) if not kind.is_empty]
