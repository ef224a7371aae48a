"""Households a grid: basic grids joined or cut anew where they have too few or too many."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.geometry import OUTSIDE, Geometries, Positions
from gis.networks.comparison import joined
from gis.networks.draft import Cell, Draft, inner_borders
from gis.networks.given import Network
from gis.networks.overlay import LATTICE_DEGREES, Overlay, overlay, summed
from gis.proposal import Bounds, Ground
from gis.proposal import propose as propose_grids

_REACH_DEGREES: Final = 20 * LATTICE_DEGREES


def balanced(laid: Overlay, draft: Draft, bounds: Bounds) -> tuple[Overlay, Draft]:
    """Join or cut basic grids of one community until each is within bounds, as far as can be.

    A grid within bounds stays as it is, unless a neighbour needs its households. Networks' own
    borders are taken first where a grid is cut, and no building is cut.

    Parameters
    ----------
    laid : Overlay
    draft : Draft
    bounds : Bounds

    Returns
    -------
    Overlay
        With the lines along which grids were cut.
    Draft
        On its faces.
    """
    groups = _groups(laid, draft, bounds)
    grid, cells = draft.grid.copy(), dict(draft.cells)
    largest = summed(np.maximum(draft.grid, 0), laid.face_households)
    parts: dict[int, Geometries] = {}
    for members in groups:
        faces = np.isin(draft.grid, members)
        lead = max(members, key=lambda number: (largest[number], -number))
        grid[faces], cells[lead] = lead, draft.cells[lead]
        if laid.face_households[faces].sum() > bounds.most:
            cut = _cut(laid, faces, bounds)
            if len(cut) > 1:
                parts[lead] = cut
    joint = Draft(grid, {number: cells[number] for number in set(grid[grid != OUTSIDE].tolist())})
    return _cut_up(laid, joint, parts) if parts else (laid, joint)


def _groups(laid: Overlay, draft: Draft, bounds: Bounds) -> list[list[int]]:
    """Return the grids that are joined, or cut, or both: those that cannot stay as they are."""
    households = np.round(
        summed(np.maximum(draft.grid, 0), laid.face_households * (draft.grid >= 0)), 6
    )
    apart = draft.dedicated(laid)
    load = {n: float(households[n]) for n in draft.cells if n not in apart}
    members = {number: [number] for number in load}
    border = _neighbours(laid, draft)
    stuck: set[int] = set()
    while waiting := [n for n in load if n not in stuck and not _fits(load[n], bounds)]:
        least = min(waiting, key=lambda n: (load[n], n))
        near = {n: metres for n, metres in border.get(least, {}).items() if n in load}
        fitting = [n for n in near if _fits(load[n] + load[least], bounds)]
        small = [n for n in near if load[n] + load[least] < bounds.fewest]
        if not (fitting or small):
            stuck.add(least)
            continue
        # first a neighbour that needs it too, then one with which it is one grid
        to = min(
            fitting or small,
            key=lambda n: (
                _fits(load[n], bounds), load[n] + load[least] > bounds.most, -near[n], n,
            ),
        )  # fmt: skip
        load[to] += load.pop(least)
        members[to] += members.pop(least)
        for other, metres in border.pop(least).items():
            border[other].pop(least)
            if other != to:
                border[to][other] = border[other][to] = border[to].get(other, 0.0) + metres
        stuck.discard(to)
    return [
        sorted(found)
        for number, found in sorted(members.items())
        if len(found) > 1 or load[number] > bounds.most
    ]


def _fits(households: float, bounds: Bounds) -> bool:
    """Tell whether households make one grid or more, each within bounds."""
    count = -(-households // bounds.most)
    return count > 0 and households >= count * bounds.fewest


def _neighbours(laid: Overlay, draft: Draft) -> dict[int, dict[int, float]]:
    edges, metres = inner_borders(laid, np.isin(draft.grid, draft.dedicated(laid)))
    border: dict[int, dict[int, float]] = {}
    for (one, two), length in zip(draft.grid[edges].tolist(), metres.tolist(), strict=True):
        if one != two and OUTSIDE not in (one, two):
            length += border.setdefault(one, {}).get(two, 0.0)  # noqa: PLW2901 - their sum
            border[one][two] = border.setdefault(two, {})[one] = length
    return border


def _cut(laid: Overlay, faces: NDArray[np.bool_], bounds: Bounds) -> Geometries:
    """Return the grids into which some ground is cut; the networks' borders serve as streets."""
    ground = joined(laid, faces)
    buildings = laid.buildings.geometries
    near = STRtree(buildings).query(ground, predicate="intersects")
    lines = shapely.intersection(
        [
            shapely.union_all(shapely.boundary(network.geometries[_meeting(network, ground)]))
            for network in laid.networks
        ],
        ground,
    )
    counts = np.rint(laid.buildings.households[near]).astype(np.int64)
    parts = propose_grids(Ground(ground, buildings[near], counts, streets=lines), bounds)
    return parts.grids


