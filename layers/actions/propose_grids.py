"""Propose grids for a community, from what is stored or from files alone."""

from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_CRS
from gis.geometry import Geometries
from gis.proposal import Bounds, Ground, Proposal, Score, numbered, propose, score
from gis.proposal.ground import polygons
from gis.proposal.sheet import Shown, sheet
from layers.actions.proposal_sources import (
    COLUMNS,
    Community,
    ProposalFiles,
    community_of_files,
    read_streets,
    stored_community,
)
from layers.errors import LayerRefused
from layers.session import Database
from layers.vocabulary import GridKind

__all__ = [
    "ProposalFiles",
    "ProposalWish",
    "ProposedGrids",
    "propose_from_database",
    "propose_from_files",
]

_MOST_NUMBER: Final = 999
_SAME_SHARE: Final = 0.001


@dataclass(frozen=True)
class ProposalWish:
    """What is wanted: how large grids are, and how they are numbered."""

    bounds: Bounds = Bounds()  # noqa: RUF009 - it is frozen too
    first: int | None = None
    """The first new number; without it, the one after the highest that was ever in force."""
    seed: int = 0


@dataclass(frozen=True)
class ProposedGrids:
    """A proposal with its codes, and the network that it is compared with.

    Attributes
    ----------
    frame : GeoDataFrame
        The community's grids as ``lianxin import grids`` reads them: those proposed, then those
        that are kept.
    proposed : Shown
        Those proposed alone, with their score.
    in_force : Shown or None
        The basic grids so far, with theirs.
    """

    community: Community
    bounds: Bounds
    proposal: Proposal
    frame: gpd.GeoDataFrame
    proposed: Shown
    in_force: Shown | None
    notes: tuple[str, ...]

    @property
    def ground(self) -> Ground:
        """What the grids are drawn on."""
        return self.community.ground

    def edition(self) -> gpd.GeoDataFrame:
        """Return the community's grids with those of all others in force, by code."""
        return _stacked(self.frame, self.community.others).sort_values("code", ignore_index=True)

    def page(self) -> str:
        """Return the proposal as one web page."""
        title = f"{self.community.name} {self.community.name_en}".strip()
        return sheet(title, self.ground, self.proposed, self.in_force, self.bounds)


def propose_from_database(
    database: Database,
    code: str,
    wish: ProposalWish | None = None,
    *,
    streets: str | None = None,
    datum: str | None = None,
) -> ProposedGrids:
    """Propose grids for a community that is stored; nothing is stored of them.

    Parameters
    ----------
    database : Database
        With the community's boundary, its compounds, buildings and households.
    code : str
        The community's.
    wish : ProposalWish, optional
        How large the grids should be.
    streets : str, optional
        A file of lines, for the database holds none.
    datum : str, optional
        Of that file, where it declares none.

    Returns
    -------
    ProposedGrids
        The dedicated grids in force are kept.

    Raises
    ------
    LayerRefused
        There is no such community, it has no boundary, or its numbers are used up.
    """
    notes: list[str] = []
    lines = read_streets(streets, datum, notes)
    with database.transaction() as session:
        community = stored_community(session, code, lines)
    return _made(replace(community, notes=tuple(notes)), code, wish or ProposalWish())


def propose_from_files(
    files: ProposalFiles, code: str | None = None, wish: ProposalWish | None = None
) -> ProposedGrids:
    """Propose grids for an outline in a file, with no database.

    Parameters
    ----------
    files : ProposalFiles
        The outline and the buildings at least.
    code : str, optional
        The community's, which comes before the grids' numbers. It also chooses the outline's row
        where that file has a column ``code``.
    wish : ProposalWish, optional
        How large the grids should be.

    Raises
    ------
    LayersError, GisError
        Where a file or a column cannot be used.
    """
    return _made(community_of_files(files, code), code or "", wish or ProposalWish())


