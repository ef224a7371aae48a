"""The compiled twin of :mod:`gis.edges`: the very same formulas, point by point."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gis import edges, ellipsoid
from gis.compiled.jit import jit, twin_of
from gis.edges import Runs

_ROOM: Final = 64  # edges that can be nearest to one point

_metres_a_degree = twin_of(ellipsoid.metres_a_degree, inline=True)
_foot_along = twin_of(edges.foot_along, inline=True)
_box_squares = twin_of(edges.box_squares, inline=True)
_flat_square = twin_of(edges.flat_square, inline=True, foot_along=_foot_along)
_reach = twin_of(edges.reach, inline=True)
_nearest_on = twin_of(
    edges.nearest_on, inline=True, metres_a_degree=_metres_a_degree, foot_along=_foot_along
)


@jit
def distances(
    vertices: NDArray[np.float64],
    runs: tuple[Any, ...],
    here: tuple[NDArray[np.float64], NDArray[np.float64]],
    which: tuple[NDArray[np.intp], NDArray[np.intp]],
    out: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Write the metres to the boundary of each point's geometry, and where it is nearest.

    ``which`` holds the geometries, and in which order the points are taken.
    """
    edges, squares = np.empty(_ROOM, dtype=np.int64), np.empty(_ROOM)
    for i in which[1]:
        out[0][i], out[1][i], out[2][i] = _distance(
            vertices, Runs(*runs), (here[0][i], here[1][i]), which[0][i], (edges, squares)
        )


@jit
def distance(
    vertices: NDArray[np.float64], runs: tuple[Any, ...], here: tuple[float, float], which: int
) -> tuple[float, float, float]:
    """Return the metres to the boundary of one geometry, and where it is nearest."""
    found: tuple[float, float, float] = _distance(
        vertices, Runs(*runs), here, which, (np.empty(_ROOM, dtype=np.int64), np.empty(_ROOM))
    )
    return found


@jit
def _distance(
    vertices: NDArray[np.float64],
    runs: Runs,
    here: tuple[float, float],
    which: int,
    room: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> tuple[float, float, float]:
    """Sieve the edges as :mod:`gis.edges` does, noting the few that can be nearest."""
    first, end = runs.first[which], runs.first[which + 1]
    scale = _metres_a_degree(here[1])
    edges, squares = room
    within = math.inf
    if end - first > 1:
        for run in range(first, end):
            within = min(within, _away(vertices, runs, run, here, scale)[1])
        within = _reach(within, scale)
    noted, least = 0, math.inf
    for run in range(first, end):
        if end - first > 1 and _away(vertices, runs, run, here, scale)[0] > within:
            continue
        for at in range(runs.start[run], runs.start[run] + runs.size[run]):
            square = _flat_square(here, _ends(vertices, at), scale)
            if square > within:
                continue
            if square < least:
                least = square
                within = min(within, _reach(least, scale))
            if noted == _ROOM:  # leave out what has been passed by since
                noted = _kept(edges, squares, within)
            if noted == _ROOM:
                return _nearest_of_all(vertices, runs, here, which)
            edges[noted], squares[noted] = at, square
            noted += 1
    best, lon, lat = math.nan, here[0], here[1]
    for k in range(noted):
        if squares[k] <= within:
            x, y, foot_lon, foot_lat = _nearest_on(here, _ends(vertices, edges[k]))
            if not x * x + y * y > best:
                best, lon, lat = x * x + y * y, foot_lon, foot_lat
    return math.sqrt(best), lon, lat


@jit
def _kept(edges: NDArray[np.int64], squares: NDArray[np.float64], within: float) -> int:
    """Keep the noted edges that are still within reach, and return how many these are."""
    kept = 0
    for k in range(len(edges)):
        if squares[k] <= within:
            edges[kept], squares[kept] = edges[k], squares[k]
            kept += 1
    return kept


@jit
def _nearest_of_all(
    vertices: NDArray[np.float64], runs: Runs, here: tuple[float, float], which: int
) -> tuple[float, float, float]:
    """Measure every edge, where very many are equally near."""
    best, lon, lat = math.nan, here[0], here[1]
    for run in range(runs.first[which], runs.first[which + 1]):
        for at in range(runs.start[run], runs.start[run] + runs.size[run]):
            x, y, foot_lon, foot_lat = _nearest_on(here, _ends(vertices, at))
            if not x * x + y * y > best:
                best, lon, lat = x * x + y * y, foot_lon, foot_lat
    return math.sqrt(best), lon, lat


@jit
def _ends(vertices: NDArray[np.float64], at: int) -> tuple[float, float, float, float]:
    """Return where an edge begins and ends."""
    return vertices[at, 0], vertices[at, 1], vertices[at + 1, 0], vertices[at + 1, 1]


@jit
def _away(
    vertices: NDArray[np.float64],
    runs: Runs,
    run: int,
    here: tuple[float, float],
    scale: tuple[float, float],
) -> tuple[float, float]:
    """Return the squared metres that a run is away at least, and at most."""
    box, at = runs.boxes[run], runs.start[run]
    corner = vertices[at, 0], vertices[at, 1]
    away: tuple[float, float] = _box_squares(here, (box[0], box[1], box[2], box[3]), corner, scale)
    return away
