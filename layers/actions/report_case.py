"""Report a case: placed, owned and stored at once, and once only."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.routing import Candidate, Placement, Rule
from layers.actions.boundaries import Boundaries, Owner
from layers.actions.place import Place, Placed, current, place
from layers.errors import (
    CategoryUnknown,
    EditionConflict,
    IdempotencyConflict,
    NoEditionInForce,
    ReportInvalid,
)
from layers.session import Database
from layers.store import cases, driver
from layers.store.territory import Hold
from layers.vocabulary import CaseState, ReporterKind

FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far a reporter's clock may be ahead of ours."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

_ATTEMPTS: Final = 5
_EWKB_POINT: Final = struct.Struct("<BIIdd")
_EWKB_POINT_WITH_SRID: Final = 0x20000001


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reported, checked for form; ``place`` is None for a matter that is nowhere."""

    category: str
    description: str
    place: Place | None
    reporter_kind: ReporterKind
    reporter_name: str | None = None
    reporter_phone: str | None = None
    address: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """The case that a report became, and its first placement; ``replayed`` if it was one before."""

    id: int
    category: str
    category_names: Mapping[str, str]
    department: Mapping[str, str]
    state: CaseState
    reported_at: datetime
    placed: Placed
    replayed: bool


def report_case(
    database: Database,
    boundaries: Boundaries,
    report: Report,
    idempotency_key: str | None = None,
) -> ReportedCase:
    """Store a report as a case of the grid that owns its place.

    Parameters
    ----------
    database : Database
        Case, placement and key are stored in one transaction of its own.
    boundaries : Boundaries
        The edition in force; that it still is when the case is stored is made sure of.
    report : Report
        Its place is never a reason to refuse it: what no grid owns waits in an area's queue,
        and before the first edition simply waits.
    idempotency_key : str, optional
        The same key and report again give the same case, however many arrive at once.

    Returns
    -------
    ReportedCase

    Raises
    ------
    ReportInvalid
        The matter lies in the future, or before 1900.
    CategoryUnknown
        No such category.
    UnknownDatum
        Nobody can place the datum on the earth.
    IdempotencyConflict
        The key came with another report before.
    """
    _check_instant(report.occurred_at)
    fingerprint = _fingerprint(report)
    for _ in range(_ATTEMPTS):
        in_force = current(boundaries)
        placed = _explained(place(in_force, report.place))
        row = _row(report, placed) | {"key": idempotency_key, "fingerprint": fingerprint}
        try:
            with database.transaction() as session:
                stored = _store(session, row)
                if stored.id is not None:
                    return _reported(stored, report, placed)
                if stored.fresh and stored.known is None:
                    raise CategoryUnknown(f"There is no category {report.category}.")
                if stored.fresh and idempotency_key is not None:
                    earlier = _earlier(session, idempotency_key, fingerprint)
                    if earlier is not None:
                        return earlier
        except psycopg.errors.ForeignKeyViolation:
            pass  # an area was taken away since the boundaries were read
        _refresh(boundaries)
    raise EditionConflict(
        "The boundaries are changing faster than a case can be stored. Send the report again."
    )


def _explained(placed: Placed) -> Placed:
    """Keep why a place can't be used among the warnings, which are stored."""
    placement = placed.placement
    if placement.reason is None:
        return placed
    warnings = (*placement.warnings, placement.reason)
    return replace(placed, placement=replace(placement, warnings=warnings))


def _store(session: Session, row: Mapping[str, Any]) -> Any:
    """Run the one statement, under a lock that keeps the edition in force while it runs."""
    connection = driver(session)
    # A statement sees what was committed when it began: the lock is one of its own, and travels
    # to the server together with the other.
    with connection.pipeline(), connection.cursor(row_factory=namedtuple_row) as cursor:
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [int(Hold.CASES)])
        cursor.execute(cases.REPORT_CASE, row)
        return cursor.fetchone()


