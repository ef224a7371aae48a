"""An index of grids as a file that another process opens."""

import pickle
from pathlib import Path

import shapely

from gis.ownership import GridIndex


def save_index(index: GridIndex, path: Path) -> None:
    """Write an index to a file."""
    parts = (index.codes, shapely.to_wkb(index.geometries), index.dedicated)
    path.write_bytes(pickle.dumps(parts))


def load_index(path: Path) -> GridIndex:
    """Open an index that was written by :func:`save_index`."""
    codes, outlines, dedicated = pickle.loads(path.read_bytes())  # noqa: S301 - written by us
    return GridIndex(codes, shapely.from_wkb(outlines), dedicated=dedicated)
