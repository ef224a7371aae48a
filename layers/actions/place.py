"""Who owns a place, under the boundaries in force; answered from memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gis.errors import UnknownDatum
from gis.ownership import GridIndex
from gis.routing import Placement, Router, Rule
from layers.actions.boundaries import Boundaries, InForce, Owner
from layers.errors import NoEditionInForce


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, as it was sent: x before y, in a datum that is always named."""

    x: float
    y: float
    datum: str
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement, who answers for it, and the edition that says so."""

    placement: Placement
    owner: Owner
    edition_id: int | None


UNPLACED = Placement(
    grid_code=None,
    area_code=None,
    rule=Rule.UNPLACED,
    distance_to_boundary_m=None,
    candidates=(),
    datum="",
    lon=None,
    lat=None,
    accuracy_m=None,
    raw=None,
    warnings=(),
)
"""What is nowhere."""

_NO_GRIDS = Router(GridIndex([], np.array([], dtype=object)))
"""It finds everything on earth outside, as it is before the first edition."""


def current(boundaries: Boundaries) -> InForce | None:
    """Return the boundaries in force, or None before the first edition."""
    try:
        return boundaries.in_force()
    except NoEditionInForce:
        return None


def warm() -> None:
    """Have ready whatever is compiled or built on its first use, so that nobody waits for it.

    Some seconds pass where machine code has to be made, and a fraction of one where it is kept.
    """
    west, east = shapely.box(111.0, 39.0, 111.5, 40.0), shapely.box(111.5, 39.0, 112.0, 40.0)
    router = Router(GridIndex(["W", "E"], np.array([west, east])))
    for name in ("wgs84", "cgcs2000", "gcj02", "bd09"):
        for accuracy_m in (None, 30.0):
            router.place(111.5001, 39.5, name, accuracy_m)
        router.place_many(np.array([111.2]), np.array([39.5]), name)


def place(in_force: InForce | None, where: Place | None) -> Placed:
    """Find who answers for a place.

    Parameters
    ----------
    in_force : InForce or None
        None before the first edition: the place is then outside, and nobody's yet.
    where : Place or None
        None for a matter that is nowhere; it waits in the banner's queue.

    Returns
    -------
    Placed
        Never nothing: what no grid owns has a rule that says so.

    Raises
    ------
    UnknownDatum
        Nobody can place the datum on the earth.
    """
    router = _NO_GRIDS if in_force is None else in_force.router
    placement = UNPLACED
    if where is not None:
        placement = router.place(where.x, where.y, where.datum, where.accuracy_m)
    if in_force is None:
        return Placed(placement, Owner(), None)
    return Placed(placement, in_force.owner_of(placement), in_force.edition_id)


def place_each(in_force: InForce, places: Sequence[Place | str]) -> list[Placed | str]:
    """Find who answers for each of many places.

    Parameters
    ----------
    in_force : InForce
        The edition that all of them are placed by.
    places : sequence of Place or str
        A str is the reason why there is no place; it is passed on in its position.

    Returns
    -------
    list of Placed or str
        In the same order; a str says why this one could not be placed, an unknown datum
        among the reasons.
    """
    results: list[Placed | str] = [each if isinstance(each, str) else "" for each in places]
    for name, positions in _by_datum(places).items():
        chosen = [each for each in (places[i] for i in positions) if isinstance(each, Place)]
        accuracy = np.array([np.nan if p.accuracy_m is None else p.accuracy_m for p in chosen])
        try:
            placements = in_force.router.place_many(
                np.array([p.x for p in chosen], dtype=np.float64),
                np.array([p.y for p in chosen], dtype=np.float64),
                name,
                None if np.isnan(accuracy).all() else accuracy,
            )
        except UnknownDatum as error:
            for position in positions:
                results[position] = str(error)
            continue
        for row, position in enumerate(positions):
            placement = placements[row]
            results[position] = Placed(placement, in_force.owner_of(placement), in_force.edition_id)
    return results


def _by_datum(places: Sequence[Place | str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for position, where in enumerate(places):
        if isinstance(where, Place):
            positions.setdefault(where.datum, []).append(position)
    return positions
