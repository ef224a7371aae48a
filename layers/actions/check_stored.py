"""What is wrong with grids in view of what is stored.

Buildings that they cut or leave out, households too many or too few, numbers out of order.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.coverage import Finding, check_codes, check_households, check_premises
from gis.findings import worst_first
from gis.geometry import OUTSIDE, Geometries
from gis.ownership import GridIndex
from layers.store import premises
from layers.vocabulary import CodeScheme

_CHUNK = 100_000


def check_stored(
    session: Session,
    codes: Sequence[str],
    boundaries: Geometries,
    *,
    dedicated: NDArray[np.bool_],
    scheme: CodeScheme,
) -> list[Finding]:
    """Return what the buildings and households of the database say against grids.

    Parameters
    ----------
    session : Session
        Its transaction decides what is seen.
    codes : sequence of str
        One for each boundary, none twice.
    boundaries : ndarray of shapely geometries, shape (n,)
        Valid polygons, degrees in the storage CRS.
    dedicated : ndarray of bool, shape (n,)
        Grids for which no number of households is usual.
    scheme : CodeScheme
        How the grids are numbered; the order is looked at where the code tells it.

    Returns
    -------
    list of Finding
        ``split_building``, a warning; ``unowned_building``, an error where a grid of the edition
        in force owns it, else a warning; ``household_count``, a warning, once there are
        households; ``code_order``, an info.
    """
    if not len(codes):
        return []
    findings = check_codes(codes, boundaries) if scheme is CodeScheme.NATIONAL else []
    return worst_first(
        [
            *findings,
            *_buildings(session, codes, boundaries, dedicated),
            *_households(session, codes, boundaries, dedicated),
        ]
    )


def _buildings(
    session: Session, codes: Sequence[str], boundaries: Geometries, dedicated: NDArray[np.bool_]
) -> list[Finding]:
    rows = session.execute(premises.building_outlines()).all()
    if not rows:
        return []
    names, owners, outlines = zip(*rows, strict=True)
    shapes = shapely.from_wkb(np.array([bytes(each) for each in outlines], dtype=object))
    owned = {name for name, owner in zip(names, owners, strict=True) if owner is not None}
    findings = check_premises((names, shapes), (codes, boundaries), dedicated=dedicated)
    return [
        finding
        if finding.rule != "unowned_building" or owned.intersection(finding.codes)
        else replace(finding, severity="warning")
        for finding in findings
    ]


def _households(
    session: Session, codes: Sequence[str], boundaries: Geometries, dedicated: NDArray[np.bool_]
) -> list[Finding]:
    index, counts, there = None, np.zeros(len(codes)), False
    places = premises.household_owners().execution_options(yield_per=_CHUNK)
    for rows in session.execute(places).partitions():
        index = index or GridIndex(codes, boundaries, dedicated=dedicated)
        there = True
        lon, lat, _ = zip(*rows, strict=True)
        positions = index.owners(np.array(lon), np.array(lat))
        owners = positions[positions != OUTSIDE]
        counts += np.bincount(owners, minlength=len(codes))
    if not there:
        return []
    return check_households(codes, boundaries, counts, dedicated=dedicated)
