"""What the grids leave open: gaps between them, and areas of which they leave a part."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.coverage.network import LATTICE_DEGREES, Network, joined, mismatched_edges
from gis.coverage.order import Parents, Progress, Tolerances, silent
from gis.coverage.parts import Part, wide_and_narrow
from gis.findings import Finding, distinct, listed, metres_text
from gis.geometry import Geometries
from gis.measure import areas_m2
from gis.outlines import mended, paired


def gaps(
    network: Network,
    parents: Geometries | Parents | None,
    tolerances: Tolerances,
    progress: Progress,
) -> Iterator[Finding]:
    """Return what no grid owns: ``gap``, ``sliver``, and ``uncovered_parent`` of named parents.

    A gap has grids all around it; what reaches the edge of a named parent, or is as large as the
    smallest grid, is uncovered: a whole grid may be missing there.
    """
    apart = network.mismatched | network.dedicated[network.kept]  # these lie on the basic ones
    union = joined(network.whole[network.kept], apart, progress)
    if parents is None:
        yield from _gaps(network, _holes(union), tolerances)
    elif isinstance(parents, Parents):
        names, shapes = paired(parents.codes, parents.geometries)
        areas = mended(shapes)
        left = _left(areas, union)
        inside = _enclosed(network, left, union)
        yield from _gaps(network, left[inside], tolerances)
        yield from _uncovered(names, areas, left[~inside], tolerances)
    else:
        _, shapes = paired([None] * len(parents), parents)
        yield from _gaps(network, _left(mended(shapes), union), tolerances)


def _gaps(network: Network, left: Geometries, tolerances: Tolerances) -> Iterator[Finding]:
    parts = list(wide_and_narrow(left, tolerances))
    for part, codes in zip(parts, _beside(network, parts), strict=True):
        narrow, width = part.is_narrow, f"{tolerances.sliver_m:g}"
        beside_zh = f"网格 {listed(codes, '、')} 旁" if codes else "上级区域内"
        beside_en = f"beside the grids {listed(codes, ', ')}" if codes else "inside the parent"
        zh = f"有不足 {width} 米宽的缝隙" if narrow else "有空白，其中的点没有归属"
        en = f"A strip under {width} m wide" if narrow else "A gap, whose points have no owner,"
        metres = metres_text(part.square_metres)
        yield Finding(
            "sliver" if narrow else "gap", "warning" if narrow else "error",
            codes, part.shape, part.square_metres, "m²",
            f"{beside_zh}{zh}，面积 {metres} 平方米，请把边界补齐。",
            f"{en} is left {beside_en}; {metres} m². Extend the grids to close it.",
        )  # fmt: skip


def _beside(network: Network, parts: list[Part]) -> Iterator[tuple[str, ...]]:
    """Return the codes of the grids that touch each part."""
    shapes = np.array([part.shape for part in parts], dtype=object)
    of, near = network.tree.query(shapes, predicate="dwithin", distance=2 * LATTICE_DEGREES)
    rows: dict[int, list[int]] = defaultdict(list)
    for part, position in zip(of, near, strict=True):
        rows[int(part)].append(int(network.kept[position]))
    for number in range(len(parts)):
        yield distinct([network.names[row] for row in rows[number]])


def _holes(union: shapely.Geometry) -> Geometries:
    """Return what is open inside the union, in one piece each."""
    holes = shapely.union_all(shapely.polygons(_inner_rings(union)))  # one may lie in another
    # an island of grids may stand in the hole
    return np.asarray(shapely.get_parts(shapely.difference(holes, union)), dtype=object)


def _inner_rings(union: shapely.Geometry) -> Geometries:
    rings, part = shapely.get_rings(shapely.get_parts(union), return_index=True)
    first = np.concatenate([[True], part[1:] != part[:-1]])[: len(part)]
    return np.asarray(rings[~first], dtype=object)


def _left(areas: Geometries, union: shapely.Geometry) -> Geometries:
    """Return what the grids leave of the areas around them, in one piece each."""
    around = joined(areas, mismatched_edges(areas, silent), silent)
    return np.asarray(shapely.get_parts(shapely.difference(around, union)), dtype=object)


def _enclosed(network: Network, left: Geometries, union: shapely.Geometry) -> NDArray[np.bool_]:
    """Return which pieces have grids all around and are smaller than each of these."""
    inside = np.zeros(len(left), dtype=bool)
    holes = np.asarray(shapely.polygons(_inner_rings(union)), dtype=object)
    piece, _ = STRtree(holes).query(shapely.point_on_surface(left), predicate="intersects")
    inside[piece] = True
    grids = shapely.area(network.whole[network.kept])  # in square degrees: only compared
    if len(grids):
        inside &= shapely.area(left) < grids.min()
    return inside


def _uncovered(
    names: list[str], areas: Geometries, left: Geometries, tolerances: Tolerances
) -> Iterator[Finding]:
    """Return of each parent what the grids leave of it, as one."""
    piece, parent = STRtree(areas).query(left, predicate="intersects")
    shared = shapely.intersection(left[piece], areas[parent])
    concerned = np.unique(parent)
    rests = np.array(
        [shapely.GeometryCollection(list(_polygons(shared[parent == p]))) for p in concerned],
        dtype=object,
    )
    whole = areas_m2(areas[concerned])
    for part in wide_and_narrow(rests, tolerances):
        name = names[concerned[part.position]]
        share = 100 * part.square_metres / whole[part.position]
        metres = metres_text(part.square_metres)
        if part.is_narrow:
            width = f"{tolerances.sliver_m:g}"
            yield Finding(
                "sliver", "warning", distinct([name]), part.shape, part.square_metres, "m²",
                f"网格与上级区域 {name} 的边界之间有不足 {width} 米宽的缝隙，"
                f"面积 {metres} 平方米，请对齐边界。",
                f"A strip under {width} m wide is left between the grids and the edge of their "
                f"parent {name}; {metres} m². Make the edges meet.",
            )  # fmt: skip
            continue
        none_at_all = share > 99.9
        zh = "内没有任何网格" if none_at_all else f"有 {share:.1f}% 未被网格覆盖，可能漏画网格"
        en = (
            "holds no grid at all"
            if none_at_all
            else f"is not covered by grids over {share:.1f} %; a whole grid may be missing"
        )
        yield Finding(
            "uncovered_parent", "error", distinct([name]), part.shape, part.square_metres, "m²",
            f"上级区域 {name} {zh}，面积 {metres} 平方米，请补画。",
            f"The parent {name} {en}; {metres} m². Draw the grids that are missing.",
        )  # fmt: skip


def _polygons(shapes: Geometries) -> Geometries:
    parts = shapely.get_parts(shapely.get_parts(shapes))
    return np.asarray(parts[shapely.get_type_id(parts) == 3], dtype=object)
