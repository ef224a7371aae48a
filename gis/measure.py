"""Areas, lengths and distances in metres, right anywhere on earth.

Everything is measured on the ellipsoid of CGCS2000, never in a map projection: a projected zone is
right in its zone only, and the product serves Baltimore as well as Jungar Banner (decision 0001).
Coordinates are degrees in the storage CRS; the edges of a geometry are straight in longitude and
latitude, as ownership takes them.
"""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from gis.crs import GEOD, crs
from gis.geometry import Degrees, Geometries, Metres

_CHUNK: Final = 131_072  # pairs of a point and an edge held at once: they fit in the cache
_CHINA: Final = (73.5, 3.0, 135.1, 54.0)  # where the 3° zones of CGCS2000 are in official use
_GAUSS_MAX_M: Final = 2_000.0  # below this the mid-latitude formula is exact to a micrometre


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


def distances_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Metres:
    """Return the geodesic distance from each first to each second point.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like of float, shapes that broadcast
        Degrees. Where one is NaN or infinite the distance is NaN.

    Examples
    --------
    >>> distances_m(111.2, 39.9, 111.2, [39.9, 40.9]).round(1).tolist()
    [0.0, 111042.3]
    """
    parts = np.broadcast_arrays(lon1, lat1, lon2, lat2)
    a, b, c, d = (np.array(part, dtype=np.float64) for part in parts)
    lost = ~(np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & np.isfinite(d))
    for part in (a, b, c, d):
        part[lost] = 0.0
    _, _, metres = GEOD.inv(a, b, c, d)
    metres = np.asarray(metres, dtype=np.float64)
    metres[lost] = np.nan
    return metres


def boundary_distances_m(lon: Degrees, lat: Degrees, geometries: Geometries) -> Metres:
    """Return how far each point is from the boundary of its own geometry.

    Parameters
    ----------
    lon, lat : ndarray of float, shape (n,)
        Degrees in the storage CRS.
    geometries : ndarray of polygons or lines, shape (n,)
        One for each point; the same object may come again and again. None and empty have no
        boundary.

    Returns
    -------
    ndarray of float, shape (n,)
        Metres, never negative, inside and outside alike; NaN where the point is not finite or the
        geometry has no boundary.

    Examples
    --------
    >>> block = shapely.box(111.2, 39.9, 111.3, 40.0)
    >>> boundary_distances_m(np.array([111.2001]), np.array([39.95]), np.array([block])).round(3)
    array([8.546])
    """
    lons, lats, shapes = np.atleast_1d(lon), np.atleast_1d(lat), _array(geometries)
    out = np.full(len(lons), np.nan)
    wanted = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats) & ~shapely.is_missing(shapes))
    numbers = _identities(shapes[wanted])
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    edges = BoundaryEdges(shapes[wanted[first]])
    out[wanted] = edges.distances_m(lons[wanted], lats[wanted], which)
    return out


