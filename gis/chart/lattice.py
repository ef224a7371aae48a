"""Households of one building, registered at one point, spread so that each can be seen.

Registers give every household of a building the same coordinates. A chart draws each of them
at a place of its own: in a lattice over the building's outline where that is known, else around
the point. It is a place on a chart, never one in the data, and always the same for the same data.
"""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Degrees, Geometries, Positions

PITCH: Final = 4e-5
"""Degrees of latitude between neighbours (about 4.4 m) where no outline is known."""

_TRIES: Final = 24


def spread(
    lon: Degrees, lat: Degrees, building: Positions, outlines: Geometries
) -> tuple[Degrees, Degrees]:
    """Give households that share a point places of their own.

    Parameters
    ----------
    lon, lat
        Where each household is registered, finite. Neighbours in this order become neighbours in
        the lattice.
    building
        Position of each household's building in ``outlines``, or -1.
    outlines
        The buildings' polygons in the same CRS; may hold None.

    Returns
    -------
    tuple of ndarray of float
        Longitudes and latitudes; a household alone on its point stays where it is.

    Examples
    --------
    >>> lon, lat = spread(
    ...     np.array([5.0, 5.0, 6.0]), np.array([0.0, 0.0, 0.0]),
    ...     np.array([0, 0, -1]), np.array([shapely.box(4.9, -0.01, 5.1, 0.01)]),
    ... )
    >>> lon.round(3).tolist(), np.abs(lat).round(3).tolist()
    ([4.95, 5.05, 6.0], [0.0, 0.0, 0.0])
    """
    drawn_lon, drawn_lat = lon.copy(), lat.copy()
    spots = np.rint(np.column_stack([lon, lat]) * 1e7).astype(np.int64)
    _, group, size = np.unique(spots, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    rows = np.argsort(group, kind="stable")
    ends = np.cumsum(size)
    for end, count in zip(ends[size > 1], size[size > 1], strict=True):
        members = rows[end - count : end]
        first = members[0]
        stretch = max(np.cos(np.radians(lat[first])), 1e-6)
        outline = outlines[building[first]] if building[first] >= 0 else None
        places = _inside(outline, stretch, int(count)) if outline is not None else None
        if places is None:
            places = _around(lon[first] * stretch, lat[first], int(count))
        drawn_lon[members] = places[:, 0] / stretch
        drawn_lat[members] = places[:, 1]
    return drawn_lon, drawn_lat


def _around(x: float, y: float, count: int) -> NDArray[np.float64]:
    columns = int(np.ceil(np.sqrt(count)))
    row, column = np.divmod(np.arange(count), columns)
    rows = (count - 1) // columns
    return np.column_stack(
        [x + (column - (columns - 1) / 2) * PITCH, y - (row - rows / 2) * PITCH]
    ).astype(np.float64)


def _inside(outline: shapely.Geometry, stretch: float, count: int) -> NDArray[np.float64] | None:
    """Return ``count`` places inside the outline, row by row along its longer side; or None."""
    flat = shapely.transform(outline, lambda xy: xy * [stretch, 1.0])
    envelope = shapely.oriented_envelope(flat)
    area = float(shapely.area(flat))
    if not area > 0 or shapely.get_type_id(envelope) != 3:
        return None
    corners = shapely.get_coordinates(envelope)
    sides = corners[1:3] - corners[0:2]
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    along, across = (0, 1) if lengths[0] >= lengths[1] else (1, 0)
    axes = sides / lengths[:, None]
    axes *= np.where(axes[:, :1] < 0, -1.0, 1.0)  # rows read from west to east
    middle = (corners[0] + corners[2]) / 2
    shapely.prepare(flat)
    pitch = np.sqrt(area / count)
    for tried in range(_TRIES):
        rows = max(round(lengths[across] / pitch), 1)
        columns = max(int(lengths[along] / pitch) * (tried > 0), -(-count // rows))
        step = np.array([lengths[along] / columns, lengths[across] / rows])
        row, column = np.divmod(np.arange(rows * columns), columns)
        places = (
            middle
            + np.outer((column - (columns - 1) / 2) * step[0], axes[along])
            - np.outer((row - (rows - 1) / 2) * step[1], axes[across])
        )
        inside = places[shapely.contains_xy(flat, places[:, 0], places[:, 1])]
        if len(inside) >= count:
            chosen: NDArray[np.float64] = inside[np.arange(count) * len(inside) // count]
            return chosen
        pitch *= 0.93
    return None
