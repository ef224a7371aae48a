"""Areas, lengths and distances in metres, right anywhere on earth.

Everything is measured on the ellipsoid of CGCS2000, never in a map projection: a projected zone is
right in its zone only, and the product serves Baltimore as well as Jungar Banner (decision 0001).
Coordinates are degrees in the storage CRS; the edges of a geometry are straight in longitude and
latitude, as ownership takes them. Areas and lengths are therefore sums over edges, and where an
edge is cut by a vertex that lies on it they stay what they were: parts add up to their whole.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from gis.crs import crs
from gis.edges import boundary_distances_m
from gis.ellipsoid import distances_m, m2_to_equator, metres_a_degree
from gis.geometry import Degrees, Geometries, Metres

__all__ = ["areas_m2", "boundary_distances_m", "distances_m", "lengths_m", "local_crs"]

_CHINA: Final = (73.5, 3.0, 135.1, 54.0)  # where the 3° zones of CGCS2000 are in official use
_GAUSS: Final = np.stack(np.polynomial.legendre.leggauss(4), axis=1) / 2.0 + [0.5, 0.0]
"""Places along an edge, from 0 to 1, and the weight of each."""

Pairs: TypeAlias = NDArray[np.float64]
"""Longitudes and latitudes, shape (n, 2)."""


def areas_m2(geometries: Geometries) -> Metres:
    """Return the area of each geometry on the ellipsoid, holes left out.

    Below an edge that is straight in degrees, the area down to the equator is the edge's width
    times the mean, along the edge, of the area below a latitude (Snyder, "Map Projections: A
    Working Manual", 1987, eq. 3-12). The mean is Gauss's of four places: for edges of up to ten
    degrees it is as exact as floating point.

    Parameters
    ----------
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS. None, empty, points and lines have no area. An edge from 179 to
        -179 degrees goes the long way round, as for ownership.

    Returns
    -------
    ndarray of float, shape (n,)
        Square metres; the orientation of the rings plays no part.

    Examples
    --------
    >>> cell = shapely.box(111.2, 39.9, 111.201, 39.901)
    >>> areas_m2(np.array([cell, None])).round(1).tolist()
    [9495.3, 0.0]
    """
    array = _array(geometries)
    rings, owners, signs = _rings(array)
    start, end, ring = _edges(rings)
    # from the ring's first latitude, not from the equator: less is lost to rounding
    base = m2_to_equator(start[np.searchsorted(ring, ring), 1])
    heights = _mean_along(m2_to_equator, start[:, 1], end[:, 1]) - base
    below = (end[:, 0] - start[:, 0]) * heights
    areas = np.abs(_sums(ring, below, len(rings)))
    return _sums(owners, signs * areas, len(array))


def lengths_m(geometries: Geometries) -> Metres:
    """Return the length of each line, or of all rings of each polygon, in metres.

    Edges are straight in degrees: along the parallel of 40° north one of a kilometre is longer than
    the geodesic between its ends by a thousandth of a millimetre, one of 100 km by 0.7 m.

    Examples
    --------
    >>> line = shapely.linestrings([[111.2, 39.9], [111.2, 40.9]])
    >>> lengths_m(np.array([line])).round(1).tolist()
    [111042.3]
    """
    array = _array(geometries)
    lines, owners = shapely.get_parts(shapely.boundary(_polygonal(array)), return_index=True)
    return _summed_lengths(lines, owners, len(array)) + _line_lengths(array)


def local_crs(lon: float, lat: float) -> CRS:
    """Return the projected CRS in which maps of a place are commonly drawn and surveyed.

    Parameters
    ----------
    lon, lat : float
        Degrees.

    Returns
    -------
    CRS
        In China the 3° Gauss-Krüger zone of CGCS2000 without zone number (EPSG:4534 to 4554),
        elsewhere the UTM zone on WGS 84.

    Examples
    --------
    >>> local_crs(111.2, 39.9).to_epsg(), local_crs(-76.6, 39.3).to_epsg()
    (4546, 32618)
    """
    west, south, east, north = _CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(3 * round(lon / 3), 75), 135)
        return crs(f"EPSG:{4534 + (meridian - 75) // 3}")
    aoi = AreaOfInterest(lon, lat, lon, lat)
    zones = query_utm_crs_info(datum_name="WGS 84", area_of_interest=aoi)
    return crs(f"EPSG:{zones[0].code}")


def _array(geometries: Geometries) -> NDArray[Any]:
    return np.atleast_1d(np.asarray(geometries, dtype=object))


def _polygonal(array: NDArray[Any]) -> NDArray[Any]:
    """Return the polygons and multipolygons; an empty polygon for all else."""
    filled = array.copy()
    filled[~np.isin(shapely.get_type_id(array), (3, 6))] = shapely.Polygon()
    return filled


def _rings(array: NDArray[Any]) -> tuple[Geometries, NDArray[np.intp], NDArray[np.float64]]:
    """Return the rings of all polygons, whose they are, and −1 for holes."""
    parts, whose = shapely.get_parts(array, return_index=True)
    inner, inside = shapely.get_parts(parts, return_index=True)  # collections nest once
    rings, part = shapely.get_rings(inner, return_index=True)
    signs = np.where(np.diff(part, prepend=-1) > 0, 1.0, -1.0)
    return rings, whose[inside[part]], signs


def _edges(lines: Geometries) -> tuple[Pairs, Pairs, NDArray[np.intp]]:
    """Return where the edges of all lines begin and end, and whose they are, ascending."""
    points, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    return points[:-1][same], points[1:][same], line[1:][same]


def _mean_along(of: Callable[[Degrees], Metres], start: Degrees, end: Degrees) -> Metres:
    """Return the mean of a smooth function of latitude along each edge."""
    step = end - start
    mean: Metres = sum(weight * of(start + place * step) for place, weight in _GAUSS)
    return mean


def _sums(owners: NDArray[np.intp], amounts: Metres, count: int) -> Metres:
    """Return the sum of each owner's amounts."""
    sums = np.zeros(count)
    np.add.at(sums, owners, amounts)
    return sums


def _summed_lengths(lines: Geometries, owners: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    start, end, line = _edges(lines)
    step = end - start

    def metres(lat: Degrees) -> Metres:
        east, north = metres_a_degree(lat)
        length: Metres = np.hypot(east * step[:, 0], north * step[:, 1])
        return length

    lengths = _mean_along(metres, start[:, 1], end[:, 1])
    return _sums(owners[line], lengths, count)


def _line_lengths(array: NDArray[Any]) -> NDArray[np.float64]:
    parts, owners = shapely.get_parts(array, return_index=True)
    lines = shapely.get_dimensions(parts) == 1
    return _summed_lengths(parts[lines], owners[lines], len(array))
