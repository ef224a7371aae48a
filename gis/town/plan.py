"""The ground plan: streets cut the town into communities, grids and blocks, exactly once.

The town's outline is cut in two again and again, wide curved cuts first (the river, the
railway, avenues), lanes last. All cuts are then noded together, so that neighbours share every
vertex of their common edge, and each area is a union of whole blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.geometry import Geometries

Item = TypeVar("Item")

BASIC_AREA_M2: Final = 31_000.0
BLOCK_AREA_M2: Final = 12_000.0
NODING_M: Final = 0.01
"""Cuts are noded on a lattice of a centimetre: a street that meets another ends exactly on it."""

SMALLEST_LAND_M2: Final = 900.0
NARROW_LANE_M: Final = 4.0

TURN: Final = np.radians(11.0)
"""How far the town's axes are turned from east."""


@dataclass(frozen=True)
class Cut:
    """How a kind of street runs: its corridor and how much it bends, in metres."""

    corridor_m: float
    bend_m: float


FULL_SIZE_M: Final = 1100.0
"""A town smaller than this square's side has a narrower river and railway."""

RIVER: Final = Cut(84.0, 95.0)
RAILWAY: Final = Cut(44.0, 70.0)
AVENUE: Final = Cut(28.0, 16.0)
STREET: Final = Cut(17.0, 6.0)
LANE: Final = Cut(10.0, 1.5)


def scaled(cut: Cut, area_m2: float) -> Cut:
    """Return the cut as it fits a town of this size."""
    factor = min(1.0, float(np.sqrt(area_m2)) / FULL_SIZE_M)
    return Cut(cut.corridor_m * factor, cut.bend_m * factor)


@dataclass(frozen=True)
class Weighted(Generic[Item]):
    """Something that wants land, and how much beside its neighbours."""

    item: Item
    weight: float


@dataclass(frozen=True)
class Blocks:
    """The blocks between the streets, in metres from the town's centre.

    Attributes
    ----------
    faces : ndarray of Polygon, shape (n,)
        Whole blocks up to the middle of the streets; they cover the town exactly once.
    land : ndarray of Polygon, shape (n,)
        What can be built on: the face without the street's corridors.
    owners : ndarray of intp, shape (n,)
        Position of the parcel (the grid) that each block belongs to.
    roads : ndarray of LineString
        The middle of avenues, railway and river, along which shops stand.
    """

    faces: Geometries
    land: Geometries
    owners: NDArray[np.intp]
    roads: Geometries


def axis_at(x: float, y: float) -> float:
    """Return the direction of the streets at a place, in radians from east."""
    return float(TURN + 0.13 * np.sin(x / 1100 + 0.6) + 0.10 * np.cos(y / 800 - 0.4))


def outline(area_m2: float, rng: np.random.Generator) -> shapely.Polygon:
    """Return an irregular, longish outline of a given area around the centre."""
    turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radius = np.ones_like(turns)
    for wave in (2, 3, 5, 7, 8, 11, 13):
        radius += (
            rng.uniform(0.14, 0.34) / (wave + 2) * np.cos(wave * turns + rng.uniform(0, 2 * np.pi))
        )
    # A superellipse: towns are boxier than circles.
    radius /= (np.abs(np.cos(turns)) ** 3.2 + np.abs(np.sin(turns)) ** 3.2) ** (1 / 3.2)
    flat = shapely.polygons(np.c_[1.22 * radius * np.cos(turns), 0.82 * radius * np.sin(turns)])
    turned = turned_by(np.array([flat]), TURN)[0]
    scale = np.sqrt(area_m2 / turned.area)
    polygon: shapely.Polygon = shapely.transform(turned, lambda xy: xy * scale)
    return polygon


