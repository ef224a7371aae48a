"""What is wrong with a coverage: each check has a name, a severity, a place and a measure.

Grids must cover their area exactly once. What differs by more than 1 m² is found; what is narrower
than 1 m is a sliver (two drawings of one line, a ``warning``), the rest a real overlap or gap (an
``error``: points there have two owners, or none).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.errors import InvalidGrids
from gis.geometry import Geometries
from gis.measure import areas_m2, lengths_m

Severity = Literal["error", "warning", "info"]
Unit = Literal["m", "m²"]

TOLERANCE_M2: Final = 1.0
"""Overlaps and gaps up to this area are rounding, not findings."""

SLIVER_M: Final = 1.0
"""Overlaps and gaps narrower than this are slivers."""

_SAME_DEGREES: Final = 1e-6  # 0.1 m: outlines nearer than this everywhere are one outline
_TOUCH_DEGREES: Final = 1e-7  # 1 cm
_NEIGHBOUR_DEGREES: Final = 1e-9
_NAMED: Final = 8  # codes named in a sentence before it says how many more there are
_SEVERITIES: Final = ("error", "warning", "info")
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


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: by which rule, how badly, with what, where, and how much."""

    rule: str
    severity: Severity
    codes: tuple[str, ...]
    geometry: shapely.Geometry | None
    measure: float | None
    unit: Unit | None
    message_zh: str
    message_en: str


def check_grids(
    codes: Sequence[str],
    geometries: Geometries,
    parents: Geometries | None = None,
    *,
    dedicated: NDArray[np.bool_] | None = None,
) -> list[Finding]:
    """Return what is wrong with a coverage of grids.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS; anything, None included.
    parents : ndarray of Polygon or MultiPolygon, optional
        The areas that the grids must fill. Without them a gap is a hole in the union of the grids.
    dedicated : ndarray of bool, shape (n,), optional
        Grids that may lie on basic ones: such an overlap is no finding.

    Returns
    -------
    list of Finding
        Errors first; rules ``duplicate_code``, ``empty_geometry``, ``invalid_geometry``,
        ``duplicate_geometry``, ``overlap``, ``gap``, ``sliver``.

    Raises
    ------
    InvalidGrids
        If there are not as many codes as geometries.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(0.9, 0, 2, 1)
    >>> [(f.rule, f.codes, f.severity) for f in check_grids(["G01", "G02"], [left, right])]
    [('overlap', ('G01', 'G02'), 'error')]
    """
    names, shapes = _input(codes, geometries)
    findings = [*_code_findings(names), *_shape_findings(names, shapes)]
    whole = _mended(shapes)
    used = np.flatnonzero(~shapely.is_empty(whole))
    copies, kept = _copies(whole, used)
    findings += [_duplicate(names, whole, rows) for rows in copies]
    first = np.zeros(len(names), bool) if dedicated is None else np.asarray(dedicated, dtype=bool)
    tree = STRtree(whole[kept])
    findings += _overlaps(names, whole, kept, tree, first)
    findings += _gaps(names, whole, kept, tree, parents)
    findings += _mismatched(names, whole, kept[~first[kept]], findings)
    return sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))


def check_buildings(codes: Sequence[str | None], geometries: Geometries) -> list[Finding]:
    """Return what is wrong with the outlines of buildings.

    Parameters
    ----------
    codes : sequence of str or None
        One for each geometry; a building without a code is compared by its outline only.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS.

    Returns
    -------
    list of Finding
        Errors first; rules ``empty_geometry``, ``invalid_geometry``, ``duplicate_geometry`` (the
        same outline twice), ``cut_building`` (one code in several rows whose pieces touch, as where
        map tiles cut it), ``duplicate_code`` (one code for buildings apart).

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1e-4, 1e-4), shapely.box(1e-4, 0, 2e-4, 1e-4)
    >>> [f.rule for f in check_buildings(["B1", "B1"], [left, right])]
    ['cut_building']
    """
    names, shapes = _input(codes, geometries)
    findings = _shape_findings(names, shapes)
    whole = _mended(shapes)
    used = np.flatnonzero(~shapely.is_empty(whole))
    copies, kept = _copies(whole, used, nearly=True)
    findings += [_duplicate(names, whole, rows) for rows in copies]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in kept:
        if names[row]:
            rows_of[names[row]].append(int(row))
    for code, rows in rows_of.items():
        if len(rows) > 1:
            findings += _pieces(code, whole, rows)
    return sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))


