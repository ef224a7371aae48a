"""Go back: the grids of an earlier edition as a draft, to be published anew."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.actions.audit import Act, AuditEntry, record
from layers.actions.check_edition import check_again
from layers.actions.list_editions import EditionSummary, find_edition, summary_of
from layers.errors import EditionConflict
from layers.models import Edition
from layers.session import Database
from layers.store import territory
from layers.vocabulary import UNPUBLISHED, EditionStatus


def restore_edition(database: Database, edition_id: int) -> EditionSummary:
    """Make a draft of the grids of an edition that has ended.

    Parameters
    ----------
    database : Database
        Where the edition is; it stays as it is.
    edition_id : int
        Number of an edition that was in force once.

    Returns
    -------
    EditionSummary
        The draft, checked against the areas as they are now; a draft that holds just these grids
        already is taken.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    EditionConflict
        It is in force now, or was never published.
    """
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        former = find_edition(session, edition_id)
        if former.status is EditionStatus.PUBLISHED:
            raise EditionConflict(f"Edition {edition_id} is in force already.")
        if former.status in UNPUBLISHED:
            raise EditionConflict(
                f"Edition {edition_id} is a draft: lianxin edition publish {edition_id}"
            )
        draft = _same_draft(session, former) or _copied(session, former)
        check_again(session, draft)
        record(
            session,
            AuditEntry(Act.RESTORE, "edition", str(edition_id), detail={"draft": draft.id}),
        )
        return summary_of(session, draft.id)


def _same_draft(session: Session, former: Edition) -> Edition | None:
    """Return a draft of the same content, locked; refuse where it is in force again."""
    for number in session.scalars(territory.editions_with_content(former.content_hash)):
        same = find_edition(session, number, lock=True)
        if same.status is EditionStatus.PUBLISHED:
            raise EditionConflict(
                f"The grids of edition {former.id} are in force already, as edition {number}."
            )
        return same
    return None


def _copied(session: Session, former: Edition) -> Edition:
    draft = Edition(name=former.name, source=former.source, content_hash=former.content_hash)
    session.add(draft)
    session.flush()
    session.execute(territory.copy_grids(former.id, draft.id))
    return draft
