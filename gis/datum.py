"""Coordinates from one datum to another: WGS 84, CGCS2000, GCJ-02, BD-09 and every EPSG code.

GCJ-02 shifts positions inside a rectangle around China by some hundred metres; BD-09 shifts
GCJ-02 once more. Both are known by their published forward formulas; the inverses here are
iterated until they agree with the forward formula to far less than a millimetre (the one-step
inverse in common use errs by up to 5 m). The formulas are in :mod:`gis.shifts`; one point,
arrays and compiled code give the same numbers to the last bit.

At the rectangle's edge the forward formula jumps, so a strip of a few hundred metres outside it
holds shifted points as well as unshifted ones. The inverse gives a shifted point its origin inside
the rectangle, so that whatever starts in China comes back to where it was; an origin that rounding
puts beside the edge is put on it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

from gis import compiled, shifts
from gis.crs import crs, hub, transformer
from gis.errors import InvalidPoints, UnknownDatum
from gis.geometry import Degrees

STORAGE: Final = "cgcs2000"
"""The datum in which everything is stored."""

WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
"""The rectangle inside which the published code shifts (edges included)."""

_REACH: Final = 0.05  # degrees: no shift is larger
_ROUNDING: Final = 1e-11  # degrees, a micrometre: more than an inverse is ever off
_CHUNK: Final = 8192  # points converted at once: the working arrays stay in the cache
_SHIFTED: Final = ("gcj02", "bd09")
_PLAIN: Final = ("wgs84", "cgcs2000")
_PLAIN_CODES: Final = ("EPSG:4326", "EPSG:4490", "EPSG:4979", "EPSG:4480")


Points = tuple[Degrees, Degrees]
Change = Callable[[Degrees, Degrees], Points]


@dataclass(frozen=True)
class Datum:
    """A datum that coordinates may be in.

    ``crs`` is None for the four named ones, which are in degrees.
    """

    name: str
    crs: CRS | None = None

    @property
    def is_plain(self) -> bool:
        """Return whether its numbers are those of the storage CRS."""
        return self.name in _PLAIN or self.name in _PLAIN_CODES

    @property
    def is_shifted(self) -> bool:
        """Return whether it is one of the shifted datums of Chinese maps."""
        return self.name in _SHIFTED


@lru_cache(maxsize=256)
def parse(name: str) -> Datum:
    """Return the datum of a name.

    Parameters
    ----------
    name : str
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``, ``EPSG:n`` or ``ESRI:n``, in any case.

    Raises
    ------
    UnknownDatum
        If nobody knows the name, or it places nothing on the earth's surface.

    Examples
    --------
    >>> parse("GCJ02").name, parse("epsg:4546").name
    ('gcj02', 'EPSG:4546')
    """
    word = str(name).strip()
    plain = word.lower().replace("-", "").replace(" ", "")
    if plain in (*_PLAIN, *_SHIFTED):
        return Datum(plain)
    authority, _, code = word.upper().partition(":")
    authority, code = authority.strip(), code.strip()
    if authority not in ("EPSG", "ESRI") or not code.isascii() or not code.isdigit():
        raise UnknownDatum(
            f"{name!r} is no datum; say wgs84, cgcs2000, gcj02, bd09, EPSG:n or ESRI:n "
            "(as in EPSG:4546)"
        )
    canonical = f"{authority}:{int(code)}"
    system = crs(canonical)
    if not (system.is_geographic or system.is_projected):
        raise UnknownDatum(
            f"{canonical} ({system.name}) gives no longitude and latitude, easting or northing; "
            "say in which horizontal system the coordinates are"
        )
    return Datum(canonical, system)


def convert(x: ArrayLike, y: ArrayLike, source: str, target: str) -> Points:
    """Convert coordinates from one datum to another.

    Parameters
    ----------
    x, y : array_like of numbers, same shape
        Longitude and latitude, or easting and northing: x always points east.
    source, target : str
        Names as :func:`parse` reads them.

    Returns
    -------
    tuple of ndarray of float64, same shape as ``x``
        New arrays. Where a coordinate is NaN or infinite, or lies where the target system has
        none, both are NaN. Outside China GCJ-02 and BD-09 equal WGS 84.

    Raises
    ------
    UnknownDatum
        If a name is not known.
    InvalidPoints
        If x and y differ in shape or are no numbers.

    Examples
    --------
    >>> lon, lat = convert([111.2], [39.9], "wgs84", "gcj02")
    >>> lon.round(9).tolist(), lat.round(9).tolist()
    ([111.206573207], [39.901144155])
    """
    from_datum, to_datum = parse(source), parse(target)
    xs, ys = _pair(x, y)
    if _same(from_datum, to_datum):
        return xs, ys
    flat_x, flat_y = xs.reshape(-1), ys.reshape(-1)  # views: xs and ys are fresh and contiguous
    for start in range(0, flat_x.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        flat_x[part], flat_y[part] = _convert_chunk(
            flat_x[part], flat_y[part], from_datum, to_datum
        )
    return xs, ys


def convert_point(x: float, y: float, source: str, target: str) -> tuple[float, float]:
    """Convert one point: as :func:`convert`, without the cost of arrays.

    Examples
    --------
    >>> convert_point(float("nan"), 39.9, "wgs84", "gcj02")
    (nan, nan)
    """
    from_datum, to_datum = parse(source), parse(target)
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.nan, math.nan
    if _same(from_datum, to_datum):
        return x, y
    if from_datum.is_shifted and to_datum.is_plain:
        return _unshifted_point(x, y, from_datum.name)
    if from_datum.crs is not None and to_datum.is_plain:
        lon, lat = _to_plain(from_datum.name).transform(x, y)
        return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else (math.nan, math.nan)
    lons, lats = convert([x], [y], source, target)
    return float(lons[0]), float(lats[0])


def alternatives(
    datum: str, bounds: tuple[float, float, float, float], *, in_degrees: bool
) -> list[str]:
    """Return the other datums in which people commonly send coordinates of a place.

    For degrees the shifted ones and WGS 84; for metres the local Gauss-Krüger zone with and
    without its number before the eastings, and web maps' EPSG:3857.

    Parameters
    ----------
    datum : str
        The declared one.
    bounds : tuple of float
        The place: west, south, east and north in degrees of the storage CRS.
    in_degrees : bool
        Whether the numbers can be degrees; else they are metres.

    Examples
    --------
    >>> alternatives("gcj02", (111.0, 39.5, 111.5, 40.0), in_degrees=True)
    ['wgs84', 'bd09']
    """
    declared = parse(datum)
    if in_degrees:
        names = [*_SHIFTED] if declared.is_plain else ["wgs84", *_SHIFTED]
    else:
        middle = (bounds[0] + bounds[2]) / 2
        step = round((middle - 75) / 3) if math.isfinite(middle) else -1
        zones = [f"EPSG:{first + step}" for first in (4534, 4513)] if 0 <= step <= 20 else []
        names = [*zones, "EPSG:3857"]
    return [name for name in names if name != declared.name]


def _same(source: Datum, target: Datum) -> bool:
    return source.name == target.name or (source.is_plain and target.is_plain)


def _pair(x: ArrayLike, y: ArrayLike) -> Points:
    """Return fresh float64 arrays of one shape, NaN in both where either is not finite."""
    try:
        xs, ys = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidPoints("coordinates must be numbers, as many x as y") from error
    if xs.shape != ys.shape:
        raise InvalidPoints(
            f"x has the shape {xs.shape}, y the shape {ys.shape}: give one y for each x"
        )
    xs, ys = np.ascontiguousarray(xs).reshape(xs.shape), np.ascontiguousarray(ys).reshape(ys.shape)
    lost = ~(np.isfinite(xs) & np.isfinite(ys))
    if lost.any():
        xs[lost] = ys[lost] = np.nan
    return xs, ys


def _convert_chunk(x: Degrees, y: Degrees, source: Datum, target: Datum) -> Points:
    """Convert what is finite: to the plain datum, then to the target."""

    def change(x: Degrees, y: Degrees) -> Points:
        if source.is_shifted and target.is_shifted:
            return _between(x, y, source.name)
        if source.is_shifted:
            x, y = _unshifted(x, y, source.name)
        elif not source.is_plain and source.crs is not None:
            if target.crs is not None and not target.is_plain:
                return _project(x, y, source.crs, target.crs)
            x, y = _project(x, y, source.crs, hub(source.crs))
        if target.is_shifted:
            return _shifted(x, y, target.name)
        if not target.is_plain and target.crs is not None:
            return _project(x, y, hub(target.crs), target.crs)
        return x, y

    return _where(np.isfinite(x), change, x, y)


def _where(here: NDArray[np.bool_], change: Change, x: Degrees, y: Degrees) -> Points:
    """Change coordinates here, and leave them as they are elsewhere."""
    if here.all():
        return change(x, y)
    out_x, out_y = x.copy(), y.copy()
    if here.any():
        out_x[here], out_y[here] = change(x[here], y[here])
    return out_x, out_y


@lru_cache(maxsize=256)
def _to_plain(name: str) -> Transformer:
    """Return the way from a system to plain degrees, found by its name: a CRS hashes slowly."""
    system = crs(name)
    return transformer(system, hub(system))


def _project(x: Degrees, y: Degrees, source: CRS, target: CRS) -> Points:
    """Convert by PROJ; NaN where it has no answer."""
    to_x, to_y = transformer(source, target).transform(x, y)
    to_x, to_y = np.asarray(to_x, dtype=np.float64), np.asarray(to_y, dtype=np.float64)
    lost = ~(np.isfinite(to_x) & np.isfinite(to_y))
    to_x[lost] = to_y[lost] = np.nan
    return to_x, to_y


def in_china(lon: Degrees, lat: Degrees, around: float = 0.0) -> NDArray[np.bool_]:
    """Return where the published code shifts: inside the rectangle, edges included.

    ``around`` are degrees beyond the edges that count as inside.
    """
    inside = (lon >= WEST - around) & (lon <= EAST + around)
    return np.asarray(inside & (lat >= SOUTH - around) & (lat <= NORTH + around))


def _formulas() -> ModuleType:
    """Return the shifts' formulas, compiled where that is installed."""
    return compiled.twin("datum") or shifts


