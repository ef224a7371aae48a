"""Where a point goes: to the grid that owns it, and by which rule.

1. inside a grid: that grid; on an edge: the lowest code, flagged ``boundary``;
2. outside all of them, but within 50 m: the nearest grid, flagged ``snapped``;
3. else the queue of the smallest area around it (``fallback``), else the root's (``outside``);
4. without usable coordinates: ``unplaced``, with the reason. Nothing is ever refused.

A datum is always named, never guessed: where another one would fit and the declared one does not,
the placement carries the warning ``datum_suspect`` and stays as declared.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis import datum as datums
from gis.ellipsoid import metres_a_degree
from gis.errors import InvalidGrids, InvalidPoints
from gis.geometry import OUTSIDE, Degrees, Geometries, Metres, Positions
from gis.measure import areas_m2
from gis.ownership import GridIndex

SNAP_M: Final = 50.0
"""How far outside a grid a point may lie and still be given to it."""

DATUM_SUSPECT: Final = "datum_suspect"
"""The warning that another datum would put the point inside a grid."""

_CIRCLE_EDGES: Final = 128
_SHARE_DIGITS: Final = 4


class Rule(StrEnum):
    """How a point came to its owner."""

    INSIDE = "inside"
    BOUNDARY = "boundary"
    SNAPPED = "snapped"
    FALLBACK = "fallback"
    OUTSIDE = "outside"
    UNPLACED = "unplaced"


_RULES: Final = np.array(list(Rule), dtype=object)
_INSIDE, _BOUNDARY, _SNAPPED, _FALLBACK, _OUTSIDE, _UNPLACED = range(6)

NO_COORDINATES: Final = "no coordinates"
NO_NUMBERS: Final = "the coordinates are no numbers"
NOT_FINITE: Final = "a coordinate is missing or not finite"
NOT_ON_EARTH: Final = "the coordinates lie nowhere on earth in this datum"


@dataclass(frozen=True)
class Candidate:
    """A grid that may hold the true place, and its share of the accuracy circle's area."""

    grid_code: str
    share: float


@dataclass(frozen=True)
class Placement:
    """Where one point goes, by which rule, and what it was decided from."""

    grid_code: str | None
    area_code: str | None
    """The area whose queue holds it, where no grid does."""
    rule: Rule
    distance_to_boundary_m: float | None
    """Metres to the boundary of the owning grid."""
    candidates: tuple[Candidate, ...]
    datum: str
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    raw: tuple[float, float] | None
    warnings: tuple[str, ...]
    reason: str | None = None
    """Why it has no place, where the rule is ``unplaced``."""


class AreaIndex:
    """The areas around grids: communities, streets, the banner.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry; no two alike.
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS; they may nest.
    root : str, optional
        The area whose queue takes what lies outside them all. Without it, the one area that
        covers all others, if there is one.

    Examples
    --------
    >>> street, banner = shapely.box(0, 0, 1, 1), shapely.box(0, 0, 9, 9)
    >>> areas = AreaIndex(["150622001", "150622"], np.array([street, banner]))
    >>> areas.smallest([0.5, 5.0, 99.0], [0.5, 5.0, 0.0]).tolist(), areas.root
    ([0, 1, -1], '150622')
    """

    def __init__(
        self, codes: Sequence[str], geometries: Geometries, *, root: str | None = None
    ) -> None:
        checked = GridIndex(codes, geometries)
        self.codes: tuple[str, ...] = checked.codes
        self.geometries: Geometries = checked.geometries
        if root is not None and root not in self.codes:
            raise InvalidGrids(f"the root {root} is none of the areas")
        # ranked by size: equal areas (a street of one community) by the longer, then lower code
        sizes = areas_m2(self.geometries)
        order = sorted(
            range(len(self.codes)), key=lambda i: (sizes[i], -len(self.codes[i]), self.codes[i])
        )
        self._order: Positions = np.array([*order, OUTSIDE], dtype=np.intp)
        ranks = [f"{rank:09d}" for rank in range(len(order))]
        self._index = GridIndex(ranks, self.geometries[self._order[:-1]])
        self.root: str | None = root or self._covering_all()

    def _covering_all(self) -> str | None:
        """Return the code of the one area that heads all others, or that covers them all."""
        if not self.codes:
            return None
        head = min(self.codes, key=len)
        # only a national code says by its digits what lies in it (GB/T 2260 and below)
        if len(head) in (6, 9, 12) and all(c.isdigit() and c.startswith(head) for c in self.codes):
            return head
        largest = int(self._order[-2])
        around = self.geometries[largest]
        others = np.delete(self.geometries, largest)
        return self.codes[largest] if bool(np.all(shapely.covers(around, others))) else None

    def smallest(self, lon: ArrayLike, lat: ArrayLike) -> Positions:
        """Return the position of the smallest area that covers each point, or ``OUTSIDE``."""
        return self._order[self._index.owners(lon, lat)]

    def smallest_position(self, lon: float, lat: float) -> int:
        """Return the position of the smallest area that covers one point, or ``OUTSIDE``."""
        return int(self._order[self._index.owner_position(lon, lat)])


