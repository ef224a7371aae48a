"""Who owns a place, under the boundaries in force; answered from memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import UnknownDatum
from gis.geometry import OUTSIDE
from gis.ownership import GridIndex
from gis.routing import Candidate, Placement, Placements, Router, Rule
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

RULES: Final = tuple(Rule)
"""The rules by their numbers in :class:`PlacedMany`."""

_NUMBERS: Final = {rule: number for number, rule in enumerate(RULES)}
_UNPLACED: Final = _NUMBERS[Rule.UNPLACED]


@dataclass(frozen=True)
class Places:
    """Where many things are, as they were sent: one array a property, in their order.

    ``datum`` is the position in ``datums`` of each row's own; None where the first is everybody's.
    ``reasons`` says of some rows, by position from 0, why they are no place.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    datums: Sequence[str]
    datum: NDArray[np.intp] | None = None
    accuracy_m: NDArray[np.float64] | None = None
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class PlacedMany:
    """Who answers for many places, and the edition that says so: one array a property.

    ``owners`` are positions in :func:`owners_of` the edition, ``rules`` in :data:`RULES`, ``datum``
    in ``datums`` (-1 where there is none); distance, lon and lat are NaN where there is none;
    ``reasons`` and ``candidates`` are those of the rows that have any, by position from 0.
    """

    in_force: InForce
    owners: NDArray[np.intp]
    rules: NDArray[np.int8]
    distance_to_boundary_m: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    datum: NDArray[np.intp]
    datum_suspect: NDArray[np.bool_]
    datums: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    candidates: dict[int, tuple[Candidate, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.owners)


def owners_of(in_force: InForce) -> list[Owner]:
    """Return whoever may answer under an edition: each grid, each queue, the root's, nobody."""
    return [
        *(in_force.grid_owner(position) for position in range(len(in_force.grids.codes))),
        *(in_force.queue_owner(code) for code in in_force.queue_codes),
        in_force.queue_owner(None),
        Owner(),
    ]


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


def place_many(in_force: InForce, places: Places) -> PlacedMany:
    """Find who answers for each of many places.

    Parameters
    ----------
    in_force : InForce
        The edition that all of them are placed by.
    places : Places
        A row that has a reason why it is no place keeps its position and its reason.

    Returns
    -------
    PlacedMany
        In the same order. A row whose datum nobody knows has that as its reason.
    """
    placed = _nowhere(in_force, places)
    given = np.ones(len(places), dtype=bool)
    given[list(places.reasons)] = False
    whole = not places.reasons and places.datum is None
    for number, name in enumerate(places.datums):
        chosen = given if places.datum is None else given & (places.datum == number)
        rows = np.flatnonzero(chosen)
        if rows.size:
            part = slice(None) if whole else rows
            accuracy = None if places.accuracy_m is None else places.accuracy_m[part]
            try:
                found = in_force.router.place_many(places.x[part], places.y[part], name, accuracy)
            except UnknownDatum as error:
                placed.reasons.update(dict.fromkeys(rows.tolist(), str(error)))
                continue
            _settle(placed, found, rows, part)
    return placed


def _nowhere(in_force: InForce, places: Places) -> PlacedMany:
    """Return what is said of rows before any of them is placed."""
    count = len(places)
    return PlacedMany(
        in_force=in_force,
        owners=np.full(count, _nobody(in_force), dtype=np.intp),
        rules=np.full(count, _UNPLACED, dtype=np.int8),
        distance_to_boundary_m=np.full(count, np.nan),
        lon=np.full(count, np.nan),
        lat=np.full(count, np.nan),
        datum=np.full(count, -1, dtype=np.intp),
        datum_suspect=np.zeros(count, dtype=bool),
        reasons=dict(places.reasons),
    )


def _settle(
    placed: PlacedMany, found: Placements, rows: NDArray[np.intp], part: slice | NDArray[np.intp]
) -> None:
    """Enter what was found of the rows of one datum."""
    grids = len(placed.in_force.grids.codes)
    rules = np.fromiter(map(_NUMBERS.__getitem__, found.rules), dtype=np.int8, count=len(rows))
    owners = found.positions.copy()
    lost = owners == OUTSIDE
    owners[lost] = np.where(
        found.area_positions[lost] == OUTSIDE,
        _nobody(placed.in_force) - 1,
        found.area_positions[lost] + grids,
    )
    if found.datum not in placed.datums:
        placed.datums.append(found.datum)
    placed.owners[part], placed.rules[part] = owners, rules
    placed.distance_to_boundary_m[part] = found.distance_to_boundary_m
    placed.lon[part], placed.lat[part] = found.lon, found.lat
    placed.datum[part] = placed.datums.index(found.datum)
    placed.datum_suspect[part] = found.datum_suspect
    for i in np.flatnonzero(rules == _UNPLACED).tolist():
        placed.reasons[int(rows[i])] = str(found.reasons[i])
    for i in np.flatnonzero(found.accuracy_m > 0).tolist():  # NaN, mostly: nothing is
        candidates = found[i].candidates
        if candidates:
            placed.candidates[int(rows[i])] = candidates


def _nobody(in_force: InForce) -> int:
    """Return the position, in the owners of an edition, of nobody; the root's is before it."""
    return len(in_force.grids.codes) + len(in_force.queue_codes) + 1