def _made(community: Community, code: str, wish: ProposalWish) -> ProposedGrids:
    """Propose, give codes, and compare with the community's grids so far."""
    ground, own = community.ground, community.own
    proposal = propose(ground, wish.bounds, seed=wish.seed)
    basic = own[own["kind"] != GridKind.DEDICATED]
    rows = _rows(proposal, community, code, wish, basic)
    kept = own[own["kind"] == GridKind.DEDICATED].set_geometry(list(proposal.kept), crs=STORAGE_CRS)
    in_force = None
    if len(basic):
        shapes = basic.geometry.to_numpy()
        in_force = _shown(basic, shapes, score(ground, shapes, wish.bounds))
    return ProposedGrids(
        community=community,
        bounds=wish.bounds,
        proposal=proposal,
        frame=_stacked(rows, kept),
        proposed=_shown(rows, proposal.grids, proposal.score),
        in_force=in_force,
        notes=(*community.notes, *_remarks(proposal, rows, wish.bounds, ground)),
    )


def _rows(
    proposal: Proposal, community: Community, code: str, wish: ProposalWish, basic: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the proposed grids with codes; one that is as it was keeps its code and name."""
    same = _same(community.ground, proposal.grids, basic.geometry.to_numpy())
    new = int((same < 0).sum())
    first = community.last + 1 if wish.first is None else wish.first
    if first + new - 1 > _MOST_NUMBER:
        raise LayerRefused(
            f"{new} new grids from number {first} on are more than three digits hold. "
            "Say with --first where to begin."
        )
    codes = iter(numbered(code, new, first=first))
    rows = []
    for before in same:
        if before >= 0:
            rows.append({name: basic[name].iloc[before] for name in COLUMNS})
        else:
            rows.append(_new_row(next(codes), code, community))
    frame = gpd.GeoDataFrame(rows, columns=list(COLUMNS), geometry=list(proposal.grids))
    return frame.set_crs(STORAGE_CRS)


def _new_row(code: str, community_code: str, community: Community) -> dict[str, Any]:
    number = int(code[-3:])
    stem_en = community.name_en.removesuffix(" Community")
    return {
        "code": code,
        "name": f"{community.name.removesuffix('社区')}第{number}网格",
        "name_en": f"{stem_en} Grid {number}" if stem_en else None,
        "kind": GridKind.BASIC.value,
        "community_code": community_code or None,
        "responsible": None,
    }


def _same(ground: Ground, grids: Geometries, before: Geometries) -> NDArray[np.intp]:
    """Return for each grid the earlier one with its outline, or −1."""
    now, then = (polygons(ground.plane.metres(shapes)) for shapes in (grids, before))
    found = np.full(len(now), -1, dtype=np.intp)
    if not len(then):
        return found
    one, two = shapely.STRtree(then).query(now, predicate="intersects")
    apart = shapely.area(shapely.symmetric_difference(now[one], then[two]))
    alike = apart <= _SAME_SHARE * shapely.area(now[one])
    found[one[alike]] = two[alike]
    return found


def _shown(rows: gpd.GeoDataFrame, grids: Geometries, judged: Score) -> Shown:
    return Shown(tuple(rows["code"]), tuple(rows["name"]), grids, judged)


def _stacked(first: gpd.GeoDataFrame, second: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return rows below rows; an empty frame's missing types change nothing."""
    columns = [*COLUMNS, "geometry"]
    frames = [frame[columns].astype(dict.fromkeys(COLUMNS, object))
              for frame in (first, second) if len(frame)]  # fmt: skip
    return gpd.GeoDataFrame(
        pd.concat(frames, ignore_index=True), geometry="geometry", crs=STORAGE_CRS
    )


def _remarks(
    proposal: Proposal, rows: gpd.GeoDataFrame, bounds: Bounds, ground: Ground
) -> list[str]:
    """Say in words what a person must look at."""
    notes = []
    for position in (*proposal.oversize, *proposal.undersize):
        count = proposal.households[position]
        asked = f"{bounds.fewest}..{bounds.most}"
        notes.append(
            f"{rows['code'].iloc[position]}: {count:,} 户，不在 {asked} 之内，"
            f"不切分楼栋小区未找到更好的划法 · {count:,} households, not {asked}: nothing better "
            "was found that cuts no building and no compound."
        )
    notes += [
        f"{rows['code'].iloc[position]}: 由不相连的几块组成 · is in several pieces, as the outline "
        "or a compound is."
        for position in proposal.in_pieces
    ]
    if not len(ground.streets):
        notes.append(
            "没有道路数据，边界取小区、楼栋之间的中线 · no streets were given (--streets): borders "
            "run midway between compounds and buildings."
        )
    return notes
