"""What mending did to each grid, and what it left for a person, in sentences."""

from collections import defaultdict
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import shapely

from gis.findings import Finding
from gis.geometry import Geometries
from gis.measure import areas_m2
from gis.mending.faces import Given
from gis.mending.limits import ROUNDING_M, MendOptions
from gis.mending.plane import Plane
from gis.mending.work import Work

What = Literal[
    "ring_repaired", "vertices_snapped", "node_inserted", "sliver_given", "overlap_given",
    "gap_closed",
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One thing that was done to one grid."""

    code: str
    row: int
    """The grid's position among those given."""
    what: What
    area_before_m2: float
    """Of the whole grid as it came, and below as it went; all its changes say the same."""
    area_after_m2: float
    geometry: shapely.Geometry
    """The place: the corners that are new, the land that changed hands, or the whole new outline
    of a repaired grid."""
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class Left:
    """What is still wrong, and why mending did not touch it."""

    finding: Finding
    reason_zh: str
    reason_en: str


_REASONS: Final = {
    "empty_geometry": ("没有图形可修", "there is no outline to mend"),
    "duplicate_code": ("编码不由修复决定", "mending never changes a code"),
    "duplicate_geometry": (
        "修复不会删除网格，须由人决定保留哪一个",
        "mending never drops a grid: a person must say which one stays",
    ),
}
_AREAS: Final = ("overlap", "gap", "sliver")


def changes_of(codes: list[str], came: Geometries, repaired: list[int], work: Work) -> list[Change]:
    """Return what was done, grid by grid."""
    told: list[tuple[int, What, shapely.Geometry, str, str]] = [
        (row, "ring_repaired", work.shapes[row], "无效的边界已修复", "its outline was repaired")
        for row in repaired
    ]  # fmt: skip
    told += _corners(work)
    for given in work.given:
        told += _faces(codes, given)
    rows = sorted({row for row, *_ in told})
    before = dict(zip(rows, areas_m2(came[rows]).tolist(), strict=True))
    after = dict(zip(rows, areas_m2(work.shapes[rows]).tolist(), strict=True))
    return [
        Change(
            codes[row], row, what, before[row], after[row], place,
            f"网格 {codes[row]}：{zh}。", f"Grid {codes[row]}: {en}.",
        )
        for row, what, place, zh, en in sorted(told, key=lambda each: each[0])
    ]  # fmt: skip


def _corners(work: Work) -> Iterator[tuple[int, What, shapely.Geometry, str, str]]:
    """Tell of the corners that a grid has in the end, each once; those of faces are theirs."""
    of_faces: dict[int, set[tuple[float, ...]]] = defaultdict(set)
    for given in work.given:
        for grid in given.losers or (given.winner,):
            of_faces[grid].update(map(tuple, shapely.get_coordinates(given.shape).tolist()))
    moved: dict[int, dict[tuple[float, float], float]] = defaultdict(dict)
    for touch in work.touched:
        before = moved[touch.grid].get(touch.place, 0.0)
        moved[touch.grid][touch.place] = max(before, touch.moved_m)
    for grid, places in moved.items():
        own = set(map(tuple, shapely.get_coordinates(work.shapes[grid]).tolist()))
        kept = {place: metres for place, metres in places.items() if place in own}
        snapped = {place: metres for place, metres in kept.items() if metres > ROUNDING_M}
        nodes = [place for place in kept if place not in snapped and place not in of_faces[grid]]
        if snapped:
            most = max(snapped.values())
            yield (
                grid, "vertices_snapped", shapely.MultiPoint(sorted(snapped)),
                f"{len(snapped)} 个顶点对齐到相邻网格的边界，最多移动 {most:.2f} 米",
                f"{_corners_en(snapped)} brought onto a neighbour's boundary, "
                f"by {most:.2f} m at most",
            )  # fmt: skip
        if nodes:
            yield (
                grid, "node_inserted", shapely.MultiPoint(sorted(nodes)),
                f"补入 {len(nodes)} 个与相邻网格共有的顶点",
                f"{_corners_en(nodes)} put in that a neighbour has on its boundary",
            )  # fmt: skip


def _corners_en(corners: Sized) -> str:
    return "1 corner was" if len(corners) == 1 else f"{len(corners):,} corners were"


def _faces(
    codes: list[str], given: Given
) -> Iterator[tuple[int, What, shapely.Geometry, str, str]]:
    to = codes[given.winner]
    for row in given.losers:
        yield (
            row, "sliver_given" if given.narrow else "overlap_given", given.shape,
            f"与网格 {to} 重叠的 {given.area_m2:.2f} 平方米归 {to}",
            f"{given.area_m2:.2f} m² that it shared with {to} went to {to}",
        )  # fmt: skip
    if not given.losers:
        yield (
            given.winner, "sliver_given" if given.narrow else "gap_closed", given.shape,
            f"得到旁边无归属的 {given.area_m2:.2f} 平方米",
            f"it got {given.area_m2:.2f} m² beside it that nobody had",
        )  # fmt: skip


def left_of(findings: list[Finding], plane: Plane, options: MendOptions) -> list[Left]:
    """Return the findings that make it no valid coverage, each with the reason why it stays."""
    return [
        Left(finding, *_reason(finding, plane, options))
        for finding in findings
        if finding.severity != "info" or finding.rule in _AREAS
    ]


def _reason(finding: Finding, plane: Plane, options: MendOptions) -> tuple[str, str]:
    if finding.rule not in _AREAS or finding.geometry is None:
        return _REASONS.get(finding.rule, ("须由人决定", "a person must decide"))
    parts = plane(shapely.get_parts(finding.geometry))
    parts = parts[shapely.area(parts) > 0]
    wide = 2 * float(shapely.length(shapely.maximum_inscribed_circle(parts)).max(initial=0.0))
    if wide > options.tolerance_m:
        return (
            f"最宽处约 {wide:.2f} 米，超过容许移动的 {options.tolerance_m:g} 米",
            f"it is up to {wide:.2f} m wide, and no boundary may move more than "
            f"{options.tolerance_m:g} m",
        )
    if finding.rule == "overlap" and (finding.measure or 0.0) > options.largest_overlap_m2:
        return (
            f"面积超过可划出的 {options.largest_overlap_m2:g} 平方米",
            f"it is larger than the {options.largest_overlap_m2:g} m² that may be given away",
        )
    return (
        f"无论归谁，都有边界须移动超过 {options.tolerance_m:g} 米",
        f"whoever got it, some boundary would move more than {options.tolerance_m:g} m",
    )


def repaired_rows(came: Geometries, whole: Geometries) -> list[int]:
    """Return the rows whose outlines were invalid and have an area now."""
    invalid = ~shapely.is_valid(came) & ~shapely.is_missing(came) & ~shapely.is_empty(whole)
    return [int(row) for row in np.flatnonzero(invalid)]
