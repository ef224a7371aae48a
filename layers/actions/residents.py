"""Read residents as the viewer may see them: masked, page by page, one, or found by a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from layers.actions.audit import AuditEntry, record
from layers.cursors import read_cursor, write_cursor
from layers.errors import CursorInvalid, ReadingRefused, ResidentNotFound, TooManyReadings
from layers.identity_numbers import normalise_id_number
from layers.models import Reading
from layers.policy.people import mask_resident
from layers.sealing import Keys, load_keys
from layers.session import Database
from layers.settings import Settings
from layers.store import people
from layers.viewer import Viewer, viewer
from layers.vocabulary import ReadingKind

FOUND_MAX: Final = 20
"""A search that finds more is no search for a person."""


@dataclass(frozen=True, slots=True)
class ResidentPage:
    """Some residents, masked, and the cursor of those that follow."""

    residents: tuple[Mapping[str, Any], ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which residents: of a household, of a grid, or all that may be seen."""

    household: str | None = None
    grid: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a kind an account may read within a time."""

    kinds: tuple[ReadingKind, ...]
    most: int
    within: timedelta
    setting: str


def list_residents(
    database: Database,
    settings: Settings,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str | None = None,
) -> ResidentPage:
    """List residents home by home.

    Parameters
    ----------
    database : Database
        Read in one transaction.
    settings : Settings
        Where the keys are, and by which zone ages count.
    wanted : Wanted
        Which ones; those outside the viewer's area are never among them.
    limit : int
        At most so many.
    cursor : str, optional
        Where the page before ended.

    Raises
    ------
    CursorInvalid
        The cursor isn't one of ours.
    """
    who, keys = someone(), load_keys(settings)
    after = None if cursor is None else _after(cursor)
    statement = people.listed_residents(
        who, household=wanted.household, grid=wanted.grid, limit=limit + 1, after=after
    )
    with database.transaction() as session:
        rows = session.execute(statement).all()
    page, more = rows[:limit], len(rows) > limit
    today = today_in(settings.timezone)
    return ResidentPage(
        tuple(mask_resident(opened(row._asdict(), keys), who, today) for row in page),
        write_cursor(page[-1].household_code, str(page[-1].id)) if more and page else None,
    )


def show_resident(database: Database, settings: Settings, resident: UUID) -> Mapping[str, Any]:
    """Return one resident, masked.

    Raises
    ------
    ResidentNotFound
        There is none of that number, or none whom the viewer may see: which of the two isn't said.
    """
    who, keys = someone(), load_keys(settings)
    with database.transaction() as session:
        fields = read_resident(session, who, resident)
    return mask_resident(opened(fields, keys), who, today_in(settings.timezone))


def find_residents(
    database: Database,
    settings: Settings,
    *,
    name: str | None = None,
    id_number: str | None = None,
) -> tuple[Mapping[str, Any], ...]:
    """Find the residents of exactly this name or ID number, masked, in the viewer's area.

    A search confirms what somebody guesses; so it is counted, limited and audited.

    Parameters
    ----------
    database : Database
        Read and written in one transaction.
    settings : Settings
        Where the keys are, and how often an account may search.
    name, id_number : str, optional
        What is looked for, in whatever spelling; at least one of them.

    Returns
    -------
    tuple of mapping
        At most ``FOUND_MAX``.

    Raises
    ------
    TooManyReadings
        The account has searched as often as it may.
    """
    who, keys = someone(), load_keys(settings)
    number = None if id_number is None else normalise_id_number(id_number)
    index = None if id_number is None else keys.index_of(number or id_number)
    fields = tuple(
        field for field, given in (("name", name), ("id_number", id_number)) if given is not None
    )
    hour = timedelta(hours=1)
    allowance = Allowance(
        (ReadingKind.SEARCH,), settings.search_per_hour, hour, "LIANXIN_SEARCH_PER_HOUR"
    )
    try:
        with database.transaction() as session:
            spend(session, who, (allowance,))
            statement = people.found_residents(who, name=name, index=index, limit=FOUND_MAX)
            rows = session.execute(statement).all()
            session.add(reading(who, ReadingKind.SEARCH, fields))
            record(session, AuditEntry("read", "resident", fields=fields, count=len(rows)))
    except TooManyReadings:
        refused(database, None, fields, "too many searches")
        raise
    today = today_in(settings.timezone)
    return tuple(mask_resident(opened(row._asdict(), keys), who, today) for row in rows)


def someone() -> Viewer:
    """Return who looks.

    Raises
    ------
    ReadingRefused
        Nobody is named: nothing is read of a person by nobody.
    """
    who = viewer()
    if who is None:
        raise ReadingRefused("Nobody is signed in; sign in to read of a resident.")
    return who


def read_resident(session: Session, who: Viewer, resident: UUID) -> dict[str, Any]:
    """Return a resident's row, sealed as it is.

    Raises
    ------
    ResidentNotFound
        See ``show_resident``.
    """
    row = session.execute(people.one_resident(who, resident)).one_or_none()
    if row is None:
        raise ResidentNotFound(f"There is no resident {resident} in your area.")
    return row._asdict()


def opened(fields: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Return a resident's row with ID number and phone in plain text, and nothing sealed."""
    plain = {name: value for name, value in fields.items() if not name.endswith("_sealed")}
    key, row = plain.pop("key_id"), plain["id"]
    for field in ("phone", "id_number"):
        sealed = fields[f"{field}_sealed"]
        plain[field] = None if sealed is None else keys.open(sealed, key, row, field)
    return plain


def spend(session: Session, who: Viewer, allowances: tuple[Allowance, ...]) -> None:
    """Make sure that an account may read once more; its other requests wait meanwhile.

    Raises
    ------
    TooManyReadings
        It may not, until some time has passed.
    """
    session.execute(people.one_reader_at_a_time(who.account))
    now = datetime.now(ZoneInfo("UTC"))
    for each in allowances:
        query = people.readings_since(who.account, each.kinds, now - each.within)
        if (session.scalar(query) or 0) >= each.most:
            hours = int(each.within / timedelta(hours=1))
            raise TooManyReadings(
                f"The account {who.account} has read of persons {each.most} times within "
                f"{hours} h, which is as often as it may ({each.setting}). Wait, or ask your "
                "administrator."
            )


def reading(
    who: Viewer,
    kind: ReadingKind,
    fields: tuple[str, ...],
    resident: UUID | None = None,
    purpose: str | None = None,
) -> Reading:
    """Return the row that says that somebody read of a resident; the policies check who."""
    return Reading(
        account=who.account,
        role=who.role.value,
        kind=kind,
        resident_id=resident,
        fields=list(fields),
        purpose=purpose,
    )


def refused(database: Database, resident: UUID | None, fields: tuple[str, ...], why: str) -> None:
    """Record a refusal, in a transaction of its own: that of the act is gone."""
    with database.transaction() as session:
        code = None if resident is None else str(resident)
        detail = {"reason": why}
        record(session, AuditEntry("refuse", "resident", code, None, fields, 0, detail))


def today_in(timezone: str) -> date:
    """Return the date on the clocks of the place."""
    return datetime.now(ZoneInfo(timezone)).date()


def _after(cursor: str) -> tuple[str, UUID]:
    household, resident = map(str, read_cursor(cursor, str, str))
    try:
        return household, UUID(resident)
    except ValueError:
        raise CursorInvalid("The cursor names nobody. Begin again without it.") from None
