"""Put an edition of the boundaries in force: one transaction, and everybody's owner follows."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis import datum
from layers.actions.audit import Act, AuditEntry, record
from layers.actions.boundaries import InForce, load_edition
from layers.actions.check_edition import check_again
from layers.actions.importing.owners import own_again
from layers.actions.importing.placements import owner_columns
from layers.actions.importing.staging import tell_planner
from layers.actions.list_editions import find_edition
from layers.errors import EditionConflict, EditionHasErrors
from layers.exchange.copy import stage
from layers.exchange.progress import Progress, silent
from layers.models import Edition
from layers.session import Database
from layers.store import driver, territory
from layers.vocabulary import EditionStatus

_ERRORS_SHOWN = 10


@dataclass(frozen=True)
class PublishReport:
    """What changed hands when an edition came into force.

    ``superseded_id`` is the edition that was in force before, if any; the counts are of rows
    that were given an owner under the new edition.
    """

    edition_id: int
    superseded_id: int | None
    building_count: int
    household_count: int
    case_count: int


def publish_edition(
    database: Database,
    edition_id: int,
    *,
    override_reason: str | None = None,
    valid_from: datetime | None = None,
    instead_of: int | None = None,
    progress: Progress = silent,
) -> PublishReport:
    """Put a draft edition in force, in one transaction.

    The edition in force so far ends at the same instant; buildings and households get their
    owners under the new one, open cases are routed anew (ended ones keep their placement),
    and every running process is told. Killed at any moment, the old edition stands whole. A draft
    that changed since it was checked is checked first.

    Parameters
    ----------
    database : Database
        Where the edition is. Only one publishing or import runs there at a time.
    edition_id : int
        Number of a draft.
    override_reason : str, optional
        Why it may be published in spite of the errors that the checks found; kept with it.
    valid_from : datetime, optional
        For history, loaded from its oldest edition on: since when, in the past, it is in force; the
        edition before ends then. Now, if not given.
    instead_of : int, optional
        The edition that whoever publishes took to be in force; another is a conflict.
    progress : callable, optional
        Told the name of each step, how many rows are done, and of how many.

    Returns
    -------
    PublishReport
        What changed hands.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    EditionConflict
        It is no draft, it has no grid, another edition came into force meanwhile, or
        ``valid_from`` lies in the future or before the edition in force began.
    EditionHasErrors
        The checks found errors and no reason was given.
    """
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        known = session.scalars(territory.edition_id_in_force()).one_or_none()
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        _refuse_another(session, known if instead_of is None else instead_of)
        edition = draft_to_publish(session, edition_id)
        _check_findings(edition, override_reason)
        in_force = load_edition(session, edition, database.snapshots)
        connection = driver(session)
        buildings = own_again(connection, "buildings", in_force, progress)
        households = own_again(connection, "households", in_force, progress)
        # Reports wait from here on only, so that none is stored under the old edition.
        session.execute(territory.hold(territory.Hold.CASES, exclusive=True))
        superseded = _change_over(session, edition, valid_from)
        cases = _route_open_cases(session, in_force, progress)
        report = PublishReport(edition_id, superseded, buildings, households, cases)
        record(session, _told(report, override_reason))
        session.execute(territory.announce(str(edition.id)))
    return report


def _told(report: PublishReport, override_reason: str | None) -> AuditEntry:
    """Return what the audit says of it."""
    moved = {
        "superseded": report.superseded_id,
        "buildings": report.building_count,
        "households": report.household_count,
        "cases": report.case_count,
    }
    return AuditEntry(
        Act.PUBLISH, "edition", str(report.edition_id), purpose=override_reason, detail=moved
    )


def _refuse_another(session: Session, known: int | None) -> None:
    """Refuse to publish over an edition that came into force since somebody last looked."""
    found = session.scalars(territory.edition_id_in_force()).one_or_none()
    if found != known:
        now = "None is in force now" if found is None else f"Edition {found} is in force now"
        raise EditionConflict(
            f"{now}, not {known or 'none'} as it was before. Look again at what would move, and "
            "then publish."
        )


def draft_to_publish(session: Session, edition_id: int) -> Edition:
    """Return the edition, locked and checked, if it is a draft with grids."""
    edition = find_edition(session, edition_id, lock=True)
    if edition.status is EditionStatus.PUBLISHED:
        raise EditionConflict(f"Edition {edition_id} is in force already.")
    if edition.status is EditionStatus.SUPERSEDED:
        raise EditionConflict(
            f"Edition {edition_id} was in force and has ended. To go back to its boundaries: "
            f"lianxin edition restore {edition_id}, and publish that draft."
        )
    if session.execute(territory.grids_of(edition_id).limit(1)).first() is None:
        raise EditionConflict(f"Edition {edition_id} has no grids.")
    if edition.status is EditionStatus.DRAFT:
        check_again(session, edition)
    return edition


def _check_findings(edition: Edition, override_reason: str | None) -> None:
    """Refuse errors that nobody took responsibility for; else keep the reason."""
    errors = [finding for finding in edition.findings if finding["severity"] == "error"]
    reason = (override_reason or "").strip()
    if errors and not reason:
        listed = "\n".join(f"  {finding['message_en']}" for finding in errors[:_ERRORS_SHOWN])
        rest = len(errors) - _ERRORS_SHOWN
        more = f"\n  … and {rest} more (lianxin edition show {edition.id})" if rest > 0 else ""
        raise EditionHasErrors(
            f"The checks found {len(errors)} errors in edition {edition.id}:\n{listed}{more}\n"
            "Correct the file and import it again, or publish with a reason why this may be so "
            '(--accept-findings "…").'
        )
    edition.override_reason = reason or None


def _change_over(session: Session, edition: Edition, valid_from: datetime | None) -> int | None:
    """End the edition in force and begin this one, at the same instant."""
    now = session.scalars(select(func.clock_timestamp())).one()
    begins = now if valid_from is None else valid_from
    if begins > now:
        raise EditionConflict(
            f"{begins.isoformat()} lies in the future. An edition is in force as soon as it is "
            "published; only one of the past may begin earlier."
        )
    before = session.scalars(territory.edition_in_force()).one_or_none()
    if before is not None:
        _end(before, begins)
        session.flush()
    edition.status = EditionStatus.PUBLISHED
    edition.valid = func.tstzrange(begins, None, "[)")
    session.flush()
    return None if before is None else before.id


def _end(edition: Edition, ends: datetime) -> None:
    began = None if edition.valid is None else edition.valid.lower
    if began is not None and ends <= began:
        raise EditionConflict(
            f"Edition {edition.id} is in force since {began.isoformat()}; the next one can only "
            "begin later."
        )
    edition.status = EditionStatus.SUPERSEDED
    edition.valid = func.tstzrange(began, ends, "[)")


def _route_open_cases(session: Session, in_force: InForce, progress: Progress) -> int:
    """Give every open case that has a place a new placement; return how many there are."""
    rows = session.execute(territory.open_case_places()).all()
    if not rows:
        return 0
    progress("routing open cases", 0, len(rows))
    ids, lon, lat, accuracy_m = zip(*rows, strict=True)
    placements = in_force.router.place_many(
        np.array(lon), np.array(lat), datum.STORAGE, np.array(accuracy_m, dtype=float)
    )
    table = pa.table({"id": pa.array(ids), **owner_columns(in_force, placements)})
    connection = driver(session)
    stage(connection, "routed_cases", table)
    connection.execute(_STORE_OWNERS)
    connection.execute(_STORE_PLACEMENTS, {"reason": f"edition {in_force.edition_id} published"})
    tell_planner(connection, "case_placements", len(rows))
    progress("routing open cases", len(rows), len(rows))
    return len(rows)


_STORE_OWNERS = sql.SQL(
    "UPDATE cases AS c SET rule = s.rule, edition_id = s.edition_id, grid_code = s.grid_code,"
    " queue_code = s.queue_code, path = s.path FROM routed_cases AS s WHERE s.id = c.id"
)

# What the reporter sent goes along from the placement before.
_STORE_PLACEMENTS = sql.SQL(
    "INSERT INTO case_placements (case_id, reason, rule, edition_id, grid_code, queue_code,"
    " distance_to_boundary_m, accuracy_m, datum, raw_x, raw_y, candidates,"
    " warnings)"
    " SELECT s.id, %(reason)s, s.rule, s.edition_id, s.grid_code, s.queue_code,"
    " s.distance_to_boundary_m, p.accuracy_m, p.datum, p.raw_x, p.raw_y,"
    " s.candidates::jsonb,"
    " coalesce(p.warnings, '{}')"
    " FROM routed_cases AS s LEFT JOIN LATERAL ("
    "  SELECT * FROM case_placements WHERE case_id = s.id ORDER BY id DESC LIMIT 1"
    " ) AS p ON true"
)
