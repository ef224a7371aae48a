"""Check an edition that is not in force yet, as its grids and the areas around them are now."""

from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.coverage import check_grids
from gis.findings import worst_first
from layers.actions.check_stored import check_stored
from layers.actions.importing.grids import drawn_outlines, finding_json
from layers.actions.list_editions import EditionSummary, find_edition, summary_of
from layers.errors import EditionConflict
from layers.models import Edition
from layers.session import Database
from layers.store import territory
from layers.vocabulary import UNPUBLISHED, CodeScheme, EditionStatus, GridKind

_OF_THE_FILE: Final = (
    "duplicate_code", "empty_geometry", "invalid_geometry", "placeholder_geometry",
)  # fmt: skip
"""Rules about rows as a file brought them: what is stored no longer shows it."""


def check_edition(database: Database, edition_id: int) -> EditionSummary:
    """Check a draft again, and keep with it what is found.

    Parameters
    ----------
    database : Database
        Where the edition is.
    edition_id : int
        Number of an edition that has not been published.

    Returns
    -------
    EditionSummary
        Its status is ``checked`` now, whatever was found: errors stand against publishing.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    EditionConflict
        It was published; what was found then is kept as it is.
    """
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        edition = find_edition(session, edition_id, lock=True)
        if edition.status not in UNPUBLISHED:
            raise EditionConflict(f"Edition {edition_id} was published; it is checked no more.")
        check_again(session, edition)
        return summary_of(session, edition_id)


def check_again(session: Session, edition: Edition) -> None:
    """Check the grids of a locked draft as they are stored, and mark it as checked."""
    grids = session.execute(territory.checked_grids(edition.id)).all()
    codes = [grid.code for grid in grids]
    shapes = np.array(shapely.from_wkb([bytes(grid.wkb) for grid in grids]), dtype=object)
    dedicated = np.array([grid.kind is GridKind.DEDICATED for grid in grids], dtype=bool)
    outlines = drawn_outlines(session, {grid.community_code for grid in grids})
    national = all(grid.code_scheme is CodeScheme.NATIONAL for grid in grids)
    scheme = CodeScheme.NATIONAL if national else CodeScheme.FREE
    findings = worst_first(
        [
            *check_grids(codes, shapes, outlines, dedicated=dedicated),
            *check_stored(session, codes, shapes, dedicated=dedicated, scheme=scheme),
        ]
    )
    found: list[dict[str, Any]] = [finding_json(finding) for finding in findings]
    told = [finding for finding in edition.findings if finding["rule"] in _OF_THE_FILE]
    edition.findings = told + [finding for finding in found if finding not in told]
    edition.status = EditionStatus.CHECKED
    session.flush()
