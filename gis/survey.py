"""What coordinates look like, where they make no sense as declared.

Survey coordinates have traps of their own: in Chinese survey practice X points north, and an
easting may begin with the number of its zone (37517103 is EPSG:4525, 517103 is EPSG:4546). Others
are everybody's: latitude before longitude, degrees for metres, metres for degrees. Here they are
recognised and put in words. Nothing is ever converted on a suspicion: whoever sent the
coordinates decides.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis import datum as datums
from gis.crs import hub, transformer
from gis.datum import Datum
from gis.errors import InvalidPoints
from gis.geometry import Degrees

Bounds = tuple[float, float, float, float]
Here = Callable[[Degrees, Degrees], NDArray[np.bool_]]


class _Series(NamedTuple):
    """The Gauss-Krüger zones of one datum and width, by their EPSG codes."""

    numbered: int  # the first code whose eastings begin with the zone number
    plain: int  # the first code whose eastings don't
    first_zone: int
    zones: int


_FAMILIES: Final = (
    (_Series(4513, 4534, 25, 21), _Series(4491, 4502, 13, 11)),  # CGCS2000, by 3° and by 6°
    (_Series(2349, 2370, 25, 21), _Series(2327, 2338, 13, 11)),  # Xi'an 1980
    (_Series(2401, 2422, 25, 21), _Series(21413, 21453, 13, 11)),  # Beijing 1954
)
_ZONE: Final = 1_000_000  # metres: what a zone number before an easting counts
_WEB_ZONES: Final = range(13, 16)  # of 6°; web maps' eastings in China begin with these as well
_MARGIN: Final = 1.5  # degrees around a CRS's area of use or a place that still belong to it
_DEGREES: Final = 180.0
_METRES: Final = 1000.0  # numbers this large are no mistyped degrees
_SAMPLE: Final = 10_000  # points looked at


@dataclass(frozen=True)
class Doubt:
    """What coordinates look like, if not what was declared."""

    swapped: bool
    """Whether x and y look exchanged."""
    datum: str | None
    """The datum that they look like, if it is another one and can be told."""
    message: str
    """What was seen, for a person: no sentence, so that the caller can say what to do."""


@dataclass(frozen=True)
class Reading:
    """One way to take the numbers of coordinates."""

    datum: Datum
    swapped: bool = False

    def convert(self, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
        """Return longitudes and latitudes in the storage CRS; NaN or infinite where none are."""
        if self.swapped:
            x, y = y, x
        if self.datum.crs is None or self.datum.is_plain:
            return datums.convert(x, y, self.datum.name, datums.STORAGE)
        lon, lat = transformer(self.datum.crs, hub(self.datum.crs)).transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    def doubt(self, x: ArrayLike, y: ArrayLike, declared: str | Datum) -> Doubt:
        """Put into words that coordinates look like this, and not as declared."""
        declared = _datum(declared)
        xs, ys = _sample(x, y)
        words = [_exchanged(self.datum)] * self.swapped
        if self.datum.name == declared.name:
            return Doubt(self.swapped, None, "; ".join(words))
        words.append(_other(self.datum, declared, ys if self.swapped else xs))
        untold = _in_degrees(self.datum) and not _in_degrees(declared)
        return Doubt(self.swapped, None if untold else self.datum.name, "; ".join(words))


def look(
    x: ArrayLike,
    y: ArrayLike,
    datum: str | Datum,
    *,
    bounds: Bounds | None = None,
    here: Here | None = None,
) -> Doubt | None:
    """Return what coordinates look like, if most of them make no sense as declared.

    Parameters
    ----------
    x, y : array_like of float, shape (n,), or one number each
        As sent: longitude and latitude, or easting and northing. What is not finite, and (0, 0),
        which stands for nothing, is passed over; of very many, some ten thousand are looked at.
    datum : str or Datum
        The declared one.
    bounds : tuple of float, optional
        The place where they should lie: west, south, east, north in degrees of the storage CRS.
        Without it, coordinates make sense where their CRS is in use.
    here : callable, optional
        Tells of longitudes and latitudes which ones lie where they should, where that is known
        better than by ``bounds`` (in a grid, say).

    Returns
    -------
    Doubt or None
        None where the coordinates make sense, and where nothing else makes more.

    Raises
    ------
    UnknownDatum
        If the datum's name is not known.
    InvalidPoints
        If there are more x than y, or more y than x.

    Examples
    --------
    >>> print(look(4418444.8, 517103.7, "EPSG:4546").message)
    x and y look exchanged: in Chinese survey practice X points north and Y points east
    >>> print(look(37517103.7, 4418444.8, "EPSG:4546").message)
    the eastings begin with the zone number 37: EPSG:4525 rather than EPSG:4546
    >>> print(look(39.9, 111.2, "gcj02").message)
    x and y look exchanged: longitude comes first, then latitude
    >>> look(111.2, 39.9, "gcj02") is None
    True
    """
    declared = _datum(datum)
    xs, ys = _sample(x, y)
    if not xs.size:
        return None
    # degrees taken for metres fall close to a zone's origin, which may well be in use
    as_declared = _in_degrees(declared) or not _small(xs, ys)
    if as_declared and _fits(Reading(declared), xs, ys, bounds, here):
        return None
    for reading in readings(xs, ys, declared, bounds):
        if _fits(reading, xs, ys, bounds, here):
            return reading.doubt(xs, ys, declared)
    if _in_degrees(declared) and min(np.median(np.abs(xs)), np.median(np.abs(ys))) > _METRES:
        return Doubt(False, None, f"they look like metres, but {declared.name} is in degrees")
    return None


def readings(
    x: ArrayLike, y: ArrayLike, datum: str | Datum, bounds: Bounds | None = None
) -> list[Reading]:
    """Return the other ways in which people commonly mean such numbers, the likeliest first.

    Parameters
    ----------
    x, y, datum, bounds
        As for :func:`look`. Whether they are degrees, and the number of a zone, is told by their
        medians.

    Examples
    --------
    >>> for reading in readings(517103.7, 4418444.8, "EPSG:4525", (111.0, 39.5, 111.5, 40.0)):
    ...     print(reading.datum.name, reading.swapped)
    EPSG:4525 True
    EPSG:4546 False
    EPSG:4546 True
    EPSG:3857 False
    EPSG:3857 True
    """
    declared = _datum(datum)
    xs, ys = _sample(x, y)
    if not xs.size:
        return []
    small = _small(xs, ys)
    found = [Reading(declared, True)] if small == _in_degrees(declared) else []
    names = _degrees(declared) if small else _metres(xs, ys, declared, bounds)
    for name in dict.fromkeys(names):
        found.append(Reading(datums.parse(name)))
        if not (small and _in_degrees(declared)):  # a shift is seen the right way round only
            found.append(Reading(datums.parse(name), True))
    return found


def _degrees(declared: Datum) -> list[str]:
    plain = [] if declared.is_plain else ["wgs84"]
    return [*plain, *(name for name in ("gcj02", "bd09") if name != declared.name)]


def _metres(xs: Degrees, ys: Degrees, declared: Datum, bounds: Bounds | None) -> Iterator[str]:
    """Yield the systems that the numbers name themselves, then those of the place."""
    for easting in (float(np.median(xs)), float(np.median(ys))):
        yield from _zones(easting, declared)
    if bounds is not None:
        local = datums.alternatives(datums.STORAGE, bounds, in_degrees=False)
        yield from (name for name in local if name != declared.name)


def _zones(easting: float, declared: Datum) -> Iterator[str]:
    """Yield the zones that an easting names by its number, or by having none."""
    number, code = int(easting // _ZONE), _code(declared)
    family = _family(code)
    for series in family or _FAMILIES[0]:
        if number in range(series.first_zone, series.first_zone + series.zones):
            named = series.numbered + number - series.first_zone
            if named != code and (family or number not in _WEB_ZONES):
                yield f"EPSG:{named}"
        if number == 0 and code in range(series.numbered, series.numbered + series.zones):
            yield f"EPSG:{series.plain + code - series.numbered}"


def _family(code: int) -> tuple[_Series, ...] | None:
    """Return the zones of the national datum to which a code belongs."""
    for family in _FAMILIES:
        for series in family:
            if code - series.numbered in range(series.zones) or (
                code - series.plain in range(series.zones)
            ):
                return family
    return None


def _code(datum: Datum) -> int:
    authority, _, code = datum.name.partition(":")
    return int(code) if authority == "EPSG" and code.isdigit() else 0


def _datum(datum: str | Datum) -> Datum:
    return datums.parse(datum) if isinstance(datum, str) else datum


def _in_degrees(datum: Datum) -> bool:
    return datum.crs is None or bool(datum.crs.is_geographic)


def _sample(x: ArrayLike, y: ArrayLike) -> tuple[Degrees, Degrees]:
    """Return coordinates that say something, evenly taken from very many."""
    xs = np.atleast_1d(np.asarray(x, dtype=np.float64)).reshape(-1)
    ys = np.atleast_1d(np.asarray(y, dtype=np.float64)).reshape(-1)
    if xs.shape != ys.shape:
        raise InvalidPoints(f"{xs.size} x and {ys.size} y coordinates: give one y for each x")
    telling = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys) & ((xs != 0) | (ys != 0)))
    telling = telling[:: max(1, telling.size // _SAMPLE)]
    return xs[telling], ys[telling]


def _small(xs: Degrees, ys: Degrees) -> bool:
    """Return whether the numbers can be degrees, in either order."""
    return bool(max(np.median(np.abs(xs)), np.median(np.abs(ys))) <= _DEGREES)


def _fits(
    reading: Reading, xs: Degrees, ys: Degrees, bounds: Bounds | None, here: Here | None
) -> bool:
    """Return whether at least half of the points lie where they should."""
    lon, lat = reading.convert(xs, ys)
    with np.errstate(invalid="ignore"):
        inside = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        if here is not None:
            inside[inside] = here(lon[inside], lat[inside])
        elif bounds is not None:
            inside &= _around(lon, lat, bounds)
        elif not _in_degrees(reading.datum) and (area := _area_of_use(reading.datum)):
            inside &= _around(lon, lat, area)
    return bool(np.mean(inside) >= 0.5)


def _area_of_use(datum: Datum) -> Bounds | None:
    area = None if datum.crs is None else datum.crs.area_of_use
    return None if area is None else (area.west, area.south, area.east, area.north)


def _around(lon: Degrees, lat: Degrees, bounds: Bounds) -> NDArray[np.bool_]:
    """Return which points lie in or near bounds; those of a CRS may reach over 180°."""
    west, south, east, north = bounds
    width = east - west if east >= west else east - west + 360.0
    inside = (lon - west + _MARGIN) % 360.0 <= width + 2 * _MARGIN
    return np.asarray(inside & (lat >= south - _MARGIN) & (lat <= north + _MARGIN))


def _exchanged(datum: Datum) -> str:
    if _in_degrees(datum):
        return "x and y look exchanged: longitude comes first, then latitude"
    return "x and y look exchanged: in Chinese survey practice X points north and Y points east"


def _other(meant: Datum, declared: Datum, eastings: Degrees) -> str:
    """Say that coordinates look as if they were in another datum than declared."""
    if _in_degrees(declared) and not _in_degrees(meant):
        return f"they look like metres in {meant.name}, but {declared.name} is in degrees"
    if _in_degrees(meant) and not _in_degrees(declared):
        return f"they look like degrees, but {declared.name} has eastings and northings"
    number = int(float(np.median(eastings)) // _ZONE)
    instead = f"{meant.name} rather than {declared.name}"
    if meant.name in _zones(float(np.median(eastings)), declared):
        if number == 0:
            return f"the eastings have no zone number in front: {instead}"
        return f"the eastings begin with the zone number {number}: {instead}"
    return f"they would lie where they should in {instead}"
