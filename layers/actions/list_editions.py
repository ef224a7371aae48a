"""The editions of the boundaries: what each holds, and what the checks found in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from layers.errors import EditionNotFound
from layers.models import Edition
from layers.session import Database
from layers.store import territory
from layers.vocabulary import EditionStatus


@dataclass(frozen=True)
class EditionSummary:
    """One edition: its grids, its time in force, and the findings of its checks."""

    edition_id: int
    name: str
    status: EditionStatus
    source: str
    grid_count: int
    created_at: datetime
    valid_from: datetime | None
    valid_until: datetime | None
    findings: tuple[dict[str, Any], ...]
    override_reason: str | None

    @property
    def error_count(self) -> int:
        """How many findings stand against publishing."""
        return sum(finding["severity"] == "error" for finding in self.findings)


def list_editions(database: Database) -> list[EditionSummary]:
    """Return all editions, the newest first.

    Parameters
    ----------
    database : Database
        Where they are.

    Returns
    -------
    list of EditionSummary
        Empty when no grids were ever imported.
    """
    with database.transaction() as session:
        return [_summary(row) for row in session.execute(territory.editions())]


def show_edition(database: Database, edition_id: int) -> EditionSummary:
    """Return one edition.

    Parameters
    ----------
    database : Database
        Where it is.
    edition_id : int
        Its number.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    """
    with database.transaction() as session:
        return summary_of(session, edition_id)


def summary_of(session: Session, edition_id: int) -> EditionSummary:
    """Return one edition as this transaction sees it."""
    row = session.execute(territory.editions().where(Edition.id == edition_id)).one_or_none()
    if row is None:
        raise _not_found(edition_id)
    return _summary(row)


def find_edition(session: Session, edition_id: int, *, lock: bool = False) -> Edition:
    """Return an edition's row, locked against changes if asked, or raise EditionNotFound."""
    edition = session.get(Edition, edition_id, with_for_update=lock or None)
    if edition is None:
        raise _not_found(edition_id)
    return edition


def _not_found(edition_id: int) -> EditionNotFound:
    return EditionNotFound(f"There is no edition {edition_id}; see: lianxin edition list")


def _summary(row: Row[Edition, int]) -> EditionSummary:
    edition, grid_count = row
    valid = edition.valid
    return EditionSummary(
        edition_id=edition.id,
        name=edition.name,
        status=edition.status,
        source=edition.source,
        grid_count=grid_count,
        created_at=edition.created_at,
        valid_from=None if valid is None else valid.lower,
        valid_until=None if valid is None else valid.upper,
        findings=tuple(edition.findings),
        override_reason=edition.override_reason,
    )
