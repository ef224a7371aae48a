"""The compiled twin of :mod:`gis.edges`: the very same formulas, point by point."""

import math
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gis import edges, ellipsoid
from gis.compiled.jit import inlined, jit, twin_of
from gis.edges import Runs

_ROOM: Final = 64  # edges that can be nearest to one point
_AT_ONCE: Final = 128  # edges that are sieved at once
_PAIRS: Final = 512  # of a point and an edge that are measured at once

Floats: TypeAlias = NDArray[np.float64]


@inlined
def _maximum(one: float, other: float) -> float:
    """Return the larger of two numbers, neither of which is NaN; many at once, if need be."""
    return one if one > other else other


@inlined
def _minimum(one: float, other: float) -> float:
    """Return the smaller one."""
    return one if one < other else other


either: Any = {"maximum": _maximum, "minimum": _minimum}
_metres_a_degree = twin_of(ellipsoid.metres_a_degree, inline=True)
_foot_along = twin_of(edges.foot_along, inline=True, **either)
_box_square = twin_of(edges.box_square, inline=True, **either)
_flat_square = twin_of(edges.flat_square, inline=True, foot_along=_foot_along)
_reach = twin_of(edges.reach, inline=True)
_nearest_on = twin_of(
    edges.nearest_on, inline=True, metres_a_degree=_metres_a_degree, foot_along=_foot_along
)


class Notes(NamedTuple):
    """Room for the edges of one boundary that can be nearest to a point."""

    edges: NDArray[np.int64]
    squares: Floats
    some: Floats


class Pairs(NamedTuple):
    """Room for points with edges that can be nearest, and for how far these are."""

    point: NDArray[np.int64]
    lon: Floats
    lat: Floats
    from_lon: Floats
    from_lat: Floats
    to_lon: Floats
    to_lat: Floats
    east: Floats
    north: Floats


@jit
def distances(
    vertices: Floats,
    runs: tuple[Any, ...],
    here: tuple[Floats, Floats],
    which: tuple[NDArray[np.intp], NDArray[np.intp]],
    out: tuple[Floats, Floats, Floats],
) -> None:
    """Write the metres to the boundary of each point's geometry, and where it is nearest.

    ``which`` holds the geometries, and in which order the points are taken. Some are taken at a
    time: first all their edges are sieved, then the long formula is worked out for what is left.
    """
    boundary, notes, room = Runs(*runs), _notes(), _PAIRS + _ROOM
    pairs = Pairs(
        np.empty(room, np.int64), np.empty(room), np.empty(room), np.empty(room), np.empty(room),
        np.empty(room), np.empty(room), np.empty(room), np.empty(room),
    )  # fmt: skip
    out[0][:] = math.nan
    count = 0
    for i in which[1]:
        lon, lat = here[0][i], here[1][i]
        scale = _metres_a_degree(lat)
        noted = _sieve(vertices, boundary, (lon, lat), scale, which[0][i], notes)
        if noted < 0:
            out[0][i], out[1][i], out[2][i] = _nearest_of_all(
                vertices, boundary, (lon, lat), scale, which[0][i]
            )
        for turn in range(noted):
            at = notes.edges[turn]
            pairs.point[count], pairs.lon[count], pairs.lat[count] = i, lon, lat
            pairs.from_lon[count], pairs.from_lat[count] = vertices[at, 0], vertices[at, 1]
            pairs.to_lon[count], pairs.to_lat[count] = vertices[at + 1, 0], vertices[at + 1, 1]
            pairs.east[count], pairs.north[count] = scale
            count += 1
        if count >= _PAIRS:
            _measure(pairs, count, out)
            count = 0
    _measure(pairs, count, out)
    for i in which[1]:
        out[0][i] = math.sqrt(out[0][i])


@jit
def _measure(pairs: Pairs, count: int, out: tuple[Floats, Floats, Floats]) -> None:
    """Write to each point the nearest of its edges: the square of the metres, and the foot."""
    for k in range(count):
        x, y, lon, lat = _nearest_on(
            (pairs.lon[k], pairs.lat[k]),
            (pairs.from_lon[k], pairs.from_lat[k], pairs.to_lon[k], pairs.to_lat[k]),
            (pairs.east[k], pairs.north[k]),
        )
        pairs.east[k], pairs.lon[k], pairs.lat[k] = x * x + y * y, lon, lat
    for k in range(count):
        i = pairs.point[k]
        if not pairs.east[k] > out[0][i]:
            out[0][i], out[1][i], out[2][i] = pairs.east[k], pairs.lon[k], pairs.lat[k]


