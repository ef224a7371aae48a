"""Cells that somebody wants kept as they are: they take their ground back from the grids made."""

from collections.abc import Sequence

import numpy as np

from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Positions
from gis.networks.comparison import faces_of
from gis.networks.draft import Cell, Draft, alike, inner_borders, inner_edges
from gis.networks.given import Tolerances
from gis.networks.joining import components, give_away
from gis.networks.overlay import Overlay, summed


def cells_named(laid: Overlay, keep: Sequence[tuple[str, str]]) -> list[Cell]:
    """Return the cells of such names, each once; raise where there is none."""
    names = [network.name for network in laid.networks]
    cells = []
    for name, code in keep:
        if name not in names:
            raise InvalidGrids(f"there is no network {name} to keep {code} of: {', '.join(names)}")
        codes = laid.networks[names.index(name)].codes
        if code not in codes:
            raise InvalidGrids(f"the network {name} has no grid {code} to keep")
        cells.append((names.index(name), codes.index(code)))
    return list(dict.fromkeys(cells))


def with_kept(
    laid: Overlay, draft: Draft, bound: Positions, kept: list[Cell], given: Tolerances
) -> Draft:
    """Return the grids with cells kept as they are, by rule 6."""
    if not kept:
        return draft
    grid, cells, first = draft.grid.copy(), dict(draft.cells), max(draft.cells, default=-1) + 1
    for number, cell in enumerate(kept, start=first):
        grid[_ground_kept(laid, cell, given)] = number
        cells[number] = cell
    group = components(len(grid), bound)
    for root in np.unique(group[np.unique(bound)]).tolist():
        faces = np.flatnonzero(group == root)
        if len(np.unique(grid[faces])) > 1:
            area = summed(grid[faces], laid.face_m2[faces])
            grid[faces] = int(np.argmax(area))
    pairs = np.concatenate([alike(inner_edges(laid), grid), bound])
    pieces = components(len(grid), pairs)
    owner = {int(root): int(grid[root]) for root in np.unique(pieces)}
    before = summed(draft.grid[draft.grid >= 0], laid.face_m2[draft.grid >= 0])
    after = summed(grid[grid >= 0], laid.face_m2[grid >= 0], len(before))
    least = {
        root: given.least_share * float(before[number])
        for root, number in owner.items()
        if 0 <= number < first and after[number] < before[number]
    }
    pieces = np.where(grid == OUTSIDE, OUTSIDE, pieces)
    upper = np.isin(grid, Draft(grid, cells).dedicated(laid))
    final = give_away(pieces, least, laid.face_m2, *inner_borders(laid, upper))
    owners = np.array([owner.get(int(root), OUTSIDE) for root in final], dtype=np.intp)
    return Draft(owners, cells)


def _ground_kept(laid: Overlay, cell: Cell, given: Tolerances) -> Positions:
    faces = faces_of(laid.covers[cell[0]], cell[1])
    faces = faces[laid.territory[faces]]
    code = laid.networks[cell[0]].codes[cell[1]]
    if not len(faces):
        raise InvalidGrids(
            f"the grid {laid.networks[cell[0]].name}:{code} lies in no community: it cannot be kept"
        )
    community = laid.community[faces] + 1
    area = summed(community, laid.face_m2[faces])
    large = area > (1 - given.agreement_share) * area.sum()
    ground: Positions = faces[large[community]]
    return ground