@dataclass(frozen=True)
class Placements:
    """Where many points go: one array a property, in the order of the points.

    ``positions`` are those of the router's grids, ``area_positions`` of its areas, ``OUTSIDE``
    where there is none; ``rules`` holds :class:`Rule`, ``reasons`` text or None;
    ``distance_to_boundary_m``, ``lon`` and ``lat`` are NaN where there is none.
    """

    positions: Positions
    area_positions: Positions
    rules: NDArray[Any]
    distance_to_boundary_m: Metres
    lon: Degrees
    lat: Degrees
    reasons: NDArray[Any]
    datum_suspect: NDArray[np.bool_]
    accuracy_m: Metres
    raw_x: NDArray[np.float64]
    raw_y: NDArray[np.float64]
    datum: str
    router: "Router"

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Placement]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Placement:
        """Return one placement, its candidates worked out now."""
        position, area = int(self.positions[i]), int(self.area_positions[i])
        rule: Rule = self.rules[i]
        placed = rule is not Rule.UNPLACED
        lon, lat = float(self.lon[i]), float(self.lat[i])
        distance, accuracy = float(self.distance_to_boundary_m[i]), float(self.accuracy_m[i])
        raw = float(self.raw_x[i]), float(self.raw_y[i])
        return Placement(
            grid_code=None if position == OUTSIDE else self.router.grids.codes[position],
            area_code=self.router.queue_of(rule, area),
            rule=rule,
            distance_to_boundary_m=distance if math.isfinite(distance) else None,
            candidates=self.router.candidates(lon, lat, accuracy, position) if placed else (),
            datum=self.datum,
            lon=lon if placed else None,
            lat=lat if placed else None,
            accuracy_m=accuracy if math.isfinite(accuracy) else None,
            raw=raw if math.isfinite(raw[0]) and math.isfinite(raw[1]) else None,
            warnings=(DATUM_SUSPECT,) if self.datum_suspect[i] else (),
            reason=self.reasons[i],
        )


