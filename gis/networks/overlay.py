"""Networks laid over one another: the faces between all their lines, and who covers each face.

All that is asked of several networks is a sum over faces. Lines are noded on a lattice of 1e-9°
(0.1 mm), so that faces share their edges exactly and what is made of faces is a valid coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Geometries, Metres, Positions
from gis.measure import areas_m2, distances_m
from gis.networks.given import Buildings, Communities, Network, Outlines

LATTICE_DEGREES: Final = 1e-9


@dataclass(frozen=True)
class Cover:
    """Which faces a layer's outlines cover: pairs, sorted by face and then by outline."""

    face: Positions
    outline: Positions
    first: Positions
    """Of each face the outline with the lowest code, a dedicated one first; else ``OUTSIDE``."""


@dataclass(frozen=True)
class Overlay:
    """The faces between the lines of all layers.

    Parameters
    ----------
    faces : ndarray of Polygon, shape (f,)
        Degrees; they share edges, never overlap, and each is covered by something.
    face_m2 : ndarray of float, shape (f,)
    face_households : ndarray of float, shape (f,)
        Of a building over several faces each has its share by area.
    covers : tuple of Cover
        One for each network.
    community : ndarray of intp, shape (f,)
        Position in ``communities``; ``OUTSIDE`` where there is none.
    astride : Cover
        The buildings that a line of any layer meets. Each other lies in one face.
    edges : ndarray of intp, shape (e, 2)
        Pairs of faces that share an edge.
    edge_m : ndarray of float, shape (e,)
        How long it is.
    """

    networks: tuple[Network, ...]
    communities: Communities | None
    buildings: Buildings
    faces: Geometries
    face_m2: Metres
    face_households: NDArray[np.float64]
    covers: tuple[Cover, ...]
    community: Positions
    astride: Cover
    edges: Positions
    edge_m: Metres

    @property
    def territory(self) -> NDArray[np.bool_]:
        """Which faces a merged network must cover.

        The communities; without them all that any network covers.
        """
        owners = (
            [self.community] if self.communities is not None else [c.first for c in self.covers]
        )
        covered: NDArray[np.bool_] = np.any([owner != OUTSIDE for owner in owners], axis=0)
        return covered


def overlay(
    networks: Sequence[Network],
    communities: Communities | None = None,
    buildings: Buildings | None = None,
    *,
    lines: Sequence[shapely.Geometry] = (),
) -> Overlay:
    """Lay networks over one another.

    Parameters
    ----------
    networks : sequence of Network
        At least one; no two of one name.
    communities : Communities, optional
    buildings : Buildings, optional
    lines : sequence of LineString
        Along which faces are cut too.

    Returns
    -------
    Overlay

    Raises
    ------
    InvalidGrids
        If there is no network, two have one name, or one has no grid.

    Examples
    --------
    >>> civil = Network.of("civil", ["C1"], [shapely.box(0, 0, 2, 1)])
    >>> police = Network.of("police", ["P1"], [shapely.box(1, 0, 3, 1)])
    >>> len(overlay([civil, police]).faces)
    3
    """
    _check(networks)
    buildings = buildings or Buildings.of([], [])
    layers: list[Outlines] = [*networks, *([communities] if communities is not None else [])]
    borders = np.concatenate(
        [*(shapely.boundary(o.geometries) for o in layers), np.array(lines, dtype=object)]
    )
    met = _met(borders, buildings)
    faces = _faces(np.concatenate([borders, shapely.boundary(buildings.geometries[met])]))
    points = shapely.point_on_surface(faces)
    outlines = [*(layer.geometries for layer in layers), buildings.geometries[met]]
    pairs = [_covered(points, shapes) for shapes in outlines]
    used = np.zeros(len(faces), dtype=bool)
    for face, _ in pairs:
        used[face] = True
    place = np.cumsum(used) - 1
    firsts = [network.is_dedicated for network in networks]
    firsts += [np.zeros(len(shapes), dtype=bool) for shapes in outlines[len(networks) :]]
    covers = [
        _cover(place[face], outline, int(used.sum()), dedicated)
        for (face, outline), dedicated in zip(pairs, firsts, strict=True)
    ]
    faces, points = faces[used], points[used]
    astride = Cover(covers[-1].face, met[covers[-1].outline], _of(met, covers[-1].first))
    face_m2 = areas_m2(faces)
    return Overlay(
        tuple(networks), communities, buildings, faces, face_m2,
        _households(buildings, faces, face_m2, astride),
        tuple(covers[: len(networks)]),
        covers[len(networks)].first if communities is not None
        else np.full(len(faces), OUTSIDE, dtype=np.intp),
        astride, *_shared_edges(faces),
    )  # fmt: skip


