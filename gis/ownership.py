"""Who owns a point: the grid that covers it, found exactly.

A grid *covers* its edges and corners, so a point on a shared edge is covered by several grids and
the one with the lowest code owns it; a dedicated grid (a market, a school) goes before the basic
grid around it (decision 0002). Outlines are taken as they are, vertex by vertex: nothing is
clipped, snapped or rounded. How they are asked is the business of :mod:`gis.cells`;
``docs/reference/ownership.md`` explains it with a drawing.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis import compiled, index_file
from gis.cells import lookup, single
from gis.cells.build import build
from gis.cells.index import Ranking
from gis.cells.rebuild import Before, rebuild
from gis.edges import BoundaryEdges
from gis.ellipsoid import degrees_around
from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Degrees, Geometries, Metres, Positions
from gis.given import check_grids, check_vertices, coordinates, geometry_array
from gis.index_file import Contents
from gis.rings import Rings

_TIE_M: Final = 1e-6  # nearer than a micrometre to one another is equally near


class GridIndex:
    """The exact owner of each point among the grids of one coverage.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry; no two alike.
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS. None and empty ones own nothing. One that crosses itself owns
        what its rings wind around an odd number of times, and its edges.
    dedicated : ndarray of bool, shape (n,), optional
        Which grids go before the basic ones around them.
    edition : str, optional
        Which edition of the boundaries these are; kept, and stored with a snapshot.
    previous : GridIndex, optional
        That of the edition before. It changes no answer, but where few grids changed this one is
        made from it in a fraction of the time.

    Raises
    ------
    InvalidGrids
        If codes are missing or repeated, or a geometry is no polygon or not finite.

    Notes
    -----
    An index never changes, and may be asked from many threads at once. It keeps no reference to
    the geometries, but their coordinates.

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
        edition: str | None = None,
        previous: "GridIndex | None" = None,
    ) -> None:
        shapes = geometry_array(geometries)
        check_grids(codes, shapes)
        first = np.zeros(len(codes), bool) if dedicated is None else np.asarray(dedicated, bool)
        if first.shape != (len(codes),):
            raise InvalidGrids(f"dedicated tells of {first.size} grids, but there are {len(codes)}")
        rings = Rings.of(shapes)
        check_vertices(codes, rings)
        ranking = _ranking(codes, first)
        cells = None
        if previous is not None:
            now = _now(previous, codes, first, rings)
            cells = rebuild(Before(previous._cells, previous._rings, now), rings, ranking)
        cells = cells or build(rings, ranking)
        self._take(Contents(tuple(codes), first, edition, rings, cells))

    def _take(self, contents: Contents) -> None:
        """Hold what was made or read."""
        rings = contents.rings
        self.codes: tuple[str, ...] = contents.codes
        self.dedicated: NDArray[np.bool_] = contents.dedicated
        self.edition: str | None = contents.edition
        self.edges = BoundaryEdges(rings.vertices, rings.starts, rings.of_grid, contents.runs)
        self._rings = rings
        self._cells = contents.cells
        self._simple = contents.simple
        self._found_simple: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all grids; NaN where there is none."""
        return self._rings.bounds

    @cached_property
    def geometries(self) -> Geometries:
        """The outlines of the grids; empty polygons for those that have none."""
        return self._rings.geometries()

    def outline(self, position: int) -> shapely.Geometry:
        """Return the outline of one grid."""
        return self._rings.geometry(position)

    def rings(self, positions: Positions) -> Rings:
        """Return the rings of some grids."""
        return self._rings.taken(positions)

    @cached_property
    def outlines(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The rings and the runs of their edges, as compiled code takes them."""
        rings = self._rings
        return (
            (rings.vertices, rings.starts, rings.shells, rings.of_grid), tuple(self.edges.runs)
        )  # fmt: skip

    def is_simple(self, position: int) -> bool:
        """Return whether a grid's rings neither cross nor cover one another; found out once."""
        if self._simple is not None:
            return bool(self._simple[position])
        if position not in self._found_simple:
            self._found_simple[position] = bool(shapely.is_valid(self.outline(position)))
        return self._found_simple[position]

    @property
    def nbytes(self) -> dict[str, int]:
        """What is held in memory, in bytes: the outlines' coordinates, and the index beside."""
        runs = sum(each.nbytes for each in self.edges.runs)
        return {"coordinates": self._rings.vertices.nbytes, "index": self._cells.nbytes + runs}

    # ---- who owns a point -------------------------------------------------------------------

    def owners(self, lon: ArrayLike, lat: ArrayLike, *, threads: int = 1) -> Positions:
        """Return the position of the grid that owns each point.

        Parameters
        ----------
        lon, lat : array_like of float, shape (n,)
            Degrees in the storage CRS. A NaN or infinite coordinate is owned by no grid.
        threads : int
            How many threads share the work.

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
        lons, lats = coordinates(lon, lat)
        out = np.empty(len(lons), dtype=np.intp)
        cuts = np.linspace(0, len(lons), max(min(threads, len(lons)), 1) + 1).astype(int)
        parts = [slice(*cut) for cut in pairwise(cuts)]
        if len(parts) == 1:
            self._write_owners(lons, lats, out)
        else:
            with ThreadPoolExecutor(len(parts)) as pool:
                for _ in pool.map(
                    lambda part: self._write_owners(lons[part], lats[part], out[part]), parts
                ):
                    pass
        return out

    def _write_owners(self, lons: Degrees, lats: Degrees, out: Positions) -> None:
        fast = compiled.twin("lookup")
        if fast is None:
            out[:] = lookup.owners(self._cells, lons, lats)
        else:
            fast.owners(self._tables, lons, lats, out, _NO_FLAGS)

    @cached_property
    def _tables(self) -> Any:
        """The arrays as compiled code takes them; made once, for it costs as much as a point."""
        fast = compiled.twin("tables")
        assert fast is not None  # noqa: S101 - asked by those who have it
        return fast.bare(self._cells)

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
        lons, lats = coordinates(lon, lat)
        fast = compiled.twin("lookup")
        if fast is None:
            owners, disputed = lookup.claims(self._cells, lons, lats)
        else:
            owners, disputed = np.empty(len(lons), np.intp), np.empty(len(lons), bool)
            fast.owners(self._tables, lons, lats, owners, disputed)
        metres = np.full(len(lons), np.nan)
        owned = np.flatnonzero(owners != OUTSIDE)
        metres[owned] = self.edges.distances_m(lons[owned], lats[owned], owners[owned])
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
        fast = compiled.twin("single")
        if fast is None:
            return single.owner(self._cells, lon, lat)
        return int(fast.owner(self._tables, lon, lat))

    def claim(self, lon: float, lat: float) -> tuple[int, float, bool]:
        """Return what :meth:`claims` says of one point, without the cost of arrays."""
        fast = compiled.twin("single")
        if fast is None:
            owner, disputed = single.claim(self._cells, lon, lat)
        else:
            owner, disputed = fast.claim(self._tables, lon, lat)
        metres = math.nan if owner == OUTSIDE else self.edges.distance_m(lon, lat, owner)
        return owner, metres, disputed

    # ---- who is near a point ----------------------------------------------------------------

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
        lons, lats = coordinates(lon, lat)
        out = self.owners(lons, lats)
        lost = np.flatnonzero((out == OUTSIDE) & np.isfinite(lons) & np.isfinite(lats))
        out[lost], _ = self.nearest_outside(lons[lost], lats[lost], within_m)
        return out

    def around(self, lon: float, lat: float, within_m: float) -> Positions:
        """Return the positions of the grids that may be so near to a point, and some others.

        In order of precedence.
        """
        east, north = degrees_around(lat, within_m)
        box = lon - east, lat - north, lon + east, lat + north
        fast = compiled.twin("single")
        near = single.around(self._cells, *box) if fast is None else fast.around(self._tables, *box)
        return near[np.argsort(self._rank[near])]

    def nearest_outside(
        self, lon: Degrees, lat: Degrees, within_m: float
    ) -> tuple[Positions, Metres]:
        """Return, for finite points that no grid covers, the nearest grid and how far it is."""
        point, grid = self._around(lon, lat, within_m)
        metres = self.edges.distances_m(lon[point], lat[point], grid)
        near = metres <= within_m
        point, grid, metres = point[near], grid[near], metres[near]
        best = np.full(len(lon), np.inf)
        np.minimum.at(best, point, metres)
        equal = metres <= best[point] + _TIE_M
        ranks = np.full(len(lon), len(self.codes), dtype=np.intp)
        np.minimum.at(ranks, point[equal], self._rank[grid[equal]])
        best[~np.isfinite(best)] = np.nan
        return self._by_rank[ranks], best

    def nearest_outside_one(self, lon: float, lat: float, within_m: float) -> tuple[int, float]:
        """Return what :meth:`nearest_outside` says of one point."""
        east, north = degrees_around(lat, within_m)
        if not self._cells.frame.meets(lon - east, lat - north, lon + east, lat + north):
            return OUTSIDE, math.nan
        grid, metres = self.nearest_outside(np.array([lon]), np.array([lat]), within_m)
        return int(grid[0]), float(metres[0])

    def any_before(self, position: int, lon: float, lat: float, within_m: float) -> bool:
        """Return whether a grid that goes before ``position``, a point's owner, is so near to it.

        Examples
        --------
        >>> square, kiosk = shapely.box(0, 0, 1, 1), shapely.box(0.5, 0.5, 0.6, 0.6)
        >>> index = GridIndex(["S", "K"], [square, kiosk], dedicated=np.array([False, True]))
        >>> index.any_before(0, 0.4999, 0.5, 20), index.any_before(0, 0.4, 0.5, 20)
        (True, False)
        """
        near = self.around(lon, lat, within_m)
        before = near[self._rank[near] < self._rank[position]].tolist()
        return any(self.edges.distance_m(lon, lat, grid) <= within_m for grid in before)

    def _around(self, lon: Degrees, lat: Degrees, within_m: float) -> tuple[Positions, Positions]:
        """Return pairs of a point and a grid that may be so near to it, and some others."""
        east, north = degrees_around(lat, within_m)
        return lookup.around(self._cells, lon - east, lat - north, lon + east, lat + north)

    @cached_property
    def _by_rank(self) -> Positions:
        """The position of the grid of each rank; behind the last one, ``OUTSIDE``."""
        return np.append(_ranking(self.codes, self.dedicated).positions, OUTSIDE)

    @cached_property
    def _rank(self) -> Positions:
        """The rank of each grid."""
        return np.argsort(self._by_rank[:-1])

    # ---- as a file --------------------------------------------------------------------------

    def save(self, path: Path | str) -> None:
        """Write the index to a file that :meth:`load` opens, atomically.

        Parameters
        ----------
        path : Path or str
            What is there already stays until all is written.
        """
        simple = self._simple
        if simple is None:  # found out for all while there is time
            simple = shapely.is_valid(self._rings.geometries())
        index_file.write(
            Path(path),
            Contents(
                self.codes, self.dedicated, self.edition, self._rings, self._cells,
                self.edges.runs, simple,
            ),
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path | str) -> "GridIndex":
        """Open a file of :meth:`save` by memory map; processes that do so share its pages.

        Raises
        ------
        SnapshotInvalid
            If it is no snapshot of grids, or damaged.
        FileNotFoundError
            If there is none.
        """
        index = cls.__new__(cls)
        index._take(index_file.read(Path(path)))
        return index


_NO_FLAGS: Final = np.zeros(0, dtype=bool)


def _ranking(codes: Sequence[str], dedicated: NDArray[np.bool_]) -> Ranking:
    """Return the order of precedence: dedicated grids first, then by code."""
    order = sorted(range(len(codes)), key=lambda i: (not dedicated[i], codes[i]))
    return Ranking(np.array(order, dtype=np.intp), int(dedicated.sum()))


def _now(
    previous: GridIndex, codes: Sequence[str], dedicated: NDArray[np.bool_], rings: Rings
) -> Positions:
    """Return the position now of each grid of a previous index that is the same to the last bit."""
    places = {code: position for position, code in enumerate(codes)}
    now = np.array([places.get(code, OUTSIDE) for code in previous.codes], dtype=np.intp)
    there = np.flatnonzero(now != OUTSIDE)
    before, after = previous._rings.taken(there), rings.taken(now[there])
    same = previous.dedicated[there] == dedicated[now[there]]
    same &= before.same_as(after)
    now[there[~same]] = OUTSIDE
    return now
