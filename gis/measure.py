"""Areas, lengths and distances in metres, right anywhere on earth.

Everything is measured on the ellipsoid of CGCS2000, never in a map projection: a projected zone is
right in its zone only, and the product serves Baltimore as well as Jungar Banner (decision 0001).
Coordinates are degrees in the storage CRS; the edges of a geometry are straight in longitude and
latitude, as ownership takes them.
"""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from gis.crs import GEOD, crs
from gis.edges import boundary_distances_m
from gis.ellipsoid import distances_m
from gis.geometry import Geometries, Metres

__all__ = ["areas_m2", "boundary_distances_m", "distances_m", "lengths_m", "local_crs"]

_CHINA: Final = (73.5, 3.0, 135.1, 54.0)  # where the 3° zones of CGCS2000 are in official use


def areas_m2(geometries: Geometries) -> Metres:
    """Return the area of each geometry on the ellipsoid, holes left out.

    Parameters
    ----------
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS. None, empty, points and lines have no area.

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
    rings, owners, signs = _rings(geometries)
    areas = np.zeros(len(_array(geometries)))
    for ring, owner, sign in zip(rings, owners, signs, strict=True):
        area, _ = GEOD.polygon_area_perimeter(ring[:, 0], ring[:, 1])
        areas[owner] += sign * abs(area)
    return areas


def lengths_m(geometries: Geometries) -> Metres:
    """Return the length of each line, or of all rings of each polygon, in metres.

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


def _rings(
    geometries: Geometries,
) -> tuple[list[NDArray[np.float64]], NDArray[np.intp], NDArray[np.float64]]:
    """Return the rings of all polygons, whose they are, and −1 for holes."""
    parts, whose = shapely.get_parts(_array(geometries), return_index=True)
    inner, inside = shapely.get_parts(parts, return_index=True)  # collections nest once
    whose, parts = whose[inside], inner
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    cuts = np.flatnonzero(np.diff(ring)) + 1
    first = np.concatenate([[True], part[1:] != part[:-1]])[: len(part)]
    signs = np.where(first, 1.0, -1.0)
    return np.split(points, cuts) if len(rings) else [], whose[part], signs


def _summed_lengths(
    lines: NDArray[Any], owners: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    points, line = shapely.get_coordinates(lines, return_index=True)
    same = np.flatnonzero(line[1:] == line[:-1])
    metres = distances_m(points[same, 0], points[same, 1], points[same + 1, 0], points[same + 1, 1])
    sums: NDArray[np.float64] = np.zeros(count)
    np.add.at(sums, owners[line[same]], metres)
    return sums


def _line_lengths(array: NDArray[Any]) -> NDArray[np.float64]:
    parts, owners = shapely.get_parts(array, return_index=True)
    lines = shapely.get_dimensions(parts) == 1
    return _summed_lengths(parts[lines], owners[lines], len(array))
