"""Grids that lie on one another, and shared edges that are drawn twice."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coverage.network import LATTICE_DEGREES, Network
from gis.coverage.order import Progress, Tolerances
from gis.coverage.parts import wide_and_narrow
from gis.findings import Finding, distinct, listed, metres_text
from gis.measure import lengths_m

_PAIRS: Final = 20_000


def overlaps(network: Network, tolerances: Tolerances, progress: Progress) -> Iterator[Finding]:
    """Return where two grids own the same points: ``overlap``, or ``sliver`` where it is narrow.

    A grid that others cover in part has an edge of theirs inside it that no other edge matches; one
    that they cover wholly has its inner point covered. So these grids are looked at first, and then
    whoever was found to overlap them, until there is nobody new.
    """
    looked = np.zeros(len(network.kept), dtype=bool)
    suspects = np.flatnonzero(network.mismatched | _covered_inside(network))
    while len(suspects):
        one, two = _pairs(network, suspects, looked)
        looked[suspects] = True
        met = np.zeros(len(looked), dtype=bool)
        progress("overlaps", 0, len(one))
        for start in range(0, len(one), _PAIRS):
            a, b = one[start : start + _PAIRS], two[start : start + _PAIRS]
            rows = network.kept[a], network.kept[b]
            shared = shapely.intersection(network.whole[rows[0]], network.whole[rows[1]])
            areal = np.flatnonzero(shapely.area(shared) > 0)
            for part in wide_and_narrow(shared[areal], tolerances):
                pair = areal[part.position]
                met[[a[pair], b[pair]]] = True
                codes = distinct([network.names[row[pair]] for row in rows])
                yield _overlap(codes, part.is_narrow, part.shape, part.square_metres, tolerances)
            progress("overlaps", min(start + _PAIRS, len(one)), len(one))
        suspects = np.flatnonzero(met & ~looked)


def _covered_inside(network: Network) -> NDArray[np.bool_]:
    """Return which grids have an inner point in another grid, and which those others are."""
    points = shapely.point_on_surface(network.whole[network.kept])
    one, two = network.tree.query(points, predicate="intersects")
    covered = np.zeros(len(points), dtype=bool)
    covered[one[one != two]] = covered[two[one != two]] = True
    return covered


def _pairs(
    network: Network, suspects: NDArray[np.intp], looked: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of suspects and whoever touches them, those looked at already left out."""
    kept, whole = network.kept, network.whole
    suspect, other = network.tree.query(whole[kept[suspects]], predicate="intersects")
    fresh = ~looked[other]
    one, two = suspects[suspect[fresh]], other[fresh]
    one, two = np.minimum(one, two), np.maximum(one, two)
    pairs = np.unique(np.stack([one, two])[:, one < two], axis=1)
    alike = network.dedicated[kept[pairs[0]]] == network.dedicated[kept[pairs[1]]]
    return pairs[0][alike], pairs[1][alike]


def _overlap(
    codes: tuple[str, ...],
    narrow: bool,
    shape: shapely.Geometry,
    metres: float,
    tolerances: Tolerances,
) -> Finding:
    width = f"{tolerances.sliver_m:g}"
    zh = f"边界不重合，有不足 {width} 米宽的重叠窄条" if narrow else "相互重叠，其中的点有两个归属"
    en = (
        f"share a strip under {width} m wide" if narrow else "overlap: points there have two owners"
    )
    return Finding(
        "sliver" if narrow else "overlap", "warning" if narrow else "error",
        codes, shape, metres, "m²",
        f"网格 {listed(codes, ' 与 ')} {zh}，面积 {metres_text(metres)} 平方米，请对齐边界。",
        f"The grids {listed(codes, ' and ')} {en}; {metres_text(metres)} m². "
        "Make their edges meet.",
    )  # fmt: skip


def mismatches(network: Network, findings: list[Finding]) -> Iterator[Finding]:
    """Return shared edges drawn twice with less than the tolerance between them, as one note."""
    basic = ~network.dedicated[network.kept]
    suspects = np.flatnonzero(network.mismatched & basic)
    if not len(suspects):
        return
    near = np.unique(network.tree.query(network.whole[network.kept[suspects]])[1])
    rows = network.kept[near[basic[near]]]
    rounded = shapely.set_precision(network.whole[rows], LATTICE_DEGREES, mode="pointwise")
    edges = shapely.coverage_invalid_edges(rounded)
    said = {code for finding in findings if finding.measure for code in finding.codes}
    bad = [
        i
        for i in np.flatnonzero(~shapely.is_empty(edges))
        if network.names[rows[i]] not in said and network.mismatched[near[basic[near]][i]]
    ]
    if not bad:
        return
    codes = distinct([network.names[rows[i]] for i in bad])
    lines = shapely.union_all(edges[bad])
    metres = float(lengths_m(np.array([lines], dtype=object))[0])
    yield Finding(
        "sliver", "info", codes, lines, metres, "m",
        f"网格 {listed(codes, '、')} 的公共边界不是同一条线，共 {metres:.0f} 米，"
        "但相差在容许范围内，可以不改。",
        f"Shared edges of the grids {listed(codes, ', ')} are not one and the same line over "
        f"{metres:.0f} m, but within the tolerance: nothing must be done.",
    )  # fmt: skip
