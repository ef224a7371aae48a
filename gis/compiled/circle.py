"""The compiled twin of the areas in :mod:`gis.circle`: only edges near the circle are cut."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gis import edges
from gis.compiled.edges import either
from gis.compiled.jit import inlined, jit, twin_of
from gis.edges import Runs

Floats: TypeAlias = NDArray[np.float64]

_FAR: float = 1.0 + 1e-9  # of the square of the radius: more than rounding does

_box_square = twin_of(edges.box_square, inline=True, **either)


@jit
def areas(
    rings: tuple[Floats, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]],
    runs: tuple[Any, ...],
    positions: NDArray[np.intp],
    here: tuple[float, float],
    scale: tuple[float, float],
    radius_m: float,
) -> Floats:
    """Return the square metres of a circle in each grid, each for itself."""
    vertices, starts, shells, of_grid = rings
    boundary = Runs(*runs)
    found = np.zeros(len(positions))
    square = radius_m * radius_m
    for turn in range(len(positions)):
        grid = positions[turn]
        run = boundary.first[grid]
        for ring in range(of_grid[grid], of_grid[grid + 1]):
            twice = 0.0
            while run < boundary.first[grid + 1] and boundary.start[run] < starts[ring + 1]:
                begin, size, box = boundary.start[run], boundary.size[run], boundary.boxes[run]
                corners = box[0], box[1], box[2], box[3]
                step = 1
                # a box beside the circle is seen from its middle within half a turn
                if _box_square(here, corners, scale) > square * _FAR:
                    step = size
                px, py = _metres(vertices, begin, here, scale)
                for at in range(begin + step, begin + size + 1, step):
                    qx, qy = _metres(vertices, at, here, scale)
                    twice += (
                        square * _angle(px, py, qx, qy)
                        if step > 1
                        else _cut(px, py, qx, qy, square)
                    )
                    px, py = qx, qy
                run += 1
            found[turn] += abs(twice) / 2.0 if shells[ring] else -abs(twice) / 2.0
    return found


@inlined
def _metres(
    vertices: Floats, at: int, here: tuple[float, float], scale: tuple[float, float]
) -> tuple[float, float]:
    """Return where a vertex is, seen from the middle."""
    return (vertices[at, 0] - here[0]) * scale[0], (vertices[at, 1] - here[1]) * scale[1]


@inlined
def _cut(px: float, py: float, qx: float, qy: float, square: float) -> float:
    """Return twice the area between an edge, or the circle before it, and the middle."""
    dx, dy = qx - px, qy - py
    a = max(dx * dx + dy * dy, 1e-300)
    b = px * dx + py * dy
    inner = b * b - a * (px * px + py * py - square)
    if inner <= 0.0:  # it does not meet the circle
        return square * _angle(px, py, qx, qy)
    root = math.sqrt(inner)
    enters = min(max((-b - root) / a, 0.0), 1.0)
    leaves = min(max((-b + root) / a, enters), 1.0)
    ax, ay, bx, by = px + enters * dx, py + enters * dy, px + leaves * dx, py + leaves * dy
    arcs = _angle(px, py, ax, ay) + _angle(bx, by, qx, qy)
    return square * arcs + (ax * by - ay * bx)


@inlined
def _angle(px: float, py: float, qx: float, qy: float) -> float:
    """Return the angle from p to q as seen from the middle, −π to π."""
    return math.atan2(px * qy - py * qx, px * qx + py * qy)
