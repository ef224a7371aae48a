"""The outlines of grids as flat arrays, ring after ring, as GeoArrow lays them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries, Positions


@dataclass(frozen=True)
class Rings:
    """The rings of some grids, in the grids' order; a grid's shell goes before its holes.

    Attributes
    ----------
    vertices : ndarray of float, shape (m, 2)
        Longitude and latitude; the last vertex of a ring is its first again.
    starts : ndarray of int64, shape (r + 1,)
        Where each ring begins in ``vertices``.
    shells : ndarray of bool, shape (r,)
        Which rings are shells, each the first of a part; the others are holes.
    of_grid : ndarray of int64, shape (n + 1,)
        Where the rings of each grid begin.
    """

    vertices: NDArray[np.float64]
    starts: NDArray[np.int64]
    shells: NDArray[np.bool_]
    of_grid: NDArray[np.int64]

    @classmethod
    def of(cls, geometries: Geometries) -> "Rings":
        """Take the rings of polygons and multipolygons; None and empty ones have none.

        Examples
        --------
        >>> rings = Rings.of(np.array([shapely.box(0, 0, 1, 1), None, shapely.box(1, 0, 2, 1)]))
        >>> rings.starts.tolist(), rings.of_grid.tolist()
        ([0, 5, 10], [0, 1, 1, 2])
        """
        parts, part_grid = shapely.get_parts(geometries, return_index=True)
        rings, ring_part = shapely.get_rings(parts, return_index=True)
        vertices, vertex_ring = shapely.get_coordinates(rings, return_index=True)
        shells = np.ones(len(rings), dtype=bool)
        shells[1:] = ring_part[1:] != ring_part[:-1]
        grid = part_grid[ring_part]
        return cls(
            vertices,
            _offsets(np.bincount(vertex_ring, minlength=len(rings))),
            shells,
            _offsets(np.bincount(grid, minlength=len(geometries))),
        )

    def __len__(self) -> int:
        return len(self.of_grid) - 1

    @property
    def grids(self) -> Positions:
        """The grid of each ring."""
        return np.repeat(np.arange(len(self)), np.diff(self.of_grid))

    @property
    def edges(self) -> NDArray[np.int64]:
        """The edges, each by the vertex where it begins; it ends at the next one."""
        inner = np.ones(len(self.vertices), dtype=bool)
        inner[self.starts[1:] - 1] = False
        return np.flatnonzero(inner)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all grids; NaN where there is none."""
        if not len(self.vertices):
            return (np.nan,) * 4
        lon, lat = self.vertices.T  # numpy is ten times as slow along the other axis
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())

    def geometry(self, position: int) -> shapely.Geometry:
        """Return the outline of one grid; an empty polygon where it has none."""
        outline: shapely.Geometry = self.geometries([position])[0]
        return outline

    def geometries(self, positions: Sequence[int] | Positions | None = None) -> Geometries:
        """Return the outlines of some grids, or of all, as shapely objects.

        Examples
        --------
        >>> ring = shapely.difference(shapely.box(0, 0, 3, 3), shapely.box(1, 1, 2, 2))
        >>> bool(shapely.equals(Rings.of(np.array([ring])).geometry(0), ring))
        True
        """
        chosen = self if positions is None else self.taken(np.asarray(positions, dtype=np.intp))
        parts = np.append(np.flatnonzero(chosen.shells), len(chosen.shells))
        found: Geometries = shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON,
            chosen.vertices,
            (chosen.starts, parts, np.searchsorted(parts, chosen.of_grid)),
        )
        single = shapely.get_num_geometries(found) == 1
        found[single] = shapely.get_geometry(found[single], 0)
        found[chosen.of_grid[1:] == chosen.of_grid[:-1]] = shapely.Polygon()
        return found

    def same_as(self, other: "Rings") -> NDArray[np.bool_]:
        """Return which of as many grids have the same rings, vertex by vertex."""
        sizes = np.diff(self.starts[self.of_grid])
        same: NDArray[np.bool_] = sizes == np.diff(other.starts[other.of_grid])
        same &= np.diff(self.of_grid) == np.diff(other.of_grid)
        alike = np.flatnonzero(same)
        one, two = self.taken(alike), other.taken(alike)
        differs = one.vertices[:, 0] != two.vertices[:, 0]
        differs |= one.vertices[:, 1] != two.vertices[:, 1]
        differs[one.starts[:-1]] |= one.starts[:-1] != two.starts[:-1]
        differs[one.starts[:-1]] |= one.shells != two.shells
        grid = np.repeat(np.arange(len(alike)), sizes[alike])
        same[alike[grid[differs]]] = False
        return same

    def taken(self, positions: Positions) -> "Rings":
        """Return the rings of some grids, in the order of ``positions``."""
        if np.array_equal(positions, np.arange(len(self))):
            return self
        counts = np.diff(self.of_grid)[positions]
        rings = ranges(self.of_grid[positions], counts)
        lengths = np.diff(self.starts)[rings]
        vertices = self.vertices[ranges(self.starts[rings], lengths)]
        return Rings(vertices, _offsets(lengths), self.shells[rings], _offsets(counts))


def ranges(starts: NDArray[Any], sizes: NDArray[Any]) -> Positions:
    """Return the numbers ``start``, ``start + 1``, … of each range, one after the other.

    Examples
    --------
    >>> ranges(np.array([3, 8]), np.array([2, 1])).tolist()
    [3, 4, 8]
    """
    before = np.cumsum(sizes) - sizes
    numbers: Positions = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
    return numbers


def _offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each group begins, and where the last one ends."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
