"""Metres between points on the ellipsoid of CGCS2000, right anywhere on earth (decision 0001)."""

import math
from collections.abc import Callable
from typing import Any, Final, overload

import numpy as np
from numpy.typing import ArrayLike

from gis.crs import GEOD
from gis.geometry import Degrees, Metres

_DEGREE: Final = math.pi / 180.0
_A: Final = float(GEOD.a)
_ES: Final = float(GEOD.es)
_E: Final = math.sqrt(_ES)
_SERIES: Final = tuple(
    (
        (-1.0) ** turn / math.factorial(2 * turn + 1),
        (-1.0) ** turn / math.factorial(2 * turn),
    )
    for turn in range(11)
)
"""The factors of sine and cosine for the powers of an angle, enough up to a right one."""


def distances_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Metres:
    """Return the geodesic distance from each first to each second point.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like of float, shapes that broadcast
        Degrees. Where one is NaN or infinite the distance is NaN.

    Examples
    --------
    >>> distances_m(111.2, 39.9, 111.2, [39.9, 40.9]).round(1).tolist()
    [0.0, 111042.3]
    """
    parts = np.broadcast_arrays(lon1, lat1, lon2, lat2)
    a, b, c, d = (np.array(part, dtype=np.float64) for part in parts)
    lost = ~(np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & np.isfinite(d))
    for part in (a, b, c, d):
        part[lost] = 0.0
    _, _, metres = GEOD.inv(a, b, c, d)
    metres = np.asarray(metres, dtype=np.float64)
    metres[lost] = np.nan
    return metres


def metres_a_degree(lat: Any, sqrt: Callable[[Any], Any] = np.sqrt) -> tuple[Any, Any]:
    """Return the metres of a degree of longitude and of a degree of latitude, at each latitude.

    Parameters
    ----------
    lat : float or ndarray of float, shape (n,)
        Degrees, at most 91. One latitude and many give the same numbers to the last bit, in every
        process: the series below are rounded in one way everywhere, as a library's sine is not.
    sqrt : callable
        ``math.sqrt`` for floats is quicker.

    Returns
    -------
    float or ndarray of float, shape (n,)
        Each of the two.

    Examples
    --------
    >>> east, north = metres_a_degree(np.array([39.9]))
    >>> east.round(1).tolist(), north.round(1).tolist()
    ([85518.3], [111032.7])
    """
    angle = lat * _DEGREE
    square = angle * angle
    sine, cosine = _SERIES[-1]
    for odd, even in _SERIES[-2::-1]:
        sine, cosine = sine * square + odd, cosine * square + even
    sine = sine * angle
    bend = 1.0 - _ES * sine * sine
    across = _A / sqrt(bend)
    # a bit more than nothing at a pole, and no less than that beyond
    return across * (abs(cosine) + 1e-15) * _DEGREE, across * (1.0 - _ES) / bend * _DEGREE


def m2_to_equator(lat: Degrees) -> Metres:
    """Return the square metres from the equator to each latitude, for a degree of longitude.

    Parameters
    ----------
    lat : ndarray of float, shape (n,)
        Degrees. South of the equator the area is negative.

    Returns
    -------
    ndarray of float, shape (n,)
        Snyder, "Map Projections: A Working Manual", 1987, equation 3-12.

    Examples
    --------
    >>> to_pole = m2_to_equator(np.array([-90.0, 90.0])) * 360
    >>> (to_pole / 1e12).round(3).tolist()  # half the earth each
    [-255.033, 255.033]
    """
    sine = np.sin(lat * _DEGREE)
    bent = sine / (1.0 - _ES * sine * sine) + np.arctanh(_E * sine) / _E
    area: Metres = (_A * _A * (1.0 - _ES) / 2.0 * _DEGREE) * bent
    return area


@overload
def degrees_around(lat: float, metres: float) -> tuple[float, float]: ...


@overload
def degrees_around(lat: Degrees, metres: float) -> tuple[Degrees, float]: ...


def degrees_around(lat: float | Degrees, metres: float) -> tuple[float | Degrees, float]:
    """Return how many degrees east and north surely reach as far as ``metres``.

    Parameters
    ----------
    lat : float or ndarray of float, shape (n,)
        Latitudes, finite.
    metres : float
        A distance on the ground.

    Returns
    -------
    float or ndarray of float, shape (n,)
        Half the width of a box that holds the whole circle; 360 at the poles.
    float
        Half its height.

    Examples
    --------
    >>> east, north = degrees_around(np.array([39.9]), 50.0)
    >>> east.round(6).tolist(), round(north, 6)
    ([0.000591], 0.000457)
    """
    up = metres * 1.01 / 110_574.0  # the shortest degree of latitude
    east, _ = metres_a_degree(np.minimum(np.abs(lat) + up, 90.0))
    return np.minimum(metres * 1.01 / np.maximum(east, metres / 360.0), 360.0), up