def turned_by(geometries: Geometries, angle: float) -> Geometries:
    """Return the geometries turned about the origin, counter-clockwise by radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, sin], [-sin, cos]])
    turned: Geometries = shapely.transform(geometries, lambda xy: xy @ matrix)
    return turned


@dataclass
class Surveyor:
    """Cuts land in two and remembers each cut."""

    rng: np.random.Generator
    lines: list[BaseGeometry] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)

    def divide(
        self, land: shapely.Polygon, wishes: Sequence[Weighted[Item]], cuts: Sequence[Cut]
    ) -> list[tuple[Item, shapely.Polygon]]:
        """Give each wish a connected piece of land by weight; ``cuts`` go from first to last."""
        if len(wishes) == 1:
            return [(wishes[0].item, land)]
        running = np.cumsum([wish.weight for wish in wishes])
        middle = int(np.argmin(np.abs(running[:-1] / running[-1] - 0.5))) + 1
        share = float(running[middle - 1] / running[-1])
        first, second = self.bisect(land, share, cuts[0])
        rest = cuts[1:] or cuts
        return [
            *self.divide(first, wishes[:middle], rest),
            *self.divide(second, wishes[middle:], rest),
        ]

    def bisect(
        self, land: shapely.Polygon, share: float, cut: Cut
    ) -> tuple[shapely.Polygon, shapely.Polygon]:
        """Cut the land across its longer axis so that the first piece has the share of it."""
        centre = land.centroid
        angle = axis_at(centre.x, centre.y)
        flat = turned_by(np.array([land]), -angle)[0]
        west, south, east, north = flat.bounds
        if east - west < north - south:
            angle += np.pi / 2
            flat = turned_by(np.array([land]), -angle)[0]
            west, south, east, north = flat.bounds
        at = _position_of_share(flat, share)
        for bend in (cut.bend_m, cut.bend_m / 3, 0.0):
            line = self._bent_line(at, (south, north), min(bend, (east - west) / 9))
            side = shapely.polygons([*line, (west - 500, north + 300), (west - 500, south - 300)])
            pieces = [shapely.intersection(flat, side), shapely.difference(flat, side)]
            if all(isinstance(piece, shapely.Polygon) for piece in pieces):
                break
        else:
            # Bent land may fall into more than two pieces: what hangs loose joins the second.
            parts = shapely.get_parts(pieces[0])
            pieces[0] = parts[np.argmax(shapely.area(parts))]
            pieces[1] = shapely.difference(flat, pieces[0])
        inside = shapely.intersection(shapely.linestrings(line), flat)
        first, second, inside = turned_by(np.array([*pieces, inside]), angle)
        self.lines.append(inside)
        self.cuts.append(cut)
        return first, second

    def _bent_line(self, at: float, span: tuple[float, float], bend: float) -> NDArray[np.float64]:
        south, north = span[0] - 300, span[1] + 300
        along = np.linspace(south, north, 2 if bend < 1 else max(9, int((north - south) / 28)))
        wave = (along - np.mean(span)) / (span[1] - span[0])
        phase, tilt = self.rng.uniform(0, 2 * np.pi), self.rng.normal(0, 0.02)
        across = bend * np.sin(2 * np.pi * wave * 0.9 + phase)
        across += bend * 0.35 * np.sin(2 * np.pi * wave * 2.1 + 2 * phase)
        across -= np.mean(across[np.abs(wave) <= 0.5]) if bend >= 1 else 0.0
        line: NDArray[np.float64] = np.c_[at + across + tilt * (along - np.mean(span)), along]
        return line

    def blocks(self, parcels: Sequence[shapely.Polygon], block_counts: Sequence[int]) -> Blocks:
        """Cut parcels into blocks and node everything together."""
        leaves: list[shapely.Polygon] = []
        leaf_parcels: list[int] = []
        for position, (parcel, count) in enumerate(zip(parcels, block_counts, strict=True)):
            wishes = [Weighted(i, self.rng.uniform(0.85, 1.15)) for i in range(count)]
            for _, piece in self.divide(parcel, wishes, [LANE]):
                leaves.append(piece)
                leaf_parcels.append(position)
        edges = shapely.boundary(np.array(leaves))
        noded = shapely.union_all(edges, grid_size=NODING_M)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
        tree = shapely.STRtree(np.array(leaves))
        nearest = tree.nearest(shapely.point_on_surface(faces))
        owners = np.asarray(leaf_parcels, dtype=np.intp)[nearest]
        return Blocks(faces, self._land(faces), owners, self._roads())

    def _land(self, faces: Geometries) -> Geometries:
        """Return each face without the corridors of the streets around it."""
        widths = np.array([cut.corridor_m / 2 for cut in self.cuts])
        rim = shapely.boundary(shapely.coverage_union_all(faces))
        corridors = shapely.buffer(
            np.array([*self.lines, rim]), np.append(widths, STREET.corridor_m / 2)
        )
        land = faces.copy()
        pairs = shapely.STRtree(corridors).query(faces, predicate="intersects")
        for position in range(len(faces)):
            around = corridors[pairs[1][pairs[0] == position]]
            free = _largest(shapely.difference(faces[position], shapely.union_all(around)))
            if free.area < SMALLEST_LAND_M2:
                # A block all of corridor, by the river say: its lane is narrow there.
                free = _largest(shapely.buffer(faces[position], -NARROW_LANE_M))
            land[position] = free
        return land

    def _roads(self) -> Geometries:
        wide = [cut.corridor_m >= AVENUE.corridor_m for cut in self.cuts]
        return np.array([line for line, keep in zip(self.lines, wide, strict=True) if keep])


def _largest(geometry: BaseGeometry) -> shapely.Polygon:
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)]
    return max(parts, key=lambda part: float(part.area), default=shapely.Polygon())


def _position_of_share(flat: shapely.Polygon, share: float) -> float:
    """Return the x at which a north-south line cuts off the share on its west."""
    west, south, east, north = flat.bounds
    low, high = west, east
    for _ in range(12):
        middle = (low + high) / 2
        below = shapely.clip_by_rect(flat, west - 1, south - 1, middle, north + 1).area
        low, high = (middle, high) if below < share * flat.area else (low, middle)
    return (low + high) / 2
