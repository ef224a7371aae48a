"""Seeded tessellations of any size, and points that are hard for them.

A tessellation is made of the cells around random places, half of these spread evenly and half in
clusters. Each edge between two cells is drawn once, as a crooked line that both neighbours then
hold vertex by vertex: nothing overlaps, gapes or meets in a T. One cell in fifty has a hole; half
of the holes are grids of their own, half belong to the grid next door.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray

from gis.geometry import Degrees, Geometries

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

BOX: Final = (110.2, 39.1, 112.2, 40.7)
VERTICES: Final = 60  # of a grid, about
KINDS: Final = ("uniform", "clustered", "adversarial")
_HOLED: Final = 0.02
_CORNERS: Final = 24  # of a hole
_MOST: Final = 20_000  # grids whose edges are looked at for hard points
_SWING: Final = (0.0, 0.03, 0.12, 0.2)  # how crooked edges are, as a share of their length


def tessellation(count: int, seed: int = 150622) -> tuple[list[str], Geometries]:
    """Return the codes, in order, and the outlines of ``count`` grids in ``BOX``."""
    random = np.random.default_rng(seed)
    holes = int(count * _HOLED)
    enclaves = holes // 2
    cells = _Cells.around(_sites(count - enclaves, random))
    holed = random.choice(len(cells.sites), holes, replace=False)
    outlines, lengths = cells.crooked(random)
    inner = _rings(cells.sites[holed], 0.35 * cells.clear[holed], random)
    owners = np.concatenate(
        [len(cells.sites) + np.arange(enclaves), cells.beside[holed[enclaves:]]]
    )
    rings = np.concatenate([outlines, inner[:, ::-1].reshape(-1, 2), inner.reshape(-1, 2)])
    every = np.arange(len(cells.sites))
    table = np.concatenate(
        [  # the grid, the part of it, whether a hole, and the length, of each ring
            np.stack([every, every, np.zeros_like(every), lengths]),
            np.stack([holed, holed, np.ones_like(holed), np.full(holes, _CORNERS + 1)]),
            np.stack([owners, len(every) + np.arange(holes), np.zeros_like(holed),
                      np.full(holes, _CORNERS + 1)]),
        ],
        axis=1,
    )  # fmt: skip
    return [f"T{number:07d}" for number in range(count)], _assemble(count, rings, table)


def points(kind: str, count: int, geometries: Geometries, seed: int = 1) -> tuple[Degrees, Degrees]:
    """Return longitudes and latitudes over some grids; any stretch of them is like the whole.

    ``uniform``; ``clustered``: four in five in a twentieth of the area; ``adversarial``: on and
    next to vertices and edges, level with vertices, outside, and some that are nowhere.
    """
    random = np.random.default_rng(seed)
    box = shapely.total_bounds(geometries)
    low, size = box[:2], box[2:] - box[:2]
    if kind == "adversarial":
        drawn = _adversarial(count, geometries, random)
    else:
        drawn = low + random.random((count, 2)) * size
    if kind == "clustered":
        side = np.sqrt(0.005)
        corners = low + random.random((10, 2)) * (1 - side) * size
        hot = np.flatnonzero(random.random(count) < 0.8)
        of = random.integers(0, 10, len(hot))
        drawn[hot] = corners[of] + random.random((len(hot), 2)) * side * size
    return np.ascontiguousarray(drawn[:, 0]), np.ascontiguousarray(drawn[:, 1])


def _sites(count: int, random: Generator) -> Floats:
    """Return the places around which the cells lie: half anywhere, half in clusters."""
    clusters = max(3, int(np.sqrt(count) / 4))
    centres, weights = random.random((clusters, 2)), random.dirichlet(np.full(clusters, 0.5))
    placed = random.random((count - count // 2, 2))
    while len(placed) < count:
        around = centres[random.choice(clusters, count, p=weights)]
        drawn = around + random.normal(0, 0.02, around.shape)
        within = ((drawn > 0.001) & (drawn < 0.999)).all(axis=1)
        placed = np.concatenate([placed, drawn[within]])[:count]
    return np.array(BOX[:2]) + placed * np.subtract(BOX[2:], BOX[:2])


@dataclass(frozen=True)
class _Cells:
    """Which points are nearest to each site. A side is an edge as one cell has it."""

    sites: Floats
    cell: Numbers  # of each side, in order along each cell
    first: Floats  # corner of each side, shape (sides, 2)
    last: Floats

    @classmethod
    def around(cls, sites: Floats) -> "_Cells":
        """Return the cells. Sites near the border are mirrored beyond it, so they end there."""
        low, high = np.array(BOX[:2]), np.array(BOX[2:])
        margin = 12 / np.sqrt(len(sites)) * (high - low)
        places = [sites]
        for axis in (0, 1):
            for border in (low[axis], high[axis]):
                near = sites[np.abs(sites[:, axis] - border) < margin[axis]].copy()
                near[:, axis] = 2 * border - near[:, axis]
                places.append(near)
        drawn = shapely.voronoi_polygons(shapely.multipoints(np.concatenate(places)), ordered=True)
        polygons = shapely.get_parts(drawn)[: len(sites)]
        corners, cell = shapely.get_coordinates(polygons, return_index=True)
        same = np.flatnonzero(cell[1:] == cell[:-1])
        return cls(sites, cell[same], corners[same], corners[same + 1])

    @cached_property
    def height(self) -> Floats:
        """How far each site is from the line of each side."""
        along, to = self.last - self.first, self.sites[self.cell] - self.first
        return np.abs(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]) / self.length

    @cached_property
    def length(self) -> Floats:
        return np.hypot(*(self.last - self.first).T)

    @cached_property
    def clear(self) -> Floats:
        """How far around each site there is no side."""
        found = np.full(len(self.sites), np.inf)
        long = self.length > 1e-9  # the line of a shorter one is mostly rounding
        np.minimum.at(found, self.cell[long], self.height[long])
        return found

    @cached_property
    def _edges(self) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """One side of each edge; of each side the edge, and whether it runs the other way."""
        ends = np.concatenate([self.first, self.last])
        _, corner = np.unique(ends[:, 0] + 1j * ends[:, 1], return_inverse=True)
        a, b = np.split(corner, 2)
        _, one, edge = np.unique(
            np.minimum(a, b) * len(ends) + np.maximum(a, b), return_index=True, return_inverse=True
        )
        return one, edge, a != a[one[edge]]

    @cached_property
    def beside(self) -> Numbers:
        """A neighbour of each cell."""
        _, edge, _ = self._edges
        both = np.bincount(edge, self.cell).astype(np.intp)
        shared = np.bincount(edge)[edge] == 2
        found = np.zeros(len(self.sites), np.intp)
        found[self.cell[shared]] = (both[edge] - self.cell)[shared]
        return found

    def crooked(self, random: Generator) -> tuple[Floats, Numbers]:
        """Return the outlines with crooked edges, one after another, and how long each is."""
        one, edge, backwards = self._edges
        long = np.sqrt(self.length[one] / self.length.mean())
        drawn = random.gamma(1.2, 1.0, len(one)) * long * VERTICES / 6.3
        steps = np.clip(drawn, 1, VERTICES).astype(np.intp)
        drawn_points, offset = self._draw(one, steps, random)
        of, step = _runs(steps[edge])
        on = edge[of]
        taken = offset[on] + np.where(backwards[of], steps[on] - step, step)
        lengths = np.bincount(self.cell, steps[edge]).astype(np.intp) + 1
        start = np.cumsum(lengths) - lengths
        outlines = np.empty((lengths.sum(), 2))
        outlines[np.arange(len(of)) + self.cell[of]] = drawn_points[taken]
        outlines[start + lengths - 1] = outlines[start]
        return outlines, lengths

    def _draw(self, one: Numbers, steps: Numbers, random: Generator) -> tuple[Floats, Numbers]:
        """Return the points of all edges, both ends included, and where each edge starts.

        A point leaves the straight edge by less than half of what would bring it out of the
        triangle that edge and site make, so that edges never meet one another.
        """
        a, b, length = self.first[one], self.last[one], self.length[one]
        unit = (b - a) / length[:, None]
        foot = ((self.sites[self.cell[one]] - a) * unit).sum(axis=1)
        room = 0.45 * self.height[one] / np.maximum(foot, length - foot)
        swing = random.choice(_SWING, len(one), p=(0.2, 0.4, 0.3, 0.1))
        of, step = _runs(steps + 1)
        along = step / steps[of]
        from_end = np.minimum(along, 1 - along) * length[of]
        off = np.clip(random.uniform(-2, 2, len(of)) * swing[of], -room[of], room[of]) * from_end
        across = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
        drawn = a[of] + (along * length[of])[:, None] * unit[of] + off[:, None] * across[of]
        last = np.cumsum(steps + 1) - 1
        drawn[last - steps], drawn[last] = a, b
        return drawn, last - steps


def _runs(lengths: Numbers) -> tuple[Numbers, Numbers]:
    """Return for all members of runs of these lengths the run, and the place in it."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - (np.cumsum(lengths) - lengths)[run]


