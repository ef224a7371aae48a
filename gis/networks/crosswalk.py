"""Which new grid takes over what of each old one: ground and households, in shares."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gis.geometry import OUTSIDE
from gis.networks.comparison import outline_m2, shared_ground
from gis.networks.overlay import Cover, summed
from gis.networks.proposal import Proposal


@dataclass(frozen=True)
class CrosswalkRow:
    """What one new grid takes over of one old grid."""

    network: str
    old_code: str
    new_code: str | None
    """None: what lies outside the merged network."""
    area_m2: float
    area_share: float
    """Of the old grid's area."""
    household_count: float
    """A building that the old border cut counts by the share of its ground."""
    household_share: float | None
    """Of the old grid's households; None where it has none."""


def crosswalk(proposal: Proposal) -> tuple[CrosswalkRow, ...]:
    """Return the crosswalk of every old network to the merged one.

    Parameters
    ----------
    proposal : Proposal

    Returns
    -------
    tuple of CrosswalkRow
        By network, old code and new code, what falls outside last. The area shares of an old grid
        sum to 1, as do its household shares where it has any household.

    Examples
    --------
    >>> import shapely
    >>> from gis.networks.given import Network
    >>> from gis.networks.overlay import overlay
    >>> from gis.networks.proposal import propose
    >>> civil = Network.of("civil", ["C1"], [shapely.box(0, 0, 2, 1)])
    >>> police = Network.of("police", ["P1"], [shapely.box(1, 0, 3, 1)])
    >>> rows = crosswalk(propose(overlay([civil, police])))
    >>> [(r.network, r.old_code, r.new_code, round(r.area_share, 2)) for r in rows]
    [('civil', 'C1', '001', 1.0), ('police', 'P1', '001', 0.5), ('police', 'P1', '002', 0.5)]
    """
    return tuple(_rows(proposal))


def _rows(proposal: Proposal) -> Iterator[CrosswalkRow]:
    laid = proposal.laid
    new = np.where(proposal.grid == OUTSIDE, len(proposal.grids), proposal.grid)
    everything = Cover(np.arange(len(new)), new, new)
    for network, cover in zip(laid.networks, laid.covers, strict=True):
        shared = shared_ground(laid, cover, everything)
        pairs = np.stack([cover.outline, new[cover.face]], axis=1)
        _, at = np.unique(pairs, axis=0, return_inverse=True)
        homes = laid.face_households[cover.face]
        households = summed(at.ravel(), homes, len(shared.one))
        whole = summed(cover.outline, homes, len(network))
        area = outline_m2(laid, cover)
        for i, (old, to) in enumerate(zip(shared.one, shared.two, strict=True)):
            yield CrosswalkRow(
                network.name, network.codes[old],
                proposal.grids[to].code if to < len(proposal.grids) else None,
                float(shared.area_m2[i]), float(shared.area_m2[i] / area[old]),
                float(households[i]), float(households[i] / whole[old]) if whole[old] > 0 else None,
            )  # fmt: skip
