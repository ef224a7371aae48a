"""Partitions damaged as drawing by hand damages them, and how far outlines moved."""

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import strategies as st

from gis.ellipsoid import metres_a_degree

SIDE = 0.001  # degrees, some 85 by 111 m
X_M, Y_M = (1 / float(metres) for metres in metres_a_degree(39.9))
"""Degrees of a metre to the east and to the north."""


def cell(i, j):
    x, y = 111.2 + i * SIDE, 39.9 + j * SIDE
    return shapely.box(x, y, 111.2 + (i + 1) * SIDE, 39.9 + (j + 1) * SIDE)


def moved_m(one, other):
    """Return how far apart the boundaries of two outlines are, where they are furthest."""
    lines = [
        shapely.transform(shapely.boundary(shape), lambda at: at / [X_M, Y_M])
        for shape in (one, other)
    ]
    return float(shapely.hausdorff_distance(*lines, densify=0.1))


@st.composite
def towns(draw):
    """Draw a partition of some hundred metres around 39.9° N, of rows cut each at its places."""
    cells = []
    rows = draw(st.integers(1, 4))
    for j in range(rows):
        cuts = sorted(draw(st.sets(st.integers(1, 15), max_size=3)))
        for west, east in pairwise([0, *cuts, 16]):
            x, y = 111.2 + west * SIDE / 4, 39.9 + j * SIDE
            cells.append(shapely.box(x, y, 111.2 + east * SIDE / 4, 39.9 + (j + 1) * SIDE))
    return cells


def with_nodes(cells):
    """Return cells that have all corners of their neighbours."""
    lines = shapely.unary_union([c.boundary for c in cells])
    faces = shapely.get_parts(shapely.polygonize(list(shapely.get_parts(lines))))
    inside = shapely.point_on_surface(faces)
    order = shapely.STRtree(cells).query(inside, predicate="within")[1]
    return [faces[at] for at in np.argsort(order)]


@st.composite
def damaged(draw, *, jitter_m=0.35):
    """Draw such a partition whose grids were drawn each by itself: corners are off, nodes lack."""
    cells = draw(towns())
    if draw(st.booleans()):
        cells = with_nodes(cells)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.2, 1.0]))
    shapes = []
    for shape in cells:
        corners = shapely.get_coordinates(shape)[:-1]
        off = random.uniform(-1, 1, corners.shape) * jitter_m / np.sqrt(2) * [X_M, Y_M]
        off[random.random(len(corners)) > share] = 0
        shapes.append(shapely.Polygon(corners + off))
    codes = draw(st.permutations([f"G{i:02d}" for i in range(len(shapes))]))
    return list(codes), np.array(shapes, dtype=object)


def drawn_apart(seed, jitter_m):
    """Return the codes and outlines of a partition of which corners are off, always the same."""
    random = np.random.default_rng(seed)
    cells = []
    for j in range(random.integers(1, 5)):
        cuts = sorted(set(random.integers(1, 16, random.integers(0, 4)).tolist()))
        for west, east in pairwise([0, *cuts, 16]):
            x, y = 111.2 + west * SIDE / 4, 39.9 + j * SIDE
            cells.append(shapely.box(x, y, 111.2 + east * SIDE / 4, 39.9 + (j + 1) * SIDE))
    if random.random() < 0.5:
        cells = with_nodes(cells)
    share = random.choice([0.2, 1.0])
    shapes = []
    for shape in cells:
        corners = shapely.get_coordinates(shape)[:-1]
        off = random.uniform(-1, 1, corners.shape) * jitter_m / np.sqrt(2) * [X_M, Y_M]
        off[random.random(len(corners)) > share] = 0
        drawn = shapely.Polygon(corners + off)
        shapes.append(drawn if drawn.is_valid else drawn.convex_hull)
    codes = [f"G{i:02d}" for i in random.permutation(len(shapes))]
    return codes, np.array(shapes, dtype=object)
