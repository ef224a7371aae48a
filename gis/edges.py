"""How far points are from the boundary of a geometry, in metres, right anywhere on earth.

The edges of a geometry are straight in longitude and latitude, as ownership takes them. They are
sieved in the plane that touches the earth at the point: first runs of neighbouring edges by their
boxes, then edge by edge; what can be nearest is measured well (decision 0001).
"""

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis import compiled
from gis.ellipsoid import distances_m, metres_a_degree
from gis.geometry import Degrees, Geometries, Metres, Positions
from gis.rings import ranges

_CHUNK: Final = 32_768  # pairs of a point and an edge held at once: they fit in the cache
_RUN: Final = 8  # edges that share a box, at least
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
        self._bare = tuple(self.runs)  # numba takes long over named ones

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
        fast = compiled.twin("edges")
        if fast is not None:
            feet = np.empty((2, len(lon)))
            order = np.argsort(which)  # the edges of one geometry stay in the cache
            fast.distances(
                self.vertices, self._bare, (lon, lat), (which, order), (out, feet[0], feet[1])
            )
            return _geodesic_when_far(lon, lat, out, feet)
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

        The same number to the last bit as from :meth:`distances_m`, without the cost of arrays.
        """
        fast = compiled.twin("edges")
        if fast is not None:
            metres, *foot = fast.distance(self.vertices, self._bare, (lon, lat), which)
        else:
            metres, *foot = self._distance(lon, lat, which)
        return metres if not metres > _GAUSS_MAX_M else float(distances_m(lon, lat, *foot))

    def _distance(self, lon: float, lat: float, which: int) -> tuple[float, float, float]:
        """Return how far the boundary is, but for its last bits when it is far, and where."""
        scale = metres_a_degree(lat, math.sqrt)
        edges = self._edges_in_reach(lon, lat, scale, which)
        if not edges.size:
            return math.nan, lon, lat
        if edges.size == 1:  # as nearly always
            at = int(edges[0])
            ends = (*self.vertices[at].tolist(), *self.vertices[at + 1].tolist())
            x, y, *foot = nearest_on((lon, lat), ends, scale, math.sqrt)
            return math.sqrt(x * x + y * y), foot[0], foot[1]
        x, y, *feet = nearest_on((lon, lat), self._ends(edges), scale)
        squares = x * x + y * y
        nearest = np.flatnonzero(squares == squares.min())[-1]
        return math.sqrt(squares[nearest]), float(feet[0][nearest]), float(feet[1][nearest])

    def _edges_in_reach(
        self, lon: float, lat: float, scale: tuple[float, float], which: int
    ) -> Positions:
        """Return the edges of one geometry that can be nearest to one point."""
        runs = self.runs
        first, end = runs.first[which], runs.first[which + 1]
        if first == end:
            return np.zeros(0, dtype=np.intp)
        here = lon, lat
        if end - first == 1:
            start = int(runs.start[first])
            ends = self._ends(slice(start, start + int(runs.size[first])))
            squares = flat_square(here, ends, scale)
            return start + np.flatnonzero(squares <= reach(squares.min(), scale))
        some = np.arange(first, end)
        if end - first > _RUNS_MANY:
            least, most = self._box_squares(here, some, scale)
            some = some[least <= reach(most.min(), scale)]
        edges = ranges(runs.start[some], runs.size[some])
        squares = flat_square(here, self._ends(edges), scale)
        near: Positions = edges[squares <= reach(squares.min(), scale)]
        return near

    def _chunk(self, lon: Degrees, lat: Degrees, which: Positions) -> Metres:
        """Sieve the edges on a flat earth, then measure well to those that can be nearest."""
        scale = metres_a_degree(lat)
        row, run = self._runs_in_reach((lon, lat), which, scale)
        sizes = self.runs.size[run]
        row, edge = np.repeat(row, sizes), ranges(self.runs.start[run], sizes)
        squares = flat_square(
            (lon[row], lat[row]), self._ends(edge), (scale[0][row], scale[1][row])
        )
        near = squares <= reach(_least_of_rows(squares, row, len(lon)), scale)[row]
        row, edge = row[near], edge[near]
        of_row = scale[0][row], scale[1][row]
        x, y, *feet = nearest_on((lon[row], lat[row]), self._ends(edge), of_row)
        squares = x * x + y * y
        least = _least_of_rows(squares, row, len(lon))
        at = np.flatnonzero(squares == least[row])
        foot = np.empty((2, len(lon)))
        foot[:, row[at]] = feet[0][at], feet[1][at]
        return _geodesic_when_far(lon, lat, np.sqrt(least), foot)

    def _runs_in_reach(
        self, here: tuple[Degrees, Degrees], which: Positions, scale: tuple[Metres, Metres]
    ) -> tuple[Positions, Positions]:
        """Return pairs of a point and a run that can hold the nearest edge, sorted by point."""
        first = self.runs.first[which]
        counts = self.runs.first[which + 1] - first
        row = np.arange(len(which))
        if (counts == 1).all():
            return row, first
        row, run = np.repeat(row, counts), ranges(first, counts)
        of_row = (here[0][row], here[1][row]), run, (scale[0][row], scale[1][row])
        least, most = self._box_squares(*of_row)
        near = least <= reach(_least_of_rows(most, row, len(which)), scale)[row]
        return row[near], run[near]

    def _box_squares(self, here: Any, run: Positions, scale: Any) -> tuple[Metres, Metres]:
        """Return the squared metres that runs are away at least, and at most: to their start."""
        corner = self.vertices[self.runs.start[run]]
        boxes = self.runs.boxes[run]
        x, y = (corner[:, 0] - here[0]) * scale[0], (corner[:, 1] - here[1]) * scale[1]
        return box_square(here, tuple(boxes.T), scale), x * x + y * y

    def _ends(self, edge: Any) -> tuple[Any, Any, Any, Any]:
        """Return where edges begin and end."""
        after = slice(edge.start + 1, edge.stop + 1) if isinstance(edge, slice) else edge + 1
        start, end = self.vertices[edge], self.vertices[after]
        return start[:, 0], start[:, 1], end[:, 0], end[:, 1]


# What follows takes one point and edge (floats), or many (arrays of one shape), and is compiled as
# it stands: sums, products and roots only, which are rounded in one way everywhere. The larger and
# the smaller of two have names of their own, so that there they can do without NaN's rules.

maximum, minimum = np.maximum, np.minimum


def box_square(here: Any, box: Any, scale: Any) -> Any:
    """Return the squared metres to a box: no edge in it is nearer, in the plane of the point.

    Parameters
    ----------
    here : tuple
        Longitude and latitude of the point.
    box : tuple
        West, south, east and north.
    scale : tuple
        The metres of a degree of longitude and of latitude at the point.
    """
    (lon, lat), (west, south, east, north) = here, box
    x = maximum(maximum(west - lon, lon - east), 0.0) * scale[0]
    y = maximum(maximum(south - lat, lat - north), 0.0) * scale[1]
    return x * x + y * y


def flat_square(here: Any, ends: Any, scale: Any) -> Any:
    """Return the squared metres to an edge, in the plane that touches at the point.

    Parameters
    ----------
    here, scale : tuple
        As for :func:`box_square`.
    ends : tuple
        Longitude and latitude of the edge's start, and of its end.
    """
    from_x, from_y, to_x, to_y = ends
    start_x, start_y = (from_x - here[0]) * scale[0], (from_y - here[1]) * scale[1]
    along_x, along_y = (to_x - from_x) * scale[0], (to_y - from_y) * scale[1]
    foot = foot_along(start_x, start_y, along_x, along_y)
    x, y = start_x + foot * along_x, start_y + foot * along_y
    return x * x + y * y


def reach(square: Any, scale: Any) -> Any:
    """Return the square below which an edge can truly be nearest, if the flat one is ``square``.

    A flat earth errs by distance over radius times tan(latitude), north against south.
    """
    east, north = scale
    flat = np.sqrt(square)
    slack = flat * (1.0 + 3.0 * (flat + 10.0) / north / 57.0 * (1.0 + north / east)) + 1e-3
    return slack * slack


def nearest_on(
    here: Any, ends: Any, scale: Any, sqrt: Callable[[Any], Any] = np.sqrt
) -> tuple[Any, Any, Any, Any]:
    """Return an edge's nearest point: as metres east and north of here, and where it is.

    The foot is found with the scale at the point, and again with that half way to the foot found:
    so it is right to the square of distance over radius.
    """
    (lon, lat), (from_lon, from_lat, to_lon, to_lat) = here, ends
    over_lon, over_lat = to_lon - from_lon, to_lat - from_lat
    start_lon, start_lat = from_lon - lon, from_lat - lat
    east, north = scale
    foot = foot_along(start_lon * east, start_lat * north, over_lon * east, over_lat * north)
    east, north = metres_a_degree(lat + (start_lat + foot * over_lat) / 2.0, sqrt)
    foot = foot_along(start_lon * east, start_lat * north, over_lon * east, over_lat * north)
    # weighted from both ends, so that a foot at an end is that vertex to the last bit
    dlon = (1.0 - foot) * start_lon + foot * (to_lon - lon)
    dlat = (1.0 - foot) * start_lat + foot * (to_lat - lat)
    east, north = metres_a_degree(lat + dlat / 2.0, sqrt)
    return dlon * east, dlat * north, lon + dlon, lat + dlat


def foot_along(start_x: Any, start_y: Any, along_x: Any, along_y: Any) -> Any:
    """Return how far along an edge the foot of the point at the origin is, from 0 to 1."""
    length = maximum(along_x * along_x + along_y * along_y, 1e-300)  # no length: 0
    foot = -(start_x * along_x + start_y * along_y) / length
    return minimum(maximum(foot, 0.0), 1.0)


def _geodesic_when_far(
    lon: Degrees, lat: Degrees, metres: Metres, feet: NDArray[np.float64]
) -> Metres:
    """Measure again what is farther than the quick formula is good for."""
    far = np.flatnonzero(metres > _GAUSS_MAX_M)
    if far.size:
        metres[far] = distances_m(lon[far], lat[far], feet[0][far], feet[1][far])
    return metres


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
