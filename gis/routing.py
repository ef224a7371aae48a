"""Where a point goes: to the grid that owns it, and by which rule.

1. inside a grid: that grid; on an edge: the lowest code, flagged ``boundary``;
2. outside all of them, but within 50 m: the nearest grid, flagged ``snapped``;
3. else the queue of the smallest area around it (``fallback``), else the root's (``outside``);
4. without usable coordinates: ``unplaced``, with the reason. Nothing is ever refused.

A datum is always named, never guessed: where another one would fit and the declared one does not,
the placement carries the warning ``datum_suspect`` and stays as declared.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis import datum as datums
from gis import survey
from gis.areas import AreaIndex
from gis.circle import shares
from gis.errors import InvalidPoints
from gis.geometry import OUTSIDE, Degrees, Metres, Positions
from gis.ownership import GridIndex
from gis.placement import (
    DATUM_SUSPECT,
    NO_COORDINATES,
    NO_NUMBERS,
    NOT_FINITE,
    NOT_ON_EARTH,
    Candidate,
    Placement,
    Rule,
)

__all__ = [
    "DATUM_SUSPECT",
    "NOT_ON_EARTH",
    "SNAP_M",
    "AreaIndex",
    "Candidate",
    "Placement",
    "Placements",
    "Router",
    "Rule",
]

SNAP_M: Final = 50.0
"""How far outside a grid a point may lie and still be given to it."""

_EACH_LOOKED_AT: Final = 100
"""Up to so many points that lie nowhere are each told what they look like."""

_SHARE_DIGITS: Final = 4
_CLEAR: Final = 1.01  # so many radii from a boundary, the circle surely does not touch it

_RULES: Final = np.array(list(Rule), dtype=object)
_INSIDE, _BOUNDARY, _SNAPPED, _FALLBACK, _OUTSIDE, _UNPLACED = range(6)
_LOST: Final = (Rule.FALLBACK, Rule.OUTSIDE, Rule.UNPLACED)


class _Decision(NamedTuple):
    """Where one point goes, in the numbers of a router."""

    rule: Rule
    position: int = OUTSIDE
    area: int = OUTSIDE
    metres: float = math.nan


class _Sent(NamedTuple):
    """One point as it was sent and converted; NaN is what is not known."""

    raw: tuple[float, float]
    datum: str
    lon: float
    lat: float
    accuracy_m: float
    reason: str | None


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
        decision = _Decision(
            self.rules[i],
            int(self.positions[i]),
            int(self.area_positions[i]),
            float(self.distance_to_boundary_m[i]),
        )
        sent = _Sent(
            (float(self.raw_x[i]), float(self.raw_y[i])),
            self.datum,
            float(self.lon[i]),
            float(self.lat[i]),
            float(self.accuracy_m[i]),
            self.reasons[i],
        )
        return self.router._placement(decision, sent, bool(self.datum_suspect[i]))


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
    >>> import shapely
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
        (raw_x, why_x), (raw_y, why_y) = _number(x), _number(y)
        accuracy, _ = _number(accuracy_m)
        lon, lat = datums.convert_point(raw_x, raw_y, name, datums.STORAGE)
        reason = None
        if abs(lon) <= 180 and abs(lat) <= 90:
            decision = self._decide_one(lon, lat)
        else:
            decision, finite = (
                _Decision(Rule.UNPLACED),
                math.isfinite(raw_x) and math.isfinite(raw_y),
            )
            reason = why_x or why_y or NOT_FINITE
            if finite:
                reason = self._not_on_earth(raw_x, raw_y, name)
        suspect = decision.rule in _LOST and self._suspect_one(raw_x, raw_y, name)
        sent = _Sent((raw_x, raw_y), name, lon, lat, accuracy, reason)
        words = None
        if reason is None and decision.rule in _LOST and datums.parse(name).crs is not None:
            words = self._looks_like(raw_x, raw_y, name)
        return self._placement(decision, sent, suspect or words is not None, words)

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
        nowhere = np.flatnonzero(~usable & np.isfinite(raw_x) & np.isfinite(raw_y))
        if nowhere.size > _EACH_LOOKED_AT:  # of so many one fault is told, and sooner
            reasons[nowhere] = self._not_on_earth(raw_x[nowhere], raw_y[nowhere], name)
        else:
            for i in nowhere.tolist():
                reasons[i] = self._not_on_earth(raw_x[i], raw_y[i], name)
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

    def _not_on_earth(self, x: ArrayLike, y: ArrayLike, name: str) -> str:
        """Return why coordinates lie nowhere, with what they look like, if that can be told."""
        doubt = survey.look(x, y, name, bounds=self.grids.bounds) or survey.look(x, y, name)
        return f"{NOT_ON_EARTH}: {doubt.message}" if doubt else NOT_ON_EARTH

    def _looks_like(self, x: float, y: float, name: str) -> str | None:
        """Return what survey coordinates that no grid owns look like, if a grid owns that."""

        def here(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
            return np.asarray(self.grids.owners(lon, lat) != OUTSIDE)

        doubt = survey.look(x, y, name, bounds=self.grids.bounds, here=here)
        return doubt.message if doubt else None

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

    def _decide_one(self, lon: float, lat: float) -> _Decision:
        """Decide as :meth:`_decide`, without the cost of arrays."""
        position, metres, disputed = self.grids.claim(lon, lat)
        if position != OUTSIDE:
            return _Decision(Rule.BOUNDARY if disputed else Rule.INSIDE, position, metres=metres)
        position, metres = self.grids.nearest_outside_one(lon, lat, self.snap_m)
        if position != OUTSIDE:
            return _Decision(Rule.SNAPPED, position, metres=metres)
        area = OUTSIDE if self.areas is None else self.areas.smallest_position(lon, lat)
        return _Decision(Rule.OUTSIDE if area == OUTSIDE else Rule.FALLBACK, area=area)

    def _suspect_one(self, x: float, y: float, name: str) -> bool:
        """Suspect as :meth:`_suspect`, without the cost of arrays."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return False
        in_degrees = abs(x) <= 180 and abs(y) <= 90
        others = datums.alternatives(name, self.grids.bounds, in_degrees=in_degrees)
        return any(
            self.grids.owner_position(*datums.convert_point(x, y, other, datums.STORAGE)) != OUTSIDE
            for other in others
        )

    def _placement(
        self, decision: _Decision, sent: _Sent, suspect: bool, words: str | None = None
    ) -> Placement:
        """Put one point's decision in the words of the codes."""
        rule, position, area, metres = decision
        placed = rule is not Rule.UNPLACED
        queue = None
        if self.areas is not None and rule in _LOST:
            queue = self.areas.root if area == OUTSIDE else self.areas.codes[area]
        return Placement(
            grid_code=None if position == OUTSIDE else self.grids.codes[position],
            area_code=queue,
            rule=rule,
            distance_to_boundary_m=metres if math.isfinite(metres) else None,
            candidates=self._candidates(decision, sent) if placed else (),
            datum=sent.datum,
            lon=sent.lon if placed else None,
            lat=sent.lat if placed else None,
            accuracy_m=sent.accuracy_m if math.isfinite(sent.accuracy_m) else None,
            raw=sent.raw if math.isfinite(sent.raw[0]) and math.isfinite(sent.raw[1]) else None,
            warnings=(*((DATUM_SUSPECT,) if suspect else ()), *((words,) if words else ())),
            reason=sent.reason,
        )

    def _candidates(self, decision: _Decision, sent: _Sent) -> tuple[Candidate, ...]:
        """Return the grids that the accuracy circle touches, the largest share first.

        None where the radius is unknown or the circle lies within its owner. A dedicated grid
        takes its share before the basic one around it. Shares are of the whole circle: they sum to
        less than 1 where part of it lies in no grid.
        """
        lon, lat, radius = sent.lon, sent.lat, sent.accuracy_m
        if not (math.isfinite(radius) and radius > 0):
            return ()
        inside = decision.rule is Rule.INSIDE and decision.metres > _CLEAR * radius
        if inside and not self.grids.any_before(decision.position, lon, lat, _CLEAR * radius):
            return ()
        near = self.grids.around(lon, lat, radius)
        share = np.round(shares(self.grids, near, lon, lat, radius), _SHARE_DIGITS)
        if near.size and near[0] == decision.position and share[0] == 1:
            return ()
        if abs(share.sum() - 1) < len(near) * 10.0**-_SHARE_DIGITS:  # but for rounding, the whole
            most = int(np.argmax(share))
            share[most] = round(1 - (share.sum() - share[most]), _SHARE_DIGITS)
        found = [
            Candidate(self.grids.codes[grid], float(part))
            for grid, part in zip(near.tolist(), share, strict=True)
            if part > 0
        ]
        return tuple(sorted(found, key=lambda candidate: -candidate.share))


def _number(value: Any) -> tuple[float, str | None]:
    """Return a number; NaN for what is none, and why, unless it is NaN itself."""
    if isinstance(value, float):
        return float(value), None
    try:
        number = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isnan(number):
        return number, None
    missing = value is None or str(value).strip().lower() in ("", "nan", "none", "<na>")
    return number, NO_COORDINATES if missing else NO_NUMBERS


def _numbers(values: ArrayLike) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return numbers; NaN for what is none, and why."""
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise InvalidPoints(f"coordinates of shape {array.shape}: give them in a row")
    if array.dtype.kind in "fiu":
        return array.astype(np.float64), {}
    read = [_number(value) for value in array]
    # NaN among words and None is how tables say that there is nothing
    why = {i: reason or NO_COORDINATES for i, (n, reason) in enumerate(read) if math.isnan(n)}
    return np.array([number for number, _ in read], dtype=np.float64), why
