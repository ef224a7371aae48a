"""The shifts of Chinese maps, GCJ-02 and BD-09, made of + − × ÷ and square roots only.

IEEE 754 rounds these in one way everywhere. A sine is rounded as its library likes, and libraries
differ: those of Python, numpy, compilers and processors. So the sines are made here, and the same
few lines give the same bits for one point (floats and ``math.sqrt``), for arrays (``numpy.sqrt``)
and in machine code (:mod:`gis.compiled.datum` compiles these very functions): a point keeps its
owner in every process and on every machine.

Every sine in the published formula of GCJ-02 is that of a multiple of π/180 times the degrees east
of 105° or north of 35°. The series of this small angle is summed once; the multiples follow by the
rules for twice, three and five times an angle. The rounding that grows on the way, 360-fold at the
most, stays below 1e-10 m, a tenth of what a coordinate's last bit is.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Sqrt = Callable[[Any], Any]
Floats = NDArray[Any]

GCJ_STEPS: Final = 6
"""How often a guess is bettered. Each time gains two digits and a quarter: four reach 1e-11°, six
the last bit."""

BD_STEPS: Final = 5
"""The same for BD-09, whose start is better: most of its shift is the same everywhere."""

_A: Final = 6378245.0
_EE: Final = 0.00669342162296594323
_DEGREE: Final = math.pi / 180.0
_EAST: Final = 180.0 / (_A * math.pi)
_NORTH: Final = 180.0 / (_A * (1.0 - _EE) * math.pi)
_SINE_35: Final = 0.573576436351046  # written out: libraries differ here as well
_COSINE_35: Final = 0.8191520442889918

BD_EAST: Final = 0.0065
BD_NORTH: Final = 0.006
_TURNS: Final = 25.0 / 3.0  # a degree, times 3000 as BD-09 has it, in turns
_SIXTH: Final = math.pi / 3.0  # a sixth of a turn
_WHOLE: Final = 1.5 * 2.0**52  # added and taken away again, it leaves the nearest whole number

_S3, _S5, _S7 = -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0
_S9, _S11, _S13 = 1.0 / 362880.0, -1.0 / 39916800.0, 1.0 / 6227020800.0


def gcj(lon: Any, lat: Any, sqrt: Sqrt = np.sqrt) -> tuple[Any, Any]:
    """Shift WGS 84 to GCJ-02 by the published formula, in the rectangle or outside.

    Parameters
    ----------
    lon, lat : float or ndarray of float
        Degrees in the rectangle in which Chinese maps are shifted, or at most 0.1 beside it.
    sqrt : callable
        ``math.sqrt`` for floats, ``numpy.sqrt`` for arrays.

    Examples
    --------
    >>> lon, lat = gcj(111.2, 39.9, math.sqrt)
    >>> round(lon, 9), round(lat, 9)
    (111.206573207, 39.901144155)
    """
    x, y = lon - 105.0, lat - 35.0
    sine, cosine = angle(x, sqrt)
    east, sine, cosine = waves(sine, cosine, 150.0, 300.0)
    sine, cosine = twice(sine, cosine)
    both = 80.0 * sine * cosine * cosine  # the published 20 sin 2πx + 20 sin 6πx
    sine, cosine = angle(y, sqrt)
    north, _, _ = waves(sine, cosine, 160.0, 320.0)
    root = sqrt(abs(x))
    east = (both + east) * (2.0 / 3.0) + 0.1 * (x * (x + y) + root)
    east = east + (300.0 + x + 2.0 * y)
    north = (both + north) * (2.0 / 3.0) + 0.1 * (y * (x + 2.0 * y) + 2.0 * root)
    north = north + (2.0 * x + 3.0 * y - 100.0)
    # metres to degrees, at the latitude itself: 35° and y
    sine, cosine = sine * _COSINE_35 + cosine * _SINE_35, cosine * _COSINE_35 - sine * _SINE_35
    bend = 1.0 - _EE * sine * sine
    root = sqrt(bend)
    return lon + east * root / cosine * _EAST, lat + north * bend * root * _NORTH


def bd(lon: Any, lat: Any, sqrt: Sqrt = np.sqrt) -> tuple[Any, Any]:
    """Shift GCJ-02 to BD-09 by the published formula.

    The formula lengthens the radius and turns it a little: the turn is applied by the rule for
    sums of angles, which needs no arc tangent.

    Parameters
    ----------
    lon, lat, sqrt
        As for :func:`gcj`.

    Examples
    --------
    >>> lon, lat = bd(111.206573207, 39.901144155, math.sqrt)
    >>> round(lon, 9), round(lat, 9)
    (111.213093443, 39.907084211)
    """
    longer = 1.0 + 0.00002 * cosine_of_turns(lat * _TURNS - 0.25) / sqrt(lon * lon + lat * lat)
    turn = 0.000003 * cosine_of_turns(lon * _TURNS)
    square = turn * turn
    cosine, sine = (1.0 - square / 2.0) * longer, turn * (1.0 - square / 6.0) * longer
    return lon * cosine - lat * sine + BD_EAST, lat * cosine + lon * sine + BD_NORTH


def nearer_gcj(lon: Any, lat: Any, x: Any, y: Any, sqrt: Sqrt) -> tuple[Any, Any]:
    """Better a guess of what :func:`gcj` brings to (x, y).

    The shift varies slowly, so shifting the guess and taking the miss away is a contraction.
    """
    there_x, there_y = gcj(lon, lat, sqrt)
    return lon - (there_x - x), lat - (there_y - y)


def nearer_bd(lon: Any, lat: Any, x: Any, y: Any, sqrt: Sqrt) -> tuple[Any, Any]:
    """Better a guess of what :func:`bd` brings to (x, y), in the way of :func:`nearer_gcj`."""
    there_x, there_y = bd(lon, lat, sqrt)
    return lon - (there_x - x), lat - (there_y - y)


def undo_gcj(x: Any, y: Any, sqrt: Sqrt = np.sqrt) -> tuple[Any, Any]:
    """Return what :func:`gcj` brings to (x, y)."""
    lon, lat = x, y
    for _ in range(GCJ_STEPS):
        lon, lat = nearer_gcj(lon, lat, x, y, sqrt)
    return lon, lat


def undo_bd(x: Any, y: Any, sqrt: Sqrt = np.sqrt) -> tuple[Any, Any]:
    """Return what :func:`bd` brings to (x, y)."""
    lon, lat = x - BD_EAST, y - BD_NORTH
    for _ in range(BD_STEPS):
        lon, lat = nearer_bd(lon, lat, x, y, sqrt)
    return lon, lat


def angle(degrees: Any, sqrt: Sqrt) -> tuple[Any, Any]:
    """Return the sine and cosine of an angle of at most 35° either way."""
    sine = sine_of(degrees * _DEGREE)
    return sine, sqrt(1.0 - sine * sine)


def sine_of(radians: Any) -> Any:
    """Return the sine of an angle of at most 0.6; the next term of the series is below 4e-16."""
    square = radians * radians
    fourth = square * square
    series = (_S3 + _S5 * square) + fourth * (
        (_S7 + _S9 * square) + fourth * (_S11 + _S13 * square)
    )
    return radians + radians * square * series


def cosine_of_turns(turns: Any) -> Any:
    """Return the cosine of an angle in whole turns: that of six times its sixth."""
    rest = turns - ((turns + _WHOLE) - _WHOLE)
    sine = sine_of(rest * _SIXTH)
    sine = sine * (3.0 - 4.0 * sine * sine)
    return 1.0 - 2.0 * sine * sine


def waves(sine: Any, cosine: Any, twelfth: float, thirtieth: float) -> tuple[Any, Any, Any]:
    """Return GCJ-02's slow waves along an axis, and sine and cosine of 180 times the angle."""
    sine, cosine = thrice(sine, cosine)
    slowest = 2.0 * thirtieth * sine * cosine  # the angle 6 times
    sine, cosine = five_times(sine, cosine)
    slower = twelfth * sine  # 15 times
    sine, cosine = twice(sine, cosine)
    sine, cosine = twice(sine, cosine)
    slow = 40.0 * sine  # 60 times
    sine, cosine = thrice(sine, cosine)
    return (20.0 * sine + slow) + (slower + slowest), sine, cosine


