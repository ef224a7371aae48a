"""Metres for one file: degrees scaled so that no distance comes out shorter than it is."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.ellipsoid import metres_a_degree
from gis.geometry import Geometries

Points = NDArray[np.float64]  # shape (n, 2)


class Plane:
    """A plane on which every distance of a file is at least what it is on the ellipsoid.

    A degree of longitude counts as on the file's latitude next to the equator, one of latitude as
    on that furthest from it. So nothing that is within a tolerance here is beyond it on the ground;
    in a county the two differ by less than a hundredth.
    """

    def __init__(self, shapes: Geometries) -> None:
        latitudes = shapely.get_coordinates(shapes)[:, 1]
        south, north = (latitudes.min(), latitudes.max()) if len(latitudes) else (0.0, 0.0)
        nearest = min(max(0.0, south), north)
        furthest = max(south, north, key=abs)
        self.scale = np.array([metres_a_degree(nearest)[0], metres_a_degree(furthest)[1]])

    def __call__(self, geometries: Any) -> Any:
        """Return one geometry or an array of them in metres."""
        return shapely.transform(geometries, lambda degrees: degrees * self.scale)

    def points(self, degrees: Points) -> Geometries:
        """Return positions as points in metres."""
        points: Geometries = shapely.points(degrees * self.scale)
        return points
