"""While the service runs its audit is sealed again and again, and each week's report is written."""

import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select

from layers.actions.audit import Act, AuditEntry, record
from layers.actions.audit_blocks import Witness, witness
from layers.actions.seal_audit import seal
from layers.actions.unusual_reads import PERIOD, UnusualReport, unusual_reads
from layers.errors import LayersError
from layers.session import Database
from layers.settings import Settings
from layers.store import audit
from layers.store.audit import AuditFilter
from layers.viewer import SYSTEM, seen_by

WEEKLY: Final = "unusual-reads"
"""The object of the weekly report in the audit; its code is the week's Monday."""

_LOG = structlog.get_logger(__name__)


class SealKeeper:
    """A thread that seals the audit every few seconds; of all processes one does it at a time.

    Parameters
    ----------
    database : Database
        Where the audit is.
    settings : Settings
        ``audit_seal_seconds`` says how often; 0 is never.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the key is read, or made, before anything is sealed."""
        if self._settings.audit_seal_seconds == 0:
            return
        keeper = witness(self._settings)
        self._thread = threading.Thread(
            target=self._run, args=(keeper,), name="audit-sealing", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop; what is not sealed yet is sealed by the next service, or ``lianxin audit seal``."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, keeper: Witness) -> None:
        while not self._closing.wait(self._settings.audit_seal_seconds):
            try:
                report_week(self._database, datetime.now(UTC), self._settings.timezone)
                seal(self._database, keeper, wait=False)
            except LayersError as error:
                _LOG.error("audit_not_sealed", problem=type(error).__name__, detail=str(error))
            except Exception as error:
                # The thread must outlive whatever it meets.
                _LOG.error("audit_not_sealed", problem=type(error).__name__)


def keep_sealed(database: Database, settings: Settings) -> SealKeeper:
    """Begin to seal; close what is returned before the database."""
    keeper = SealKeeper(database, settings)
    keeper.start()
    return keeper


def report_week(database: Database, now: datetime, zone: str) -> bool:
    """Add the report of the week before to the audit, unless it is there.

    Parameters
    ----------
    database : Database
        Where the audit is.
    now : datetime
        The week before it is reported on, from Monday to Monday in the place's own time.
    zone : str
        The place's time zone.

    Returns
    -------
    bool
        Whether it was added now.
    """
    local = now.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - PERIOD / 7 * midnight.weekday()
    week = (monday - PERIOD).date().isoformat()
    known = audit.listed(
        AuditFilter(action=Act.REPORT, object_kind=WEEKLY, object_code=week), limit=1
    )
    with seen_by(SYSTEM):
        with database.transaction() as session:
            if session.execute(known).first() is not None:
                return False
        report = unusual_reads(database, until=monday, zone=zone)
        with database.transaction() as session:
            held = session.scalar(select(func.pg_try_advisory_xact_lock(audit.SEALING)))
            if not held or session.execute(known).first() is not None:
                return False
            record(session, _told(report, week))
    return True


def _told(report: UnusualReport, week: str) -> AuditEntry:
    findings = [asdict(finding) for finding in report.findings]
    detail = {"accounts": report.account_count, "findings": findings}
    return AuditEntry(Act.REPORT, WEEKLY, week, count=len(findings), detail=detail)
