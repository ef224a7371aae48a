"""Array types of the spatial core, and the marker of a point that nobody owns."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
"""Longitudes or latitudes in degrees, shape (n,)."""

Metres = NDArray[np.float64]
"""Lengths in metres (or areas in square metres), shape (n,)."""

Positions = NDArray[np.intp]
"""Positions in an array of grids or areas, shape (n,); ``OUTSIDE`` where there is none."""

Geometries = NDArray[Any]
"""Shapely geometries as an object array, shape (n,)."""

OUTSIDE: Final = -1
"""The position of no grid."""
