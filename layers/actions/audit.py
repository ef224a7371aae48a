"""What is left behind: every act that must be provable afterwards, in the transaction it is in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.orm import Session

from layers.origin import origin
from layers.session import Database
from layers.store import audit


class Act(StrEnum):
    """What can be done that is recorded."""

    READ = "read"
    UNMASK = "unmask"
    EXPORT = "export"
    SET_STATUS = "set-status"
    IMPORT = "import"
    PUBLISH = "publish"
    RESTORE = "restore"
    DISCARD = "discard"
    PURGE = "purge"
    SIGN_IN = "sign-in"
    REFUSE = "refuse"
    REPORT = "report"
    ACCEPT_LOSS = "accept-loss"


READS: Final = (Act.READ, Act.UNMASK, Act.EXPORT)
"""Acts that show people: their ``count`` is how many were shown."""


@dataclass(frozen=True)
class AuditEntry:
    """One act, as whoever does it says it; who, role, area and instant the database says.

    Parameters
    ----------
    action : str
        One of ``Act``, or another verb of that kind.
    object_kind, object_code : str
        With what it was done: ``edition`` and its number, ``resident`` and its code.
    purpose : str, optional
        Why, in the words of whoever did it.
    fields : tuple of str
        Which fields were shown or changed.
    count : int
        How many objects.
    detail : dict, optional
        Anything else that JSON can hold, and no personal data. ``path`` is where the object lies
        (as ``areas.path``): from it a read outside one's own area is known.
    """

    action: str
    object_kind: str
    object_code: str | None = None
    purpose: str | None = None
    fields: tuple[str, ...] = ()
    count: int = 1
    detail: dict[str, Any] | None = None


def record(session: Session, entry: AuditEntry) -> None:
    """Add an act to the audit, in the transaction of the act: both happen or neither.

    Parameters
    ----------
    session : Session
        Of ``Database.transaction``, which says who looks.
    entry : AuditEntry
        What was done.
    """
    where = origin()
    session.execute(
        audit.ADDED,
        {
            "action": str(entry.action),
            "object_kind": entry.object_kind,
            "object_code": entry.object_code,
            "purpose": entry.purpose,
            "fields": list(entry.fields),
            "count": entry.count,
            "detail": entry.detail,
            "origin": where.address,
            "request_id": where.request_id,
        },
    )


def record_apart(database: Database, entry: AuditEntry) -> None:
    """Add an act in a transaction of its own: a refusal stays, though what it refused does not.

    Parameters
    ----------
    database : Database
        Call it after the refused transaction has ended, so as not to hold two connections.
    entry : AuditEntry
        What was refused or tried.
    """
    with database.transaction() as session:
        record(session, entry)
