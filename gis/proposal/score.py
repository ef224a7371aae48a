"""How good a network of grids is, by the same measures for a proposed one and one in force."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidGrids
from gis.geometry import Geometries
from gis.proposal.atoms import STREET_M, open_land, polylines
from gis.proposal.ground import LEAST_SHARE, Bounds, Ground, homes, placeable, polygons, shares

_RIM_M = 1.0


@dataclass(frozen=True)
class Score:
    """What a network is worth; shares and compactness are between 0 and 1.

    Attributes
    ----------
    grid_count : int
        Grids that were judged; those that the ground keeps are not.
    households : tuple of int
        In each grid.
    largest_deviation : float
        Of a grid's households from the mean, as a share of the mean.
    share_within : float
        Of the grids, how many have as many households as the bounds ask.
    compactness_mean, compactness_worst : float
        Polsby–Popper: 1 for a circle, 0.79 for a square.
    buildings_split, compounds_split : int
        Cut by a border with more than 2 % on either side.
    street_share : float or None
        Of the length of borders between grids, what runs along streets; None where there are no
        streets or no such borders.
    """

    grid_count: int
    households: tuple[int, ...]
    largest_deviation: float
    share_within: float
    compactness_mean: float
    compactness_worst: float
    buildings_split: int
    compounds_split: int
    street_share: float | None


def score(ground: Ground, grids: Geometries, bounds: Bounds | None = None) -> Score:
    """Judge a network of grids on a ground.

    Parameters
    ----------
    ground : Ground
        What the grids are to serve.
    grids : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS, without those in ``ground.kept``.
    bounds : Bounds, optional
        Households a grid; 300 to 500.

    Raises
    ------
    InvalidGrids
        There is no grid.
    """
    bounds = bounds or Bounds()
    if not len(grids):
        raise InvalidGrids("there is no grid to judge")
    shapes = polygons(ground.plane.metres(grids))
    counts = household_counts(ground, shapes)
    mean = counts.mean()
    around = shapely.length(shapely.boundary(shapes))
    compact = 4 * np.pi * shapely.area(shapes) / np.where(around > 0, around, np.inf) ** 2
    kept = polygons(ground.plane.metres(ground.kept))
    every = np.concatenate([shapes, kept])
    return Score(
        grid_count=len(shapes),
        households=tuple(counts.tolist()),
        largest_deviation=float(np.abs(counts - mean).max() / mean) if mean else 0.0,
        share_within=float(bounds.holds(counts).mean()),
        compactness_mean=float(compact.mean()),
        compactness_worst=float(compact.min()),
        buildings_split=_split(placeable(ground.plane.metres(ground.buildings)), every, ground),
        compounds_split=_split(polygons(ground.plane.metres(ground.compounds)), every, ground),
        street_share=_street_share(ground, shapes),
    )


def household_counts(ground: Ground, shapes: Geometries) -> NDArray[np.int64]:
    """Count the households of each grid (in metres): a building is where most of it is."""
    buildings = placeable(ground.plane.metres(ground.buildings))
    ours = homes(buildings, np.array([open_land(ground)])) == 0
    home = homes(buildings[ours], shapes, least=0.0)
    counts = np.zeros(len(shapes), dtype=np.int64)
    inside = home >= 0
    np.add.at(counts, home[inside], np.asarray(ground.households, dtype=np.int64)[ours][inside])
    return counts


def _split(things: Geometries, grids: Geometries, ground: Ground) -> int:
    """Count what is cut of the things that are mostly in the community."""
    outline = polygons(ground.plane.metres(np.array([ground.outline])))
    ours = homes(things, outline) == 0
    return int((shares(things[ours], grids) < 1 - LEAST_SHARE).sum())


def _street_share(ground: Ground, shapes: Geometries) -> float | None:
    """Return how much of the borders between grids runs along streets."""
    lines = polylines(ground)
    if not len(lines):
        return None
    rim = shapely.buffer(shapely.boundary(open_land(ground)), _RIM_M)
    inner = shapely.difference(shapely.union_all(shapely.boundary(shapes)), rim)
    length = shapely.length(inner)
    if length == 0:
        return None
    along = shapely.intersection(inner, shapely.buffer(shapely.union_all(lines), STREET_M))
    return float(shapely.length(along) / length)
