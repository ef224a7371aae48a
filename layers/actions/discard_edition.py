"""Remove a draft that nobody wants; what was published stays for ever."""

from layers.actions.audit import Act, AuditEntry, record
from layers.actions.list_editions import find_edition
from layers.errors import EditionConflict
from layers.session import Database
from layers.store import territory
from layers.vocabulary import UNPUBLISHED


def discard_edition(database: Database, edition_id: int) -> None:
    """Remove a draft and its grids.

    Parameters
    ----------
    database : Database
        Where the edition is.
    edition_id : int
        Number of an edition that was never published.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    EditionConflict
        It is or was in force.
    """
    with database.transaction() as session:
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        edition = find_edition(session, edition_id, lock=True)
        if edition.status not in UNPUBLISHED:
            raise EditionConflict(
                f"Edition {edition_id} was published: cases refer to it, and it stays for ever."
            )
        session.delete(edition)
        record(session, AuditEntry(Act.DISCARD, "edition", str(edition_id)))
