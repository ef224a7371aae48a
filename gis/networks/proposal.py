"""One network proposed out of several: buildings whole, communities' borders kept, numbered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.coverage.households import check_households
from gis.coverage.order import Tolerances as Usual
from gis.findings import Finding
from gis.geometry import OUTSIDE, Positions
from gis.networks.balancing import balanced
from gis.networks.coding import codes_of, codes_of_kept
from gis.networks.comparison import joined, split_buildings
from gis.networks.draft import Draft, bound_by_buildings, communities_of, is_dedicated
from gis.networks.given import Tolerances
from gis.networks.keeping import cells_named, with_kept
from gis.networks.merging import merged
from gis.networks.overlay import Cover, Overlay
from gis.networks.restoring import as_drawn
from gis.proposal import Bounds


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
    dedicated: bool
    """Whether it stems from a dedicated cell."""
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
    """Buildings astride the border of two communities, which a grid's border must cut, and basic
    grids that could not be brought within the bounds of households."""


def propose(
    laid: Overlay,
    tolerances: Tolerances | None = None,
    *,
    keep: Sequence[tuple[str, str]] = (),
    used: Iterable[str] = (),
    bounds: Bounds | None = None,
) -> Proposal:
    """Propose one network out of several.

    The rule, step by step; the same input gives the same network:

    1. The communities are covered exactly; without communities, all that any network covers. What
       lies outside is in no grid.
    2. Each place belongs to the cell of the network named first that covers it; where that has a
       hole, to the next network's, and so on. Dedicated cells, of any network, go before all basic
       ones and stay grids of their own. A community's border always divides.
    3. A building that a border would cut goes whole to one of the cells that share it: where
       another network holds the building in one cell, to the one that has the most ground in
       common with that cell; else to the one with the largest part of the building. Of a building
       on a community's border each side stays in its community; it is named in ``unsettled``.
    4. A piece cut off a cell (by a community's border, or by a network named earlier) that is less
       than ``least_share`` of it, and of the community, goes to the neighbour in the community
       with the longest shared border, the smallest piece first. So does a place that no network
       covers, unless it is as large as ``least_share`` of the usual grid of the network named
       first.
    5. With ``bounds``, basic grids with too few or too many households are joined with a neighbour
       in the community, cut anew, or both, until each is within bounds; a cut runs along other
       networks' borders where it can. What cannot be brought within is named in ``unsettled``.
    6. A cell to be kept takes its ground back from the grids made so far; buildings on its new
       border go whole to the side with the larger part. A grid of which less than ``least_share``
       is left goes to its neighbours. A community in which less than a hundredth or two (the rest
       of ``agreement_share``) of the kept cell lies keeps its border. A kept cell over several
       communities is one grid of them all.
    7. Codes are a community's code and three digits, west to east and then north to south, after
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
    bounds : Bounds, optional
        How many households a basic grid should have; without, none is joined or cut for that.

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
    >>> import shapely
    >>> from gis.networks.given import Network
    >>> from gis.networks.overlay import overlay
    >>> civil = Network.of("civil", ["C1"], [shapely.box(0, 0, 2, 1)])
    >>> police = Network.of("police", ["P1"], [shapely.box(1, 0, 3, 1)])
    >>> [(g.code, g.source, g.geometry.bounds) for g in propose(overlay([civil, police])).grids]
    [('001', ('civil', 'C1'), (0.0, 0.0, 2.0, 1.0)), ('002', ('police', 'P1'), (2.0, 0.0, 3.0, 1.0))]
    """  # noqa: E501 - one result of an example
    given = tolerances or Tolerances()
    bound = bound_by_buildings(laid)
    draft = merged(laid, bound, given)
    if bounds is not None:
        laid, draft = balanced(laid, draft, bounds)
        bound = bound_by_buildings(laid)
    taken = {*used, *(code for network in laid.networks for code in network.codes)}
    codes = codes_of(laid, draft, given, taken)
    kept = cells_named(laid, keep)
    draft = with_kept(laid, draft, bound, kept, given)
    last = max(codes, default=-1) + 1
    codes |= codes_of_kept(laid, draft, range(last, last + len(kept)), taken | set(codes.values()))
    return _proposal(laid, draft, codes, set(range(last, last + len(kept))), given, bounds)


def _proposal(
    laid: Overlay,
    draft: Draft,
    codes: dict[int, str],
    kept: set[int],
    given: Tolerances,
    bounds: Bounds | None,
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
            codes[number], shapes[position], communities_of(laid, faces), source,
            number in kept, is_dedicated(laid, (network, cell)), float(laid.face_m2[faces].sum()),
            float(laid.face_households[faces].sum()),
        ))  # fmt: skip
    faces = np.flatnonzero(grid != OUTSIDE)
    cover = Cover(faces, grid[faces], grid)
    labels = [merged.code for merged in grids]
    unsettled = [*split_buildings(laid, cover, labels, "the communities 社区", given)]
    if bounds is not None:
        unsettled += _outside(grids, bounds)
    return Proposal(laid, tuple(grids), grid, tuple(unsettled))


def _outside(grids: Sequence[MergedGrid], bounds: Bounds) -> list[Finding]:
    """Return a finding for each basic grid that could not be brought within bounds."""
    return check_households(
        [grid.code for grid in grids],
        np.array([*(grid.geometry for grid in grids), None], dtype=object)[:-1],
        [round(grid.household_count) for grid in grids],
        dedicated=np.array([grid.dedicated for grid in grids], dtype=bool),
        tolerances=Usual(fewest_households=bounds.fewest, most_households=bounds.most),
    )
