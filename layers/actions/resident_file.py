"""A resident's own file: everything that is held about a person, and who read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from layers.actions.residents import opened, read_resident, refused, someone
from layers.actions.unmask import REFUSALS, Unmasking, note_reading, require_unmasking
from layers.errors import LayersError, ReadingRefused
from layers.policy import PersonField, phone_digits
from layers.sealing import load_keys
from layers.session import Database
from layers.settings import Settings
from layers.store import people
from layers.viewer import Viewer
from layers.vocabulary import Purpose, ReadingKind, Role

EVERYTHING: Final = tuple(PersonField)
_SHORTEST_PHONE: Final = 7


@dataclass(frozen=True, slots=True)
class ResidentFile:
    """Everything held about a person.

    ``resident`` is the row as it is; ``statuses`` are the household's, ended ones too; ``cases``
    are those reported from the person's phone; ``readings`` is who read what, the latest first,
    this reading among them.
    """

    made_at: datetime
    resident: Mapping[str, Any]
    statuses: tuple[Mapping[str, Any], ...]
    cases: tuple[Mapping[str, Any], ...]
    readings: tuple[Mapping[str, Any], ...]


def make_file(
    database: Database, settings: Settings, resident: UUID, purpose: Purpose, words: str = ""
) -> ResidentFile:
    """Return everything held about a resident; only the resident's community may ask.

    Parameters
    ----------
    database : Database
        Read and written in one transaction; it counts as one person read unmasked.
    settings : Settings
        Where the keys are, and how many persons an account may read.
    resident : UUID
        Whose file.
    purpose : Purpose
        As a rule the person's own request.
    words : str, optional
        What it is for, in words.

    Returns
    -------
    ResidentFile
        The reporter's copy of other people's data is left out.

    Raises
    ------
    ResidentNotFound, ReadingRefused, TooManyReadings
        See ``layers.actions.unmask.unmask``.
    """
    who, keys = someone(), load_keys(settings)
    asked = Unmasking(resident, EVERYTHING, purpose, words)
    try:
        with database.transaction() as session:
            fields = opened(read_resident(session, who, resident), keys)
            if who.role is not Role.COMMUNITY:
                raise ReadingRefused("A resident's file is made by the resident's community.")
            require_unmasking(who, fields["path"], EVERYTHING)
            note_reading(session, who, settings, asked, ReadingKind.FILE, fields["path"])
            session.flush()
            statuses = session.execute(people.household_statuses(who, fields["household_code"]))
            cases = _reported(session, who, phone_digits(fields["phone"] or ""))
            readings = session.execute(people.readings_of(resident)).all()
            return ResidentFile(
                datetime.now(UTC),
                fields,
                tuple(row._asdict() for row in statuses),
                cases,
                tuple(row._asdict() for row in readings),
            )
    except LayersError as refusal:
        if type(refusal) in REFUSALS:
            refused(database, resident, EVERYTHING, REFUSALS[type(refusal)])
        raise


def _reported(session: Session, who: Viewer, phone: str) -> tuple[Mapping[str, Any], ...]:
    """Return the cases reported from exactly this phone: a number that ends alike is another's."""
    if len(phone) < _SHORTEST_PHONE:
        return ()
    rows = [row._asdict() for row in session.execute(people.cases_reported_from(who, phone))]
    return tuple(row for row in rows if phone_digits(row.pop("phone")) == phone)
