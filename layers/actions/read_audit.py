"""Read the audit page by page; the database shows it to auditors alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from layers.session import Database
from layers.store import audit
from layers.store.audit import AuditFilter


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some acts, the latest first, and where the next page begins; None on the last."""

    rows: tuple[Mapping[str, Any], ...]
    next_before: int | None


def list_audit(
    database: Database, which: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """List acts, the latest first.

    Parameters
    ----------
    database : Database
        Read in one transaction, as the viewer at hand may see it.
    which : AuditFilter
        Which acts.
    limit : int
        At most so many.
    before : int, optional
        The number with which the page before ended.

    Returns
    -------
    AuditPage
        Empty for whoever is no auditor.
    """
    with database.transaction() as session:
        rows = session.execute(audit.listed(which, limit=limit + 1, before=before)).all()
    page = rows[:limit]
    more = page[-1].id if len(rows) > limit else None
    return AuditPage(tuple(row._asdict() for row in page), more)
