"""What a comparison of networks is given: the networks, the communities, the buildings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import InvalidGrids
from gis.geometry import Geometries
from gis.outlines import mended, paired


@dataclass(frozen=True)
class Outlines:
    """Outlines with a code each; the rows of one code are one outline of several parts.

    Parameters
    ----------
    codes : tuple of str
        Each once, sorted.
    geometries : ndarray of Polygon or MultiPolygon, shape (n,)
        Degrees in the storage CRS, valid.
    """

    codes: tuple[str, ...]
    geometries: Geometries

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.codes)


@dataclass(frozen=True)
class Network(Outlines):
    """One department's grids.

    Parameters
    ----------
    name : str
        The department's; no two networks have one name.
    dedicated : frozenset of str
        The codes of its dedicated cells (parks, markets, schools), which lie on the basic ones.

    Examples
    --------
    >>> Network.of("police", ["P2", "P1"], [shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1)]).codes
    ('P1', 'P2')
    """

    name: str = ""
    dedicated: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        name: str,
        codes: Sequence[str],
        geometries: Geometries | Sequence[shapely.Geometry],
        dedicated: Collection[str] = (),
    ) -> "Network":
        """Return a network of what a file holds, mended; rows without ground are left out."""
        if not name.strip() or ":" in name:
            raise InvalidGrids(f"“{name}” is no name for a network: give it a word without a colon")
        return cls(*_gathered(codes, geometries), name=name, dedicated=frozenset(dedicated))

    def label(self, cell: int) -> str:
        """Return how a cell is called among those of all networks."""
        return f"{self.name}:{self.codes[cell]}"

    @cached_property
    def is_dedicated(self) -> NDArray[np.bool_]:
        """Which cells are dedicated ones, shape (n,)."""
        return np.array([code in self.dedicated for code in self.codes], dtype=bool)


@dataclass(frozen=True)
class Communities(Outlines):
    """The communities, whose borders no merged grid crosses."""

    @classmethod
    def of(
        cls, codes: Sequence[str], geometries: Geometries | Sequence[shapely.Geometry]
    ) -> "Communities":
        """Return communities of what a file holds, mended."""
        return cls(*_gathered(codes, geometries))


@dataclass(frozen=True)
class Buildings(Outlines):
    """The buildings, which no merged grid's border cuts, and how many households each has."""

    households: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        geometries: Geometries | Sequence[shapely.Geometry],
        households: ArrayLike | None = None,
    ) -> "Buildings":
        """Return buildings of what a file holds, mended; households are 0 where not known."""
        names, shapes = _gathered(codes, geometries)
        counts = np.zeros(len(names))
        if households is not None:
            given = np.nan_to_num(np.asarray(households, dtype=float))
            if len(given) != len(codes):
                raise InvalidGrids(f"{len(given)} counts of households for {len(codes)} buildings")
            place = {name: i for i, name in enumerate(names)}
            for code, count in zip(codes, given, strict=True):
                if code in place:
                    counts[place[code]] += count
        return cls(names, shapes, counts)


@dataclass(frozen=True)
class Tolerances:
    """From which share on grids are equal, buildings are cut, and pieces are grids of their own.

    Parameters
    ----------
    agreement_share : float
        Two cells are one where each lies in the other but for less than the rest.
    split_share : float
        A building is cut where a border takes at least this share of it from the largest part.
    least_share : float
        A piece that a border cuts off a cell is a grid of its own from this share of it on.
    least_m2, least_width_m : float
        What is smaller or narrower is rounding, or two drawings of one line.
    """

    agreement_share: float = 0.98
    split_share: float = 0.02
    least_share: float = 0.2
    least_m2: float = 1.0
    least_width_m: float = 1.0

    def __post_init__(self) -> None:
        for name in ("agreement_share", "split_share", "least_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidGrids(f"{name} is a share: a number from 0 to 1")


def _gathered(
    codes: Sequence[str], geometries: Geometries | Sequence[shapely.Geometry]
) -> tuple[tuple[str, ...], Geometries]:
    names, shapes = paired(codes, np.array([*geometries, None], dtype=object)[:-1])
    whole = mended(shapes)
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(~shapely.is_empty(whole)):
        rows.setdefault(names[row], []).append(int(row))
    found = sorted(rows)
    gathered = np.empty(len(found), dtype=object)
    gathered[:] = [
        whole[rows[name][0]] if len(rows[name]) == 1 else shapely.union_all(whole[rows[name]])
        for name in found
    ]
    return tuple(found), gathered
