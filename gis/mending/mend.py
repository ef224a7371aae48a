"""Grids that almost cover their area exactly once, to grids that do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coverage import Tolerances, check_grids, silent
from gis.geometry import Geometries
from gis.mending.changes import Change, Left, changes_of, left_of, repaired_rows
from gis.mending.limits import MendOptions
from gis.mending.plane import Plane
from gis.mending.work import Tell, Work, work_on
from gis.outlines import mended, paired


@dataclass(frozen=True)
class Mending:
    """Mended grids, what was done to them, and what is left for a person."""

    geometries: Geometries
    """One for each that came, in order; what needed no mending is the very same geometry."""
    changes: list[Change]
    left: list[Left]


def mend_grids(
    codes: Sequence[str],
    geometries: Geometries,
    options: MendOptions | None = None,
    *,
    dedicated: NDArray[np.bool_] | None = None,
    tell: Tell = silent,
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
    dedicated : ndarray of bool, shape (n,), optional
        Grids that may lie on basic ones. Those that do are mended among themselves, the others
        together with the basic ones.
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
    above = _lying_on_basic(whole, dedicated)
    work = _worked(whole, names, above, options, tell)
    repaired = repaired_rows(came, whole)
    result = work.shapes.copy()
    changes = changes_of(names, came, repaired, work)
    told = {change.row for change in changes}
    same = [row not in told for row in range(len(came))]
    result[same] = came[same]
    tell("check", 0, len(names))
    tolerances = Tolerances(sliver_m=options.sliver_m)
    found = check_grids(names, result, dedicated=dedicated, tolerances=tolerances, progress=tell)
    return Mending(result, changes, left_of(found, Plane(whole), options))


def _lying_on_basic(whole: Geometries, dedicated: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return which dedicated grids have an inner point in a basic one."""
    above = np.zeros(len(whole), dtype=bool)
    if dedicated is None or not np.any(dedicated):
        return above
    upper = np.flatnonzero(np.asarray(dedicated, dtype=bool) & ~shapely.is_empty(whole))
    basic = shapely.STRtree(whole[~np.asarray(dedicated, dtype=bool)])
    inside = basic.query(shapely.point_on_surface(whole[upper]), predicate="intersects")[0]
    above[upper[inside]] = True
    return above


def _worked(
    whole: Geometries, names: Sequence[str], above: NDArray[np.bool_], options: MendOptions,
    tell: Tell,
) -> Work:  # fmt: skip
    """Mend those that lie on others, and those others, each as a coverage of its own."""
    if not above.any():
        return work_on(whole, names, options, tell)
    both = Work(whole.copy())
    for rows in (np.flatnonzero(~above), np.flatnonzero(above)):
        work = work_on(whole[rows], [names[row] for row in rows.tolist()], options, tell)
        both.take(work, rows)
    return both
