"""Outlines that cross themselves so often that to mend them would stop the service for minutes.

What is drawn by hand crosses itself a few times. A star of 101 corners in which each side crosses
all others took GEOS twenty seconds to make valid, and gigabytes with 2,001.
"""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.exact import TINY
from gis.geometry import Geometries
from layers.errors import LayerRefused

CORNERS_MAX: Final = 200_000
"""Of one outline."""

CROSSINGS_MAX: Final = 500
"""Of one outline with itself."""

ALL_CROSSINGS_MAX: Final = 5_000
"""Of all outlines of a file, each with itself."""

_SEGMENTS_AT_ONCE: Final = 50_000
_TOUCHES_MAX: Final = 30
_LARGE: Final = 2_000


def refuse_tangles(shapes: Geometries, rows: NDArray[np.int64], name: str) -> None:
    """Refuse a layer with an outline that no place has: a tangle, too many corners, too tiny ones.

    Raises
    ------
    LayerRefused
        Names the row.
    """
    corners = shapely.get_num_coordinates(shapes)
    for position in np.flatnonzero(corners > CORNERS_MAX):
        raise LayerRefused(
            f"{name}, row {rows[position]}: the outline has {corners[position]:,} corners; at most "
            f"{CORNERS_MAX:,} are taken. Simplify it, to half a metre or so."
        )
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    for position in of[((xy != 0) & (np.abs(xy) < TINY)).any(axis=1)]:
        raise LayerRefused(
            f"{name}, row {rows[position]}: a coordinate is smaller than {TINY} and not 0; from "
            "such numbers nothing can be computed."
        )
    flat = shapely.get_dimensions(shapes) == 2
    large = flat & (corners > _LARGE)
    suspect = large.copy()
    # To see that a large tangle is not valid takes as long as to mend it.
    suspect[flat & ~large] = ~shapely.is_valid(shapes[flat & ~large])
    total = 0
    for position in np.flatnonzero(suspect):
        found = crossings(shapes[position])
        total += found
        if found > CROSSINGS_MAX or total > ALL_CROSSINGS_MAX:
            raise LayerRefused(
                f"{name}, row {rows[position]}: the outline crosses or repeats itself more often "
                f"than {CROSSINGS_MAX} times, or those of the file together more than "
                f"{ALL_CROSSINGS_MAX:,} times. Mend it where it was drawn, and send it again."
            )


def crossings(shape: shapely.Geometry) -> int:
    """Return how often an outline crosses itself; counting ends above what is let through.

    Examples
    --------
    >>> crossings(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))
    1
    """
    segments = _segments(shape)
    if not len(segments):
        return 0
    tree = STRtree(segments)
    # In no order that anybody can foresee, so that the first few tell what the others are like.
    segments = np.random.default_rng().permutation(segments)
    seen, step, crossed, touched = 0, 1, 0, 0
    while seen < len(segments):
        part = segments[seen : seen + step]
        one, two = tree.query(part, predicate="intersects")
        seen, step = seen + len(part), min(2 * step, _SEGMENTS_AT_ONCE)
        touched += len(one)
        crossed += int(shapely.crosses(part[one], tree.geometries[two]).sum())
        # Each is met from both sides. Very many that touch in one place are as bad.
        if crossed > 2 * CROSSINGS_MAX or touched > _TOUCHES_MAX * (seen + CROSSINGS_MAX):
            return CROSSINGS_MAX + 1
    return crossed // 2


def _segments(shape: shapely.Geometry) -> Geometries:
    """Return the sides of all rings, without those of no length."""
    rings = shapely.get_rings(shapely.get_parts(shapely.get_parts(shape)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if len(xy) < 2:
        return np.empty(0, dtype=object)
    sides = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
    segments: Geometries = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[sides])
    return segments
