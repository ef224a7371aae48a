"""What a proposal is made of: a community's outline, and what must or may be cut in it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.errors import InvalidGrids
from gis.geometry import Geometries
from gis.measure import distances_m
from gis.outlines import mended

LEAST_SHARE: Final = 0.02
"""Of a building or compound; what a border cuts off below this is drawing, not a split."""

_STEP_DEGREES: Final = 0.01


def _none() -> Geometries:
    return np.array([], dtype=object)


@dataclass(frozen=True)
class Bounds:
    """How many households a grid should have, both ends included.

    Examples
    --------
    >>> bounds = Bounds(300, 500)
    >>> bounds.middle, bounds.holds(np.array([299, 300, 501])).tolist()
    (400.0, [False, True, False])
    """

    fewest: int = 300
    most: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.fewest <= self.most:
            raise InvalidGrids(
                f"{self.fewest}..{self.most} is no range of households: write it as 300..500"
            )

    @property
    def middle(self) -> float:
        """The size that a grid has at best."""
        return (self.fewest + self.most) / 2

    def holds(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which counts lie within."""
        inside: NDArray[np.bool_] = (counts >= self.fewest) & (counts <= self.most)
        return inside


@dataclass(frozen=True)
class Ground:
    """A community as it lies; all geometries in degrees of the storage CRS.

    Attributes
    ----------
    outline : Polygon or MultiPolygon
        What the grids must fill.
    buildings : ndarray of Polygon, MultiPolygon or Point, shape (n,)
        What lies mostly outside the outline belongs to a neighbour and plays no part.
    households : ndarray of int, shape (n,)
        How many live in each building.
    compounds : ndarray of Polygon or MultiPolygon
        They are kept whole, with all buildings that are mostly in them.
    streets : ndarray of LineString or MultiLineString
        Along which borders should run.
    kept : ndarray of Polygon or MultiPolygon
        Grids that stay as they are, as dedicated ones do.

    Raises
    ------
    InvalidGrids
        The outline has no area, or there are not as many counts as buildings.
    """

    outline: shapely.Geometry
    buildings: Geometries = field(default_factory=_none)
    households: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    compounds: Geometries = field(default_factory=_none)
    streets: Geometries = field(default_factory=_none)
    kept: Geometries = field(default_factory=_none)

    def __post_init__(self) -> None:
        if len(self.buildings) != len(self.households):
            raise InvalidGrids(
                f"{len(self.households)} household counts for {len(self.buildings)} buildings: "
                "give one for each"
            )
        if np.any(np.asarray(self.households) < 0):
            raise InvalidGrids("a building has fewer than 0 households")
        if self.outline is None or shapely.area(self.outline) == 0:
            raise InvalidGrids("the outline has no area: give the community's polygon")

    @cached_property
    def plane(self) -> "Plane":
        """The plane in which this community is measured."""
        return Plane.around(self.outline)


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a place; straight edges stay straight, as on no map projection.

    Right to a few parts in ten thousand over ten kilometres, which is what a comparison of
    borders needs.
    """

    lon: float
    lat: float
    east_m: float
    north_m: float

    @classmethod
    def around(cls, shape: shapely.Geometry) -> "Plane":
        """Return the plane whose origin is the middle of a shape."""
        west, south, east, north = shapely.bounds(shape)
        lon, lat = (west + east) / 2, (south + north) / 2
        step = _STEP_DEGREES
        here = np.array([lon]), np.array([lat])
        east_m = float(distances_m(*here, here[0] + step, here[1])[0]) / step
        north_m = float(distances_m(*here, here[0], here[1] + step)[0]) / step
        return cls(lon, lat, east_m, north_m)

    def metres(self, geometries: Geometries) -> Geometries:
        """Return geometries of degrees in metres."""
        origin, scale = np.array([self.lon, self.lat]), np.array([self.east_m, self.north_m])
        flat: Geometries = shapely.transform(as_array(geometries), lambda c: (c - origin) * scale)
        return flat

    def degrees(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in metres in degrees."""
        scale = np.array([self.east_m, self.north_m])
        there: NDArray[np.float64] = xy / scale + np.array([self.lon, self.lat])
        return there


def as_array(geometries: Geometries) -> Geometries:
    """Return geometries as an object array, without Z."""
    array = np.empty(len(geometries), dtype=object)
    array[:] = list(geometries)
    flat: Geometries = shapely.force_2d(array)
    return flat


def polygons(geometries: Geometries) -> Geometries:
    """Return the polygonal part of each, made valid; an empty polygon where there is none."""
    return mended(as_array(geometries))


def placeable(geometries: Geometries) -> Geometries:
    """Return buildings as valid polygons or points; an empty polygon for all else."""
    array = as_array(geometries)
    points = np.isin(shapely.get_type_id(array), (0, 4))
    whole = mended(array)
    whole[points] = shapely.centroid(array[points])
    return whole


def homes(things: Geometries, among: Geometries, *, least: float = 0.5) -> NDArray[np.intp]:
    """Return for each thing the position of the shape with most of it; −1 for none.

    A polygon counts by area, a point by lying in the shape (the first one where it is on an
    edge). What has less than ``least`` of itself in its best shape has no home.
    """
    home = np.full(len(things), -1, dtype=np.intp)
    if not len(things) or not len(among):
        return home
    thing, shape = STRtree(among).query(things, predicate="intersects")
    sizes = shapely.area(things)
    flat = sizes[thing] == 0
    share = np.where(flat, 1.0, 0.0)
    share[~flat] = (
        shapely.area(shapely.intersection(things[thing[~flat]], among[shape[~flat]]))
        / sizes[thing[~flat]]
    )
    order = np.lexsort((-shape, share))
    order = order[share[order] >= least]
    home[thing[order]] = shape[order]
    return home


def shares(things: Geometries, among: Geometries) -> NDArray[np.float64]:
    """Return the largest share that one shape has of what all shapes have of each thing.

    A thing without area, or outside every shape, is whole: 1.
    """
    most, total = np.zeros(len(things)), np.zeros(len(things))
    if len(things) and len(among):
        thing, shape = STRtree(among).query(things, predicate="intersects")
        areas = shapely.area(shapely.intersection(things[thing], among[shape]))
        np.maximum.at(most, thing, areas)
        np.add.at(total, thing, areas)
    found: NDArray[np.float64] = np.divide(most, total, out=np.ones_like(most), where=total > 0)
    return found
