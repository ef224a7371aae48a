"""What may be handed to an index: grids with codes, and points; refused in words what may not."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gis.errors import InvalidGrids, InvalidPoints
from gis.exact import TINY
from gis.geometry import Degrees, Geometries
from gis.rings import Rings

_POLYGONAL: Final = (3, 6)  # shapely's type ids of Polygon and MultiPolygon


def coordinates(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Return both as flat float64 arrays of one length."""
    try:
        if {np.asarray(lon).dtype.kind, np.asarray(lat).dtype.kind} & set("cmM"):
            raise TypeError("complex numbers and times are no degrees")
        lons = np.atleast_1d(np.asarray(lon, dtype=np.float64))
        lats = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InvalidPoints("longitudes and latitudes must be numbers") from error
    if lons.shape != lats.shape or lons.ndim != 1:
        raise InvalidPoints(
            f"longitudes of shape {lons.shape} and latitudes of shape {lats.shape}: "
            "give one latitude for each longitude, in a row"
        )
    return lons, lats


def geometry_array(geometries: Geometries) -> Geometries:
    """Return a flat object array that holds them."""
    if isinstance(geometries, np.ndarray) and geometries.ndim == 1:
        return geometries.astype(object)
    array = np.empty(len(geometries), dtype=object)
    array[:] = list(geometries)
    return array


def check_grids(codes: Sequence[str], geometries: Geometries) -> None:
    """Refuse what no index can be made of, and say which grid it is."""
    if len(codes) != len(geometries):
        raise InvalidGrids(
            f"{len(codes)} codes for {len(geometries)} geometries: give one code for each grid"
        )
    seen: dict[str, int] = {}
    for position, code in enumerate(codes):
        if not isinstance(code, str) or not code:
            raise InvalidGrids(f"grid {position + 1} has no code (found {code!r})")
        if code in seen:
            raise InvalidGrids(
                f"the code {code} comes twice, at grids {seen[code] + 1} and {position + 1}: "
                "give each grid a code of its own, or join its pieces into one MultiPolygon"
            )
        seen[code] = position
    for position, geometry in enumerate(geometries):
        if geometry is not None and not isinstance(geometry, shapely.Geometry):
            raise InvalidGrids(f"grid {codes[position]} has no geometry but {geometry!r}")
    kinds = shapely.get_type_id(geometries)
    wrong = np.flatnonzero(~shapely.is_missing(geometries) & ~np.isin(kinds, _POLYGONAL))
    if wrong.size:
        position = int(wrong[0])
        raise InvalidGrids(
            f"grid {codes[position]} is a {geometries[position].geom_type}, "
            "but a grid is a Polygon or MultiPolygon"
        )


def check_vertices(codes: Sequence[str], rings: Rings) -> None:
    """Refuse vertices at infinity or NaN, and those that no exact product can be made of."""
    if rings.vertices.min(initial=1.0) >= TINY and np.isfinite(rings.vertices.max(initial=1.0)):
        return  # as nearly always in the north and east
    size = np.abs(rings.vertices)
    bad = np.flatnonzero(~(np.isfinite(size) & ((size == 0.0) | (size >= TINY))).all(axis=1))
    if bad.size:
        ring = int(np.searchsorted(rings.starts, bad[0], side="right")) - 1
        raise InvalidGrids(
            f"grid {codes[rings.grids[ring]]} has a vertex at {rings.vertices[bad[0]].tolist()}: "
            f"a coordinate must be finite, and 0 or at least {TINY} in size"
        )
