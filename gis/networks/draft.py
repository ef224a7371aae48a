"""Grids in the making: which grid each face belongs to, before any grid has a code."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gis.geometry import OUTSIDE, Metres, Positions
from gis.networks.joining import chained
from gis.networks.overlay import Overlay

NO_CELL: Final = (OUTSIDE, OUTSIDE)

Cell = tuple[int, int]
"""The position of a network and of a cell in it."""


@dataclass(frozen=True)
class Draft:
    """Grids before they have codes."""

    grid: Positions
    """The number of each face's grid, or ``OUTSIDE``; numbers may have gaps."""
    cells: dict[int, Cell]
    """The cell that each grid stems from."""

    def dedicated(self, laid: Overlay) -> Positions:
        """Return the numbers of the grids that stem from a dedicated cell."""
        return np.array([n for n, cell in self.cells.items() if is_dedicated(laid, cell)], np.intp)


def is_dedicated(laid: Overlay, cell: Cell) -> bool:
    """Tell whether a cell is a dedicated one of its network."""
    network, at = cell
    return network != OUTSIDE and bool(laid.networks[network].is_dedicated[at])


def bound_by_buildings(laid: Overlay) -> Positions:
    """Return pairs of faces of one community that one building holds together."""
    inside = laid.territory[laid.astride.face]
    face = laid.astride.face[inside]
    key = laid.astride.outline[inside] * (laid.community.max(initial=0) + 2) + laid.community[face]
    return chained(key, face)


def is_inner(laid: Overlay) -> Any:
    """Return which edges lie between two faces of the territory in one community."""
    territory = laid.territory[laid.edges].all(axis=1)
    same = laid.community[laid.edges]
    return territory & (same[:, 0] == same[:, 1])


def inner_edges(laid: Overlay) -> Positions:
    """Return the pairs of faces side by side in the territory of one community."""
    edges: Positions = laid.edges[is_inner(laid)]
    return edges


def inner_borders(laid: Overlay, kind: NDArray[np.bool_]) -> tuple[Positions, Metres]:
    """Return the inner edges between faces of one kind, and how long they are."""
    chosen = is_inner(laid) & (kind[laid.edges[:, 0]] == kind[laid.edges[:, 1]])
    return laid.edges[chosen], laid.edge_m[chosen]


def alike(edges: Positions, label: Positions) -> Positions:
    """Return the pairs of faces that have one label."""
    ends = label[edges]
    alike: Positions = edges[(ends[:, 0] == ends[:, 1]) & (ends[:, 0] != OUTSIDE)]
    return alike


def communities_of(laid: Overlay, faces: Any) -> tuple[str, ...]:
    """Return the codes of the communities on whose ground faces lie."""
    if laid.communities is None:
        return ()
    found = np.unique(laid.community[faces])
    return tuple(laid.communities.codes[i] for i in found if i != OUTSIDE)