def _rings(centres: Floats, radii: Floats, random: Generator) -> Floats:
    """Return a jagged closed ring around each centre, shape (n, corners + 1, 2)."""
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    reach = radii[:, None] * random.uniform(0.6, 1, (len(centres), _CORNERS))
    around = np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=-1)
    rings: Floats = centres[:, None] + around
    return np.concatenate([rings, rings[:, :1]], axis=1)


def _assemble(count: int, rings: Floats, table: Numbers) -> Geometries:
    """Return the grids, from all rings and the table of what each of them is."""
    grid, part, hole, length = table
    start = np.cumsum(length) - length
    order = np.lexsort((hole, part, grid))
    grid, hole = grid[order], hole[order]
    of, place = _runs(length[order])
    coordinates = rings[start[order][of] + place]
    ring_ends = np.concatenate([[0], np.cumsum(length[order])])
    part_ends = np.append(np.flatnonzero(hole == 0), len(order))
    grid_ends = np.concatenate([[0], np.cumsum(np.bincount(grid[hole == 0], minlength=count))])
    made: Geometries = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, coordinates, (ring_ends, part_ends, grid_ends)
    )
    single = shapely.get_num_geometries(made) == 1
    made[single] = shapely.get_geometry(made[single], 0)
    return made


def _adversarial(count: int, geometries: Geometries, random: Generator) -> Floats:
    """Return points where an inexact index errs, in no order."""
    some = random.permutation(len(geometries))[:_MOST]
    rings = shapely.get_rings(shapely.get_parts(geometries[some]))
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    edges = np.flatnonzero(ring[1:] == ring[:-1])
    box = shapely.total_bounds(geometries)
    low, size = box[:2], box[2:] - box[:2]
    share = -(-count // 10)

    def ends() -> tuple[Floats, Floats]:
        chosen = random.choice(edges, share)
        return vertices[chosen].copy(), vertices[chosen + 1]

    def between() -> Floats:
        a, b = ends()
        return a + random.random((share, 1)) * (b - a)

    def middles() -> Floats:
        a, b = ends()
        return (a + b) / 2

    def level(axis: int) -> Floats:
        drawn = ends()[0]
        drawn[:, axis] = low[axis] + random.random(share) * size[axis]
        return drawn

    def next_to(axis: int) -> Floats:
        drawn = ends()[0]
        drawn[:, axis] = np.nextafter(drawn[:, axis], random.choice([-np.inf, np.inf], share))
        return drawn

    drawn = np.concatenate([
        ends()[0], middles(), between(),
        middles() + random.choice([-1e-9, 1e-9], (share, 2)),
        middles() + random.choice([-1e-13, 1e-13], (share, 2)),
        level(0), level(1), next_to(0), next_to(1),
        low + random.uniform(-0.2, 1.2, (share, 2)) * size,
    ])  # fmt: skip
    drawn = random.permutation(drawn)[:count]
    nowhere = random.choice(count, count // 1000 + min(count, 5), replace=False)
    drawn[nowhere, random.integers(0, 2, len(nowhere))] = random.choice(
        [np.nan, np.inf, -np.inf], len(nowhere)
    )
    return drawn
