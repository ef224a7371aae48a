"""What is wrong with outlines, each by itself: missing, flat, invalid, or drawn twice."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.errors import InvalidGrids
from gis.findings import Finding, area_m2, distinct, listed, numbered
from gis.geometry import Geometries

_SAME_DEGREES: Final = 1e-6  # 0.1 m: outlines nearer than this everywhere are one outline
_WHERE: Final = re.compile(r"^(?P<what>.*?)\s*\[(?P<x>[-\d.e+]+) (?P<y>[-\d.e+]+)[^\]]*\]$")
_REASONS_ZH: Final = {
    "Self-intersection": "边界自相交",
    "Ring Self-intersection": "边界环自相交",
    "Too few points in geometry component": "边界的点太少",
    "Hole lies outside shell": "孔洞在外边界之外",
    "Holes are nested": "孔洞套孔洞",
    "Interior is disconnected": "内部不连通",
    "Nested shells": "外边界相互嵌套",
    "Duplicate Rings": "边界环重复",
    "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "边界环未闭合",
}


def paired(codes: Sequence[str | None], geometries: Geometries) -> tuple[list[str], Geometries]:
    """Return codes ("" for none) and geometries, one for each."""
    names = [code if isinstance(code, str) else "" for code in codes]
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = list(geometries)
    if len(names) != len(shapes):
        raise InvalidGrids(
            f"{len(names)} codes for {len(shapes)} geometries: give one code for each"
        )
    return names, shapes


def shape_findings(names: list[str], shapes: Geometries) -> list[Finding]:
    """Return the empty, the flat and the invalid ones; where and why."""
    findings = [
        Finding(
            "empty_geometry", "error", distinct([names[row]]), None, None, None,
            f"第 {row + 1} 行（{names[row]}）没有图形，请补画。",
            f"Row {row + 1} ({names[row]}) has no geometry: draw it.",
        )
        for row in np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    ]  # fmt: skip
    flat = (shapely.get_dimensions(shapes) != 2) & (shapely.get_dimensions(shapes) >= 0)
    flat &= ~shapely.is_empty(shapes)
    for row in np.flatnonzero(flat):
        kind = shapes[row].geom_type
        findings.append(Finding(
            "invalid_geometry", "error", distinct([names[row]]), shapes[row], None, None,
            f"第 {row + 1} 行（{names[row]}）是 {kind}，应为面（Polygon 或 MultiPolygon）。",
            f"Row {row + 1} ({names[row]}) is a {kind}; it must be a Polygon or MultiPolygon.",
        ))  # fmt: skip
    bad = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
    for row, reason in zip(bad, shapely.is_valid_reason(shapes[bad]), strict=True):
        findings.append(_invalid(int(row), names[row], shapes[row], reason))
    return findings


def _invalid(row: int, name: str, shape: shapely.Geometry, reason: str) -> Finding:
    match = _WHERE.match(reason)
    what = match["what"] if match else reason
    place = shapely.Point(float(match["x"]), float(match["y"])) if match else shape
    at = f"{float(match['x']):.7f}, {float(match['y']):.7f}" if match else "?"
    return Finding(
        "invalid_geometry", "error", distinct([name]), place, None, None,
        f"第 {row + 1} 行（{name}）的图形无效：{_REASONS_ZH.get(what, what)}，"
        f"位置 {at}，请在该处修正边界。",
        f"Row {row + 1} ({name}) is not valid: {what} at {at}; mend the outline there.",
    )  # fmt: skip


def mended(shapes: Geometries) -> Geometries:
    """Return the polygonal part of each, made valid; an empty polygon where there is none."""
    whole = shapes.copy()
    whole[shapely.is_missing(whole) | (shapely.get_dimensions(whole) < 2)] = shapely.Polygon()
    bad = np.flatnonzero(~shapely.is_valid(whole))
    whole[bad] = [_polygonal(shape) for shape in shapely.make_valid(whole[bad])]
    mixed = np.flatnonzero(shapely.get_type_id(whole) == 7)
    whole[mixed] = [_polygonal(shape) for shape in whole[mixed]]
    return whole


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = parts[shapely.get_type_id(parts) == 3]
    return shapely.union_all(polygons) if len(polygons) else shapely.Polygon()


def copies_of(
    whole: Geometries, used: NDArray[np.intp], *, nearly: bool = False
) -> tuple[list[list[int]], NDArray[np.intp]]:
    """Return the groups of rows with one outline, and the rows without later copies."""
    group = np.arange(len(whole))
    if nearly:
        centres = shapely.centroid(whole[used])
        one, two = STRtree(centres).query(centres, predicate="dwithin", distance=_SAME_DEGREES)
        one, two = used[one[one < two]], used[two[one < two]]
        apart = shapely.hausdorff_distance(whole[one], whole[two])
        for a, b in zip(one[apart <= _SAME_DEGREES], two[apart <= _SAME_DEGREES], strict=True):
            group[b] = min(group[a], group[b])
    else:
        first: dict[bytes, int] = {}
        for row, outline in zip(used, shapely.to_wkb(shapely.normalize(whole[used])), strict=True):
            group[row] = first.setdefault(outline, int(row))
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row in used:
        rows_of[int(group[row])].append(int(row))
    kept = np.array(sorted(rows_of), dtype=np.intp)
    return [rows for rows in rows_of.values() if len(rows) > 1], kept


def duplicate(names: list[str], whole: Geometries, rows: list[int]) -> Finding:
    """Return the finding that these rows have one outline."""
    codes = distinct([names[row] for row in rows])
    return Finding(
        "duplicate_geometry", "error", codes, whole[rows[0]], area_m2(whole[rows[0]]), "m²",
        f"第 {numbered(rows)} 行（{listed(codes, '、')}）的图形完全相同，请保留一个。",
        f"Rows {numbered(rows)} ({listed(codes, ', ')}) have one and the same outline: keep one.",
    )  # fmt: skip
