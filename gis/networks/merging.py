"""Grids made out of networks' cells: the network named first leads, buildings stay whole."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from gis.geometry import OUTSIDE, Metres, Positions
from gis.networks.comparison import outline_m2
from gis.networks.draft import (
    NO_CELL,
    Cell,
    Draft,
    alike,
    inner_borders,
    inner_edges,
    is_dedicated,
    is_inner,
)
from gis.networks.given import Tolerances
from gis.networks.joining import components, give_away
from gis.networks.overlay import Overlay, summed


def merged(laid: Overlay, bound: Positions, given: Tolerances) -> Draft:
    """Return the grids by rules 1 to 4."""
    territory, count = laid.territory, len(laid.faces)
    inner = inner_edges(laid)
    parts = np.array([components(count, alike(laid.edges, c.first)) for c in laid.covers])
    whole_m2 = np.array([summed(part, laid.face_m2, count) for part in parts])
    home = np.where(territory, _leading(laid, parts), OUTSIDE)
    home = _settle_buildings(laid, bound, home)
    open_ = territory & (home < 0)
    pairs = np.concatenate([alike(inner, np.where(open_, -2, home)), bound])
    piece = np.where(territory, components(count, pairs), OUTSIDE)
    least = _least(laid, piece, home, whole_m2.ravel(), given)
    final = give_away(piece, least, laid.face_m2, *inner_borders(laid, _on_top(laid, home)))
    left = {root: metres for root, metres in least.items() if root in final}
    final = give_away(final, left, laid.face_m2, inner, laid.edge_m[is_inner(laid)])
    cells: dict[int, Cell] = {}
    numbers: dict[tuple[int, Cell | int], int] = {}
    grid = np.full(count, OUTSIDE, dtype=np.intp)
    for root in np.unique(final[final != OUTSIDE]).tolist():
        cell = _cell_at(laid, int(home[root]))
        key = (int(laid.community[root]), root if cell == NO_CELL else cell)
        number = numbers.setdefault(key, len(numbers))
        cells[number] = cell
        grid[final == root] = number
    return Draft(grid, cells)


def _leading(laid: Overlay, parts: Positions) -> Positions:
    """Return each face's part of a cell: the first network's, a dedicated cell before others."""
    count = len(laid.faces)
    home = np.arange(count) + OUTSIDE * count
    order = list(reversed(range(len(laid.networks))))
    covered = [cover.first != OUTSIDE for cover in laid.covers]
    dedicated = [
        here & np.append(network.is_dedicated, False)[cover.first]
        for network, cover, here in zip(laid.networks, laid.covers, covered, strict=True)
    ]
    for number, here in [(n, covered[n]) for n in order] + [(n, dedicated[n]) for n in order]:
        home[here] = number * count + parts[number][here]
    return home


def _on_top(laid: Overlay, home: Positions) -> NDArray[np.bool_]:
    """Return which faces are a dedicated cell's."""
    homes, at = np.unique(home, return_inverse=True)
    upper = [is_dedicated(laid, _cell_at(laid, one)) for one in homes.tolist()]
    return np.array(upper, dtype=bool)[at]


def _cell_at(laid: Overlay, home: int) -> Cell:
    """Return the cell in which a part lies, that is named by its network and its first face."""
    if home < 0:
        return NO_CELL
    network, face = divmod(home, len(laid.faces))
    return network, int(laid.covers[network].first[face])


def _settle_buildings(laid: Overlay, bound: Positions, home: Positions) -> Positions:
    """Give the faces of each building that a border cuts to one part of a cell."""
    group = components(len(home), bound)
    ground = [_ground(home, cover.first, laid.face_m2) for cover in laid.covers]
    settled = home.copy()
    members: dict[int, list[int]] = defaultdict(list)
    for face in np.unique(bound).tolist():
        members[int(group[face])].append(face)
    for rows in members.values():
        faces = np.array(rows, dtype=np.intp)
        if len(np.unique(home[faces])) > 1:
            settled[faces] = _home_of_building(laid, faces, home[faces], ground)
    return settled


def _ground(home: Positions, first: Positions, face_m2: Metres) -> dict[tuple[int, int], float]:
    """Return the common ground of parts of cells with another network's cells."""
    both = np.flatnonzero((home >= 0) & (first != OUTSIDE))
    pairs, at = np.unique(np.stack([home[both], first[both]], axis=1), axis=0, return_inverse=True)
    area = summed(at.ravel(), face_m2[both], len(pairs))
    return {(int(a), int(b)): float(m2) for (a, b), m2 in zip(pairs, area, strict=True)}


def _home_of_building(
    laid: Overlay, faces: Positions, homes: Positions, ground: list[dict[tuple[int, int], float]]
) -> int:
    m2 = laid.face_m2[faces]
    candidates = np.unique(homes[homes >= 0]).tolist() or [int(homes[0])]
    upper = any(is_dedicated(laid, _cell_at(laid, home)) for home in candidates)
    for cover, common in zip(laid.covers, ground, strict=True):
        cells = np.unique(cover.first[faces])
        if len(cells) == 1 and cells[0] != OUTSIDE and not upper:
            shared = [common.get((home, int(cells[0])), 0.0) for home in candidates]
            if max(shared) > 0:
                return int(candidates[int(np.argmax(shared))])
    shares = [float(m2[homes == home].sum()) for home in candidates]
    return int(candidates[int(np.argmax(shares))])


def _least(
    laid: Overlay, piece: Positions, home: Positions, whole_m2: Metres, given: Tolerances
) -> dict[int, float]:
    """Return from which area on each piece is a grid of its own."""
    usual = float(np.median(outline_m2(laid, laid.covers[0])))
    community_m2 = summed(laid.community + 1, laid.face_m2)
    least = {}
    for root in np.unique(piece[piece != OUTSIDE]).tolist():
        around = float(community_m2[laid.community[root] + 1])
        whole = usual if home[root] < 0 else min(float(whole_m2[home[root]]), around)
        least[root] = given.least_share * whole
    return least
