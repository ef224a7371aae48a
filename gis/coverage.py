"""What is wrong with a coverage: each check has a name, a severity, a place and a measure.

Grids must cover their area exactly once. What differs by more than 1 m² is found; what is narrower
than 1 m is a sliver (two drawings of one line, a ``warning``), the rest a real overlap or gap (an
``error``: points there have two owners, or none).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.findings import Finding, area_m2, distinct, listed, numbered, worst_first
from gis.geometry import Geometries
from gis.measure import areas_m2, lengths_m
from gis.outlines import copies_of, duplicate, mended, paired, shape_findings

__all__ = ["SLIVER_M", "TOLERANCE_M2", "Finding", "check_buildings", "check_grids"]

TOLERANCE_M2: Final = 1.0
"""Overlaps and gaps up to this area are rounding, not findings."""

SLIVER_M: Final = 1.0
"""Overlaps and gaps narrower than this are slivers."""

_TOUCH_DEGREES: Final = 1e-7  # 1 cm
_NEIGHBOUR_DEGREES: Final = 1e-9


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
    names, shapes = paired(codes, geometries)
    findings = [*_code_findings(names), *shape_findings(names, shapes)]
    whole = mended(shapes)
    used = np.flatnonzero(~shapely.is_empty(whole))
    copies, kept = copies_of(whole, used)
    findings += [duplicate(names, whole, rows) for rows in copies]
    first = np.zeros(len(names), bool) if dedicated is None else np.asarray(dedicated, dtype=bool)
    tree = STRtree(whole[kept])
    findings += _overlaps(names, whole, kept, tree, first)
    findings += _gaps(names, whole, kept, tree, parents)
    findings += _mismatched(names, whole, kept[~first[kept]], findings)
    return worst_first(findings)


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
    names, shapes = paired(codes, geometries)
    findings = shape_findings(names, shapes)
    whole = mended(shapes)
    used = np.flatnonzero(~shapely.is_empty(whole))
    copies, kept = copies_of(whole, used, nearly=True)
    findings += [duplicate(names, whole, rows) for rows in copies]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in kept:
        if names[row]:
            rows_of[names[row]].append(int(row))
    for code, rows in rows_of.items():
        if len(rows) > 1:
            findings += _pieces(code, whole, rows)
    return worst_first(findings)


def _code_findings(names: list[str]) -> Iterator[Finding]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows_of[name].append(row)
    for name, rows in rows_of.items():
        if len(rows) > 1 and name:
            yield Finding(
                "duplicate_code", "error", (name,), None, None, None,
                f"编码 {name} 用了 {len(rows)} 次（第 {numbered(rows)} 行），"
                "每个网格应有自己的编码。",
                f"The code {name} is used {len(rows)} times (rows {numbered(rows)}): "
                "give each grid its own.",
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
        codes = distinct([names[one[pair]], names[two[pair]]])
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
                f"网格 {listed(codes, ' 与 ')} {zh}，面积 {metres:.1f} 平方米，请对齐边界。",
                f"The grids {listed(codes, ' and ')} {en}; {metres:.1f} m². Make their edges meet.",
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
    codes = distinct([names[kept[i]] for i in bad])
    lines = shapely.union_all(edges[bad])
    metres = float(lengths_m(np.array([lines], dtype=object))[0])
    yield Finding(
        "sliver", "info", codes, lines, metres, "m",
        f"网格 {listed(codes, '、')} 的公共边界不是同一条线，共 {metres:.0f} 米，"
        "但相差在容许范围内，可以不改。",
        f"Shared edges of the grids {listed(codes, ', ')} are not one and the same line over "
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
            codes = distinct([names[row] for row in kept[np.sort(near)]])
            beside_zh = f"网格 {listed(codes, '、')} 旁" if codes else "上级区域内"
            beside_en = f"beside the grids {listed(codes, ', ')}" if codes else "inside the parent"
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
        around = shapely.union_all(mended(shapes))
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
            "cut_building", "warning", (code,), joined, area_m2(joined), "m²",
            f"楼栋 {code} 被切成 {len(cut)} 块（第 {numbered(cut)} 行），请合并为一个图形。",
            f"The building {code} is cut into {len(cut)} pieces (rows {numbered(cut)}): join them.",
        )  # fmt: skip
    if not touching.all():
        apart = shapely.GeometryCollection(list(shapes))
        yield Finding(
            "duplicate_code", "error", (code,), apart, None, None,
            f"编码 {code} 用于 {len(rows)} 个分开的图形（第 {numbered(rows)} 行），"
            "请确认是否为同一楼栋。",
            f"The code {code} stands for {len(rows)} outlines apart (rows {numbered(rows)}): "
            "say whether they are one building.",
        )  # fmt: skip
