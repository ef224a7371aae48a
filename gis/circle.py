"""How much of an accuracy circle lies in each of some grids."""

import math
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis import compiled
from gis.ellipsoid import metres_a_degree
from gis.geometry import Degrees, Positions
from gis.ownership import GridIndex

_ANGLES: Final = np.linspace(0, 2 * np.pi, 128, endpoint=False)
_REACH: Final = np.sqrt(_ANGLES[1] / np.sin(_ANGLES[1]))
_CIRCLE: Final = _REACH * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
"""The corners of a circle of radius 1; they stand out by 0.02 %, so that its area is right."""

_OVER: Final = 1e-9  # shares of more than the whole: grids overlap there


def shares(
    grids: GridIndex, positions: Positions, lon: float, lat: float, radius_m: float
) -> NDArray[np.float64]:
    """Return the share of a circle on the ground that lies in each grid.

    Parameters
    ----------
    grids : GridIndex
    positions : ndarray of intp, shape (n,)
        Grids in order of precedence: what one takes, those behind it cannot.
    lon, lat : float
        The middle of the circle, in degrees.
    radius_m : float
        Metres.

    Returns
    -------
    ndarray of float, shape (n,)
        From 0 to 1; their sum is less than 1 where part of the circle lies in no grid.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> index = GridIndex(["G01", "G02"], np.array([left, right]))
    >>> shares(index, np.array([0, 1]), 1.0, 0.5, 30.0).round(9).tolist()
    [0.5, 0.5]
    """
    if all(grids.is_simple(at) for at in positions.tolist()):
        found = _areas(grids, positions, lon, lat, radius_m) / (math.pi * radius_m * radius_m)
        if found.sum() <= 1 + _OVER:
            return np.clip(found, 0.0, 1.0)
    return _taken_in_order(grids, positions, lon, lat, radius_m)


def _areas(
    grids: GridIndex, positions: Positions, lon: float, lat: float, radius_m: float
) -> NDArray[np.float64]:
    """Return the square metres of the circle in each grid, each for itself.

    An edge cuts from the circle a sector before it enters, a triangle while it is inside, and a
    sector after it has left, as seen from the middle; the sum over a ring is its share.
    """
    east, north = metres_a_degree(lat, math.sqrt)
    fast = compiled.twin("circle")
    if fast is not None:
        found: NDArray[np.float64] = fast.areas(
            *grids.outlines, positions, (lon, lat), (east, north), radius_m
        )
        return found
    rings = grids.rings(positions)
    x, y = (rings.vertices[:, 0] - lon) * east, (rings.vertices[:, 1] - lat) * north
    start = rings.edges
    px, py, qx, qy = x[start], y[start], x[start + 1], y[start + 1]
    dx, dy = qx - px, qy - py
    square = radius_m * radius_m
    a = np.maximum(dx * dx + dy * dy, 1e-300)
    b = px * dx + py * dy
    root = np.sqrt(np.maximum(b * b - a * (px * px + py * py - square), 0.0))
    enters = np.clip((-b - root) / a, 0.0, 1.0)
    leaves = np.clip((-b + root) / a, enters, 1.0)
    ax, ay, bx, by = px + enters * dx, py + enters * dy, px + leaves * dx, py + leaves * dy
    twice = square * (_angle(px, py, ax, ay) + _angle(bx, by, qx, qy)) + (ax * by - ay * bx)
    ring = np.searchsorted(rings.starts, start, side="right") - 1
    of_ring = np.abs(np.bincount(ring, twice, minlength=len(rings.shells))) / 2.0
    signed = np.where(rings.shells, of_ring, -of_ring)
    areas: NDArray[Any] = np.bincount(rings.grids, signed, minlength=len(positions))
    return areas


def _angle(px: Degrees, py: Degrees, qx: Degrees, qy: Degrees) -> NDArray[np.float64]:
    """Return the angle from p to q as seen from the middle, −π to π."""
    return np.asarray(np.arctan2(px * qy - py * qx, px * qx + py * qy))


def _taken_in_order(
    grids: GridIndex, positions: Positions, lon: float, lat: float, radius_m: float
) -> NDArray[np.float64]:
    """Return the shares where grids overlap: each takes from what is left, cut as polygons."""
    east, north = metres_a_degree(lat, math.sqrt)
    circle = shapely.Polygon(_CIRCLE * (radius_m / east, radius_m / north) + (lon, lat))
    found = np.zeros(len(positions))
    rest: shapely.Geometry = circle
    for turn, grid in enumerate(positions.tolist()):
        outline = shapely.make_valid(grids.outline(grid))
        found[turn] = shapely.area(shapely.intersection(rest, outline)) / circle.area
        rest = shapely.difference(rest, outline)
    return found