@jit
def distance(
    vertices: Floats, runs: tuple[Any, ...], here: tuple[float, float], which: int
) -> tuple[float, float, float]:
    """Return the metres to the boundary of one geometry, and where it is nearest."""
    boundary, notes, scale = Runs(*runs), _notes(), _metres_a_degree(here[1])
    noted = _sieve(vertices, boundary, here, scale, which, notes)
    square, lon, lat = math.nan, here[0], here[1]
    if noted < 0:
        square, lon, lat = _nearest_of_all(vertices, boundary, here, scale, which)
    for turn in range(noted):
        x, y, foot_lon, foot_lat = _nearest_on(here, _ends(vertices, notes.edges[turn]), scale)
        if not x * x + y * y > square:
            square, lon, lat = x * x + y * y, foot_lon, foot_lat
    return math.sqrt(square), lon, lat


@inlined
def _notes() -> Notes:
    return Notes(np.empty(_ROOM, dtype=np.int64), np.empty(_ROOM), np.empty(_AT_ONCE))


@inlined
def _sieve(
    vertices: Floats,
    runs: Runs,
    here: tuple[float, float],
    scale: tuple[float, float],
    which: int,
    notes: Notes,
) -> int:
    """Note the few edges that can be nearest, and return how many; −1 if there is no room."""
    first, end = runs.first[which], runs.first[which + 1]
    if first == end:
        return 0
    # the run whose box is nearest goes first: mostly it rules out all the others
    nearest, nearest_square = first, math.inf
    for run in range(first, end):
        square = _box_square(here, _box(runs.boxes, run), scale)
        if square < nearest_square:
            nearest, nearest_square = run, square
    stretch = runs.start[nearest], runs.start[nearest] + runs.size[nearest]
    noted, within = _sieve_run(vertices, stretch, here, scale, notes, (0, math.inf))
    for run in range(first, end):
        if (
            noted >= 0
            and run != nearest
            and _box_square(here, _box(runs.boxes, run), scale) <= within
        ):
            stretch = runs.start[run], runs.start[run] + runs.size[run]
            noted, within = _sieve_run(vertices, stretch, here, scale, notes, (noted, within))
    if noted < 0:
        return -1
    noted = _kept(notes, noted, within)
    if noted > 1:
        notes.edges[:noted].sort()
    return noted


@inlined
def _box(boxes: Floats, run: int) -> tuple[float, float, float, float]:
    return boxes[run, 0], boxes[run, 1], boxes[run, 2], boxes[run, 3]


@inlined
def _sieve_run(
    vertices: Floats,
    stretch: tuple[int, int],
    here: tuple[float, float],
    scale: tuple[float, float],
    notes: Notes,
    so_far: tuple[int, float],
) -> tuple[int, float]:
    """Note the edges of one run that can be nearest; how many now, and within which square."""
    noted, within = so_far
    for part in range(stretch[0], stretch[1], _AT_ONCE):
        count = min(_AT_ONCE, stretch[1] - part)
        least = _squares(vertices[part : part + count + 1], here, scale, notes.some)
        if least > within:
            continue
        within = min(within, _reach(least, scale))
        for k in range(count):
            if notes.some[k] <= within:
                if noted == _ROOM:  # leave out what has been passed by since
                    noted = _kept(notes, noted, within)
                if noted == _ROOM:
                    return -1, within
                notes.edges[noted], notes.squares[noted] = part + k, notes.some[k]
                noted += 1
    return noted, within


@inlined
def _squares(
    line: Floats,
    here: tuple[float, float],
    scale: tuple[float, float],
    out: Floats,
) -> float:
    """Write the squared metres to each edge of a line, several at once, and return the least."""
    for k in range(len(line) - 1):
        out[k] = _flat_square(here, (line[k, 0], line[k, 1], line[k + 1, 0], line[k + 1, 1]), scale)
    least = math.inf
    for k in range(len(line) - 1):
        least = _minimum(least, out[k])
    return least


@inlined
def _kept(notes: Notes, noted: int, within: float) -> int:
    """Keep the noted edges that are still within reach, and return how many these are."""
    kept = 0
    for k in range(noted):
        if notes.squares[k] <= within:
            notes.edges[kept], notes.squares[kept] = notes.edges[k], notes.squares[k]
            kept += 1
    return kept


@jit
def _nearest_of_all(
    vertices: Floats,
    runs: Runs,
    here: tuple[float, float],
    scale: tuple[float, float],
    which: int,
) -> tuple[float, float, float]:
    """Measure every edge, where very many are equally near; the square, and the foot."""
    best, lon, lat = math.nan, here[0], here[1]
    for run in range(runs.first[which], runs.first[which + 1]):
        for at in range(runs.start[run], runs.start[run] + runs.size[run]):
            x, y, foot_lon, foot_lat = _nearest_on(here, _ends(vertices, at), scale)
            if not x * x + y * y > best:
                best, lon, lat = x * x + y * y, foot_lon, foot_lat
    return best, lon, lat


@inlined
def _ends(vertices: Floats, at: int) -> tuple[float, float, float, float]:
    """Return where an edge begins and ends."""
    return vertices[at, 0], vertices[at, 1], vertices[at + 1, 0], vertices[at + 1, 1]
