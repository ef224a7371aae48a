"""Small towns laid out like a chessboard, for the tests of proposals."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.proposal import Ground

WEST, SOUTH, BLOCK = 111.2, 39.8, 1e-3


def block(column: float, row: float, *, shrunk: float = 0.0) -> shapely.Polygon:
    """A block of the chessboard, perhaps drawn in by a share of its side on each side."""
    inner = BLOCK * shrunk
    west, south = WEST + column * BLOCK, SOUTH + row * BLOCK
    return shapely.box(west + inner, south + inner, west + BLOCK - inner, south + BLOCK - inner)


def land(columns: int, rows: int) -> shapely.Polygon:
    """The outline around all blocks."""
    return shapely.box(WEST, SOUTH, WEST + columns * BLOCK, SOUTH + rows * BLOCK)


def streets(columns: int, rows: int) -> NDArray[Any]:
    """The middles of all streets between the blocks, each from end to end."""
    east, north = WEST + columns * BLOCK, SOUTH + rows * BLOCK
    upright = [[(WEST + i * BLOCK, SOUTH), (WEST + i * BLOCK, north)] for i in range(1, columns)]
    level = [[(WEST, SOUTH + i * BLOCK), (east, SOUTH + i * BLOCK)] for i in range(1, rows)]
    return np.array([shapely.LineString(line) for line in upright + level], dtype=object)


def board(columns: int, rows: int, households: int = 100, **more: Any) -> Ground:
    """A town with one building on each block and all streets."""
    buildings = [block(i, j, shrunk=0.3) for j in range(rows) for i in range(columns)]
    return Ground(
        **{
            "outline": land(columns, rows),
            "buildings": np.array(buildings, dtype=object),
            "households": np.full(columns * rows, households),
            "streets": streets(columns, rows),
            **more,
        }
    )