def _input(codes: Sequence[str | None], geometries: Geometries) -> tuple[list[str], Geometries]:
    names = [code if isinstance(code, str) else "" for code in codes]
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = list(geometries)
    if len(names) != len(shapes):
        raise InvalidGrids(
            f"{len(names)} codes for {len(shapes)} geometries: give one code for each"
        )
    return names, shapes


def _code_findings(names: list[str]) -> Iterator[Finding]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows_of[name].append(row)
    for name, rows in rows_of.items():
        if len(rows) > 1 and name:
            yield Finding(
                "duplicate_code", "error", (name,), None, None, None,
                f"编码 {name} 用了 {len(rows)} 次（第 {_rows(rows)} 行），每个网格应有自己的编码。",
                f"The code {name} is used {len(rows)} times (rows {_rows(rows)}): "
                "give each grid its own.",
            )  # fmt: skip


def _shape_findings(names: list[str], shapes: Geometries) -> list[Finding]:
    """Return the empty, the flat and the invalid ones; where and why."""
    findings = [
        Finding(
            "empty_geometry", "error", _codes([names[row]]), None, None, None,
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
            "invalid_geometry", "error", _codes([names[row]]), shapes[row], None, None,
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
        "invalid_geometry", "error", _codes([name]), place, None, None,
        f"第 {row + 1} 行（{name}）的图形无效：{_REASONS_ZH.get(what, what)}，"
        f"位置 {at}，请在该处修正边界。",
        f"Row {row + 1} ({name}) is not valid: {what} at {at}; mend the outline there.",
    )  # fmt: skip


def _mended(shapes: Geometries) -> Geometries:
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


def _copies(
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


def _duplicate(names: list[str], whole: Geometries, rows: list[int]) -> Finding:
    codes = _codes([names[row] for row in rows])
    return Finding(
        "duplicate_geometry", "error", codes, whole[rows[0]], _area(whole[rows[0]]), "m²",
        f"第 {_rows(rows)} 行（{_list(codes, '、')}）的图形完全相同，请保留一个。",
        f"Rows {_rows(rows)} ({_list(codes, ', ')}) have one and the same outline: keep one.",
    )  # fmt: skip


def _overlaps(
    names: list[str],
    whole: Geometries,
    kept: NDArray[np.intp],
    tree: STRtree,
    dedicated: NDArray[np.bool_],
) -> Iterator[Finding]:
    one, two = tree.query(whole[kept], predicate="intersects")
    one, two = kept[one[one < two]], kept[two[one < two]]
    alike = dedicated[one] == dedicated[two]
    one, two = one[alike], two[alike]
    shared = shapely.intersection(whole[one], whole[two])
    for pair in np.flatnonzero(shapely.area(shared) > 0):
        codes = _codes([names[one[pair]], names[two[pair]]])
        for narrow, shape, metres in _sorted_out(shared[pair]):
            zh = "边界不重合，有不足 1 米宽的重叠窄条" if narrow else "相互重叠，其中的点有两个归属"
            en = (
                "share a strip under 1 m wide"
                if narrow
                else "overlap: points there have two owners"
            )
            yield Finding(
                "sliver" if narrow else "overlap", "warning" if narrow else "error",
                codes, shape, metres, "m²",
                f"网格 {_list(codes, ' 与 ')} {zh}，面积 {metres:.1f} 平方米，请对齐边界。",
                f"The grids {_list(codes, ' and ')} {en}; {metres:.1f} m². Make their edges meet.",
            )  # fmt: skip


def _mismatched(
    names: list[str], whole: Geometries, kept: NDArray[np.intp], findings: list[Finding]
) -> Iterator[Finding]:
    """Return shared edges drawn twice with less than the tolerance between them, as one note."""
    rounded = shapely.set_precision(whole[kept], _NEIGHBOUR_DEGREES, mode="pointwise")
    edges = shapely.coverage_invalid_edges(rounded)
    said = {code for finding in findings if finding.measure for code in finding.codes}
    bad = [i for i in np.flatnonzero(~shapely.is_empty(edges)) if names[kept[i]] not in said]
    if not bad:
        return
    codes = _codes([names[kept[i]] for i in bad])
    lines = shapely.union_all(edges[bad])
    metres = float(lengths_m(np.array([lines], dtype=object))[0])
    yield Finding(
        "sliver", "info", codes, lines, metres, "m",
        f"网格 {_list(codes, '、')} 的公共边界不是同一条线，共 {metres:.0f} 米，"
        "但相差在容许范围内，可以不改。",
        f"Shared edges of the grids {_list(codes, ', ')} are not one and the same line over "
        f"{metres:.0f} m, but within the tolerance: nothing must be done.",
    )  # fmt: skip


def _gaps(
    names: list[str],
    whole: Geometries,
    kept: NDArray[np.intp],
    tree: STRtree,
    parents: Geometries | None,
) -> Iterator[Finding]:
    # on a lattice of 0.1 mm: else a slit of rounding would let a gap run out into the open
    union = shapely.union_all(whole[kept], grid_size=_NEIGHBOUR_DEGREES)
    for hole in _holes(union, parents):
        for narrow, shape, metres in _sorted_out(hole):
            near = tree.query(shape, predicate="dwithin", distance=2 * _NEIGHBOUR_DEGREES)
            codes = _codes([names[row] for row in kept[np.sort(near)]])
            beside_zh = f"网格 {_list(codes, '、')} 旁" if codes else "上级区域内"
            beside_en = f"beside the grids {_list(codes, ', ')}" if codes else "inside the parent"
            zh = "有不足 1 米宽的缝隙" if narrow else "有空白，其中的点没有归属"
            en = "A strip under 1 m wide" if narrow else "A gap, whose points have no owner,"
            yield Finding(
                "sliver" if narrow else "gap", "warning" if narrow else "error",
                codes, shape, metres, "m²",
                f"{beside_zh}{zh}，面积 {metres:.1f} 平方米，请把边界补齐。",
                f"{en} is left {beside_en}; {metres:.1f} m². Extend the grids to close it.",
            )  # fmt: skip


def _holes(union: shapely.Geometry, parents: Geometries | None) -> Iterator[shapely.Geometry]:
    """Return what the grids leave open, in one piece each."""
    if parents is not None:
        shapes = np.empty(len(parents), dtype=object)
        shapes[:] = list(parents)
        around = shapely.union_all(_mended(shapes))
        yield from shapely.get_parts(shapely.difference(around, union))
        return
    parts = shapely.get_parts(union)
    rings, part = shapely.get_rings(parts, return_index=True)
    first = np.concatenate([[True], part[1:] != part[:-1]])[: len(part)]
    for ring in rings[~first]:
        # an island of grids may stand in the hole
        yield from shapely.get_parts(shapely.difference(shapely.Polygon(ring), union))


def _sorted_out(shape: shapely.Geometry) -> Iterator[tuple[bool, shapely.Geometry, float]]:
    """Return the wide and the narrow parts of an area, each if above the tolerance."""
    parts: NDArray[Any] = shapely.get_parts(shapely.get_parts(shape))
    parts = parts[shapely.get_type_id(parts) == 3]
    areas = areas_m2(parts)
    around = lengths_m(parts)
    # a strip of width w and length l has the area w·l and a boundary of about 2·l
    widths = 2 * areas / np.where(around > 0, around, np.inf)
    for narrow in (False, True):
        chosen = (widths < SLIVER_M) == narrow
        metres = float(areas[chosen].sum())
        if metres > TOLERANCE_M2:
            yield narrow, _joined(parts[chosen]), metres


def _joined(parts: NDArray[Any]) -> Any:
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))


