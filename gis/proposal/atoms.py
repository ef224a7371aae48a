"""The atoms of a community: what no border may cut, each with the land around it.

Streets cut the outline into blocks. A compound, or a building outside every compound, is a unit;
a street that runs through a unit is no border there. A block with several units is shared out
among them, each point to the nearest unit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.geometry import Geometries
from gis.proposal.graph import AtomGraph, Border
from gis.proposal.ground import LEAST_SHARE, Bounds, Ground, homes, placeable, polygons

STREET_M: Final = 5.0
"""A border so near to a street's middle runs along it."""

_LATTICE_M: Final = 2e-4
_INSIDE_M: Final = 1.5  # a street this deep in a compound runs through it, not along it
_REACH_M: Final = 20.0  # a street that ends so near to the outline is meant to reach it
_SPACING_M: Final = 3.0
_APART_M: Final = 0.2
_SHAKE_M: Final = 0.01
_SMOOTH_M: Final = (3.0, 1.0)
_TOUCH_M: Final = 0.5  # who touches over less than this is no neighbour
_SPECK_M2: Final = 1e-3


@dataclass(frozen=True)
class Atoms:
    """Land that is never cut: polygons in metres that, with the grids kept, fill the outline.

    A grid that is kept has a vertex wherever a border between atoms meets it.
    """

    shapes: Geometries
    kept: Geometries
    graph: AtomGraph


@dataclass(frozen=True)
class _Units:
    shapes: Geometries
    households: NDArray[np.int64]


def make_atoms(ground: Ground, bounds: Bounds) -> Atoms:
    """Cut a community into atoms.

    Parameters
    ----------
    ground : Ground
        What is there.
    bounds : Bounds
        A block whose households are no more than half the range is not cut.

    Returns
    -------
    Atoms
        In metres of ``ground.plane``. Apart pieces of the outline are neighbours only where one
        of them has too few households for a grid of its own.
    """
    outline = open_land(ground)
    units = _units(ground, outline)
    streets = shapely.union_all(polylines(ground))
    lines = _free_streets(streets, outline, units)
    blocks = _blocks(outline, lines)
    home = homes(units.shapes, blocks, least=0.0)
    shapes, unit_of = _cells(blocks, home, units, bounds)
    shapes = _around_units(shapes, unit_of, units)
    faces, kept = _noded(shapes, outline, polygons(ground.plane.metres(ground.kept)))
    shapes, households = _joined(faces, shapes, unit_of, units)
    return Atoms(shapes, kept, _graph(shapes, households, streets, bounds))


def open_land(ground: Ground) -> shapely.Geometry:
    """Return the outline without the grids that are kept, in metres."""
    outline: shapely.Geometry = polygons(ground.plane.metres(np.array([ground.outline])))[0]
    if len(ground.kept):
        kept = shapely.union_all(polygons(ground.plane.metres(ground.kept)))
        outline = polygons(np.array([shapely.difference(outline, kept)]))[0]
    return outline


def polylines(ground: Ground) -> Geometries:
    """Return the streets as lines in metres."""
    parts = shapely.get_parts(shapely.get_parts(ground.plane.metres(ground.streets)))
    lines: Geometries = parts[shapely.get_dimensions(parts) == 1]
    return lines


def _units(ground: Ground, outline: shapely.Geometry) -> _Units:
    """Return compounds with their buildings, and other buildings, as far as they are ours."""
    compounds = polygons(ground.plane.metres(ground.compounds))
    buildings = placeable(ground.plane.metres(ground.buildings))
    around = np.array([outline])
    compounds = compounds[homes(compounds, around) == 0]
    ours = homes(buildings, around) == 0
    buildings = buildings[ours]
    households = np.asarray(ground.households, dtype=np.int64)[ours]
    compound_of = homes(buildings, compounds)
    shapes = np.concatenate([compounds, buildings])
    counts = np.concatenate([np.zeros(len(compounds), dtype=np.int64), households])
    links = [
        (int(compound), len(compounds) + building)
        for building, compound in enumerate(compound_of)
        if compound >= 0
    ]
    links += _overlapping(shapes)
    groups = _united(len(shapes), links)
    whole = [shapely.union_all(shapes[group]) for group in groups]
    clipped = shapely.intersection(np.array(whole, dtype=object), outline)
    return _Units(clipped, np.array([counts[group].sum() for group in groups], dtype=np.int64))


