"""Read a resident's fields as they are: for a purpose, limited in number, and recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from layers.actions.audit import AuditEntry, record
from layers.actions.residents import (
    Allowance,
    opened,
    read_resident,
    reading,
    refused,
    someone,
    spend,
)
from layers.errors import LayersError, ReadingRefused, ResidentNotFound, TooManyReadings
from layers.policy import PersonField, may_unmask
from layers.sealing import load_keys
from layers.session import Database
from layers.settings import Settings
from layers.viewer import Viewer
from layers.vocabulary import Purpose, ReadingKind

_KINDS: Final = (ReadingKind.UNMASK, ReadingKind.FILE)
_ACTS: Final = {ReadingKind.UNMASK: "unmask", ReadingKind.FILE: "export"}
REFUSALS: Final = {
    ResidentNotFound: "not found",
    ReadingRefused: "not allowed",
    TooManyReadings: "too many",
}


@dataclass(frozen=True, slots=True)
class Unmasking:
    """Which fields of whom, and what for: a purpose of the list, and words."""

    resident: UUID
    fields: tuple[PersonField, ...]
    purpose: Purpose
    words: str = ""

    @property
    def stated(self) -> str:
        """The purpose as it is recorded."""
        return f"{self.purpose.value}: {self.words}" if self.words else self.purpose.value


def unmask(database: Database, settings: Settings, asked: Unmasking) -> Mapping[str, Any]:
    """Return fields of a resident as they are.

    The reading, the record of it and what it takes of the account's allowance are one transaction;
    a refusal is recorded too.

    Parameters
    ----------
    database : Database
        The viewer at hand must be a worker in the own grid or a community in the own community.
    settings : Settings
        Where the keys are, and how many persons an account may read.
    asked : Unmasking
        Which fields, and what for.

    Returns
    -------
    mapping
        The fields asked for, each as it is stored.

    Raises
    ------
    ResidentNotFound
        None whom the viewer may see has that number.
    ReadingRefused
        The viewer may not unmask.
    TooManyReadings
        The account has read as many persons as it may.
    """
    who, keys = someone(), load_keys(settings)
    try:
        with database.transaction() as session:
            fields = opened(read_resident(session, who, asked.resident), keys)
            require_unmasking(who, fields["path"], asked.fields)
            note_reading(session, who, settings, asked, ReadingKind.UNMASK, fields["path"])
    except LayersError as refusal:
        if type(refusal) in REFUSALS:
            refused(database, asked.resident, asked.fields, REFUSALS[type(refusal)])
        raise
    return {field.value: fields[field.value] for field in asked.fields}


def require_unmasking(who: Viewer, path: str | None, fields: tuple[PersonField, ...]) -> None:
    """Refuse whoever may not unmask each of the fields there.

    Raises
    ------
    ReadingRefused
        A worker may in the own grid, a community in the own community, nobody else.
    """
    if not all(may_unmask(who, path, field) for field in fields):
        raise ReadingRefused(
            "Only a worker of the resident's grid or the resident's community may read this. "
            "Ask them."
        )


def note_reading(
    session: Session,
    who: Viewer,
    settings: Settings,
    asked: Unmasking,
    kind: ReadingKind,
    path: str | None,
) -> None:
    """Take a reading from the account's allowance, and record it.

    Raises
    ------
    TooManyReadings
        Nothing is left of the allowance.
    """
    spend(session, who, _allowances(settings))
    names = tuple(field.value for field in asked.fields)
    session.add(reading(who, kind, names, asked.resident, asked.stated))
    code, detail = str(asked.resident), {"path": path}
    record(session, AuditEntry(_ACTS[kind], "resident", code, asked.stated, names, 1, detail))


def _allowances(settings: Settings) -> tuple[Allowance, ...]:
    hour, day = settings.unmask_per_hour, settings.unmask_per_day
    return (
        Allowance(_KINDS, hour, timedelta(hours=1), "LIANXIN_UNMASK_PER_HOUR"),
        Allowance(_KINDS, day, timedelta(hours=24), "LIANXIN_UNMASK_PER_DAY"),
    )
