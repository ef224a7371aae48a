"""One network proposed out of several: buildings whole, communities' borders kept, numbered."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from gis.errors import InvalidGrids
from gis.findings import Finding
from gis.geometry import OUTSIDE, Metres, Positions
from gis.networks.comparison import faces_of, joined, outline_m2, shared_ground, split_buildings
from gis.networks.given import Tolerances
from gis.networks.joining import chained, components, give_away
from gis.networks.numbering import merged_prefixes, next_codes
from gis.networks.overlay import Cover, Overlay, summed
from gis.networks.restoring import as_drawn
from gis.reading import reading_order

_NO_CELL: Final = (OUTSIDE, OUTSIDE)

Cell = tuple[int, int]
"""The position of a network and of a cell in it."""


@dataclass(frozen=True)
class MergedGrid:
    """One grid of the proposed network."""

    code: str
    geometry: Any
    """Polygon or MultiPolygon, degrees."""
    communities: tuple[str, ...]
    """The codes of the communities on whose ground it lies; more than one only if it was kept."""
    source: tuple[str, str] | None
    """The network and the code of the cell that it stems from; None where no network had any."""
    kept: bool
    """Whether somebody asked that this cell be kept as it is."""
    area_m2: float
    household_count: float

    @property
    def community_code(self) -> str | None:
        """The one community that it belongs to; None for several, or where none are known."""
        return self.communities[0] if len(self.communities) == 1 else None

    @property
    def is_merged(self) -> bool:
        """Whether it lies over several communities: its code has a part from 601 upwards."""
        return len(self.communities) > 1


@dataclass(frozen=True)
class Proposal:
    """A network made out of several, and what only a person can settle."""

    laid: Overlay
    grids: tuple[MergedGrid, ...]
    """By code."""
    grid: Positions
    """The position of each face's grid, or ``OUTSIDE``."""
    unsettled: tuple[Finding, ...]
    """Buildings astride the border of two communities, which a grid's border must cut."""


@dataclass(frozen=True)
class _Draft:
    """Grids before they have codes."""

    grid: Positions
    """The number of each face's grid, or ``OUTSIDE``; numbers may have gaps."""
    cells: dict[int, Cell]
    """The cell that each grid stems from."""


def propose(
    laid: Overlay,
    tolerances: Tolerances | None = None,
    *,
    keep: Sequence[tuple[str, str]] = (),
    used: Iterable[str] = (),
) -> Proposal:
    """Propose one network out of several.

    The rule, step by step; the same input gives the same network:

    1. The communities are covered exactly; without communities, all that any network covers. What
       lies outside is in no grid.
    2. Each place belongs to the cell of the network named first that covers it; where that has a
       hole, to the next network's, and so on. A community's border always divides.
    3. A building that a border would cut goes whole to one of the cells that share it: where
       another network holds the building in one cell, to the one that has the most ground in
       common with that cell; else to the one with the largest part of the building. Of a building
       on a community's border each side stays in its community; it is named in ``unsettled``.
    4. A piece cut off a cell (by a community's border, or by a network named earlier) that is less
       than ``least_share`` of it, and of the community, goes to the neighbour in the community
       with the longest shared border, the smallest piece first. So does a place that no network
       covers, unless it is as large as ``least_share`` of the usual grid of the network named
       first.
    5. A cell to be kept takes its ground back from the grids made so far; buildings on its new
       border go whole to the side with the larger part. A grid of which less than ``least_share``
       is left goes to its neighbours. A community in which less than a hundredth or two (the rest
       of ``agreement_share``) of the kept cell lies keeps its border. A kept cell over several
       communities is one grid of them all.
    6. Codes are a community's code and three digits, west to east and then north to south, after
       the highest sequence that any of the networks used there: none is used again. A grid that is
       still one with the cell it stems from keeps the cell's code, if that follows the rule and no
       other network means other ground by it. A grid over several communities has a community
       part from 601 upwards. Kept cells are numbered after all others, whose codes do not change.

    Parameters
    ----------
    laid : Overlay
    tolerances : Tolerances, optional
    keep : sequence of (str, str)
        Networks' names and codes of cells to be kept as they are.
    used : iterable of str
        More codes that may not be used again.

    Returns
    -------
    Proposal
        The grids never overlap, share their nodes, and cover the territory exactly.

    Raises
    ------
    InvalidGrids
        If a cell that is to be kept does not exist, or lies in no community.

    Examples
    --------
    >>> from gis.networks.given import Network
    >>> from gis.networks.overlay import overlay
    >>> civil = Network.of("civil", ["C1"], [shapely.box(0, 0, 2, 1)])
    >>> police = Network.of("police", ["P1"], [shapely.box(1, 0, 3, 1)])
    >>> [(g.code, g.source, g.geometry.bounds) for g in propose(overlay([civil, police])).grids]
    [('001', ('civil', 'C1'), (0.0, 0.0, 2.0, 1.0)), ('002', ('police', 'P1'), (2.0, 0.0, 3.0, 1.0))]
    """  # noqa: E501 - one result of an example
    given = tolerances or Tolerances()
    bound = _bound_by_buildings(laid)
    draft = _merged(laid, bound, given)
    taken = {*used, *(code for network in laid.networks for code in network.codes)}
    codes = _codes(laid, draft, given, taken)
    kept = _cells_named(laid, keep)
    draft = _with_kept(laid, draft, bound, kept, given)
    last = max(codes, default=-1) + 1
    codes |= _kept_codes(laid, draft, range(last, last + len(kept)), taken | set(codes.values()))
    return _proposal(laid, draft, codes, set(range(last, last + len(kept))), given)


