"""How far points are from the boundary of a geometry, in metres, right anywhere on earth.

The edges of a geometry are straight in longitude and latitude, as ownership takes them. They are
sieved in the plane that touches the earth at the point: first runs of neighbouring edges by their
boxes, then edge by edge; what can be nearest is measured well (decision 0001).
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.ellipsoid import distances_m, metres_a_degree
from gis.geometry import Degrees, Geometries, Metres, Positions
from gis.rings import ranges

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
    edges = BoundaryEdges.of(shapes[wanted[first]])
    out[wanted] = edges.distances_m(lons[wanted], lats[wanted], which)
    return out


class Runs(NamedTuple):
    """Runs of edges that follow one another on a line.

    Attributes
    ----------
    start, size : ndarray of int64, shape (k,)
        The vertex where each begins, and how many edges it has.
    boxes : ndarray of float, shape (k, 4)
        West, south, east and north.
    first : ndarray of int64, shape (n + 1,)
        Where the runs of each geometry begin.
    cost : ndarray of int64, shape (n,)
        About how many edges and boxes must be looked at for a point; 0 for what has no edge.
    """

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    boxes: NDArray[np.float64]
    first: NDArray[np.int64]
    cost: NDArray[np.int64]


class BoundaryEdges:
    """The edges of many geometries, ready to be measured from many points.

    An edge is known by the vertex where it begins. Runs of edges that follow one another on a line
    share a box.

    Parameters
    ----------
    vertices : ndarray of float, shape (m, 2)
        Degrees; the vertices of all lines, one after the other.
    starts : ndarray of int, shape (r + 1,)
        Where each line begins.
    of_geometry : ndarray of int, shape (n + 1,)
        Where the lines of each geometry begin.
    runs : Runs, optional
        As another index over the same lines has them.
    """

    def __init__(
        self,
        vertices: NDArray[np.float64],
        starts: NDArray[np.int64],
        of_geometry: NDArray[np.int64],
        runs: "Runs | None" = None,
    ) -> None:
        self.vertices = vertices
        self.runs = _cut_in_runs(vertices, starts, of_geometry) if runs is None else runs

    @classmethod
    def of(cls, geometries: Geometries) -> "BoundaryEdges":
        """Take the edges of polygons (all their rings count) and lines."""
        shapes = np.array(geometries, dtype=object, ndmin=1)
        shapes[shapely.is_missing(shapes)] = shapely.Polygon()
        parts, owners = shapely.get_parts(shapes, return_index=True)
        polygons = shapely.get_dimensions(parts) == 2
        rings, of = shapely.get_rings(parts[polygons], return_index=True)
        lines = np.concatenate([rings, parts[~polygons]])
        whose = np.concatenate([owners[polygons][of], owners[~polygons]])
        order = np.argsort(whose, kind="stable")
        vertices, line = shapely.get_coordinates(lines[order], return_index=True)
        starts = np.bincount(line, minlength=len(lines))
        counts = np.bincount(whose, minlength=len(shapes))
        return cls(vertices, _offsets(starts), _offsets(counts))

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
        cost = self.runs.cost[which[order]]
        order, cost = order[cost > 0], cost[cost > 0]
        ends = np.cumsum(cost)
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
        runs = self.runs
        first, end = runs.first[which], runs.first[which + 1]
        if first == end:
            return np.zeros(0, dtype=np.intp)
        east, north = metres_a_degree(lat)
        if end - first == 1:
            start = int(runs.start[first])
            squares = self._flat_squares(
                lon, lat, slice(start, start + int(runs.size[first])), east, north
            )
            return start + np.flatnonzero(squares <= _reach(squares.min(), east, north))
        some = np.arange(first, end)
        if end - first > _RUNS_MANY:
            least, most = self._box_squares(lon, lat, some, east, north)
            some = some[least <= _reach(most.min(), east, north)]
        edges = ranges(runs.start[some], runs.size[some])
        squares = self._flat_squares(lon, lat, edges, east, north)
        near: Positions = edges[squares <= _reach(squares.min(), east, north)]
        return near

    def _chunk(self, lon: Degrees, lat: Degrees, which: Positions) -> Metres:
        """Sieve the edges on a flat earth, then measure well to those that can be nearest."""
        east, north = metres_a_degree(lat)
        row, run = self._runs_in_reach(lon, lat, which, east, north)
        sizes = self.runs.size[run]
        row, edge = np.repeat(row, sizes), ranges(self.runs.start[run], sizes)
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
        first = self.runs.first[which]
        counts = self.runs.first[which + 1] - first
        row = np.arange(len(lon))
        if (counts == 1).all():
            return row, first
        row, run = np.repeat(row, counts), ranges(first, counts)
        least, most = self._box_squares(lon[row], lat[row], run, east[row], north[row])
        reach = _reach(_least_of_rows(most, row, len(lon)), east, north)
        near = np.flatnonzero(least <= reach[row])
        return row[near], run[near]

    # What follows takes one point (floats) or many (arrays of one shape with the edges).

    def _box_squares(self, lon: Any, lat: Any, run: Any, east: Any, north: Any) -> tuple[Any, Any]:
        """Return the squared metres that a run is away at least, and at most."""
        west, south, east_end, north_end = self.runs.boxes[run].T
        x = np.maximum(west - lon, lon - east_end)
        y = np.maximum(south - lat, lat - north_end)
        x, y = np.maximum(x, 0.0) * east, np.maximum(y, 0.0) * north
        to_x, to_y = self.vertices[self.runs.start[run]].T
        to_x, to_y = (to_x - lon) * east, (to_y - lat) * north
        return x * x + y * y, to_x * to_x + to_y * to_y

    def _ends(self, edge: Any) -> tuple[Any, Any, Any, Any]:
        """Return where edges begin and end."""
        after = slice(edge.start + 1, edge.stop + 1) if isinstance(edge, slice) else edge + 1
        start, end = self.vertices[edge], self.vertices[after]
        return start[..., 0], start[..., 1], end[..., 0], end[..., 1]

    def _flat_squares(self, lon: Any, lat: Any, edge: Any, east: Any, north: Any) -> Metres:
        """Return the squared metres to each edge, in the plane that touches at the point."""
        from_x, from_y, to_x, to_y = self._ends(edge)
        start_x, start_y = (from_x - lon) * east, (from_y - lat) * north
        along_x, along_y = (to_x - from_x) * east, (to_y - from_y) * north
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
        from_lon, from_lat, to_lon, to_lat = self._ends(edge)
        over_lon, over_lat = to_lon - from_lon, to_lat - from_lat
        start_lon, start_lat = from_lon - lon, from_lat - lat
        foot: Any = 0.5
        for _ in range(2):
            east, north = metres_a_degree(lat + (start_lat + foot * over_lat) / 2)
            along_x, along_y = over_lon * east, over_lat * north
            foot = -(start_lon * east * along_x + start_lat * north * along_y)
            foot = foot / np.maximum(along_x * along_x + along_y * along_y, 1e-300)
            foot = np.minimum(np.maximum(foot, 0.0), 1.0)
        # weighted from both ends, so that a foot at an end is that vertex to the last bit
        dlon = (1 - foot) * start_lon + foot * (to_lon - lon)
        dlat = (1 - foot) * start_lat + foot * (to_lat - lat)
        east, north = metres_a_degree(lat + dlat / 2)
        return dlon * east, dlat * north, lon + dlon, lat + dlat


def _reach(square: Any, east: Any, north: Any) -> Any:
    """Return the square below which an edge can truly be nearest, if the flat one is ``square``.

    A flat earth errs by distance over radius times tan(latitude), north against south.
    """
    flat = np.sqrt(square)
    slack = flat * (1 + 3 * (flat + 10) / north / 57 * (1 + north / east)) + 1e-3
    return slack * slack


def _cut_in_runs(
    vertices: NDArray[np.float64], starts: NDArray[np.int64], of_geometry: NDArray[np.int64]
) -> Runs:
    """Cut long boundaries in runs of edges that lie together; a short one is one run a line."""
    edges = np.maximum(np.diff(starts) - 1, 0)
    counts = np.diff(np.concatenate([[0], np.cumsum(edges)])[of_geometry])
    long = counts > 2 * _RUN
    # so long that looking at all boxes costs what looking at the edges of the near runs does
    length = np.maximum(np.sqrt(counts / _RUNS_NEAR).astype(np.int64), _RUN)
    length = np.where(long, length, np.maximum(counts, 1))
    of_line = np.repeat(length, np.diff(of_geometry))
    pieces = -(-edges // of_line)
    line = np.repeat(np.arange(len(edges)), pieces)
    turn = ranges(np.zeros(len(edges), dtype=np.int64), pieces)
    start = starts[line] + turn * of_line[line]
    size = np.minimum(of_line[line], edges[line] - turn * of_line[line])
    first = np.concatenate([[0], np.cumsum(pieces)])[of_geometry]
    cost = np.where(long, np.diff(first) + _RUNS_NEAR * length, counts)
    return Runs(start, size, _boxes(vertices, start, size), first, cost)


def _boxes(
    vertices: NDArray[np.float64], start: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return west, south, east and north of runs."""
    boxes = np.empty((len(start), 4))
    # two runs of one line share a vertex: every other one at a time
    for some in (slice(0, None, 2), slice(1, None, 2)):
        cuts = np.stack([start[some], start[some] + size[some] + 1], axis=1).reshape(-1)
        if cuts.size:
            cuts = cuts[:-1] if cuts[-1] == len(vertices) else cuts
            boxes[some, :2] = np.minimum.reduceat(vertices, cuts, axis=0)[::2]
            boxes[some, 2:] = np.maximum.reduceat(vertices, cuts, axis=0)[::2]
    return boxes


def _offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each group begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _least_of_rows(values: Metres, row: Positions, count: int) -> Metres:
    """Return the least value of each row; rows are sorted, and each has a value."""
    counts = np.bincount(row, minlength=count)
    least: Metres = np.minimum.reduceat(values, np.cumsum(counts) - counts)
    return least
