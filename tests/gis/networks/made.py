"""Networks made by hand, on a chessboard of squares of some 85 by 111 m."""

import shapely

from gis.networks import Buildings, Communities, Network

SIDE = 0.001
WEST, SOUTH = 111.2, 39.9


def box(x0, y0, x1, y1):
    """A rectangle in squares of the chessboard."""
    return shapely.box(WEST + x0 * SIDE, SOUTH + y0 * SIDE, WEST + x1 * SIDE, SOUTH + y1 * SIDE)


def network(name, **cells):
    return Network.of(name, list(cells), [box(*cell) for cell in cells.values()])


def communities(**cells):
    return Communities.of([f"15062200{code[1:]}" for code in cells],
                          [box(*cell) for cell in cells.values()])  # fmt: skip


def buildings(*cells, households=None):
    codes = [f"B{number}" for number, _ in enumerate(cells, start=1)]
    return Buildings.of(codes, [box(*cell) for cell in cells], households)


def same(one, other):
    """Whether two outlines are one but for the lattice of 0.1 mm."""
    return shapely.symmetric_difference(one, other).area < 1e-8 * SIDE