class BoundaryEdges:
    """The edges of many geometries, ready to be measured from many points.

    Parameters
    ----------
    geometries : ndarray of shapely geometries, shape (n,)
        Polygons (all their rings count) or lines, in degrees.
    """

    def __init__(self, geometries: Geometries) -> None:
        array = _array(geometries)
        lines, owners = shapely.get_parts(_outlines(array), return_index=True)
        polygons = shapely.get_dimensions(lines) == 2
        rings, of = shapely.get_rings(lines[polygons], return_index=True)
        every = np.concatenate([rings, lines[~polygons]])
        whose = np.concatenate([owners[polygons][of], owners[~polygons]])
        points, line = shapely.get_coordinates(every, return_index=True)
        joined = np.flatnonzero(line[1:] == line[:-1])
        order = np.argsort(whose[line[joined]], kind="stable")
        joined = joined[order]
        self._from_x, self._from_y = np.ascontiguousarray(points[joined].T)
        self._to_x, self._to_y = np.ascontiguousarray(points[joined + 1].T)
        self._over_x, self._over_y = self._to_x - self._from_x, self._to_y - self._from_y
        counts = np.bincount(whose[line[joined]], minlength=len(array))
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def distances_m(self, lon: Degrees, lat: Degrees, which: NDArray[np.intp]) -> Metres:
        """Return the metres from each point to the boundary of geometry ``which``.

        Parameters
        ----------
        lon, lat : ndarray of float, shape (n,)
            Finite degrees.
        which : ndarray of int, shape (n,)
            Positions in the geometries given.

        Returns
        -------
        ndarray of float, shape (n,)
            NaN where the geometry has no edge.
        """
        out = np.full(len(lon), np.nan)
        counts = self._starts[which + 1] - self._starts[which]
        some = np.flatnonzero(counts > 0)
        ends = np.cumsum(counts[some])
        start = 0
        while start < len(some):
            done = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, done + _CHUNK, side="right")), start + 1)
            rows = some[start:stop]
            out[rows] = self._chunk(lon[rows], lat[rows], which[rows], counts[rows])
            start = stop
        return out

    def distance_m(self, lon: float, lat: float, which: int) -> float:
        """Return the metres from one point to the boundary of one geometry."""
        edges = np.arange(self._starts[which], self._starts[which + 1])
        if not edges.size:
            return float("nan")
        return float(self._chunk(
            np.array([lon]), np.array([lat]), np.array([which]), np.array([edges.size])
        )[0])  # fmt: skip

    def _chunk(
        self, lon: Degrees, lat: Degrees, which: NDArray[np.intp], counts: NDArray[np.intp]
    ) -> Metres:
        """Sieve the edges on a flat earth, then measure well to those that can be nearest."""
        firsts = np.cumsum(counts) - counts
        row = np.repeat(np.arange(len(lon)), counts)
        edge = np.arange(len(row)) + (self._starts[which] - firsts)[row]
        east, north = metres_a_degree(lat)
        squares = self._flat_squares(lon[row], lat[row], edge, east[row], north[row])
        least = np.minimum.reduceat(squares, firsts)
        # a flat earth errs by distance over radius times tan(latitude), north against south
        flat = np.sqrt(least)
        slack = (flat * (1 + 3 * (flat + 10) / north / 57 * (1 + north / east)) + 1e-3) ** 2
        near = np.flatnonzero(squares <= slack[row])
        row, edge = row[near], edge[near]
        x, y, foot_lon, foot_lat = self._feet(lon[row], lat[row], edge)
        squares = x * x + y * y
        least = np.full(len(lon), np.inf)
        np.minimum.at(least, row, squares)
        metres: Metres = np.sqrt(least)
        far = np.flatnonzero((metres > _GAUSS_MAX_M)[row] & (squares == least[row]))
        if far.size:
            points = row[far]
            metres[points] = distances_m(lon[points], lat[points], foot_lon[far], foot_lat[far])
        return metres

    def _flat_squares(
        self,
        lon: Degrees,
        lat: Degrees,
        edge: NDArray[np.intp],
        east: Metres,
        north: Metres,
    ) -> Metres:
        """Return the squared metres to each edge, in the plane that touches at the point."""
        start_x, start_y = (self._from_x[edge] - lon) * east, (self._from_y[edge] - lat) * north
        along_x, along_y = self._over_x[edge] * east, self._over_y[edge] * north
        foot = -(start_x * along_x + start_y * along_y)
        foot /= np.maximum(along_x * along_x + along_y * along_y, 1e-300)
        np.clip(foot, 0.0, 1.0, out=foot)
        start_x += foot * along_x
        start_y += foot * along_y
        squares: Metres = start_x * start_x + start_y * start_y
        return squares

    def _feet(
        self, lon: Degrees, lat: Degrees, edge: NDArray[np.intp]
    ) -> tuple[Metres, Metres, Degrees, Degrees]:
        """Return each edge's nearest point: as metres east and north of the point, and where.

        The scale is taken at the latitude half way, first to the edge's middle, then to the foot
        found: so it is right to the square of distance over radius.
        """
        over_lon, over_lat = self._over_x[edge], self._over_y[edge]
        start_lon, start_lat = self._from_x[edge] - lon, self._from_y[edge] - lat
        foot = np.full(len(lon), 0.5)
        for _ in range(2):
            east, north = metres_a_degree(lat + (start_lat + foot * over_lat) / 2)
            along_x, along_y = over_lon * east, over_lat * north
            foot = -(start_lon * east * along_x + start_lat * north * along_y)
            foot /= np.maximum(along_x * along_x + along_y * along_y, 1e-300)  # no length: 0
            foot = np.clip(foot, 0.0, 1.0)
        # weighted from both ends, so that a foot at an end is that vertex to the last bit
        dlon = (1 - foot) * start_lon + foot * (self._to_x[edge] - lon)
        dlat = (1 - foot) * start_lat + foot * (self._to_y[edge] - lat)
        east, north = metres_a_degree(lat + dlat / 2)
        return dlon * east, dlat * north, lon + dlon, lat + dlat


def degrees_around(lat: Degrees, metres: float) -> tuple[Degrees, Degrees]:
    """Return how many degrees east and north surely reach as far as ``metres``.

    Parameters
    ----------
    lat : ndarray of float, shape (n,)
        Latitudes, finite.
    metres : float
        A distance on the ground.

    Returns
    -------
    tuple of ndarray of float, shape (n,)
        Half the width and height of a box that holds the whole circle; 360 at the poles.

    Examples
    --------
    >>> east, north = degrees_around(np.array([39.9]), 50.0)
    >>> east.round(6).tolist(), north.round(6).tolist()
    ([0.000591], [0.000457])
    """
    up = np.full(np.shape(lat), metres * 1.01 / 110_574.0)  # the shortest degree of latitude
    widest = np.minimum(np.abs(lat) + up, 90.0)
    east, _ = metres_a_degree(widest)
    return np.minimum(metres * 1.01 / np.maximum(east, metres / 360.0), 360.0), up


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


def metres_a_degree(lat: Degrees) -> tuple[Metres, Metres]:
    """Return the metres of a degree of longitude and of a degree of latitude, at each latitude.

    Examples
    --------
    >>> east, north = metres_a_degree(np.array([39.9]))
    >>> east.round(1).tolist(), north.round(1).tolist()
    ([85518.3], [111032.7])
    """
    radians = np.radians(lat)
    sine = np.sin(radians)
    bend = 1.0 - GEOD.es * sine * sine
    across = GEOD.a / np.sqrt(bend)
    degree = np.pi / 180
    return across * np.cos(radians) * degree, across * (1.0 - GEOD.es) / bend * degree


def _array(geometries: Geometries) -> NDArray[Any]:
    return np.atleast_1d(np.asarray(geometries, dtype=object))


def _identities(array: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each object, the same for the same object."""
    return np.fromiter(map(id, array), dtype=np.int64, count=len(array))


def _outlines(array: NDArray[Any]) -> NDArray[Any]:
    """Return the geometries with None as an empty polygon."""
    filled = array.copy()
    filled[shapely.is_missing(array)] = shapely.Polygon()
    return filled


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
