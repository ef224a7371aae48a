"""The areas around grids, whose queues take what no grid owns."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE, Geometries, Positions
from gis.measure import areas_m2
from gis.ownership import GridIndex


class AreaIndex:
    """The areas around grids: communities, streets, the banner.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry; no two alike.
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS; they may nest.
    root : str, optional
        The area whose queue takes what lies outside them all. Without it, the one area that
        covers all others, if there is one.

    Examples
    --------
    >>> street, banner = shapely.box(0, 0, 1, 1), shapely.box(0, 0, 9, 9)
    >>> areas = AreaIndex(["150622001", "150622"], np.array([street, banner]))
    >>> areas.smallest([0.5, 5.0, 99.0], [0.5, 5.0, 0.0]).tolist(), areas.root
    ([0, 1, -1], '150622')
    """

    def __init__(
        self, codes: Sequence[str], geometries: Geometries, *, root: str | None = None
    ) -> None:
        checked = GridIndex(codes, geometries)
        self.codes: tuple[str, ...] = checked.codes
        self.geometries: Geometries = checked.geometries
        if root is not None and root not in self.codes:
            raise InvalidGrids(f"the root {root} is none of the areas")
        # ranked by size: equal areas (a street of one community) by the longer, then lower code
        sizes = areas_m2(self.geometries)
        order = sorted(
            range(len(self.codes)), key=lambda i: (sizes[i], -len(self.codes[i]), self.codes[i])
        )
        self._order: Positions = np.array([*order, OUTSIDE], dtype=np.intp)
        ranks = [f"{rank:09d}" for rank in range(len(order))]
        self._index = GridIndex(ranks, self.geometries[self._order[:-1]])
        self.root: str | None = root or self._covering_all()

    def _covering_all(self) -> str | None:
        """Return the code of the one area that heads all others, or that covers them all."""
        if not self.codes:
            return None
        head = min(self.codes, key=len)
        # only a national code says by its digits what lies in it (GB/T 2260 and below)
        if len(head) in (6, 9, 12) and all(c.isdigit() and c.startswith(head) for c in self.codes):
            return head
        largest = int(self._order[-2])
        around = self.geometries[largest]
        others = np.delete(self.geometries, largest)
        return self.codes[largest] if bool(np.all(shapely.covers(around, others))) else None

    def smallest(self, lon: ArrayLike, lat: ArrayLike) -> Positions:
        """Return the position of the smallest area that covers each point, or ``OUTSIDE``."""
        return self._order[self._index.owners(lon, lat)]

    def smallest_position(self, lon: float, lat: float) -> int:
        """Return the position of the smallest area that covers one point, or ``OUTSIDE``."""
        return int(self._order[self._index.owner_position(lon, lat)])