def _overlapping(shapes: Geometries) -> list[tuple[int, int]]:
    """Return the pairs of which one has a part of the other: no border can keep both whole."""
    one, two = STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    areas = shapely.area(shapes)
    smaller = np.minimum(areas[one], areas[two])
    shared = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    chosen = shared > LEAST_SHARE * np.where(smaller > 0, smaller, np.inf)
    # points, or nothing between them: one place
    chosen |= (smaller == 0) & (shapely.distance(shapes[one], shapes[two]) == 0)
    return [(int(a), int(b)) for a, b in zip(one[chosen], two[chosen], strict=True)]


def _united(count: int, links: list[tuple[int, int]]) -> list[list[int]]:
    """Return groups of positions that links hold together, by their lowest."""
    head = list(range(count))

    def find(i: int) -> int:
        while head[i] != i:
            head[i] = head[head[i]]
            i = head[i]
        return i

    for a, b in links:
        low, high = sorted((find(a), find(b)))
        head[high] = low
    groups: dict[int, list[int]] = {}
    for i in range(count):
        groups.setdefault(find(i), []).append(i)
    return [groups[i] for i in sorted(groups)]


def _free_streets(
    streets: shapely.Geometry, outline: shapely.Geometry, units: _Units
) -> shapely.Geometry:
    """Return the streets as far as they can be borders, led on to the outline they end near."""
    rim = shapely.boundary(outline)
    lines = shapely.get_parts(shapely.line_merge(shapely.intersection(streets, outline)))
    lines = lines[shapely.get_dimensions(lines) == 1]
    ends, count = np.unique(
        np.concatenate([shapely.get_coordinates(shapely.boundary(line)) for line in lines])
        if len(lines)
        else np.empty((0, 2)),
        axis=0,
        return_counts=True,
    )
    loose = shapely.points(ends[count == 1])
    gaps = shapely.shortest_line(loose, rim)
    gaps = gaps[(shapely.length(gaps) > 0) & (shapely.length(gaps) < _REACH_M)]
    solid = units.shapes[shapely.area(units.shapes) > 0]
    inside = shapely.union_all(shapely.buffer(solid, -_INSIDE_M, join_style="mitre"))
    return shapely.difference(shapely.union_all(np.concatenate([lines, gaps])), inside)


def _blocks(outline: shapely.Geometry, lines: shapely.Geometry) -> Geometries:
    """Return what the streets cut the outline into."""
    rims = np.array([shapely.boundary(outline), lines])
    noded = shapely.union_all(rims, grid_size=_LATTICE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside: Geometries = faces[shapely.covers(outline, shapely.point_on_surface(faces))]
    return inside


def _cells(
    blocks: Geometries, home: NDArray[np.intp], units: _Units, bounds: Bounds
) -> tuple[Geometries, list[list[int]]]:
    """Return the land of each atom to be, and the units on it."""
    shapes: list[shapely.Geometry] = []
    unit_of: list[list[int]] = []
    for position, block in enumerate(blocks):
        own = np.flatnonzero(home == position)
        few = units.households[own].sum() <= (bounds.most - bounds.fewest) / 2
        if len(own) < 2 or few:
            shapes.append(block)
            unit_of.append(own.tolist())
        else:
            shapes += _shared_out(block, units.shapes[own])
            unit_of += [[int(unit)] for unit in own]
    return np.array(shapes, dtype=object), unit_of


def _around_units(shapes: Geometries, unit_of: list[list[int]], units: _Units) -> Geometries:
    """Lead borders around the units that stand on a street's line, each whole on its own side."""
    around = shapes.copy()
    for position, own in enumerate(unit_of):
        for unit in units.shapes[own]:
            if shapely.area(shapely.difference(unit, shapes[position])) > (
                LEAST_SHARE * shapely.area(unit)
            ):
                met = STRtree(shapes).query(unit, predicate="intersects")
                around[met] = shapely.difference(around[met], unit)
                around[position] = shapely.union(around[position], unit)
    return around


def _shared_out(block: shapely.Polygon, units: Geometries) -> list[shapely.Geometry]:
    """Give each unit of a block what is nearest to it."""
    clear = shapely.buffer(units, -_APART_M, join_style="mitre")
    thin = shapely.is_empty(clear)
    clear[thin] = shapely.point_on_surface(units[thin])
    seeds, whose = shapely.get_coordinates(shapely.segmentize(clear, _SPACING_M), return_index=True)
    # Points on a lattice lie on common circles, where the cells' corners are many and one.
    seeds = seeds + np.random.default_rng(0).uniform(-_SHAKE_M, _SHAKE_M, seeds.shape)
    reach = shapely.buffer(shapely.envelope(block), 50.0)
    faces = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=reach, ordered=True)
    faces = shapely.get_parts(faces)
    cells = np.array([shapely.coverage_union_all(faces[whose == i]) for i in range(len(units))])
    cells = shapely.intersection(_smooth(cells, units), block)
    return list(cells)


