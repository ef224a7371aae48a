"""Buildings: each by its outline, and each in the grids."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.coverage.order import DEFAULTS, Progress, Tolerances, silent
from gis.findings import Finding, area_m2, distinct, listed, metres_text, numbered, worst_first
from gis.geometry import Geometries
from gis.measure import areas_m2
from gis.outlines import copies_of, duplicate, mended, paired, shape_findings

_TOUCH_DEGREES: Final = 1e-7  # 1 cm
_BUILDINGS: Final = 20_000


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


def check_premises(
    buildings: tuple[Sequence[str], Geometries],
    grids: tuple[Sequence[str], Geometries],
    *,
    dedicated: NDArray[np.bool_] | None = None,
    tolerances: Tolerances = DEFAULTS,
    progress: Progress = silent,
) -> list[Finding]:
    """Return which buildings no grid owns, and which a boundary cuts.

    Parameters
    ----------
    buildings : sequence of str, ndarray of shapely geometries, shape (m,)
        Polygons, or points such as addresses, in degrees in the storage CRS; None is passed over.
    grids : sequence of str, ndarray of shapely geometries, shape (n,)
        Mended where they are not valid.
    dedicated : ndarray of bool, shape (n,), optional
        Grids that lie on basic ones: a building wholly in one of these is cut by no other.
    tolerances : Tolerances
        Above which share a grid holds a part of a building.
    progress : callable
        Told how many buildings have been looked at.

    Returns
    -------
    list of Finding
        ``unowned_building``, an error, where grids hold no more than the share; then
        ``split_building``, a warning, where one grid holds more than the share and less than the
        rest. Its measure is the area outside the grid that holds the most.

    Examples
    --------
    >>> grid, near, far = (shapely.box(x, 0, x + 1e-3, 1e-3) for x in (0, 5e-4, 9e-3))
    >>> found = check_premises((["B1", "B2"], [near, far]), (["G1"], [grid]))
    >>> [(finding.rule, finding.codes) for finding in found]
    [('unowned_building', ('B2',)), ('split_building', ('B1', 'G1'))]
    """
    names, shapes = paired(*buildings)
    grid_names, outlines = paired(*grids)
    areas = mended(outlines)
    first = np.zeros(len(areas), bool) if dedicated is None else np.asarray(dedicated, dtype=bool)
    tree = STRtree(areas)
    findings: list[Finding] = []
    for start in range(0, len(names), _BUILDINGS):
        progress("buildings", start, len(names))
        rows = slice(start, start + _BUILDINGS)
        findings += _placed(names[rows], shapes[rows], (grid_names, areas, first, tree), tolerances)
    progress("buildings", len(names), len(names))
    return worst_first(findings)


_Grids = tuple[list[str], Geometries, NDArray[np.bool_], STRtree]


def _placed(
    names: list[str], shapes: Geometries, grids: _Grids, tolerances: Tolerances
) -> Iterator[Finding]:
    grid_names, areas, dedicated, tree = grids
    bodies = shapes.copy()
    outlined = shapely.get_dimensions(shapes) == 2
    bodies[outlined] = mended(shapes[outlined])
    building, grid = tree.query(bodies, predicate="intersects")
    size = shapely.area(bodies)
    held = np.ones(len(building))
    cutting = np.flatnonzero((size > 0)[building] & ~shapely.covers(areas[grid], bodies[building]))
    held[cutting] = (
        shapely.area(shapely.intersection(areas[grid[cutting]], bodies[building[cutting]]))
        / size[building[cutting]]
    )
    most = np.zeros(len(bodies))
    np.maximum.at(most, building, held)
    alone = np.zeros(len(bodies), dtype=bool)
    alone[building[dedicated[grid] & (held >= 1 - tolerances.building_share)]] = True
    there = ~shapely.is_missing(bodies) & ~shapely.is_empty(bodies)
    for row in np.flatnonzero(there & (most <= tolerances.building_share)):
        yield _unowned(names[row], bodies[row])
    cut = (held > tolerances.building_share) & (held < 1 - tolerances.building_share)
    cut &= ~alone[building]
    grids_of: dict[int, list[int]] = defaultdict(list)
    for pair in np.flatnonzero(cut):
        grids_of[int(building[pair])].append(int(grid[pair]))
    rows = np.array(list(grids_of), dtype=np.intp)
    for row, square_metres in zip(rows, areas_m2(bodies[rows]), strict=True):
        codes = distinct([grid_names[g] for g in grids_of[row]])
        outside = float(square_metres * (1 - most[row]))
        yield _split(names[row], codes, bodies[row], float(most[row]), outside)


def _unowned(name: str, shape: shapely.Geometry) -> Finding:
    square_metres = area_m2(shape) or None
    return Finding(
        "unowned_building", "error", distinct([name]), shape, square_metres,
        "m²" if square_metres else None,
        f"楼栋 {name} 不在任何网格内，请扩展网格或核对楼栋位置。",
        f"The building {name} is in no grid: extend one, or see whether its place is right.",
    )  # fmt: skip


def _split(
    name: str, grids: tuple[str, ...], shape: shapely.Geometry, most: float, outside: float
) -> Finding:
    zh = f"网格 {listed(grids, '、')} 的边界" if grids else "网格边界"
    edges = f"the edge of {listed(grids, ', ')}" if grids else "the edge of a grid"
    return Finding(
        "split_building", "warning", (name, *grids), shape, outside, "m²",
        f"楼栋 {name} 被{zh}切开：最大的一份占 {100 * most:.0f}%，"
        f"其余 {metres_text(outside)} 平方米在外，请让边界绕开楼栋。",
        f"The building {name} is cut by {edges}: the largest share is {100 * most:.0f} %, "
        f"{metres_text(outside)} m² lie beyond. Lead the boundary around it.",
    )  # fmt: skip
