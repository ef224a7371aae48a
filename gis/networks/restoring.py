"""Corners as they were drawn: a border that nobody moved is the same line as before.

The overlay works on a lattice of 0.1 mm. Points on a border have their owner by the border's exact
line (streets are borders, and cases lie on them), so that line must not move by a hair's breadth.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.networks.overlay import LATTICE_DEGREES

Coordinates = NDArray[np.float64]
_Keys = NDArray[np.complex128]


def as_drawn(
    shapes: Geometries, leading: Iterable[Geometries], others: Iterable[Geometries] = ()
) -> Geometries:
    """Return a coverage on the lattice with its corners where they were drawn.

    Parameters
    ----------
    shapes : ndarray of Polygon or MultiPolygon, shape (n,)
        A valid coverage, its coordinates on the lattice.
    leading : iterable of ndarray of geometries
        The outlines whose borders it has; of two corners at one place the earlier one's counts.
    others : iterable of ndarray of geometries
        Other outlines that it was made with.

    Returns
    -------
    ndarray of Polygon or MultiPolygon, shape (n,)
        A valid coverage. Corners that the overlay or other outlines put on a straight border are
        gone where nothing branches off. Where it would be no valid coverage (outlines that lie
        within 0.1 mm of one another), the shapes as they came.

    Examples
    --------
    >>> third = shapely.box(0, 0, 1 / 3, 1)
    >>> on_lattice = np.array([shapely.set_precision(third, 1e-9)])
    >>> as_drawn(on_lattice, [np.array([third])])[0].bounds == third.bounds
    True
    """
    if not len(shapes):
        return shapes
    first_corners = [shapely.get_coordinates(layer) for layer in leading]
    corners = np.concatenate([*first_corners, *(shapely.get_coordinates(o) for o in others)])
    leading_count = sum(map(len, first_corners))
    keys, first = np.unique(_keys(corners), return_index=True)
    known = corners[first]
    points = shapely.get_coordinates(shapes)
    at = np.minimum(np.searchsorted(keys, _keys(points)), len(keys) - 1)
    found = keys[at] == _keys(points)
    restored = np.where(found[:, None], known[at], points)
    moved = shapely.set_coordinates(shapes.copy(), restored)
    stays = found & (first[at] < leading_count)
    spare = _spare(moved, restored[~stays])
    lean = np.array([_without(shape, spare) for shape in moved], dtype=object)
    for candidate in (lean, moved):
        if shapely.is_valid(candidate).all() and shapely.coverage_is_valid(candidate):
            return candidate
    return shapes


def _keys(points: Coordinates) -> _Keys:
    """Return the place of each point on the lattice, as one sortable value."""
    lattice = np.rint(points / LATTICE_DEGREES)
    keys: _Keys = lattice[:, 0] + 1j * lattice[:, 1]
    return keys


def _spare(shapes: Geometries, inserted: Coordinates) -> set[tuple[float, float]]:
    """Return the inserted points at which a border runs straight on and nothing branches off."""
    beside: dict[tuple[float, float], set[tuple[float, float]]] = {
        (x, y): set() for x, y in inserted.tolist()
    }
    for ring in _rings(shapes):
        points = [(x, y) for x, y in ring.tolist()]
        for one, two in zip(points, [*points[1:], points[0]], strict=True):
            if one in beside:
                beside[one].add(two)
            if two in beside:
                beside[two].add(one)
    return {
        point for point, ends in beside.items() if len(ends) == 2 and _is_straight(point, *ends)
    }


def _is_straight(
    point: tuple[float, float], one: tuple[float, float], two: tuple[float, float]
) -> bool:
    line = shapely.LineString([one, two])
    return bool(line.distance(shapely.Point(point)) <= 2 * LATTICE_DEGREES)


def _rings(shapes: Geometries) -> Iterator[Coordinates]:
    """Return the points of each ring, the first not repeated."""
    for ring in shapely.get_rings(shapely.get_parts(shapes)):
        yield shapely.get_coordinates(ring)[:-1]


def _without(shape: Any, spare: set[tuple[float, float]]) -> Any:
    parts = []
    for part in shapely.get_parts(shape):
        rings = []
        for points in _rings(part):
            kept = [point for point in points.tolist() if tuple(point) not in spare]
            rings.append(kept if len(kept) >= 3 else points.tolist())
        parts.append(shapely.Polygon(rings[0], rings[1:]))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