def _smooth(cells: Geometries, units: Geometries) -> Geometries:
    """Straighten the common borders of cells as far as no unit is cut."""
    for tolerance in _SMOOTH_M:
        smooth: Geometries = shapely.coverage_simplify(cells, tolerance, simplify_boundary=False)
        lost = shapely.area(shapely.difference(units, smooth))
        if np.all(lost <= shapely.area(shapely.difference(units, cells)) + _SPECK_M2):
            return smooth
    return cells


def _noded(
    shapes: Geometries, outline: shapely.Geometry, kept: Geometries
) -> tuple[Geometries, Geometries]:
    """Node all borders together; return the faces of the open land, and the grids that are kept."""
    rims = shapely.boundary(np.concatenate([shapes, kept, [outline]]))
    noded = shapely.union_all(rims, grid_size=_LATTICE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    whose = homes(faces, kept)
    renewed = [shapely.coverage_union_all(faces[whose == i]) for i in range(len(kept))]
    free = faces[whose < 0]
    middles = shapely.point_on_surface(free)
    return free[shapely.covers(outline, middles)], np.array(renewed, dtype=object)


def _joined(
    faces: Geometries, shapes: Geometries, unit_of: list[list[int]], units: _Units
) -> tuple[Geometries, NDArray[np.int64]]:
    """Put the faces together to atoms, and part from each what does not hang on its units."""
    nearest = homes(faces, shapes, least=0.0)
    lost = np.flatnonzero(nearest < 0)  # specks between two drawings of one border
    nearest[lost] = STRtree(shapes).nearest(shapely.point_on_surface(faces[lost]))
    atoms: list[shapely.Geometry] = []
    households: list[int] = []
    for position, own in enumerate(unit_of):
        pieces = shapely.get_parts(shapely.coverage_union_all(faces[nearest == position]))
        if not len(pieces):
            continue
        count = int(units.households[own].sum())
        held = np.zeros(len(pieces), dtype=bool)
        if own:
            held = shapely.intersects(pieces, shapely.union_all(units.shapes[own]))
        if held.any():
            atoms.append(_one(pieces[held]))
            households.append(count)
        for piece in pieces[~held]:
            atoms.append(piece)
            households.append(0)
    return np.array(atoms, dtype=object), np.array(households, dtype=np.int64)


def _one(pieces: Geometries) -> shapely.Geometry:
    return pieces[0] if len(pieces) == 1 else shapely.MultiPolygon(list(pieces))


def _graph(
    shapes: Geometries, households: NDArray[np.int64], streets: shapely.Geometry, bounds: Bounds
) -> AtomGraph:
    neighbours: list[dict[int, Border]] = [{} for _ in shapes]
    rims = shapely.boundary(shapes)
    one, two = STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    shared = shapely.intersection(rims[one], rims[two])
    along = shapely.buffer(streets, STREET_M)
    shapely.prepare(along)
    lengths = shapely.length(shared)
    off = lengths - shapely.length(shapely.intersection(shared, along))
    for a, b, length, beside in zip(one, two, lengths, off, strict=True):
        if length > _TOUCH_M:
            border = Border(float(length), max(0.0, float(beside)))
            neighbours[a][int(b)] = neighbours[b][int(a)] = border
    graph = AtomGraph(
        tuple(households.tolist()),
        tuple(shapely.area(shapes).tolist()),
        tuple(shapely.length(rims).tolist()),
        tuple(neighbours),
    )
    for a, b in _bridges(graph, shapes, bounds):
        neighbours[a][b] = neighbours[b][a] = Border(0.0, 0.0)
    return graph


def _bridges(graph: AtomGraph, shapes: Geometries, bounds: Bounds) -> Iterator[tuple[int, int]]:
    """Link each piece that is too small for a grid of its own to the atom nearest to it."""
    pieces = graph.pieces(range(len(shapes)))
    sizes = [sum(graph.households[i] for i in piece) for piece in pieces]
    largest = int(np.argmax(sizes))
    for piece in (p for n, p in enumerate(pieces) if n != largest and sizes[n] < bounds.fewest / 2):
        others = np.array(sorted(set(range(len(shapes))) - piece))
        own = shapely.union_all(shapes[sorted(piece)])
        near = others[int(np.argmin(shapely.distance(shapes[others], own)))]
        members = sorted(piece)
        yield (
            int(members[int(np.argmin(shapely.distance(shapes[members], shapes[near])))]),
            int(near),
        )