def _row(report: Report, placed: Placed) -> dict[str, Any]:
    placement, owner = placed.placement, placed.owner
    raw_x, raw_y = (None, None) if report.place is None else (report.place.x, report.place.y)
    reporter = {"name": report.reporter_name, "phone": report.reporter_phone}
    return {
        "in_force": placed.edition_id,
        "category": report.category,
        "description": report.description,
        "address": report.address,
        "reporter_kind": report.reporter_kind.value,
        "reporter": Jsonb(reporter) if any(reporter.values()) else None,
        "occurred_at": report.occurred_at,
        "location": _ewkb(placement),
        "rule": placement.rule.value,
        "grid_code": owner.grid_code,
        "queue_code": owner.queue_code,
        "path": owner.path,
        "reason": cases.REPORTED,
        "distance_to_boundary_m": placement.distance_to_boundary_m,
        "accuracy_m": None if report.place is None else report.place.accuracy_m,
        "datum": None if report.place is None else placement.datum,
        "raw_x": raw_x,
        "raw_y": raw_y,
        "candidates": Jsonb([asdict(candidate) for candidate in placement.candidates]),
        "warnings": list(placement.warnings),
    }


def _ewkb(placement: Placement) -> bytes | None:
    if placement.rule is Rule.UNPLACED or placement.lon is None or placement.lat is None:
        return None
    return _EWKB_POINT.pack(1, _EWKB_POINT_WITH_SRID, STORAGE_SRID, placement.lon, placement.lat)


def _check_instant(occurred_at: datetime | None) -> None:
    if occurred_at is None:
        return
    if occurred_at > datetime.now(UTC) + FUTURE_TOLERANCE:
        raise ReportInvalid(
            "occurred_at lies in the future. Check the device's clock and the time zone."
        )
    if occurred_at < EARLIEST:
        raise ReportInvalid("occurred_at lies before 1900. Check the year.")


def _fingerprint(report: Report) -> str:
    """Hash what was reported; the hash is kept, and tells nobody who it was."""
    return hashlib.sha256(orjson.dumps(report)).hexdigest()


def _reported(stored: Any, report: Report, placed: Placed) -> ReportedCase:
    return ReportedCase(
        id=stored.id,
        category=report.category,
        category_names={"zh": stored.name_zh, "en": stored.name_en},
        department={"zh": stored.department_zh, "en": stored.department_en},
        state=CaseState(stored.state),
        reported_at=stored.reported_at,
        placed=placed,
        replayed=False,
    )


def _earlier(session: Session, key: str, fingerprint: str) -> ReportedCase | None:
    """Return the case that a key stands for, with the placement that was answered then."""
    found = session.execute(cases.case_of_key(key)).one_or_none()
    if found is None or found.case_id is None:
        return None  # deleted just now, and its key with it
    if found.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key came with another report before. A repeated report must be the "
            "same in every field; a new one needs a new key."
        )
    case = session.execute(cases.one_case(found.case_id)).one()
    first = session.execute(cases.placements_of(found.case_id)).first()
    if first is None:
        return None
    return ReportedCase(
        id=case.id,
        category=case.category,
        category_names={"zh": case.category_zh, "en": case.category_en},
        department={"zh": case.department_zh, "en": case.department_en},
        state=case.state,
        reported_at=case.reported_at,
        placed=_placed_then(case, first),
        replayed=True,
    )


def _placed_then(case: Any, first: Any) -> Placed:
    raw = None if first.raw_x is None else (first.raw_x, first.raw_y)
    placement = Placement(
        grid_code=first.grid_code,
        area_code=first.queue_code,
        rule=first.rule,
        distance_to_boundary_m=first.distance_to_boundary_m,
        candidates=tuple(Candidate(**each) for each in first.candidates),
        datum=first.datum or "",
        lon=case.lon,
        lat=case.lat,
        accuracy_m=first.accuracy_m,
        raw=raw,
        warnings=tuple(first.warnings),
    )
    owner = Owner(
        grid_code=first.grid_code,
        grid_name=first.grid_name,
        queue_code=first.queue_code,
        path=first.path,
        responsible=first.responsible,
    )
    return Placed(placement, owner, first.edition_id)


def _refresh(boundaries: Boundaries) -> None:
    try:
        boundaries.refresh()
    except NoEditionInForce:
        return
