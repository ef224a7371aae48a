"""Grids that almost cover their area exactly once, to grids that do."""

from collections.abc import Sequence
from dataclasses import dataclass

from gis.coverage import check_grids
from gis.geometry import Geometries
from gis.mending.changes import Change, Left, changes_of, left_of, repaired_rows
from gis.mending.limits import MendOptions
from gis.mending.plane import Plane
from gis.mending.work import Tell, work_on
from gis.outlines import mended, paired


@dataclass(frozen=True)
class Mending:
    """Mended grids, what was done to them, and what is left for a person."""

    geometries: Geometries
    """One for each that came, in order; what needed no mending is the very same geometry."""
    changes: list[Change]
    left: list[Left]


def _silent(step: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def mend_grids(
    codes: Sequence[str],
    geometries: Geometries,
    options: MendOptions | None = None,
    *,
    tell: Tell = _silent,
) -> Mending:
    """Mend what can be mended of a coverage, without moving any boundary beyond a tolerance.

    Invalid outlines are repaired by the even-odd rule. An overlap or a closed gap goes to the grid
    with the longest edge to it, else to the lowest code. Where two grids draw one corner apart, the
    lower code's stays; a segment takes in the corners that its neighbour has on it. All of it only
    where no boundary moves further than the tolerance from where it came; an overlap that is no
    sliver only up to an area. No grid is dropped, none is added, and no code changes.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry. They decide between equals; rows with one code are told apart.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS; anything, None included. What is no area stays as it is.
    options : MendOptions, optional
        Tolerance (1 m), width of a sliver (1 m) and largest overlap (100 m²).
    tell : callable, optional
        Told the steps.

    Returns
    -------
    Mending
        The geometries in their order, the changes by row, and what is left.

    Raises
    ------
    InvalidGrids
        If there are not as many codes as geometries.

    Examples
    --------
    >>> import shapely
    >>> left, right = shapely.box(0, 0, 1e-3, 1e-3), shapely.box(0.999e-3, 0, 2e-3, 1e-3)
    >>> mending = mend_grids(["G01", "G02"], [left, right])
    >>> [(change.code, change.what) for change in mending.changes], mending.left
    ([('G02', 'sliver_given')], [])
    >>> bool(shapely.coverage_is_valid(mending.geometries))
    True
    """
    options = options or MendOptions()
    names, came = paired(codes, geometries)
    whole = mended(came)
    work = work_on(whole, names, options, tell)
    repaired = repaired_rows(came, whole)
    result = work.shapes.copy()
    changes = changes_of(names, came, repaired, work)
    told = {change.row for change in changes}
    same = [row not in told for row in range(len(came))]
    result[same] = came[same]
    tell("check", 0, len(names))
    left = left_of(check_grids(names, result), Plane(whole), options)
    return Mending(result, changes, left)
