"""How far points are from the boundary of a geometry, in metres, right anywhere on earth.

The edges of a geometry are straight in longitude and latitude, as ownership takes them. They are
sieved in the plane that touches the earth at the point: first runs of neighbouring edges by their
boxes, then edge by edge; what can be nearest is measured well (decision 0001).
"""

import math
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.ellipsoid import distances_m, metres_a_degree
from gis.geometry import Degrees, Geometries, Metres, Positions

_CHUNK: Final = 32_768  # pairs of a point and an edge held at once: they fit in the cache
_RUN: Final = 16  # edges that share a box, at least
_RUNS_NEAR: Final = 4  # how many runs are commonly left of a long boundary
_RUNS_MANY: Final = 16  # from here on their boxes spare one point more than they cost
_GAUSS_MAX_M: Final = 2_000.0  # below this the mid-latitude formula is exact to a micrometre


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
    lons, lats = np.atleast_1d(lon), np.atleast_1d(lat)
    shapes = np.atleast_1d(np.asarray(geometries, dtype=object))
    out = np.full(len(lons), np.nan)
    wanted = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats) & ~shapely.is_missing(shapes))
    same = np.fromiter(map(id, shapes[wanted]), dtype=np.int64, count=len(wanted))
    _, first, which = np.unique(same, return_index=True, return_inverse=True)
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
        shapes = np.array(geometries, dtype=object, ndmin=1)
        shapes[shapely.is_missing(shapes)] = shapely.Polygon()
        parts, owners = shapely.get_parts(shapes, return_index=True)
        polygons = shapely.get_dimensions(parts) == 2
        rings, of = shapely.get_rings(parts[polygons], return_index=True)
        lines = np.concatenate([rings, parts[~polygons]])
        whose = np.concatenate([owners[polygons][of], owners[~polygons]])
        points, line = shapely.get_coordinates(lines, return_index=True)
        joined = np.flatnonzero(line[1:] == line[:-1])
        joined = joined[np.argsort(whose[line[joined]], kind="stable")]
        self._from_x, self._from_y = np.ascontiguousarray(points[joined].T)
        self._to_x, self._to_y = np.ascontiguousarray(points[joined + 1].T)
        self._over_x, self._over_y = self._to_x - self._from_x, self._to_y - self._from_y
        self._cut_in_runs(np.bincount(whose[line[joined]], minlength=len(shapes)))

    def _cut_in_runs(self, counts: NDArray[np.intp]) -> None:
        """Cut long boundaries in runs of edges that lie together; a short one is a single run."""
        # so long that looking at all boxes costs what looking at the edges of the near runs does
        length = np.maximum(np.sqrt(counts / _RUNS_NEAR).astype(np.intp), _RUN)
        long = counts > 2 * _RUN
        runs = np.where(long, -(-counts // length), np.minimum(counts, 1))
        self._cost = np.where(long, runs + _RUNS_NEAR * length, counts)
        self._first_run: Positions = np.concatenate([[0], np.cumsum(runs)])
        whose = np.repeat(np.arange(len(counts)), runs)
        turn = np.arange(len(whose)) - self._first_run[whose]
        starts = (np.cumsum(counts) - counts)[whose] + turn * length[whose]
        self._run_starts: Positions = np.concatenate([starts, [len(self._from_x)]])
        self._west, self._east = _extremes(self._from_x, self._to_x, starts)
        self._south, self._north = _extremes(self._from_y, self._to_y, starts)

    def distances_m(self, lon: Degrees, lat: Degrees, which: Positions) -> Metres:
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
        order = np.argsort(which, kind="stable")  # the edges of one geometry stay in the cache
        order = order[self._cost[which[order]] > 0]
        ends = np.cumsum(self._cost[which[order]])
        start = 0
        while start < len(order):
            done = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, done + _CHUNK, side="right")), start + 1)
            rows = order[start:stop]
            out[rows] = self._chunk(lon[rows], lat[rows], which[rows])
            start = stop
        return out

    def distance_m(self, lon: float, lat: float, which: int) -> float:
        """Return the metres from one point to the boundary of one geometry.

        The same number to the last bit as from :meth:`distances_m`, without the cost of pairs.
        """
        edges = self._edges_in_reach(lon, lat, which)
        if not edges.size:
            return float("nan")
        if edges.size == 1:  # as nearly always
            x, y, *foot = self._feet(lon, lat, edges[0])
            metres = math.sqrt(x * x + y * y)
        else:
            x, y, *feet = self._feet(lon, lat, edges)
            squares = x * x + y * y
            metres = math.sqrt(squares.min())
            nearest = np.flatnonzero(squares == squares.min())[-1]
            foot = [each[nearest] for each in feet]
        return metres if metres <= _GAUSS_MAX_M else float(distances_m(lon, lat, *foot))

    def _edges_in_reach(self, lon: float, lat: float, which: int) -> Positions:
        """Return the edges of one geometry that can be nearest to one point."""
        first, end = self._first_run[which], self._first_run[which + 1]
        if first == end:
            return np.zeros(0, dtype=np.intp)
        east, north = metres_a_degree(lat)
        start = self._run_starts[first]
        some: slice | Positions = slice(start, self._run_starts[end])
        if end - first > _RUNS_MANY:
            least, most = self._box_squares(lon, lat, slice(first, end), east, north)
            runs = first + np.flatnonzero(least <= _reach(most.min(), east, north))
            starts = self._run_starts[runs]
            some = _ranges(starts, self._run_starts[runs + 1] - starts)
        squares = self._flat_squares(lon, lat, some, east, north)
        near = np.flatnonzero(squares <= _reach(squares.min(), east, north))
        return some[near] if isinstance(some, np.ndarray) else start + near

    def _chunk(self, lon: Degrees, lat: Degrees, which: Positions) -> Metres:
        """Sieve the edges on a flat earth, then measure well to those that can be nearest."""
        east, north = metres_a_degree(lat)
        row, run = self._runs_in_reach(lon, lat, which, east, north)
        sizes = self._run_starts[run + 1] - self._run_starts[run]
        row, edge = np.repeat(row, sizes), _ranges(self._run_starts[run], sizes)
        squares = self._flat_squares(lon[row], lat[row], edge, east[row], north[row])
        reach = _reach(_least_of_rows(squares, row, len(lon)), east, north)
        near = np.flatnonzero(squares <= reach[row])
        row, edge = row[near], edge[near]
        x, y, foot_lon, foot_lat = self._feet(lon[row], lat[row], edge)
        squares = x * x + y * y
        least = _least_of_rows(squares, row, len(lon))
        metres: Metres = np.sqrt(least)
        far = np.flatnonzero((metres > _GAUSS_MAX_M)[row] & (squares == least[row]))
        if far.size:
            points = row[far]
            metres[points] = distances_m(lon[points], lat[points], foot_lon[far], foot_lat[far])
        return metres

    def _runs_in_reach(
        self, lon: Degrees, lat: Degrees, which: Positions, east: Metres, north: Metres
    ) -> tuple[Positions, Positions]:
        """Return pairs of a point and a run that can hold the nearest edge, sorted by point."""
        first = self._first_run[which]
        counts = self._first_run[which + 1] - first
        row = np.arange(len(lon))
        if (counts == 1).all():
            return row, first
        row, run = np.repeat(row, counts), _ranges(first, counts)
        least, most = self._box_squares(lon[row], lat[row], run, east[row], north[row])
        reach = _reach(_least_of_rows(most, row, len(lon)), east, north)
        near = np.flatnonzero(least <= reach[row])
        return row[near], run[near]

    # What follows takes one point (floats) or many (arrays of one shape with the edges).

    def _box_squares(self, lon: Any, lat: Any, run: Any, east: Any, north: Any) -> tuple[Any, Any]:
        """Return the squared metres that a run is away at least, and at most."""
        x = np.maximum(self._west[run] - lon, lon - self._east[run])
        y = np.maximum(self._south[run] - lat, lat - self._north[run])
        x, y = np.maximum(x, 0.0) * east, np.maximum(y, 0.0) * north
        start = self._run_starts[:-1][run]
        to_x, to_y = (self._from_x[start] - lon) * east, (self._from_y[start] - lat) * north
        return x * x + y * y, to_x * to_x + to_y * to_y

    def _flat_squares(self, lon: Any, lat: Any, edge: Any, east: Any, north: Any) -> Metres:
        """Return the squared metres to each edge, in the plane that touches at the point."""
        start_x, start_y = (self._from_x[edge] - lon) * east, (self._from_y[edge] - lat) * north
        along_x, along_y = self._over_x[edge] * east, self._over_y[edge] * north
        foot = -(start_x * along_x + start_y * along_y)
        foot /= np.maximum(along_x * along_x + along_y * along_y, 1e-300)  # no length: 0
        foot = np.minimum(np.maximum(foot, 0.0), 1.0)
        start_x += foot * along_x
        start_y += foot * along_y
        squares: Metres = start_x * start_x + start_y * start_y
        return squares

    def _feet(self, lon: Any, lat: Any, edge: Any) -> tuple[Metres, Metres, Degrees, Degrees]:
        """Return each edge's nearest point: as metres east and north of the point, and where.

        The scale is taken at the latitude half way, first to the edge's middle, then to the foot
        found: so it is right to the square of distance over radius.
        """
        over_lon, over_lat = self._over_x[edge], self._over_y[edge]
        start_lon, start_lat = self._from_x[edge] - lon, self._from_y[edge] - lat
        foot: Any = 0.5
        for _ in range(2):
            east, north = metres_a_degree(lat + (start_lat + foot * over_lat) / 2)
            along_x, along_y = over_lon * east, over_lat * north
            foot = -(start_lon * east * along_x + start_lat * north * along_y)
            foot = foot / np.maximum(along_x * along_x + along_y * along_y, 1e-300)
            foot = np.minimum(np.maximum(foot, 0.0), 1.0)
        # weighted from both ends, so that a foot at an end is that vertex to the last bit
        dlon = (1 - foot) * start_lon + foot * (self._to_x[edge] - lon)
        dlat = (1 - foot) * start_lat + foot * (self._to_y[edge] - lat)
        east, north = metres_a_degree(lat + dlat / 2)
        return dlon * east, dlat * north, lon + dlon, lat + dlat


