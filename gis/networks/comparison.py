"""Where networks agree, where their borders cross, what some leave open, and whom they cut."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.findings import Finding, listed
from gis.geometry import OUTSIDE, Geometries, Metres, Positions
from gis.measure import areas_m2, lengths_m
from gis.networks.given import Tolerances
from gis.networks.joining import components
from gis.networks.overlay import Cover, Overlay, summed


@dataclass(frozen=True)
class Agreement:
    """Two cells of two networks that are one but for the tolerance."""

    network_a: str
    code_a: str
    network_b: str
    code_b: str
    share: float
    """The lesser of the shares of each that lies in the other."""
    area_m2: float


@dataclass(frozen=True)
class Comparison:
    """What laying networks over one another shows."""

    agreements: tuple[Agreement, ...]
    findings: tuple[Finding, ...]

    def of(self, rule: str) -> list[Finding]:
        """Return the findings of one rule."""
        return [finding for finding in self.findings if finding.rule == rule]


@dataclass(frozen=True)
class Shared:
    """Pairs of outlines of two layers with common ground, and how much of it there is."""

    one: Positions
    two: Positions
    area_m2: Metres
    one_m2: Metres
    two_m2: Metres
    """The whole areas of either outline of each pair."""

    def of(self, pairs: Positions) -> "Shared":
        """Return some of the pairs."""
        return Shared(
            self.one[pairs], self.two[pairs], self.area_m2[pairs],
            self.one_m2[pairs], self.two_m2[pairs],
        )  # fmt: skip


def compare(laid: Overlay, tolerances: Tolerances | None = None) -> Comparison:
    """Compare networks that were laid over one another.

    Parameters
    ----------
    laid : Overlay
    tolerances : Tolerances, optional

    Returns
    -------
    Comparison
        Agreements, and findings (all of them warnings) by the rules ``network_conflict`` (a
        connected area of which two networks say otherwise whose it is: their cells cross there,
        neither in the other, and each has its counterpart elsewhere; its measure is the area; what
        is no more than a seam is left out), ``network_hole`` (a place
        that another network or a community covers and this one does not), ``split_building`` (a
        border of one network takes a part of a building from the rest; the measure is all but the
        largest part). Cells and buildings are named ``network:code`` and ``code``.

    Examples
    --------
    >>> from gis.networks.overlay import overlay
    >>> from gis.networks.given import Network
    >>> civil = Network.of("civil", ["C1"], [shapely.box(0, 0, 2, 1)])
    >>> police = Network.of("police", ["P1"], [shapely.box(1, 0, 3, 1)])
    >>> [(f.rule, f.codes) for f in compare(overlay([civil, police])).findings][0]
    ('network_conflict', ('civil:C1', 'police:P1'))
    """
    given = tolerances or Tolerances()
    agreements: list[Agreement] = []
    findings: list[Finding] = []
    for a, b in combinations(range(len(laid.networks)), 2):
        shared = shared_ground(laid, laid.covers[a], laid.covers[b])
        agreements += _agreements(laid, (a, b), shared, given)
        one, two = (laid.networks[number].is_dedicated for number in (a, b))
        # a dedicated cell lies on the basic ones: only cells of one kind are in dispute
        alike = shared.of(np.flatnonzero(one[shared.one] == two[shared.two]))
        findings += _conflicts(laid, (a, b), alike, given)
    for number in range(len(laid.networks)):
        findings += _holes(laid, number, given)
    for network, cover in zip(laid.networks, laid.covers, strict=True):
        labels = [network.label(cell) for cell in range(len(network))]
        findings += split_buildings(laid, cover, labels, network.name, given)
    return Comparison(tuple(agreements), tuple(findings))


def shared_ground(laid: Overlay, one: Cover, two: Cover) -> Shared:
    """Return which outlines of two layers have common ground."""
    start = np.searchsorted(two.face, one.face)
    end = np.searchsorted(two.face, one.face, side="right")
    left = np.repeat(np.arange(len(one.face)), end - start)
    run = np.arange(len(left)) - np.repeat(np.cumsum(end - start) - (end - start), end - start)
    right = start[left] + run
    pairs = np.stack([one.outline[left], two.outline[right]], axis=1)
    found, at = np.unique(pairs, axis=0, return_inverse=True)
    area = summed(at.ravel(), laid.face_m2[one.face[left]], len(found))
    ones, twos = found[:, 0], found[:, 1]
    return Shared(ones, twos, area, outline_m2(laid, one)[ones], outline_m2(laid, two)[twos])


def outline_m2(laid: Overlay, cover: Cover) -> Metres:
    """Return the area of each outline that covers any face, as the sum of its faces."""
    return summed(cover.outline, laid.face_m2[cover.face])


def _lesser_share(shared: Shared) -> NDArray[np.float64]:
    share: NDArray[np.float64] = shared.area_m2 / np.maximum(shared.one_m2, shared.two_m2)
    return share


def _greater_share(shared: Shared) -> NDArray[np.float64]:
    share: NDArray[np.float64] = shared.area_m2 / np.minimum(shared.one_m2, shared.two_m2)
    return share


def _agreements(
    laid: Overlay, which: tuple[int, int], shared: Shared, given: Tolerances
) -> Iterator[Agreement]:
    a, b = (laid.networks[i] for i in which)
    lesser = _lesser_share(shared)
    for i in np.flatnonzero(lesser >= given.agreement_share):
        yield Agreement(
            a.name, a.codes[shared.one[i]], b.name, b.codes[shared.two[i]],
            float(lesser[i]), float(shared.area_m2[i]),
        )  # fmt: skip


def _conflicts(
    laid: Overlay, which: tuple[int, int], shared: Shared, given: Tolerances
) -> Iterator[Finding]:
    """Return a finding for each connected area over which two networks dispute."""
    one, two = (laid.covers[number] for number in which)
    pairs = _disputed(shared, given)
    codes: dict[int, set[str]] = defaultdict(set)
    for a, b in zip(shared.one[pairs].tolist(), shared.two[pairs].tolist(), strict=True):
        names = {laid.networks[n].label(at) for n, at in zip(which, (a, b), strict=True)}
        for face in np.intersect1d(faces_of(one, a), faces_of(two, b)).tolist():
            codes[face] |= names
    inside = np.zeros(len(laid.faces), dtype=bool)
    inside[list(codes)] = True
    area = components(len(laid.faces), laid.edges[inside[laid.edges].all(axis=1)])
    for root in np.unique(area[inside]).tolist():
        ground = np.flatnonzero(inside & (area == root))
        shape, metres = joined(laid, ground), float(laid.face_m2[ground].sum())
        if _is_more_than_a_seam(np.array([shape], dtype=object), np.array([metres]), given)[0]:
            cells = tuple(sorted(set().union(*(codes[face] for face in ground.tolist()))))
            yield _dispute(laid, which, cells, shape, metres)


def _disputed(shared: Shared, given: Tolerances) -> Positions:
    """Return the pairs of cells whose common ground is in dispute.

    Of cells that cross, the one that a cell has most ground in common with is its counterpart:
    what it shares with others is in dispute. Cells that cross no other but their counterpart are
    in dispute over all that they share.
    """
    greater = _greater_share(shared)
    crossing = (greater < given.agreement_share) & (greater > 1 - given.agreement_share)
    matched = _largest(shared.one, shared.area_m2) | _largest(shared.two, shared.area_m2)
    apart = crossing & ~matched
    settled = np.isin(shared.one, shared.one[apart]) | np.isin(shared.two, shared.two[apart])
    pairs: Positions = np.flatnonzero(apart | (crossing & ~settled))
    return pairs


def _largest(groups: Positions, values: Metres) -> NDArray[np.bool_]:
    """Return which row has the largest value of its group, one of each group."""
    order = np.lexsort([-values, groups])
    first = np.zeros(len(groups), dtype=bool)
    first[order[np.flatnonzero(np.diff(groups[order], prepend=-1))]] = True
    return first


def _dispute(
    laid: Overlay, which: tuple[int, int], cells: tuple[str, ...], shape: Any, metres: float
) -> Finding:
    a, b = (laid.networks[number].name for number in which)
    return Finding(
        "network_conflict", "warning", cells, shape, metres, "m²",
        f"{a} 与 {b} 的边界交叉：{listed(cells, '、')} 之间有 {metres:.0f} 平方米归属不一，"
        "请商定归属。",
        f"The borders of {a} and {b} cross: of {metres:.0f} m² among {listed(cells, ', ')} "
        "each says otherwise whose it is. Agree whose it is.",
    )  # fmt: skip


def _is_more_than_a_seam(
    shapes: Geometries, area_m2: Metres, given: Tolerances
) -> NDArray[np.bool_]:
    # a strip of width w and length l has the area w·l and a boundary of about 2·l
    wide: NDArray[np.bool_] = area_m2 > given.least_m2
    wide &= 2 * area_m2 >= given.least_width_m * lengths_m(shapes)
    return wide


def faces_of(cover: Cover, outline: int) -> Positions:
    """Return the faces that one outline covers."""
    faces: Positions = cover.face[cover.outline == outline]
    return faces


def joined(laid: Overlay, faces: Positions | NDArray[np.bool_]) -> Any:
    """Return faces as one geometry."""
    return shapely.coverage_union_all(laid.faces[faces])


def _holes(laid: Overlay, network: int, given: Tolerances) -> Iterator[Finding]:
    covered = np.array([cover.first != OUTSIDE for cover in laid.covers])
    wanted = np.any(np.delete(covered, network, axis=0), axis=0) | (laid.community != OUTSIDE)
    open_faces = np.flatnonzero(wanted & ~covered[network])
    if not len(open_faces):
        return
    holes = shapely.get_parts(joined(laid, open_faces))
    area = areas_m2(holes)
    wide = _is_more_than_a_seam(holes, area, given)
    within = shapely.STRtree(shapely.point_on_surface(laid.faces[open_faces]))
    for hole, metres in zip(holes[wide], area[wide], strict=True):
        faces = open_faces[within.query(hole, predicate="contains")]
        codes = _covering(laid, faces)
        name = laid.networks[network].name
        by_zh = f"，已有 {listed(codes, '、')}" if codes else "，各网络均未覆盖"
        by_en = f"; covered by {listed(codes, ', ')}" if codes else "; no network covers it"
        yield Finding(
            "network_hole", "warning", (name, *codes), hole, float(metres), "m²",
            f"{name} 未覆盖此处 {metres:.0f} 平方米{by_zh}，请补齐。",
            f"{name} leaves {metres:.0f} m² open here{by_en}. Say whose it is.",
        )  # fmt: skip


def _covering(laid: Overlay, faces: Positions) -> tuple[str, ...]:
    return tuple(
        network.label(cell)
        for network, cover in zip(laid.networks, laid.covers, strict=True)
        for cell in np.unique(cover.outline[np.isin(cover.face, faces)])
    )


def split_buildings(
    laid: Overlay, cover: Cover, labels: Sequence[str], name: str, given: Tolerances
) -> Iterator[Finding]:
    """Return a finding for each building that a border between the outlines of a layer cuts."""
    shared = shared_ground(laid, laid.astride, cover)
    starts = np.flatnonzero(np.diff(shared.one, prepend=-1))
    for rows in np.split(np.arange(len(shared.one)), starts[1:]) if len(starts) else []:
        share = shared.area_m2[rows] / shared.one_m2[rows]
        parts = rows[share >= given.split_share]
        if len(parts) < 2 or share.max() > 1 - given.split_share:
            continue
        building = int(shared.one[rows[0]])
        code = laid.buildings.codes[building]
        cells = tuple(labels[cell] for cell in shared.two[parts])
        metres = float(shared.area_m2[parts].sum() - shared.area_m2[parts].max())
        yield Finding(
            "split_building", "warning", (code, *cells), laid.buildings.geometries[building],
            metres, "m²",
            f"楼栋 {code} 被 {name} 的边界切开，分属 {listed(cells, '、')}；"
            f"较小部分 {metres:.0f} 平方米，请归入一个网格。",
            f"A border of {name} cuts the building {code}: it lies in {listed(cells, ' and ')}; "
            f"all but the largest part is {metres:.0f} m². Give it to one grid.",
        )  # fmt: skip
