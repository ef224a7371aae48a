"""The compiled twin of :mod:`gis.shifts`: the very same functions, and loops over arrays."""

import numpy as np

from gis import shifts
from gis.compiled.jit import twin_of
from gis.geometry import Degrees

_sine_of = twin_of(shifts.sine_of, inline=True)
_twice = twin_of(shifts.twice, inline=True)
_thrice = twin_of(shifts.thrice, inline=True)
_five_times = twin_of(shifts.five_times, inline=True)
_angle = twin_of(shifts.angle, inline=True, sine_of=_sine_of)
_waves = twin_of(
    shifts.waves, inline=True, twice=_twice, thrice=_thrice, five_times=_five_times
)  # fmt: skip
_cosine = twin_of(shifts.cosine_of_turns, inline=True, sine_of=_sine_of)

_gcj = twin_of(shifts.gcj, inline=True, angle=_angle, waves=_waves, twice=_twice)
_bd = twin_of(shifts.bd, inline=True, cosine_of_turns=_cosine)
_nearer_gcj = twin_of(shifts.nearer_gcj, inline=True, gcj=_gcj)
_nearer_bd = twin_of(shifts.nearer_bd, inline=True, bd=_bd)

_undo_gcj = twin_of(shifts.undo_gcj, nearer_gcj=_nearer_gcj)
_undo_bd = twin_of(shifts.undo_bd, nearer_bd=_nearer_bd)
one_undo_gcj = twin_of(shifts.one_undo_gcj, undo_gcj=_undo_gcj)
one_undo_bd = twin_of(shifts.one_undo_bd, undo_bd=_undo_bd)

_each_gcj = twin_of(shifts.each_gcj, gcj=_gcj)
_each_bd = twin_of(shifts.each_bd, bd=_bd)
_each_nearer_gcj = twin_of(shifts.each_nearer_gcj, nearer_gcj=_nearer_gcj)
_each_nearer_bd = twin_of(shifts.each_nearer_bd, nearer_bd=_nearer_bd)


def gcj(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift arrays as :func:`gis.shifts.gcj` does."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    _each_gcj(lon, lat, x, y)
    return x, y


def bd(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift arrays as :func:`gis.shifts.bd` does."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    _each_bd(lon, lat, x, y)
    return x, y


def undo_gcj(x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Undo as :func:`gis.shifts.undo_gcj` does."""
    lon, lat = x.copy(), y.copy()
    for _ in range(shifts.GCJ_STEPS):
        _each_nearer_gcj(lon, lat, x, y)
    return lon, lat


def undo_bd(x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Undo as :func:`gis.shifts.undo_bd` does."""
    lon, lat = x - shifts.BD_EAST, y - shifts.BD_NORTH
    for _ in range(shifts.BD_STEPS):
        _each_nearer_bd(lon, lat, x, y)
    return lon, lat
