"""Coordinates from one datum to another: WGS 84, CGCS2000, GCJ-02, BD-09 and every EPSG code.

GCJ-02 shifts positions inside a rectangle around China by some hundred metres; BD-09 shifts
GCJ-02 once more. Both are known by their published forward formulas; the inverses here are
iterated until they agree with the forward formula to far less than a millimetre (the one-step
inverse in common use errs by up to 3.5 m).

At the rectangle's edge the forward formula jumps, so a strip of a few hundred metres outside it
holds shifted points as well as unshifted ones. The inverse gives a shifted point its origin inside
the rectangle, so that whatever starts in China comes back to where it was.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

from gis.crs import crs, hub, transformer
from gis.errors import InvalidPoints, UnknownDatum
from gis.geometry import Degrees

STORAGE: Final = "cgcs2000"
"""The datum in which everything is stored."""

WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
"""The rectangle inside which the published code shifts (edges included)."""

_A: Final = 6378245.0
_EE: Final = 0.00669342162296594323
_X_PI: Final = math.pi * 3000.0 / 180.0
_STEPS: Final = 6  # each gains about two and a half digits: four reach 1e-11°, six the last bit
_CHUNK: Final = 65_536  # points converted at once: the working arrays stay in the cache
_SHIFTED: Final = ("gcj02", "bd09")
_PLAIN: Final = ("wgs84", "cgcs2000")
_PLAIN_CODES: Final = ("EPSG:4326", "EPSG:4490", "EPSG:4979", "EPSG:4480")


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


def convert(x: ArrayLike, y: ArrayLike, source: str, target: str) -> tuple[Degrees, Degrees]:
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
        flat_x[part], flat_y[part] = _convert_finite(
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


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Degrees, Degrees]:
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


def _convert_finite(
    x: Degrees, y: Degrees, source: Datum, target: Datum
) -> tuple[Degrees, Degrees]:
    """Convert what is finite: to the plain datum, then to the target."""
    good = np.isfinite(x)
    if not good.all():
        out_x, out_y = x.copy(), y.copy()
        if good.any():
            out_x[good], out_y[good] = _convert_finite(x[good], y[good], source, target)
        return out_x, out_y
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


@lru_cache(maxsize=256)
def _to_plain(name: str) -> Transformer:
    """Return the way from a system to plain degrees, found by its name: a CRS hashes slowly."""
    system = crs(name)
    return transformer(system, hub(system))


def _project(x: Degrees, y: Degrees, source: CRS, target: CRS) -> tuple[Degrees, Degrees]:
    """Convert by PROJ; NaN where it has no answer."""
    to_x, to_y = transformer(source, target).transform(x, y)
    to_x, to_y = np.asarray(to_x, dtype=np.float64), np.asarray(to_y, dtype=np.float64)
    lost = ~(np.isfinite(to_x) & np.isfinite(to_y))
    to_x[lost] = to_y[lost] = np.nan
    return to_x, to_y


def in_china(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
    """Return where the published code shifts: inside the rectangle, edges included."""
    return np.asarray((lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH))


def _point_in_china(lon: float, lat: float) -> bool:
    return WEST <= lon <= EAST and SOUTH <= lat <= NORTH


def _gcj(lon: Any, lat: Any, f: ModuleType) -> tuple[Any, Any]:
    """Shift WGS 84 to GCJ-02 by the published formula, wherever the point is.

    ``f`` is ``math`` or ``numpy``: one formula serves a point and a million.
    """
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    root = f.sqrt(abs(x))
    both = 20.0 * f.sin(6.0 * x * pi) + 20.0 * f.sin(2.0 * x * pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    waves = 20.0 * f.sin(y * pi) + 40.0 * f.sin(y / 3.0 * pi)
    waves = waves + 160.0 * f.sin(y / 12.0 * pi) + 320.0 * f.sin(y * pi / 30.0)
    north = north + (both + waves) * (2.0 / 3.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    waves = 20.0 * f.sin(x * pi) + 40.0 * f.sin(x / 3.0 * pi)
    waves = waves + 150.0 * f.sin(x / 12.0 * pi) + 300.0 * f.sin(x / 30.0 * pi)
    east = east + (both + waves) * (2.0 / 3.0)
    sine = f.sin(lat / 180.0 * pi)
    magic = 1.0 - _EE * sine * sine
    root = f.sqrt(magic)
    north = north * 180.0 / ((_A * (1.0 - _EE)) / (magic * root) * pi)
    east = east * 180.0 / (_A / root * f.cos(lat / 180.0 * pi) * pi)
    return lon + east, lat + north


def _bd(lon: Any, lat: Any, f: ModuleType) -> tuple[Any, Any]:
    """Shift GCJ-02 to BD-09; the angle's small turn is applied by the sum rule, not atan2."""
    radius = f.sqrt(lon * lon + lat * lat)
    longer = 1.0 + 0.00002 * f.sin(lat * _X_PI) / radius
    turn = 0.000003 * f.cos(lon * _X_PI)
    cosine, sine = f.cos(turn) * longer, f.sin(turn) * longer
    return lon * cosine - lat * sine + 0.0065, lat * cosine + lon * sine + 0.006


