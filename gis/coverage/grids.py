"""Every check of a coverage of grids, in one call."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coverage.codes import repeated
from gis.coverage.gaps import gaps
from gis.coverage.network import Network
from gis.coverage.order import DEFAULTS, Parents, Progress, Tolerances, silent
from gis.coverage.overlaps import mismatches, overlaps
from gis.coverage.parents import parent_findings
from gis.findings import Finding, worst_first
from gis.geometry import Geometries
from gis.outlines import (
    copies_of,
    duplicate,
    mended,
    multiparts,
    paired,
    placeholders,
    shape_findings,
)


def check_grids(
    codes: Sequence[str],
    geometries: Geometries,
    parents: Geometries | Parents | None = None,
    *,
    dedicated: NDArray[np.bool_] | None = None,
    tolerances: Tolerances = DEFAULTS,
    progress: Progress = silent,
) -> list[Finding]:
    """Return what is wrong with a coverage of grids.

    Parameters
    ----------
    codes : sequence of str
        One for each geometry.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS; anything, None included.
    parents : ndarray of Polygon or MultiPolygon, or Parents, optional
        The areas that the grids must fill. Without them a gap is a hole in the union of the grids.
        Of parents with codes it is also found which grids reach beyond theirs, and which parents
        are not filled.
    dedicated : ndarray of bool, shape (n,), optional
        Grids that may lie on basic ones: such an overlap is no finding.
    tolerances : Tolerances
        What is rounding, and what a sliver.
    progress : callable
        Told the steps, and in them how many grids are done.

    Returns
    -------
    list of Finding
        Errors first; rules ``duplicate_code``, ``empty_geometry``, ``invalid_geometry``,
        ``placeholder_geometry``, ``duplicate_geometry``, ``overlap``, ``gap``, ``sliver``,
        ``multipart``; with named parents ``outside_parent``, ``uncovered_parent`` and
        ``code_prefix``.

    Raises
    ------
    InvalidGrids
        If there are not as many codes as geometries.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(0.9, 0, 2, 1)
    >>> [(f.rule, f.codes, f.severity) for f in check_grids(["G01", "G02"], [left, right])]
    [('overlap', ('G01', 'G02'), 'error')]
    """
    names, shapes = paired(codes, geometries)
    progress("check outlines", 0, len(names))
    stand_ins = placeholders(names, shapes)
    passed_over = [row for row, _ in stand_ins]
    whole = mended(shapes)
    findings = [*repeated(names, whole), *shape_findings(names, shapes, passed_over)]
    findings += [finding for _, finding in stand_ins]
    whole[passed_over] = shapely.Polygon()
    findings += multiparts(names, shapes)
    copies, kept = copies_of(whole, np.flatnonzero(~shapely.is_empty(whole)))
    findings += [duplicate(names, whole, rows) for rows in copies]
    first = np.zeros(len(names), bool) if dedicated is None else np.asarray(dedicated, dtype=bool)
    network = Network.prepare(names, whole, kept, first, progress)
    findings += overlaps(network, tolerances, progress)
    findings += gaps(network, parents, tolerances, progress)
    if isinstance(parents, Parents):
        progress("parents", 0, len(parents.codes))
        findings += parent_findings(network, parents, tolerances)
    findings += mismatches(network, findings)
    return worst_first(findings)
