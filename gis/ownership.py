"""Who owns a point: the grid that covers it, found exactly.

A grid *covers* its edges and corners, so a point on a shared edge is covered by several grids and
the one with the lowest code owns it; a dedicated grid (a market, a school) goes before the basic
grid around it (decision 0002).
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree

from gis.edges import BoundaryEdges
from gis.ellipsoid import degrees_around
from gis.errors import InvalidGrids, InvalidPoints
from gis.geometry import OUTSIDE, Degrees, Geometries, Metres, Positions

_CHUNK: Final = 131_072  # points held as geometries at once: some 20 MB
_EDGE_M: Final = 1e-3  # what is farther from a boundary than rounding can reach is not on it
_TIE_M: Final = 1e-6  # nearer than a micrometre to one another is equally near
_POLYGONAL: Final = (3, 6)  # shapely's type ids of Polygon and MultiPolygon


class GridIndex:
    """The exact owner of each point among the grids of one coverage.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry; no two alike.
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS. None and empty ones own nothing.
    dedicated : ndarray of bool, shape (n,), optional
        Which grids go before the basic ones around them.

    Raises
    ------
    InvalidGrids
        If codes are missing or repeated, or a geometry is no polygon.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> index = GridIndex(["G01", "G02"], np.array([left, right]))
    >>> index.owner(1.0, 0.5), index.owner(9.0, 9.0)
    ('G01', None)
    """

    def __init__(
        self,
        codes: Sequence[str],
        geometries: Geometries,
        *,
        dedicated: NDArray[np.bool_] | None = None,
    ) -> None:
        self.codes: tuple[str, ...] = tuple(codes)
        self.geometries: Geometries = _geometry_array(geometries)
        _check(self.codes, self.geometries)
        first = np.zeros(len(self.codes), bool) if dedicated is None else np.asarray(dedicated)
        if first.shape != (len(self.codes),):
            raise InvalidGrids(
                f"dedicated tells of {first.size} grids, but there are {len(self.codes)}"
            )
        self.dedicated: NDArray[np.bool_] = first.astype(bool)
        order = sorted(range(len(self.codes)), key=lambda i: (not first[i], self.codes[i]))
        self._by_rank: Positions = np.array([*order, OUTSIDE], dtype=np.intp)
        self._rank: Positions = np.empty(len(order), dtype=np.intp)
        self._rank[order] = np.arange(len(order))
        self._build()
        self.edges = BoundaryEdges(self.geometries)

    def __len__(self) -> int:
        return len(self.codes)

    def _build(self) -> None:
        """Index the parts of the grids in the order of precedence, ready for many threads."""
        ranked = self.geometries[self._by_rank[:-1]]
        parts, ranks = shapely.get_parts(ranked, return_index=True)
        solid = ~shapely.is_empty(parts)
        self._parts: NDArray[Any] = parts[solid]
        self._part_rank: Positions = ranks[solid].astype(np.intp)
        shapely.prepare(self._parts)
        self._tree = STRtree(self._parts)
        # GEOS builds tree and locators on their first uses, and not safely for two threads at once
        corners = shapely.get_coordinates(
            shapely.get_point(shapely.get_exterior_ring(self._parts), 0)
        )
        for _ in range(4 if len(self._parts) else 0):
            shapely.intersects_xy(self._parts, corners[:, 0], corners[:, 1])
        self._tree.query(shapely.Point(0, 0))
        some = len(self._parts) > 0  # shapely has no bounds of nothing
        bounds = shapely.total_bounds(self._parts).tolist() if some else [math.nan] * 4
        self.bounds: tuple[float, float, float, float] = tuple(bounds)
        """West, south, east and north of all grids; NaN where there is none."""

    def owners(self, lon: ArrayLike, lat: ArrayLike) -> Positions:
        """Return the position of the grid that owns each point.

        Parameters
        ----------
        lon, lat : array_like of float, shape (n,)
            Degrees in the storage CRS. A NaN or infinite coordinate is owned by no grid.

        Returns
        -------
        ndarray of intp, shape (n,)
            Positions in ``codes``; ``OUTSIDE`` where no grid covers the point.
            A point on a shared edge belongs to the lowest code.

        Examples
        --------
        >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
        >>> index = GridIndex(["G01", "G02"], np.array([left, right]))
        >>> index.owners(np.array([1.0, 9.0]), np.array([0.5, 9.0])).tolist()
        [0, -1]
        """
        lons, lats = _coordinates(lon, lat)
        owners = np.full(len(lons), OUTSIDE, dtype=np.intp)
        for start in range(0, len(lons), _CHUNK):
            part = slice(start, start + _CHUNK)
            owners[part] = self._first(len(lons[part]), *self._covering(lons[part], lats[part]))
        return owners

    def claims(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Positions, Metres, NDArray[np.bool_]]:
        """Return who owns each point, how far its boundary is, and where others claim it too.

        Parameters
        ----------
        lon, lat : array_like of float, shape (n,)
            Degrees in the storage CRS.

        Returns
        -------
        ndarray of intp, shape (n,)
            As :meth:`owners`.
        ndarray of float, shape (n,)
            Metres to the owner's boundary; NaN where there is no owner.
        ndarray of bool, shape (n,)
            Where a point lies exactly on its owner's boundary, or several grids of the owner's
            kind cover it: a dedicated grid inside a basic one is no dispute. False where there is
            no owner.

        Examples
        --------
        >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
        >>> index = GridIndex(["G01", "G02"], np.array([left, right]))
        >>> owners, metres, disputed = index.claims([1.0, 0.999, 9.0], [0.5, 0.5, 0.5])
        >>> owners.tolist(), metres.round().tolist(), disputed.tolist()
        ([0, 0, -1], [0.0, 111.0, nan], [True, False, False])
        """
        lons, lats = _coordinates(lon, lat)
        owners = np.full(len(lons), OUTSIDE, dtype=np.intp)
        metres = np.full(len(lons), np.nan)
        disputed = np.zeros(len(lons), dtype=bool)
        for start in range(0, len(lons), _CHUNK):
            part = slice(start, start + _CHUNK)
            x, y = lons[part], lats[part]
            point, found = self._covering(x, y)
            owner = self._first(len(x), point, found)
            owned = np.flatnonzero(owner != OUTSIDE)
            far = np.full(len(x), np.nan)
            far[owned] = self.edges.distances_m(x[owned], y[owned], owner[owned])
            grid, by = self._by_rank[self._part_rank[found]], owner[point]
            others = (grid != by) & (self.dedicated[grid] == self.dedicated[by])
            close = np.flatnonzero((grid == by) & (far[point] < _EDGE_M))
            part_of, at = self._parts[found[close]], point[close]
            on_edge = ~shapely.contains_xy(part_of, x[at], y[at])
            owners[part], metres[part] = owner, far
            disputed[start + point[others]] = True
            disputed[start + at[on_edge]] = True
        return owners, metres, disputed

    def owner(self, lon: float, lat: float) -> str | None:
        """Return the code of the grid that owns one point, or None.

        Examples
        --------
        >>> GridIndex(["G01"], np.array([shapely.box(0, 0, 1, 1)])).owner(0.5, float("nan"))
        """
        position = self.owner_position(lon, lat)
        return None if position == OUTSIDE else self.codes[position]

    def owner_position(self, lon: float, lat: float) -> int:
        """Return the position of the grid that owns one point, or ``OUTSIDE``."""
        parts = self._parts_over(lon, lat)
        return int(self._by_rank[self._part_rank[parts[0]]]) if parts else OUTSIDE

    def claim(self, lon: float, lat: float) -> tuple[int, float, bool]:
        """Return what :meth:`claims` says of one point, without the cost of arrays."""
        parts = self._parts_over(lon, lat)
        if not parts:
            return OUTSIDE, math.nan, False
        grids = [int(self._by_rank[self._part_rank[part]]) for part in parts]
        owner = grids[0]
        metres = self.edges.distance_m(lon, lat, owner)
        disputed = any(
            not shapely.contains_xy(self._parts[part], lon, lat)
            if grid == owner
            else self.dedicated[grid] == self.dedicated[owner]
            for part, grid in zip(parts, grids, strict=True)
            if grid != owner or metres < _EDGE_M
        )
        return owner, metres, disputed

    def nearest(self, lon: ArrayLike, lat: ArrayLike, within_m: float) -> Positions:
        """Return the position of the grid nearest to each point, by metres.

        Parameters
        ----------
        lon, lat : array_like of float, shape (n,)
            Degrees in the storage CRS.
        within_m : float
            How far to look.

        Returns
        -------
        ndarray of intp, shape (n,)
            The owner where there is one; else the grid whose boundary is nearest, among equally
            near ones the first by the same order as for owners; ``OUTSIDE`` where none is within
            ``within_m``.

        Examples
        --------
        >>> index = GridIndex(["G01"], np.array([shapely.box(0, 0, 1, 1)]))
        >>> index.nearest([1.0001, 1.001], [0.5, 0.5], within_m=50).tolist()
        [0, -1]
        """
        lons, lats = _coordinates(lon, lat)
        out = self.owners(lons, lats)
        lost = np.flatnonzero((out == OUTSIDE) & np.isfinite(lons) & np.isfinite(lats))
        out[lost], _ = self.nearest_outside(lons[lost], lats[lost], within_m)
        return out

    def touched(self, geometry: shapely.Geometry) -> Positions:
        """Return the positions of the grids that a geometry touches, in order of precedence."""
        found = self._tree.query(geometry, predicate="intersects")
        ranks: Positions = np.unique(self._part_rank[found])
        return self._by_rank[ranks]

    def nearest_outside(
        self, lon: Degrees, lat: Degrees, within_m: float
    ) -> tuple[Positions, Metres]:
        """Return, for finite points that no grid covers, the nearest grid and how far it is."""
        ranks = np.full(len(lon), len(self.codes), dtype=np.intp)
        best = np.full(len(lon), np.inf)
        east, north = degrees_around(lat, within_m)
        boxes = shapely.box(lon - east, lat - north, lon + east, lat + north)
        point, found = self._tree.query(boxes)
        rank = self._part_rank[found]
        metres = self.edges.distances_m(lon[point], lat[point], self._by_rank[rank])
        near = metres <= within_m
        point, rank, metres = point[near], rank[near], metres[near]
        np.minimum.at(best, point, metres)
        equal = metres <= best[point] + _TIE_M
        np.minimum.at(ranks, point[equal], rank[equal])
        best[~np.isfinite(best)] = np.nan
        return self._by_rank[ranks], best

    def nearest_outside_one(self, lon: float, lat: float, within_m: float) -> tuple[int, float]:
        """Return what :meth:`nearest_outside` says of one point, without the cost of arrays."""
        reached = [
            (metres, int(self._by_rank[rank]))
            for rank in self._ranks_around(lon, lat, within_m)
            if (metres := self.edges.distance_m(lon, lat, int(self._by_rank[rank]))) <= within_m
        ]
        best = min((metres for metres, _ in reached), default=math.nan)
        equal = (grid for metres, grid in reached if metres <= best + _TIE_M)
        return next(equal, OUTSIDE), best

    def any_before(self, position: int, lon: float, lat: float, within_m: float) -> bool:
        """Return whether a grid that goes before ``position``, a point's owner, is so near to it.

        Examples
        --------
        >>> square, kiosk = shapely.box(0, 0, 1, 1), shapely.box(0.5, 0.5, 0.6, 0.6)
        >>> index = GridIndex(["S", "K"], [square, kiosk], dedicated=np.array([False, True]))
        >>> index.any_before(0, 0.4999, 0.5, 20), index.any_before(0, 0.4, 0.5, 20)
        (True, False)
        """
        before = self._rank[position]
        return any(
            self.edges.distance_m(lon, lat, int(self._by_rank[rank])) <= within_m
            for rank in self._ranks_around(lon, lat, within_m)
            if rank < before
        )

    def _ranks_around(self, lon: float, lat: float, within_m: float) -> list[int]:
        """Return the ranks, in order, of the grids whose boxes are so near to one point."""
        half, up = degrees_around(lat, within_m)
        west, south, east, north = self.bounds
        if not (west - half <= lon <= east + half and south - up <= lat <= north + up):
            return []
        found = self._tree.query(shapely.box(lon - half, lat - up, lon + half, lat + up))
        return sorted(set(self._part_rank[found].tolist()))

    def _parts_over(self, lon: float, lat: float) -> list[int]:
        """Return the parts that cover one point, in the order of precedence."""
        west, south, east, north = self.bounds
        if not (west <= lon <= east and south <= lat <= north):  # NaN is not
            return []
        found = self._tree.query(shapely.Point(lon, lat))
        if not found.size:
            return []
        found.sort()
        covering: list[int] = found[shapely.intersects_xy(self._parts[found], lon, lat)].tolist()
        return covering

    def _covering(self, lon: Degrees, lat: Degrees) -> tuple[Positions, Positions]:
        """Return pairs of a point and a part that covers it."""
        finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        x, y = lon[finite], lat[finite]
        point, part = self._tree.query(shapely.points(x, y))
        order = np.argsort(part, kind="stable")  # one part after the other stays in the cache
        point, part = point[order], part[order]
        covered = shapely.intersects_xy(self._parts[part], x[point], y[point])
        return finite[point[covered]], part[covered]

    def _first(self, count: int, point: Positions, part: Positions) -> Positions:
        """Return the first of the grids that cover each point, from pairs of point and part."""
        ranks = np.full(count, len(self.codes), dtype=np.intp)
        np.minimum.at(ranks, point, self._part_rank[part])
        return self._by_rank[ranks]


def _coordinates(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Return both as flat float64 arrays of one length."""
    try:
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


def _geometry_array(geometries: Geometries) -> Geometries:
    """Return a flat object array that holds them."""
    if isinstance(geometries, np.ndarray) and geometries.ndim == 1:
        return geometries.astype(object)
    array = np.empty(len(geometries), dtype=object)
    array[:] = list(geometries)
    return array


def _check(codes: tuple[str, ...], geometries: Geometries) -> None:
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