def twice(sine: Any, cosine: Any) -> tuple[Any, Any]:
    """Return the sine and cosine of twice the angle."""
    double = 2.0 * sine
    return double * cosine, 1.0 - double * sine


def thrice(sine: Any, cosine: Any) -> tuple[Any, Any]:
    """Return the sine and cosine of three times the angle."""
    square = 4.0 * sine * sine
    return sine * (3.0 - square), cosine * (1.0 - square)


def five_times(sine: Any, cosine: Any) -> tuple[Any, Any]:
    """Return the sine and cosine of five times the angle."""
    square = 4.0 * sine * sine
    return sine * (square * (square - 5.0) + 5.0), cosine * (square * (square - 3.0) + 1.0)


# For the compiled twin: the same, for a point and point by point. ``each`` takes and fills arrays
# of shape (n,), none of which may be another.


def one_undo_gcj(x: float, y: float) -> tuple[float, float]:
    """Return what :func:`gcj` brings to a point."""
    lon, lat = undo_gcj(x, y, math.sqrt)
    return lon, lat


def one_undo_bd(x: float, y: float) -> tuple[float, float]:
    """Return what :func:`bd` brings to a point."""
    lon, lat = undo_bd(x, y, math.sqrt)
    return lon, lat


def each_gcj(lon: Floats, lat: Floats, to_x: Floats, to_y: Floats) -> None:
    """Shift points by :func:`gcj`."""
    for i in range(len(lon)):
        to_x[i], to_y[i] = gcj(lon[i], lat[i], math.sqrt)


def each_bd(lon: Floats, lat: Floats, to_x: Floats, to_y: Floats) -> None:
    """Shift points by :func:`bd`."""
    for i in range(len(lon)):
        to_x[i], to_y[i] = bd(lon[i], lat[i], math.sqrt)


def each_nearer_gcj(lon: Floats, lat: Floats, x: Floats, y: Floats) -> None:
    """Better guesses of what :func:`gcj` brings to (x, y), in their place."""
    for i in range(len(lon)):
        lon[i], lat[i] = nearer_gcj(lon[i], lat[i], x[i], y[i], math.sqrt)


def each_nearer_bd(lon: Floats, lat: Floats, x: Floats, y: Floats) -> None:
    """Better guesses of what :func:`bd` brings to (x, y), in their place."""
    for i in range(len(lon)):
        lon[i], lat[i] = nearer_bd(lon[i], lat[i], x[i], y[i], math.sqrt)