def _shifted(lon: Degrees, lat: Degrees, name: str) -> Points:
    """Shift from the plain datum, inside China only."""
    formulas = _formulas()

    def shift(lon: Degrees, lat: Degrees) -> Points:
        lon, lat = formulas.gcj(lon, lat)
        return formulas.bd(lon, lat) if name == "bd09" else (lon, lat)

    return _where(in_china(lon, lat), shift, lon, lat)


def _unshifted(x: Degrees, y: Degrees, name: str) -> Points:
    """Undo the shift for all that comes from, or lies in, the rectangle."""
    formulas = _formulas()

    def unshift(x: Degrees, y: Degrees) -> Points:
        lon, lat = formulas.undo_bd(x, y) if name == "bd09" else (x, y)
        lon, lat = formulas.undo_gcj(lon, lat)
        origin = in_china(lon, lat, _ROUNDING)
        if origin.all():
            return _onto_china(lon, lat)
        lon, lat = _where(origin, _onto_china, lon, lat)
        theirs = origin | in_china(x, y)
        return np.where(theirs, lon, x), np.where(theirs, lat, y)

    return _where(in_china(x, y, _REACH), unshift, x, y)


def _onto_china(lon: Degrees, lat: Degrees) -> Points:
    return np.clip(lon, WEST, EAST), np.clip(lat, SOUTH, NORTH)


