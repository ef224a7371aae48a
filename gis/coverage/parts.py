"""Areas between, over and beside grids, told apart by their width."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coverage.order import Tolerances
from gis.geometry import Geometries
from gis.measure import areas_m2, lengths_m


@dataclass(frozen=True)
class Part:
    """The wide or the narrow parts of one of many areas, together above the tolerance."""

    position: int
    is_narrow: bool
    shape: shapely.Geometry
    square_metres: float


def wide_and_narrow(shapes: Geometries, tolerances: Tolerances) -> Iterator[Part]:
    """Return the wide, then the narrow parts of each area, each if above the tolerance.

    Parameters
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS; only their polygons count.
    tolerances : Tolerances
        From which area on something is a part, and below which width it is narrow.

    Examples
    --------
    >>> strip, block = shapely.box(0, 0, 1, 1e-6), shapely.box(0, 0, 1, 1)
    >>> found = wide_and_narrow(np.array([strip, block]), Tolerances())
    >>> [(part.position, part.is_narrow) for part in found]
    [(0, True), (1, False)]
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)  # collections nest once
    owner = owner[inner]
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[polygonal], owner[polygonal]
    areas = areas_m2(parts)
    around = lengths_m(parts)
    # a strip of width w and length l has the area w·l and a boundary of about 2·l
    narrow = 2 * areas / np.where(around > 0, around, np.inf) < tolerances.sliver_m
    group = 2 * owner + narrow
    sums = np.bincount(group, weights=areas, minlength=0)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(sums) + 1))
    for number in np.flatnonzero(sums > tolerances.area_m2):
        chosen = parts[order[starts[number] : starts[number + 1]]]
        yield Part(int(number) // 2, bool(number % 2), _joined(chosen), float(sums[number]))


def _joined(parts: NDArray[Any]) -> Any:
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
