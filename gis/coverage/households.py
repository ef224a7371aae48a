"""How many households a grid has, against how many a grid worker can look after."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.coverage.order import DEFAULTS, Tolerances
from gis.errors import InvalidGrids
from gis.findings import Finding, distinct
from gis.geometry import Geometries
from gis.outlines import paired


def check_households(
    codes: Sequence[str],
    geometries: Geometries,
    counts: ArrayLike,
    *,
    dedicated: NDArray[np.bool_] | None = None,
    tolerances: Tolerances = DEFAULTS,
) -> list[Finding]:
    """Return the basic grids with fewer or more households than usual.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS.
    counts : array of float, shape (n,)
        Households of each grid; NaN where nobody counted them, which is not none.
    dedicated : ndarray of bool, shape (n,), optional
        Grids for which no number is usual: parks, markets, schools.
    tolerances : Tolerances
        Which numbers are usual.

    Returns
    -------
    list of Finding
        ``household_count``, a warning, for each; its measure is the count.

    Raises
    ------
    InvalidGrids
        If there are not as many counts as codes.

    Examples
    --------
    >>> cells = [shapely.box(x, 0, x + 1, 1) for x in range(3)]
    >>> [f.codes for f in check_households(["A", "B", "C"], cells, [299, 300, np.nan])]
    [('A',)]
    """
    names, shapes = paired(codes, geometries)
    number = np.asarray(counts, dtype=np.float64)
    if number.shape != (len(names),):
        raise InvalidGrids(f"{number.size} household counts for {len(names)} grids: give one each")
    fewest, most = tolerances.fewest_households, tolerances.most_households
    unusual = (number < fewest) | (number > most)
    if dedicated is not None:
        unusual &= ~np.asarray(dedicated, dtype=bool)
    present = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    return [
        Finding(
            "household_count", "warning", distinct([names[row]]),
            shapes[row] if present[row] else None, float(number[row]), "households",
            f"网格 {names[row]} 有 {number[row]:,.0f} 户，"
            f"{'少于' if number[row] < fewest else '多于'}每个基础网格 {fewest}–{most} 户的要求，"
            f"请考虑{'合并' if number[row] < fewest else '拆分'}。",
            f"The grid {names[row]} has {number[row]:,.0f} households, "
            f"{'fewer' if number[row] < fewest else 'more'} than the {fewest}–{most} of a basic "
            f"grid: consider {'merging' if number[row] < fewest else 'splitting'} it.",
        )
        for row in np.flatnonzero(unusual)
    ]  # fmt: skip