def _bound_by_buildings(laid: Overlay) -> Positions:
    """Return pairs of faces of one community that one building holds together."""
    inside = laid.territory[laid.astride.face]
    face = laid.astride.face[inside]
    key = laid.astride.outline[inside] * (laid.community.max(initial=0) + 2) + laid.community[face]
    return chained(key, face)


def _merged(laid: Overlay, bound: Positions, given: Tolerances) -> _Draft:
    """Return the grids by rules 1 to 4."""
    territory, count = laid.territory, len(laid.faces)
    inner = _inner_edges(laid)
    network = np.full(count, OUTSIDE, dtype=np.intp)
    part = np.arange(count)
    whole_m2 = np.zeros((len(laid.networks), count))
    for number in reversed(range(len(laid.networks))):
        first = laid.covers[number].first
        here = first != OUTSIDE
        parts = components(count, _alike(laid.edges, first))
        network[here], part[here] = number, parts[here]
        whole_m2[number] = summed(parts, laid.face_m2, count)
    home = _settle_buildings(laid, bound, np.where(territory, network * count + part, OUTSIDE))
    open_ = territory & (home < 0)
    pairs = np.concatenate([_alike(inner, np.where(open_, -2, home)), bound])
    piece = np.where(territory, components(count, pairs), OUTSIDE)
    least = _least(laid, piece, home, whole_m2.ravel(), given)
    edges, metres = inner, laid.edge_m[_is_inner(laid)]
    final = give_away(piece, least, laid.face_m2, edges, metres)
    cells: dict[int, Cell] = {}
    numbers: dict[tuple[int, Cell | int], int] = {}
    grid = np.full(count, OUTSIDE, dtype=np.intp)
    for root in np.unique(final[final != OUTSIDE]).tolist():
        cell = _cell_at(laid, int(home[root]))
        key = (int(laid.community[root]), root if cell == _NO_CELL else cell)
        number = numbers.setdefault(key, len(numbers))
        cells[number] = cell
        grid[final == root] = number
    return _Draft(grid, cells)


def _is_inner(laid: Overlay) -> Any:
    """Return which edges lie between two faces of the territory in one community."""
    territory = laid.territory[laid.edges].all(axis=1)
    same = laid.community[laid.edges]
    return territory & (same[:, 0] == same[:, 1])


def _inner_edges(laid: Overlay) -> Positions:
    edges: Positions = laid.edges[_is_inner(laid)]
    return edges


def _alike(edges: Positions, label: Positions) -> Positions:
    """Return the pairs of faces that have one label."""
    ends = label[edges]
    alike: Positions = edges[(ends[:, 0] == ends[:, 1]) & (ends[:, 0] != OUTSIDE)]
    return alike


def _cell_at(laid: Overlay, home: int) -> Cell:
    """Return the cell in which a part lies, that is named by its network and its first face."""
    if home < 0:
        return _NO_CELL
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
    for cover, common in zip(laid.covers, ground, strict=True):
        cells = np.unique(cover.first[faces])
        if len(cells) == 1 and cells[0] != OUTSIDE:
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


def _cells_named(laid: Overlay, keep: Sequence[tuple[str, str]]) -> list[Cell]:
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


def _with_kept(
    laid: Overlay, draft: _Draft, bound: Positions, kept: list[Cell], given: Tolerances
) -> _Draft:
    """Return the grids with cells kept as they are, by rule 5."""
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
    pairs = np.concatenate([_alike(_inner_edges(laid), grid), bound])
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
    edges, metres = _inner_edges(laid), laid.edge_m[_is_inner(laid)]
    final = give_away(pieces, least, laid.face_m2, edges, metres)
    owners = np.array([owner.get(int(root), OUTSIDE) for root in final], dtype=np.intp)
    return _Draft(owners, cells)


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


