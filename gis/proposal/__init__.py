"""Grids proposed for a community: buildings and compounds whole, along streets, even in size."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.proposal.atoms import make_atoms
from gis.proposal.graph import parted
from gis.proposal.ground import Bounds, Ground
from gis.proposal.score import Score, household_counts, score
from gis.reading import reading_order

__all__ = ["Bounds", "Ground", "Proposal", "Score", "numbered", "propose", "score"]

_ROUNDED_M: Final = 2e-4


@dataclass(frozen=True)
class Proposal:
    """A network of grids, none of them in force.

    Attributes
    ----------
    grids : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS; as one reads: from the north, each row from west to east.
    kept : ndarray of Polygon or MultiPolygon
        The grids that stay, in the order of the ground, with a vertex where a new border ends.
    households : tuple of int
        In each grid.
    atom_count : int
        Of pieces of land that were not cut further.
    score : Score
        What the network is worth.
    oversize, undersize : tuple of int
        Positions of the grids with more or fewer households than asked. A compound or building
        that is larger by itself stays one grid.
    in_pieces : tuple of int
        Positions of the grids of several pieces, as where the outline itself has some.
    """

    grids: Geometries
    kept: Geometries
    households: tuple[int, ...]
    atom_count: int
    score: Score
    oversize: tuple[int, ...]
    undersize: tuple[int, ...]
    in_pieces: tuple[int, ...]


def propose(ground: Ground, bounds: Bounds | None = None, *, seed: int = 0) -> Proposal:
    """Propose grids for a community.

    Parameters
    ----------
    ground : Ground
        What is there.
    bounds : Bounds, optional
        Households a grid; 300 to 500.
    seed : int
        Of the random numbers by which the search goes; the same seed, the same grids.

    Returns
    -------
    Proposal
        The grids fill the outline, but for the grids that are kept, exactly once.

    Examples
    --------
    >>> houses = shapely.box([0, 3e-3, 6e-3, 9e-3], 0, [1e-3, 4e-3, 7e-3, 10e-3], 1e-3)
    >>> ground = Ground(shapely.box(-1e-3, -1e-3, 11e-3, 2e-3), houses, np.full(4, 200))
    >>> proposal = propose(ground)
    >>> proposal.households, proposal.score.buildings_split
    ((400, 400), 0)
    """
    bounds = bounds or Bounds()
    atoms = make_atoms(ground, bounds)
    groups = parted(atoms.graph, bounds, np.random.default_rng(seed))
    shapes = np.array([_dissolved(atoms.shapes[sorted(group)]) for group in groups], dtype=object)
    middles = shapely.centroid(shapes)
    shapes = shapes[reading_order(shapely.get_x(middles), shapely.get_y(middles))]
    counts = household_counts(ground, shapes)
    grids = _placed(shapes, ground)
    return Proposal(
        grids=grids,
        kept=_placed(
            np.array([_dissolved(np.array([g])) for g in atoms.kept], dtype=object), ground
        ),
        households=tuple(counts.tolist()),
        atom_count=len(atoms.shapes),
        score=score(ground, grids, bounds),
        oversize=_positions(counts > bounds.most),
        undersize=_positions(counts < bounds.fewest),
        in_pieces=_positions(shapely.get_num_geometries(grids) > 1),
    )


def numbered(prefix: str, count: int, *, first: int = 1) -> list[str]:
    """Return the codes of grids in their order: the community's code and three digits.

    Examples
    --------
    >>> numbered("150622003003", 2, first=9)
    ['150622003003009', '150622003003010']
    """
    return [f"{prefix}{number:03d}" for number in range(first, first + count)]


def _dissolved(shapes: Geometries) -> shapely.Geometry:
    """Return the union of a part of a coverage; a Polygon where it is one."""
    whole = shapely.coverage_union_all(shapes)
    parts: Geometries = shapely.get_parts(whole)
    return whole if len(parts) > 1 else parts[0]


def _placed(shapes: Geometries, ground: Ground) -> Geometries:
    """Return shapes in degrees; a vertex of the outline is where it was, to the last digit."""
    given = np.concatenate(
        [shapely.get_coordinates(ground.outline), shapely.get_coordinates(ground.kept)]
    )
    points = np.asarray(shapely.points(given), dtype=object)
    lattice = shapely.get_coordinates(ground.plane.metres(points))
    known = dict(zip(map(tuple, _rounded(lattice).tolist()), given.tolist(), strict=True))

    def back(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        there = ground.plane.degrees(xy)
        for row, key in enumerate(map(tuple, _rounded(xy).tolist())):
            if key in known:
                there[row] = known[key]
        return there

    placed: Geometries = shapely.transform(shapes, back)
    return placed


def _rounded(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(xy / _ROUNDED_M).astype(np.int64)


def _positions(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())