def _check(networks: Sequence[Network]) -> None:
    if not networks:
        raise InvalidGrids("there is no network to lay over another: name at least one")
    names = [network.name for network in networks]
    for network in networks:
        if names.count(network.name) > 1:
            raise InvalidGrids(f"two networks are called {network.name}: give each its own name")
        if not len(network):
            raise InvalidGrids(f"the network {network.name} has no grid with an outline")


def _of(values: Positions, at: Positions) -> Positions:
    """Return the value at each position, ``OUTSIDE`` where there is none."""
    return np.append(values, OUTSIDE)[at]


def _met(lines: Geometries, buildings: Buildings) -> Positions:
    """Return the buildings that a line meets or nearly meets."""
    parts = shapely.get_parts(shapely.get_parts(lines))
    segments = _segments(parts)
    pairs = STRtree(segments).query(
        buildings.geometries, predicate="dwithin", distance=3 * LATTICE_DEGREES
    )
    return np.unique(pairs[0])


def _segments(lines: Geometries) -> Geometries:
    points, line = shapely.get_coordinates(lines, return_index=True)
    start = np.flatnonzero(line[1:] == line[:-1])
    pairs = np.stack([points[start], points[start + 1]], axis=1)
    segments: Geometries = np.atleast_1d(np.asarray(shapely.linestrings(pairs), dtype=object))
    return segments


def _faces(lines: Geometries) -> Geometries:
    noded = shapely.union_all(lines, grid_size=LATTICE_DEGREES)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    # in an order of their own, whatever the order of the lines
    bounds = shapely.bounds(faces).reshape(-1, 4)
    order = np.lexsort([*bounds.T, shapely.area(faces)])
    found: Geometries = faces[order]
    return found


def _covered(points: Geometries, shapes: Geometries) -> tuple[Positions, Positions]:
    outline, face = STRtree(points).query(shapes, predicate="contains")
    order = np.lexsort([outline, face])
    return face[order], outline[order]


def _cover(face: Positions, outline: Positions, count: int, dedicated: NDArray[np.bool_]) -> Cover:
    first = np.full(count, OUTSIDE, dtype=np.intp)
    first[face[::-1]] = outline[::-1]
    upper = dedicated[outline]
    first[face[upper][::-1]] = outline[upper][::-1]
    return Cover(face, outline, first)


def summed(at: Positions, values: NDArray[np.float64], count: int = 0) -> NDArray[np.float64]:
    """Return the sum of the values at each position, of at least ``count`` positions."""
    return np.bincount(at, values, minlength=count).astype(np.float64)


def _households(
    buildings: Buildings, faces: Geometries, face_m2: Metres, astride: Cover
) -> NDArray[np.float64]:
    """Return how many households each face has."""
    counts = np.zeros(len(faces))
    area = summed(astride.outline, face_m2[astride.face], len(buildings))
    np.add.at(
        counts,
        astride.face,
        buildings.households[astride.outline]
        * face_m2[astride.face]
        / np.where(area > 0, area, 1)[astride.outline],
    )
    lone = np.setdiff1d(np.arange(len(buildings)), astride.outline)
    inside, face = STRtree(faces).query(
        shapely.point_on_surface(buildings.geometries[lone]), predicate="intersects"
    )
    lone_at, first = np.unique(inside, return_index=True)
    np.add.at(counts, face[first], buildings.households[lone[lone_at]])
    return counts


def _shared_edges(faces: Geometries) -> tuple[Positions, Metres]:
    """Return pairs of faces with a common edge, and how long it is; faces share their nodes."""
    rings, face = shapely.get_rings(faces, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(ring[1:] == ring[:-1])
    a, b, owner = points[start], points[start + 1], face[ring[start]]
    swapped = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a[swapped], b[swapped] = b[swapped], a[swapped].copy()
    order = np.lexsort([a[:, 0], a[:, 1], b[:, 0], b[:, 1]])
    a, b, owner = a[order], b[order], owner[order]
    same = np.flatnonzero(np.all(a[1:] == a[:-1], axis=1) & np.all(b[1:] == b[:-1], axis=1))
    pairs = np.sort(np.stack([owner[same], owner[same + 1]], axis=1), axis=1)
    metres = distances_m(a[same, 0], a[same, 1], b[same, 0], b[same, 1])
    apart = pairs[:, 0] != pairs[:, 1]
    edges, at = np.unique(pairs[apart], axis=0, return_inverse=True)
    return edges.astype(np.intp), summed(at.ravel(), metres[apart], len(edges))