def _unshifted_point(x: float, y: float, name: str) -> tuple[float, float]:
    """Undo the shift of one point, as :func:`_unshifted` does for many."""
    if not _point_in_china(x, y, _REACH):
        return x, y
    formulas = _formulas()
    lon, lat = formulas.one_undo_bd(x, y) if name == "bd09" else (x, y)
    lon, lat = formulas.one_undo_gcj(lon, lat)
    if _point_in_china(lon, lat, _ROUNDING):
        return min(max(lon, WEST), EAST), min(max(lat, SOUTH), NORTH)
    return (lon, lat) if _point_in_china(x, y) else (x, y)


def _point_in_china(lon: float, lat: float, around: float = 0.0) -> bool:
    return WEST - around <= lon <= EAST + around and SOUTH - around <= lat <= NORTH + around


def _between(x: Degrees, y: Degrees, source: str) -> Points:
    """Convert between GCJ-02 and BD-09, for what stems from or lies in the rectangle."""
    formulas = _formulas()
    theirs = in_china(x, y)
    beside = np.flatnonzero(~theirs & in_china(x, y, _REACH))
    if beside.size:
        theirs[beside] = in_china(*_unshifted(x[beside], y[beside], source))
    return _where(theirs, formulas.bd if source == "gcj02" else formulas.undo_bd, x, y)