def _codes(laid: Overlay, draft: _Draft, given: Tolerances, taken: set[str]) -> dict[int, str]:
    """Return the code of each grid by rule 6; all of a grid's ground is in one community."""
    numbers, at = np.unique(draft.grid, return_index=True)
    community = {int(n): int(laid.community[f]) for n, f in zip(numbers, at, strict=True) if n >= 0}
    codes = _codes_of_old(laid, draft, community, given)
    taken = set(taken)
    for position in sorted(set(community.values())):
        new = [n for n, home in community.items() if home == position and n not in codes]
        shapes = np.array([joined(laid, draft.grid == n) for n in new], dtype=object)
        centres = shapely.centroid(shapes)
        order = reading_order(shapely.get_x(centres), shapely.get_y(centres))
        fresh = next_codes(_community_code(laid, position), len(new), taken)
        codes |= {new[i]: code for i, code in zip(order, fresh, strict=True)}
        taken.update(fresh)
    return codes


def _community_code(laid: Overlay, position: int) -> str:
    if laid.communities is None or position == OUTSIDE:
        return ""
    return laid.communities.codes[position]


def _codes_of_old(
    laid: Overlay, draft: _Draft, community: dict[int, int], given: Tolerances
) -> dict[int, str]:
    """Return the codes of cells that are still what they were."""
    codes: dict[int, str] = {}
    given_out: set[str] = set()
    places = [{code: i for i, code in enumerate(network.codes)} for network in laid.networks]
    faces = np.flatnonzero(draft.grid != OUTSIDE)
    cover = Cover(faces, draft.grid[faces], draft.grid)
    alike: list[dict[int, int]] = []
    for other in laid.covers:
        shared = shared_ground(laid, cover, other)
        same = shared.area_m2 >= given.agreement_share * np.maximum(shared.one_m2, shared.two_m2)
        alike.append(dict(zip(shared.one[same].tolist(), shared.two[same].tolist(), strict=True)))
    for number, (network, cell) in sorted(draft.cells.items()):
        if network == OUTSIDE or alike[network].get(number) != cell:
            continue
        code = laid.networks[network].codes[cell]
        prefix = _community_code(laid, community[number])
        end = code.removeprefix(prefix)
        follows = code.startswith(prefix) and len(end) == 3 and end.isdecimal()
        meant_alike = all(
            place.get(code) in (None, same.get(number))
            for place, same in zip(places, alike, strict=True)
        )
        if follows and meant_alike and code not in given_out:
            codes[number] = code
            given_out.add(code)
    return codes


def _kept_codes(laid: Overlay, draft: _Draft, numbers: range, taken: set[str]) -> dict[int, str]:
    groups = {n: _communities_of(laid, draft.grid == n) for n in numbers}
    several = [group for group in dict.fromkeys(groups.values()) if len(group) > 1]
    known = () if laid.communities is None else laid.communities.codes
    prefixes = merged_prefixes(several, {*taken, *known})
    codes: dict[int, str] = {}
    for number, group in groups.items():
        prefix = prefixes.get(group, group[0] if group else "")
        (code,) = next_codes(prefix, 1, taken | set(codes.values()))
        codes[number] = code
    return codes


def _communities_of(laid: Overlay, faces: Any) -> tuple[str, ...]:
    if laid.communities is None:
        return ()
    found = np.unique(laid.community[faces])
    return tuple(laid.communities.codes[i] for i in found if i != OUTSIDE)


def _proposal(
    laid: Overlay, draft: _Draft, codes: dict[int, str], kept: set[int], given: Tolerances
) -> Proposal:
    present = set(np.unique(draft.grid[draft.grid != OUTSIDE]).tolist())
    order = sorted(present, key=lambda number: codes[number])
    place = {number: i for i, number in enumerate(order)}
    grid = np.array([place.get(n, OUTSIDE) for n in draft.grid.tolist()], dtype=np.intp)
    joint = [joined(laid, grid == position) for position in range(len(order))]
    leading = [] if laid.communities is None else [laid.communities.geometries]
    for network, cell in (draft.cells[number] for number in order):
        if network != OUTSIDE:
            leading.append(laid.networks[network].geometries[[cell]])
    others = [layer.geometries for layer in (*laid.networks, laid.buildings)]
    shapes = as_drawn(np.array([*joint, None], dtype=object)[:-1], leading, others)
    grids = []
    for position, number in enumerate(order):
        faces = np.flatnonzero(grid == position)
        network, cell = draft.cells[number]
        source = None
        if network != OUTSIDE:
            source = (laid.networks[network].name, laid.networks[network].codes[cell])
        grids.append(MergedGrid(
            codes[number], shapes[position], _communities_of(laid, faces), source,
            number in kept, float(laid.face_m2[faces].sum()),
            float(laid.face_households[faces].sum()),
        ))  # fmt: skip
    faces = np.flatnonzero(grid != OUTSIDE)
    cover = Cover(faces, grid[faces], grid)
    labels = [merged.code for merged in grids]
    unsettled = tuple(split_buildings(laid, cover, labels, "the communities 社区", given))
    return Proposal(laid, tuple(grids), grid, unsettled)