class Router:
    """Send points to the grids of one edition.

    Parameters
    ----------
    grids : GridIndex
        The grids in force.
    areas : AreaIndex, optional
        The areas whose queues take what no grid owns.
    snap_m : float
        How far outside a grid a point may lie and still be given to it.

    Examples
    --------
    >>> grids = GridIndex(["G01"], np.array([shapely.box(111.2, 39.9, 111.3, 40.0)]))
    >>> router = Router(grids)
    >>> placement = router.place(111.25, 39.95, "cgcs2000")
    >>> placement.grid_code, placement.rule.value, round(placement.distance_to_boundary_m)
    ('G01', 'inside', 4273)
    >>> router.place(111.1999, 39.95, "cgcs2000").rule.value
    'snapped'
    """

    def __init__(
        self, grids: GridIndex, areas: AreaIndex | None = None, *, snap_m: float = SNAP_M
    ) -> None:
        self.grids = grids
        self.areas = areas
        self.snap_m = snap_m

    def place(
        self, x: float | None, y: float | None, datum: str, accuracy_m: float | None = None
    ) -> Placement:
        """Return where one point goes.

        Parameters
        ----------
        x, y : float or None
            Longitude and latitude, or easting and northing, as sent.
        datum : str
            The datum they are in; see :func:`gis.datum.parse`.
        accuracy_m : float, optional
            The radius around the point within which the true place lies.

        Raises
        ------
        UnknownDatum
            If the datum's name is not known.
        """
        name = datums.parse(datum).name
        easting, northing = _number(x), _number(y)
        lon, lat = datums.convert_point(easting, northing, name, datums.STORAGE)
        accuracy = _number(accuracy_m)
        if not (abs(lon) <= 180 and abs(lat) <= 90):
            return self.place_many(np.array([x]), np.array([y]), datum, accuracy)[0]
        position, metres, disputed = self.grids.claim(lon, lat)
        if position == OUTSIDE:
            return self.place_many(np.array([x]), np.array([y]), datum, accuracy)[0]
        return Placement(
            grid_code=self.grids.codes[position],
            area_code=None,
            rule=Rule.BOUNDARY if disputed else Rule.INSIDE,
            distance_to_boundary_m=metres,
            candidates=self.candidates(lon, lat, accuracy, position),
            datum=name,
            lon=lon,
            lat=lat,
            accuracy_m=accuracy if math.isfinite(accuracy) else None,
            raw=(easting, northing),
            warnings=(),
        )

    def place_many(
        self, x: ArrayLike, y: ArrayLike, datum: str, accuracy_m: ArrayLike | None = None
    ) -> Placements:
        """Return where many points go.

        Parameters
        ----------
        x, y : array_like of float, shape (n,)
            As sent; None, NaN and text that is no number give ``unplaced``.
        datum : str
            The datum they are all in.
        accuracy_m : array_like of float, shape (n,) or one number, optional
            Radii in metres; NaN where unknown.

        Raises
        ------
        UnknownDatum
            If the datum's name is not known.
        InvalidPoints
            If x, y and accuracy differ in length.
        """
        name = datums.parse(datum).name
        (raw_x, why_x), (raw_y, why_y) = _numbers(x), _numbers(y)
        if raw_x.shape != raw_y.shape:
            raise InvalidPoints(
                f"{len(raw_x)} x and {len(raw_y)} y coordinates: give one y for each x"
            )
        lon, lat = datums.convert(raw_x, raw_y, name, datums.STORAGE)
        with np.errstate(invalid="ignore"):
            usable = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        lon[~usable] = lat[~usable] = np.nan
        accuracy = np.full(len(lon), np.nan)
        if accuracy_m is not None:
            accuracy[:] = np.asarray(accuracy_m, dtype=np.float64)
        reasons = np.full(len(lon), None, dtype=object)
        reasons[~usable] = NOT_FINITE
        reasons[~usable & np.isfinite(raw_x) & np.isfinite(raw_y)] = NOT_ON_EARTH
        for i, why in (why_y | why_x).items():
            reasons[i] = why
        rules, positions, area_positions, metres = self._decide(lon, lat, usable)
        return Placements(
            positions, area_positions, _RULES[rules], metres, lon, lat, reasons,
            self._suspect(raw_x, raw_y, name, rules), accuracy, raw_x, raw_y, name, self,
        )  # fmt: skip

    def _decide(
        self, lon: Degrees, lat: Degrees, usable: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int8], Positions, Positions, Metres]:
        rules = np.full(len(lon), _INSIDE, dtype=np.int8)
        positions, metres, disputed = self.grids.claims(lon, lat)
        rules[disputed] = _BOUNDARY
        rules[positions == OUTSIDE] = _OUTSIDE
        rules[~usable] = _UNPLACED
        lost = np.flatnonzero(rules == _OUTSIDE)
        positions[lost], metres[lost] = self.grids.nearest_outside(
            lon[lost], lat[lost], self.snap_m
        )
        rules[lost[positions[lost] != OUTSIDE]] = _SNAPPED
        lost = lost[positions[lost] == OUTSIDE]
        area_positions = np.full(len(lon), OUTSIDE, dtype=np.intp)
        if self.areas is not None and lost.size:
            area_positions[lost] = self.areas.smallest(lon[lost], lat[lost])
            rules[area_positions != OUTSIDE] = _FALLBACK
        return rules, positions, area_positions, metres

    def _suspect(
        self, x: NDArray[np.float64], y: NDArray[np.float64], name: str, rules: NDArray[np.int8]
    ) -> NDArray[np.bool_]:
        """Return which points no grid owns, but one would under another datum."""
        suspect = np.zeros(len(x), dtype=bool)
        lost = (rules >= _FALLBACK) & np.isfinite(x) & np.isfinite(y)
        degrees = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        for in_degrees in (True, False):
            rows = np.flatnonzero(lost & (degrees == in_degrees))
            if not rows.size:
                continue
            for other in datums.alternatives(name, self.grids.bounds, in_degrees=in_degrees):
                lon, lat = datums.convert(x[rows], y[rows], other, datums.STORAGE)
                suspect[rows] |= self.grids.owners(lon, lat) != OUTSIDE
        return suspect

    def queue_of(self, rule: Rule, area: int) -> str | None:
        """Return the code of the area whose queue takes a point without a grid."""
        if self.areas is None or rule not in (Rule.FALLBACK, Rule.OUTSIDE, Rule.UNPLACED):
            return None
        return self.areas.root if area == OUTSIDE else self.areas.codes[area]

    def candidates(
        self, lon: float, lat: float, accuracy_m: float, position: int
    ) -> tuple[Candidate, ...]:
        """Return the grids that the accuracy circle touches, the largest share first.

        Parameters
        ----------
        lon, lat : float
            The point, in degrees of the storage CRS.
        accuracy_m : float
            The circle's radius; NaN where it is unknown.
        position : int
            The owner's position, or ``OUTSIDE``.

        Returns
        -------
        tuple of Candidate
            Empty where the radius is unknown or the circle lies within its owner. A dedicated
            grid takes its share before the basic one around it. Shares are of the whole circle:
            they sum to less than 1 where part of it lies in no grid.
        """
        if not (math.isfinite(accuracy_m) and accuracy_m > 0):
            return ()
        circle = _circle(lon, lat, accuracy_m)
        order = self.grids.touched(circle)
        if order.tolist() == [position] and circle.within(self.grids.geometries[position]):
            return ()
        found: list[Candidate] = []
        rest = circle
        for grid in order:  # in the order of precedence: what one takes, the next cannot
            outline = shapely.make_valid(self.grids.geometries[grid])
            share = rest.intersection(outline).area / circle.area
            rest = rest.difference(outline)
            if round(share, _SHARE_DIGITS) > 0:
                found.append(Candidate(self.grids.codes[grid], round(share, _SHARE_DIGITS)))
        return tuple(sorted(found, key=lambda candidate: -candidate.share))