def _inverse(
    forward: Callable[[Any, Any, ModuleType], tuple[Any, Any]], x: Any, y: Any, f: ModuleType
) -> tuple[Any, Any]:
    """Find what ``forward`` brings to (x, y): a contraction, since the shifts vary slowly."""
    lon, lat = x, y
    for _ in range(_STEPS):
        there_x, there_y = forward(lon, lat, f)
        lon, lat = lon - (there_x - x), lat - (there_y - y)
    return lon, lat


def _shifted(lon: Degrees, lat: Degrees, name: str) -> tuple[Degrees, Degrees]:
    """Shift from the plain datum, inside China only."""
    inside = in_china(lon, lat)
    out_lon, out_lat = lon.copy(), lat.copy()
    x, y = _gcj(lon[inside], lat[inside], np)
    if name == "bd09":
        x, y = _bd(x, y, np)
    out_lon[inside], out_lat[inside] = x, y
    return out_lon, out_lat


def _near(x: Degrees, y: Degrees) -> NDArray[np.bool_]:
    """Return what can have come from China: the shifts are below 0.05°."""
    return np.asarray(
        (x >= WEST - 0.05) & (x <= EAST + 0.05) & (y >= SOUTH - 0.05) & (y <= NORTH + 0.05)
    )


def _unshifted(x: Degrees, y: Degrees, name: str) -> tuple[Degrees, Degrees]:
    """Undo the shift for all that comes from, or lies in, the rectangle."""
    out_lon, out_lat = x.copy(), y.copy()
    near = np.flatnonzero(_near(x, y))
    lon, lat = x[near], y[near]
    if name == "bd09":
        lon, lat = _inverse(_bd, lon, lat, np)
    lon, lat = _inverse(_gcj, lon, lat, np)
    theirs = in_china(lon, lat) | in_china(x[near], y[near])
    out_lon[near[theirs]], out_lat[near[theirs]] = lon[theirs], lat[theirs]
    return out_lon, out_lat


def _unshifted_point(x: float, y: float, name: str) -> tuple[float, float]:
    """Undo the shift of one point, as :func:`_unshifted` does for many."""
    if not (WEST - 0.05 <= x <= EAST + 0.05 and SOUTH - 0.05 <= y <= NORTH + 0.05):
        return x, y
    lon, lat = _inverse(_bd, x, y, math) if name == "bd09" else (x, y)
    lon, lat = _inverse(_gcj, lon, lat, math)
    return (lon, lat) if _point_in_china(lon, lat) or _point_in_china(x, y) else (x, y)


def _between(x: Degrees, y: Degrees, source: str) -> tuple[Degrees, Degrees]:
    """Convert between GCJ-02 and BD-09, for what stems from or lies in the rectangle."""
    out_x, out_y = x.copy(), y.copy()
    lon, lat = _unshifted(x, y, source)
    theirs = in_china(lon, lat) | in_china(x, y)
    there = _bd if source == "gcj02" else None
    near_x, near_y = x[theirs], y[theirs]
    near_x, near_y = there(near_x, near_y, np) if there else _inverse(_bd, near_x, near_y, np)
    out_x[theirs], out_y[theirs] = near_x, near_y
    return out_x, out_y
