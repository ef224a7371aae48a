"""Grids made ready to be checked, and which of them have edges that do not match."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gis.coverage.order import Progress
from gis.geometry import Geometries

LATTICE_DEGREES: Final = 1e-9  # 0.1 mm
_BLOCK: Final = 5_000


@dataclass(frozen=True)
class Network:
    """Grids, mended; ``kept`` are the positions of those that have an area of their own."""

    names: list[str]
    whole: Geometries
    kept: NDArray[np.intp]
    dedicated: NDArray[np.bool_]
    tree: STRtree
    """Of the grids kept, in their order."""
    mismatched: NDArray[np.bool_]
    """Which of the grids kept have an edge that no neighbour has as well, and yet touches one."""

    @classmethod
    def prepare(
        cls,
        names: list[str],
        whole: Geometries,
        kept: NDArray[np.intp],
        dedicated: NDArray[np.bool_],
        progress: Progress,
    ) -> "Network":
        """Index the grids and compare their edges."""
        mismatched = np.zeros(len(kept), dtype=bool)
        for first in (False, True):
            of = np.flatnonzero(dedicated[kept] == first)
            mismatched[of] = mismatched_edges(whole[kept[of]], progress)
        return cls(names, whole, kept, dedicated, STRtree(whole[kept]), mismatched)


def mismatched_edges(shapes: Geometries, progress: Progress) -> NDArray[np.bool_]:
    """Return which polygons have an edge that lies on or in another without being its edge.

    Where some polygons together lie on others, the edges around them are such, though those between
    them match one another.
    They are looked at in blocks with what is around them, on all processors.
    """
    found = np.zeros(len(shapes), dtype=bool)
    tree = STRtree(shapes)
    blocks = list(_blocks(shapes))
    done = 0
    progress("compare edges", 0, len(shapes))

    def compare(block: NDArray[np.intp]) -> NDArray[np.bool_]:
        west, south, east, north = shapely.total_bounds(shapes[block])
        near = tree.query(shapely.box(west, south, east, north))
        rows = np.concatenate([block, np.setdiff1d(near, block)])
        edges = shapely.coverage_invalid_edges(shapes[rows])[: len(block)]
        return np.asarray(~shapely.is_empty(edges), dtype=bool)

    with ThreadPoolExecutor() as pool:
        for block, bad in zip(blocks, pool.map(compare, blocks), strict=True):
            found[block] = bad
            done += len(block)
            progress("compare edges", done, len(shapes))
    return found


def _blocks(shapes: Geometries) -> Iterator[NDArray[np.intp]]:
    """Return positions in tiles of some thousand each: slabs from west to east, cut by latitude."""
    if not len(shapes):
        return
    bounds = shapely.bounds(shapes)
    tiles = -(-len(shapes) // _BLOCK)
    slabs = max(round(tiles**0.5), 1)
    for slab in np.array_split(np.argsort(bounds[:, 0], kind="stable"), slabs):
        upward = slab[np.argsort(bounds[slab, 1], kind="stable")]
        yield from np.array_split(upward, max(-(-len(upward) // _BLOCK), 1))


def joined(shapes: Geometries, mismatched: NDArray[np.bool_], progress: Progress) -> Any:
    """Return the union of polygons; those whose edges match are joined without being noded."""
    clean = shapes[~mismatched]
    blocks = list(_blocks(clean))
    pieces = []
    with ThreadPoolExecutor() as pool:
        for piece in pool.map(lambda block: _union(clean[block]), blocks):
            pieces.append(piece)
            progress("join", len(clean) * len(pieces) // len(blocks), len(clean))
    noded = shapely.union_all(shapes[mismatched], grid_size=LATTICE_DEGREES)
    # on a lattice of 0.1 mm: else a slit of rounding would let a gap run out into the open
    return shapely.union_all([noded, _union(pieces)], grid_size=LATTICE_DEGREES)


def _union(shapes: Sequence[Any] | NDArray[Any]) -> Any:
    """Return the union of a coverage, and of anything else all the same."""
    try:
        return shapely.coverage_union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes)