def _circle(lon: float, lat: float, radius_m: float) -> shapely.Polygon:
    """Return a circle on the ground as a polygon in degrees, of the circle's very area."""
    east, north = metres_a_degree(lat)
    angles = np.linspace(0, 2 * np.pi, _CIRCLE_EDGES, endpoint=False)
    step = 2 * np.pi / _CIRCLE_EDGES
    reach = radius_m * math.sqrt(step / math.sin(step))  # corners stand out by 0.02 %
    return shapely.Polygon(
        np.column_stack([
            lon + reach / east * np.cos(angles), lat + reach / north * np.sin(angles),
        ])
    )  # fmt: skip


def _number(value: Any) -> float:
    """Return a number, NaN for what is none."""
    try:
        return math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _numbers(values: ArrayLike) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return numbers, NaN for what is none, and why."""
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise InvalidPoints(f"coordinates of shape {array.shape}: give them in a row")
    if array.dtype.kind in "fiu":
        return array.astype(np.float64), {}
    numbers = np.array([_number(value) for value in array], dtype=np.float64)
    why: dict[int, str] = {}
    for i in np.flatnonzero(np.isnan(numbers)):
        value = array[i]
        missing = value is None or str(value).strip().lower() in ("", "nan", "none", "<na>")
        why[int(i)] = NO_COORDINATES if missing else NO_NUMBERS
    return numbers, why
