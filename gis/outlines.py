"""What is wrong with outlines: missing, flat, invalid, standing in for another, or drawn twice."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.errors import InvalidGrids
from gis.findings import Finding, area_m2, distinct, listed, metres_text, numbered, row_called
from gis.geometry import Geometries
from gis.measure import areas_m2

_SAME_DEGREES: Final = 1e-6  # 0.1 m: outlines nearer than this everywhere are one outline
_POINT_DEGREES: Final = 1e-6  # 0.1 m: an outline that fits in this is no area
_ELSEWHERE_DEGREES: Final = 10.0  # a layer further than this from 0, 0 does not lie there
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


def shape_findings(
    names: list[str], shapes: Geometries, passed_over: Collection[int] = ()
) -> list[Finding]:
    """Return the empty, the flat and the invalid ones; where and why."""
    findings = []
    for row in np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes)):
        zh, en = row_called(int(row), names[row])
        findings.append(Finding(
            "empty_geometry", "error", distinct([names[row]]), None, None, None,
            f"{zh}没有图形，请补画。", f"{en} has no geometry: draw it.",
        ))  # fmt: skip
    flat = (shapely.get_dimensions(shapes) != 2) & (shapely.get_dimensions(shapes) >= 0)
    flat &= ~shapely.is_empty(shapes)
    for row in np.flatnonzero(flat):
        kind = shapes[row].geom_type
        zh, en = row_called(int(row), names[row])
        findings.append(Finding(
            "invalid_geometry", "error", distinct([names[row]]), shapes[row], None, None,
            f"{zh}是 {kind}，应为面（Polygon 或 MultiPolygon）。",
            f"{en} is a {kind}; it must be a Polygon or MultiPolygon.",
        ))  # fmt: skip
    bad = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
    for row, reason in zip(bad, shapely.is_valid_reason(shapes[bad]), strict=True):
        if row not in passed_over:
            findings.append(_invalid(int(row), names[row], shapes[row], reason))
    return findings


def _invalid(row: int, name: str, shape: shapely.Geometry, reason: str) -> Finding:
    match = _WHERE.match(reason)
    what = match["what"] if match else reason
    place = shapely.Point(float(match["x"]), float(match["y"])) if match else shape
    at = f"{float(match['x']):.7f}, {float(match['y']):.7f}" if match else "?"
    zh, en = row_called(row, name)
    return Finding(
        "invalid_geometry", "error", distinct([name]), place, None, None,
        f"{zh}的图形无效：{_REASONS_ZH.get(what, what)}，位置 {at}，请在该处修正边界。",
        f"{en} is not valid: {what} at {at}; mend the outline there.",
    )  # fmt: skip


def placeholders(names: list[str], shapes: Geometries) -> list[tuple[int, Finding]]:
    """Return the polygons that only stand in for one not drawn, each with its row.

    These are: one that is hardly a point; one at 0° 0° in a layer that lies elsewhere; and a
    rectangle around the whole of a layer of five or more.
    """
    bounds = shapely.bounds(shapes)
    drawn = shapely.get_dimensions(shapes) == 2
    drawn &= np.isfinite(bounds).all(axis=1)
    west, south, east, north = bounds.T
    with np.errstate(invalid="ignore"):
        tiny = drawn & (np.maximum(east - west, north - south) < _POINT_DEGREES)
        origin = drawn & (west <= 0) & (east >= 0) & (south <= 0) & (north >= 0)
        far = (np.abs(west) > _ELSEWHERE_DEGREES) | (np.abs(south) > _ELSEWHERE_DEGREES)
    others = drawn & ~origin
    origin &= others.any() and bool(far[others].all())
    real = np.flatnonzero(drawn & ~tiny & ~origin)
    frame = np.zeros(len(shapes), dtype=bool)
    frame[real[_around_all(shapes[real], bounds[real])]] = True
    said = (
        (tiny, "小得几乎是一个点", "is hardly more than a point"),
        (origin & ~tiny, "在经纬度 0, 0 处，远离其他图形", "lies at 0, 0, far from the others"),
        (frame, "是包住整个图层的矩形", "is a rectangle around the whole layer"),
    )
    return [
        (int(row), _placeholder(int(row), names[row], shapes[row], zh, en))
        for mask, zh, en in said
        for row in np.flatnonzero(mask)
    ]


def _around_all(shapes: Geometries, bounds: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which shape is a rectangle around all the others, where there are four or more."""
    if len(shapes) < 5:
        return np.array([], dtype=np.intp)
    box = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    whole = np.flatnonzero((np.abs(bounds - box) < _SAME_DEGREES).all(axis=1))
    full = shapely.area(shapes[whole]) > 0.999 * np.prod(box[2:] - box[:2])
    return np.asarray(whole[full], dtype=np.intp)


def _placeholder(row: int, name: str, shape: shapely.Geometry, zh: str, en: str) -> Finding:
    called_zh, called_en = row_called(row, name)
    return Finding(
        "placeholder_geometry", "error", distinct([name]), shape, area_m2(shape), "m²",
        f"{called_zh}的图形{zh}，像是占位图形，请画出真实边界。",
        f"The outline of {called_en[0].lower()}{called_en[1:]} {en}: it seems to stand in for one "
        "not drawn. Draw the real one.",
    )  # fmt: skip


def multiparts(names: list[str], shapes: Geometries) -> list[Finding]:
    """Return those of several parts: legal, but often a forgotten scrap."""
    findings = []
    several = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOLYGON
    for row in np.flatnonzero(several & (shapely.get_num_geometries(shapes) > 1)):
        parts = shapely.get_parts(shapes[row])
        areas = areas_m2(parts)
        smaller = np.delete(parts, areas.argmax())
        metres = float(areas.sum() - areas.max())
        zh, en = row_called(int(row), names[row])
        findings.append(Finding(
            "multipart", "info", distinct([names[row]]), shapely.MultiPolygon(list(smaller)),
            metres, "m²",
            f"{zh}由 {len(parts)} 块组成，最大一块以外共 {metres_text(metres)} 平方米；"
            "这是允许的，请确认不是误留的碎块。",
            f"{en} has {len(parts)} parts; those beside the largest have {metres_text(metres)} m². "
            "That is legal: see that none is a scrap left by mistake.",
        ))  # fmt: skip
    return findings


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
        alike = used[_same_bounds(whole[used])]
        outlines = shapely.to_wkb(shapely.normalize(whole[alike]))
        for row, outline in zip(alike, outlines, strict=True):
            group[row] = first.setdefault(outline, int(row))
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row in used:
        rows_of[int(group[row])].append(int(row))
    kept = np.array(sorted(rows_of), dtype=np.intp)
    return [rows for rows in rows_of.values() if len(rows) > 1], kept


def _same_bounds(shapes: Geometries) -> NDArray[np.bool_]:
    """Return which shapes lie in the same box as another: only these can be copies."""
    _, box, count = np.unique(
        shapely.bounds(shapes), axis=0, return_inverse=True, return_counts=True
    )
    return np.asarray(count[box.ravel()] > 1, dtype=bool)


def duplicate(names: list[str], whole: Geometries, rows: list[int]) -> Finding:
    """Return the finding that these rows have one outline."""
    codes = distinct([names[row] for row in rows])
    return Finding(
        "duplicate_geometry", "error", codes, whole[rows[0]], area_m2(whole[rows[0]]), "m²",
        f"第 {numbered(rows)} 行（{listed(codes, '、')}）的图形完全相同，请保留一个。",
        f"Rows {numbered(rows)} ({listed(codes, ', ')}) have one and the same outline: keep one.",
    )  # fmt: skip