def _reach(square: Any, east: Any, north: Any) -> Any:
    """Return the square below which an edge can truly be nearest, if the flat one is ``square``.

    A flat earth errs by distance over radius times tan(latitude), north against south.
    """
    flat = np.sqrt(square)
    slack = flat * (1 + 3 * (flat + 10) / north / 57 * (1 + north / east)) + 1e-3
    return slack * slack


def _extremes(
    one: Degrees, other: Degrees, starts: Positions
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the greatest coordinate of each run's edges."""
    if not starts.size:
        return np.zeros(0), np.zeros(0)
    least = np.minimum.reduceat(np.minimum(one, other), starts)
    return least, np.maximum.reduceat(np.maximum(one, other), starts)


def _ranges(starts: Positions, sizes: Positions) -> Positions:
    """Return the numbers ``start``, ``start + 1``, … of each range, one after the other."""
    before = np.cumsum(sizes) - sizes
    numbers: Positions = np.arange(sizes.sum()) + np.repeat(starts - before, sizes)
    return numbers


def _least_of_rows(values: Metres, row: Positions, count: int) -> Metres:
    """Return the least value of each row; rows are sorted, and each has a value."""
    counts = np.bincount(row, minlength=count)
    least: Metres = np.minimum.reduceat(values, np.cumsum(counts) - counts)
    return least