def _meeting(network: Network, ground: shapely.Geometry) -> Positions:
    found: Positions = STRtree(network.geometries).query(ground, predicate="intersects")
    return found


def _cut_up(laid: Overlay, draft: Draft, parts: dict[int, Geometries]) -> tuple[Overlay, Draft]:
    lines = [line for cut in parts.values() for line in _seams(cut)]
    again = overlay(laid.networks, laid.communities, laid.buildings, lines=lines)
    inside = shapely.point_on_surface(again.faces)
    face, old = STRtree(laid.faces).query(inside, predicate="intersects")
    grid = np.full(len(again.faces), OUTSIDE, dtype=np.intp)
    grid[face] = draft.grid[old]
    cells: dict[int, Cell] = dict(draft.cells)
    free = max(cells) + 1
    for number, cut in parts.items():
        own = np.flatnonzero(grid == number)
        _, nearest = STRtree(cut).query_nearest(inside[own], all_matches=False)
        grid[own] = np.append(number, np.arange(free, free + len(cut) - 1))[nearest]
        cells |= dict.fromkeys(range(free, free + len(cut) - 1), cells[number])
        free += len(cut) - 1
    return again, Draft(_with_whole_buildings(again, grid), cells)


def _seams(cut: Geometries) -> Iterator[shapely.LineString]:
    """Return the borders between parts, led on a little so that they meet what they end at."""
    one, two = STRtree(cut).query(cut, predicate="intersects")
    one, two = one[one < two], two[one < two]
    shared = shapely.intersection(shapely.boundary(cut[one]), shapely.boundary(cut[two]))
    merged = shapely.get_parts(shapely.line_merge(shapely.get_parts(shared)))
    whole = shapely.get_parts(shapely.line_merge(shapely.union_all(merged)))
    for line in whole[shapely.get_type_id(whole) == shapely.GeometryType.LINESTRING]:
        points = shapely.get_coordinates(line)
        first, last = points[0] - points[1], points[-1] - points[-2]
        ends = [
            points[:1] + first / np.hypot(*first) * _REACH_DEGREES,
            points[-1:] + last / np.hypot(*last) * _REACH_DEGREES,
        ]
        yield shapely.LineString(np.concatenate([ends[0], points, ends[1]]))


def _with_whole_buildings(laid: Overlay, grid: Positions) -> Positions:
    """Give each building that a new line touches to the grid of its community with most of it."""
    whole = grid.copy()
    inside = grid[laid.astride.face] != OUTSIDE
    face, building = laid.astride.face[inside], laid.astride.outline[inside]
    key = building * (laid.community.max(initial=0) + 2) + laid.community[face]
    for one in np.unique(key).tolist():
        faces = face[key == one]
        if len(np.unique(whole[faces])) > 1:
            whole[faces] = int(np.argmax(summed(whole[faces], laid.face_m2[faces])))
    return whole
