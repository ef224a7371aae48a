"""Grids in the areas above them: in which each lies, what sticks out, and what its code says."""

from collections.abc import Iterator

import numpy as np
import shapely
from shapely import STRtree

from gis.coverage.codes import STREET_DIGITS, is_merged
from gis.coverage.network import Network
from gis.coverage.order import Parents, Tolerances
from gis.coverage.parts import Part, wide_and_narrow
from gis.findings import Finding, distinct, metres_text
from gis.geometry import OUTSIDE, Geometries, Positions
from gis.outlines import mended, paired


def homes(network: Network, areas: Geometries) -> Positions:
    """Return the area in which each kept grid lies, or has the most of itself; else ``OUTSIDE``."""
    found = np.full(len(network.kept), OUTSIDE, dtype=np.intp)
    grids = network.whole[network.kept]
    shapely.prepare(areas)
    grid, area = STRtree(areas).query(grids, predicate="intersects")
    sizes = shapely.area(areas)  # in square degrees: only compared
    inside = shapely.covers(areas[area], grids[grid])
    share = np.where(inside, sizes[area], 0.0)
    crossing = np.flatnonzero(~inside)
    shared = shapely.area(shapely.intersection(areas[area[crossing]], grids[grid[crossing]]))
    share[crossing] = shared
    # the smallest of the areas that hold it; where there is none, the one with the most of it
    order = np.lexsort((area, np.where(inside, share, -share), ~inside, grid))
    grid, area, share = grid[order], area[order], share[order]
    first = np.concatenate([[True], grid[1:] != grid[:-1]])[: len(grid)]
    chosen = first & (share > 0)
    found[grid[chosen]] = area[chosen]
    return found


def parent_findings(
    network: Network, parents: Parents, tolerances: Tolerances
) -> Iterator[Finding]:
    """Return ``outside_parent``, ``code_prefix``, and ``sliver`` where a strip sticks out."""
    names, shapes = paired(parents.codes, parents.geometries)
    areas = mended(shapes)
    home = homes(network, areas)
    for position, part in _outside_parts(network, areas, home, tolerances):
        name = network.names[network.kept[position]]
        above = names[home[position]] if home[position] != OUTSIDE else None
        yield _outside(name, above, part, tolerances)
    if parents.are_prefixes:
        yield from _prefixes(network, names, home)


def _outside_parts(
    network: Network, areas: Geometries, home: Positions, tolerances: Tolerances
) -> Iterator[tuple[int, Part]]:
    grids = network.whole[network.kept]
    housed = np.flatnonzero(home != OUTSIDE)
    crossing = housed[~shapely.covers(areas[home[housed]], grids[housed])]
    outside = grids.copy()
    outside[housed] = None
    outside[crossing] = shapely.difference(grids[crossing], areas[home[crossing]])
    rows = np.flatnonzero(~shapely.is_missing(outside))
    for part in wide_and_narrow(outside[rows], tolerances):
        yield int(rows[part.position]), part


def _outside(name: str, above: str | None, part: Part, tolerances: Tolerances) -> Finding:
    metres = metres_text(part.square_metres)
    if above is None:
        return Finding(
            "outside_parent", "error", distinct([name]), part.shape, part.square_metres, "m²",
            f"网格 {name} 不在任何上级区域内，面积 {metres} 平方米，请核对位置或补画上级区域。",
            f"The grid {name} lies in no parent; {metres} m². "
            "See whether its place is right, or its parent missing.",
        )  # fmt: skip
    codes = (name, above)
    if part.is_narrow:
        width = f"{tolerances.sliver_m:g}"
        return Finding(
            "sliver", "warning", codes, part.shape, part.square_metres, "m²",
            f"网格 {name} 以不足 {width} 米宽的窄条超出上级区域 {above}，"
            f"面积 {metres} 平方米，请对齐边界。",
            f"The grid {name} sticks out of its parent {above} by a strip under {width} m wide; "
            f"{metres} m². Make their edges meet.",
        )  # fmt: skip
    return Finding(
        "outside_parent", "error", codes, part.shape, part.square_metres, "m²",
        f"网格 {name} 超出上级区域 {above}，超出面积 {metres} 平方米，请把边界收回。",
        f"The grid {name} reaches beyond its parent {above}; {metres} m². "
        "Draw its edge back: a grid has one parent.",
    )  # fmt: skip


def _prefixes(network: Network, names: list[str], home: Positions) -> Iterator[Finding]:
    """Return the grids whose code does not begin with that of the area in which they lie.

    One merged from several communities must begin with its street's code only.
    """
    for position in np.flatnonzero(home != OUTSIDE):
        row = network.kept[position]
        code, above = network.names[row], names[home[position]]
        expected = above[:STREET_DIGITS] if is_merged(code) else above
        if not (code and above) or code.startswith(expected):
            continue
        yield Finding(
            "code_prefix", "error", (code, above), network.whole[row], None, None,
            f"网格 {code} 位于上级区域 {above} 内，但编码不以 {expected} 开头，请改编码或边界。",
            f"The grid {code} lies in {above}, but its code does not begin with {expected}: "
            "correct the code or the boundary.",
        )  # fmt: skip
