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

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all grids; NaN where there is none."""
        west, south, east, north = shapely.total_bounds(self._parts)
        return float(west), float(south), float(east), float(north)

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
        return self.claims(lon, lat)[0]

    def claims(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Positions, NDArray[np.bool_]]:
        """Return each point's owner, and what :meth:`on_boundary` says of it, in one pass."""
        lons, lats = _coordinates(lon, lat)
        owners = np.full(len(lons), OUTSIDE, dtype=np.intp)
        disputed = np.zeros(len(lons), dtype=bool)
        for start in range(0, len(lons), _CHUNK):
            part = slice(start, start + _CHUNK)
            point, found = self._covering(lons[part], lats[part])
            ranks = np.full(len(lons[part]), len(self.codes), dtype=np.intp)
            np.minimum.at(ranks, point, self._part_rank[found])
            owners[part] = self._by_rank[ranks]
            disputed[part] = self._disputed(lons[part], lats[part], owners[part], (point, found))
        return owners, disputed

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
        return self.claim(lon, lat)[0]

    def claim(self, lon: float, lat: float) -> tuple[int, bool]:
        """Return the position of one point's owner, and what :meth:`on_boundary` says of it."""
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return OUTSIDE, False
        found = self._tree.query(shapely.Point(lon, lat))
        found.sort()  # in the order of precedence: the first that covers it owns it
        owner, disputed = OUTSIDE, False
        for part in found[shapely.intersects_xy(self._parts[found], lon, lat)]:
            grid = int(self._by_rank[self._part_rank[part]])
            if owner == OUTSIDE:
                owner = grid
            if grid == owner:
                disputed |= not shapely.contains_xy(self._parts[part], lon, lat)
            else:
                disputed |= bool(self.dedicated[grid] == self.dedicated[owner])
        return owner, disputed

    def on_boundary(
        self, lon: ArrayLike, lat: ArrayLike, positions: Positions
    ) -> NDArray[np.bool_]:
        """Return where a point lies exactly on its owner's boundary, or has several claimants.

        Parameters
        ----------
        lon, lat : array_like of float, shape (n,)
            Degrees in the storage CRS.
        positions : ndarray of intp, shape (n,)
            The owners, as :meth:`owners` returned them.

        Returns
        -------
        ndarray of bool, shape (n,)
            False where there is no owner. A dedicated grid inside a basic one is no dispute, so
            only claimants of the owner's kind count.
        """
        lons, lats = _coordinates(lon, lat)
        out = np.zeros(len(lons), dtype=bool)
        for start in range(0, len(lons), _CHUNK):
            part = slice(start, start + _CHUNK)
            pairs = self._covering(lons[part], lats[part])
            out[part] = self._disputed(lons[part], lats[part], positions[part], pairs)
        return out

    def _disputed(
        self, lon: Degrees, lat: Degrees, owners: Positions, covering: tuple[Positions, Positions]
    ) -> NDArray[np.bool_]:
        point, found = covering
        grid = self._by_rank[self._part_rank[found]]
        owner = owners[point]
        inside = shapely.contains_xy(self._parts[found], lon[point], lat[point])
        other = (grid != owner) & (self.dedicated[grid] == self.dedicated[owner])
        out = np.zeros(len(lon), dtype=bool)
        out[point[((grid == owner) & ~inside) | other]] = True
        out[owners == OUTSIDE] = False
        return out

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

    def _covering(self, lon: Degrees, lat: Degrees) -> tuple[Positions, Positions]:
        """Return pairs of a point and a part that covers it."""
        finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        x, y = lon[finite], lat[finite]
        point, part = self._tree.query(shapely.points(x, y))
        covered = shapely.intersects_xy(self._parts[part], x[point], y[point])
        return finite[point[covered]], part[covered]


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