def _pieces(code: str, whole: Geometries, rows: list[int]) -> Iterator[Finding]:
    """Return what the rows of one building's code are: pieces of it, or other buildings."""
    shapes = whole[rows]
    one, two = STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCH_DEGREES)
    touching = np.zeros(len(rows), dtype=bool)
    touching[one[one != two]] = True
    if touching.any():
        cut = [row for row, near in zip(rows, touching, strict=True) if near]
        joined = shapely.union_all(whole[cut])
        yield Finding(
            "cut_building", "warning", (code,), joined, _area(joined), "m²",
            f"楼栋 {code} 被切成 {len(cut)} 块（第 {_rows(cut)} 行），请合并为一个图形。",
            f"The building {code} is cut into {len(cut)} pieces (rows {_rows(cut)}): join them.",
        )  # fmt: skip
    if not touching.all():
        apart = shapely.GeometryCollection(list(shapes))
        yield Finding(
            "duplicate_code", "error", (code,), apart, None, None,
            f"编码 {code} 用于 {len(rows)} 个分开的图形（第 {_rows(rows)} 行），"
            "请确认是否为同一楼栋。",
            f"The code {code} stands for {len(rows)} outlines apart (rows {_rows(rows)}): "
            "say whether they are one building.",
        )  # fmt: skip


def _area(shape: shapely.Geometry) -> float:
    return float(areas_m2(np.array([shape], dtype=object))[0])


def _codes(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))


def _rows(rows: list[int]) -> str:
    return _list(tuple(str(row + 1) for row in rows), ", ")


def _list(names: tuple[str, ...], joint: str) -> str:
    rest = len(names) - _NAMED
    return joint.join(names[:_NAMED]) + (f" … (+{rest})" if rest > 0 else "")
