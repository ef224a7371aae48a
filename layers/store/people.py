"""Residents, each as the viewer's area lets them be seen, and who read what of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, tuple_

from layers.models import (
    Building,
    Case,
    Household,
    Reading,
    Resident,
    Status,
    StatusScheme,
    StatusValue,
)
from layers.policy import AT_HOME
from layers.viewer import Viewer
from layers.vocabulary import ReadingKind, Role, SubjectKind

Rows = Select[*tuple[Any, ...]]


def listed_residents(
    who: Viewer,
    *,
    household: str | None = None,
    grid: str | None = None,
    limit: int,
    after: tuple[str, UUID] | None = None,
) -> Rows:
    """Select residents for a list, home by home."""
    statement = _residents(who)
    if household is not None:
        statement = statement.where(Resident.household_code == household)
    if grid is not None:
        statement = statement.where(Household.grid_code == grid)
    if after is not None:
        statement = statement.where(tuple_(Resident.household_code, Resident.id) > tuple_(*after))
    return statement.order_by(Resident.household_code, Resident.id).limit(limit)


def one_resident(who: Viewer, resident: UUID) -> Rows:
    """Select one resident."""
    return _residents(who).where(Resident.id == resident)


def found_residents(
    who: Viewer, *, name: str | None = None, index: bytes | None = None, limit: int
) -> Rows:
    """Select residents of exactly this name, or whose ID number has this index."""
    statement = _residents(who)
    if name is not None:
        statement = statement.where(Resident.name == name)
    if index is not None:
        statement = statement.where(Resident.id_number_index == index)
    return statement.order_by(Resident.household_code, Resident.id).limit(limit)


def household_statuses(who: Viewer, household: str) -> Rows:
    """Select every status that a household has or had, the first one first."""
    return (
        select(
            StatusScheme.name_zh.label("scheme_zh"),
            StatusScheme.name_en.label("scheme_en"),
            StatusValue.name_zh.label("status_zh"),
            StatusValue.name_en.label("status_en"),
            Status.since,
            Status.until,
            Status.source,
        )
        .join(
            StatusValue,
            (StatusValue.scheme_code == Status.scheme_code)
            & (StatusValue.code == Status.status_code),
        )
        .join(StatusScheme, StatusScheme.code == Status.scheme_code)
        .where(
            Status.subject_kind == SubjectKind.HOUSEHOLD,
            Status.subject_code == household,
            _within(Status.path, who),
        )
        .order_by(Status.since, Status.id)
    )


def cases_reported_from(who: Viewer, phone: str) -> Rows:
    """Select the cases in the viewer's area whose reporter's phone holds these digits in a row.

    More than one way to write it is left for the caller to tell apart, from ``phone``.
    """
    said = Case.reporter["phone"].astext
    return (
        select(Case.id, Case.category, Case.state, Case.reported_at, said.label("phone"))
        .where(
            func.strpos(func.regexp_replace(said, "[^0-9]", "", "g"), phone) > 0,
            _within(Case.path, who),
        )
        .order_by(Case.reported_at, Case.id)
    )


def readings_of(resident: UUID) -> Rows:
    """Select who read of a resident, what and what for, the latest first."""
    return (
        select(
            Reading.read_at,
            Reading.account,
            Reading.role,
            Reading.kind,
            Reading.fields,
            Reading.purpose,
        )
        .where(Reading.resident_id == resident)
        .order_by(Reading.read_at.desc(), Reading.id.desc())
    )


def readings_since(account: str, kinds: tuple[ReadingKind, ...], since: datetime) -> Select[int]:
    """Count what an account read since then."""
    return (
        select(func.count())
        .select_from(Reading)
        .where(Reading.account == account, Reading.kind.in_(kinds), Reading.read_at > since)
    )


def one_reader_at_a_time(account: str) -> Select[Any]:
    """Hold what an account may still read until the transaction ends."""
    return select(func.pg_advisory_xact_lock(func.hashtextextended(account, 7)))


def sealed_otherwise(key: str, *, limit: int) -> Rows:
    """Select residents that are sealed under another key, to be sealed anew."""
    return (
        select(Resident.id, Resident.key_id, Resident.phone_sealed, Resident.id_number_sealed)
        .where(Resident.key_id != key)
        .order_by(Resident.id)
        .limit(limit)
        .with_for_update()
    )


def sealed_of(codes: list[str]) -> Rows:
    """Select what is sealed of the residents with these codes."""
    return select(
        Resident.code,
        Resident.id,
        Resident.key_id,
        Resident.phone_sealed,
        Resident.id_number_sealed,
    ).where(Resident.code == func.any(literal(codes)))


def household_codes() -> Select[str]:
    """Select every household's code."""
    return select(Household.code)


def _residents(who: Viewer) -> Rows:
    return (
        select(
            Resident.id,
            Resident.code,
            Resident.household_code,
            Resident.path,
            Resident.name,
            Resident.sex,
            Resident.birth_date,
            Resident.phone_sealed,
            Resident.id_number_sealed,
            Resident.key_id,
            Resident.since,
            Resident.until,
            Resident.basis,
            Resident.source,
            Household.grid_code,
            Household.building_code,
            Household.unit,
            Household.floor,
            Household.room,
            Building.name.label("building_name"),
            Building.address,
        )
        .join(Household, Household.code == Resident.household_code)
        .outerjoin(Building, Building.code == Household.building_code)
        .where(_readable(who), _within(Household.path, who))  # the same, said to both indexes
    )


def _readable(who: Viewer) -> ColumnElement[bool]:
    """Say what the policy of the table says too: both would have to be wrong."""
    if who.role is not Role.SYSTEM and who.role not in AT_HOME:
        return literal(False)
    return _within(Resident.path, who)


def _within(path: Any, who: Viewer) -> ColumnElement[bool]:
    """Say that a path lies in the viewer's area; spelled as a range, which the index answers."""
    if not who.area:
        return literal(True)
    # An area ends in "/", and "0" is the next character after it.
    return and_(path.op("~>=~")(who.area), path.op("~<~")(f"{who.area[:-1]}0"))
