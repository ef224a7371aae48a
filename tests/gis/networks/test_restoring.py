import numpy as np
import shapely

from gis.networks import Network, overlay, propose
from gis.networks.restoring import as_drawn
from tests.gis.networks.made import box


def test_a_border_that_nobody_moved_is_the_very_same_line():
    third = 1 / 3
    shapes = [box(0, 0, third, 1), box(third, 0, 1, third), box(third, third, 1, 1)]
    civil = Network.of("civil", ["C1", "C2", "C3"], shapes)
    police = Network.of("police", ["P1", "P2"], [box(0, 0, 1, 0.7), box(0, 0.7, 1, 1)])
    for grid, shape in zip(
        sorted(propose(overlay([civil, police])).grids, key=lambda grid: grid.source), shapes,
        strict=True,
    ):  # fmt: skip
        drawn = set(map(tuple, shapely.get_coordinates(shape).tolist()))
        made = set(map(tuple, shapely.get_coordinates(grid.geometry).tolist()))
        # the corner at which C2 and C3 meet the straight edge of C1 must stay in it
        assert drawn <= made
        assert len(made - drawn) == (1 if grid.source == ("civil", "C1") else 0)


def test_parts_and_holes_lose_their_inserted_corners_on_both_sides():
    hole = box(1, 1, 2, 2)
    ring = shapely.difference(box(0, 0, 3, 3), hole)
    apart = shapely.union(hole, box(5, 0, 6, 1))
    civil = Network.of("civil", ["C1", "C2"], [ring, apart])
    police = Network.of("police", ["P1"], [box(0, 0, 3, 1.5)])
    one, two = propose(overlay([civil, police])).grids[:2]
    for grid in (one, two):
        shape = {"C1": ring, "C2": apart}[grid.source[1]]
        assert len(shapely.get_coordinates(grid.geometry)) == len(shapely.get_coordinates(shape))


def test_outlines_too_near_to_tell_apart_stay_on_the_lattice():
    assert len(as_drawn(np.zeros(0, dtype=object), [])) == 0
    near = shapely.box(0, 0, 1, 1)
    shapes = np.array([near, shapely.box(1, 0, 2, 1)], dtype=object)
    flipped = shapely.box(1 - 4e-10, 0, 2, 1)
    found = as_drawn(shapes, [np.array([flipped], dtype=object), shapes])
    assert shapely.coverage_is_valid(found)
