"""The audit: what an act costs more because it is recorded, and how long verifying takes.

The yardsticks are of the same run: a transaction that changes one household without leaving a
record, and reading the same rows of the audit without looking at a seal. All as the role that
serves, under its policies. Commits do not wait for the disk, which would hide the record's share.
"""

import statistics
import sys
import time
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.actions.audit import Act, AuditEntry, record
from layers.actions.audit_blocks import Witness
from layers.actions.seal_audit import seal
from layers.actions.verify_audit import verify
from layers.session import Database
from layers.store import audit
from layers.viewer import SYSTEM, seen_by
from tests.benchmarks.scratch import scratch_database

ACTS, BATCHES, ROWS = 200, 10, 100_000
_ENTRY = AuditEntry(
    Act.UNMASK,
    "resident",
    "R7",
    purpose="电话核实",
    fields=("phone", "name"),
    detail={"path": "A/"},
)
_ADD_ROWS = """
INSERT INTO audit (action, object_kind, object_code, purpose, fields, detail, origin, request_id)
SELECT 'unmask', 'resident', n::text, '电话核实', '{phone,name}', '{"path": "A/"}', '10.0.0.7', 'r'
FROM generate_series(1, :rows) AS n
"""


def main() -> None:
    """Print a table: what was done, how long it took, ratio to the yardstick."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with scratch_database() as (database, folder):
        with database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO households (code, location)"
                    " VALUES ('h', ST_SetSRID(ST_MakePoint(111, 39), 4490))"
                )
            )
        served = Database(database.engine, service=True)
        with seen_by(SYSTEM):
            _measure(served, Witness(b"k" * 32, folder / "note"), rounds)


def _measure(database: Database, keeper: Witness, rounds: int) -> None:
    plain, recorded = [], []
    # Small batches by turns, since others may work on the same cores.
    for _ in range(rounds * BATCHES):
        plain.append(_timed(lambda: _act(database, lambda _: None)))
        recorded.append(_timed(lambda: _act(database, lambda session: record(session, _ENTRY))))
    print(f"{'':<34}{'seconds':>9}{'ratio':>8}")
    _show(f"{ACTS:,} acts without a record", plain, plain)
    _show(f"{ACTS:,} acts with their record", recorded, plain)
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(_ADD_ROWS), {"rows": ROWS})
    sealed = _timed(lambda: seal(database, keeper))
    read, verified = [], []
    for _ in range(rounds):
        read.append(_timed(lambda: _read(database)))
        verified.append(_timed(lambda: _verify(database, keeper)))
    _show("reading all rows", read, read)
    _show("sealing them, once", [sealed], read)
    _show("verifying them", verified, read)


def _act(database: Database, left_behind: Callable[[Session], None]) -> None:
    for _ in range(ACTS):
        with database.transaction() as session:
            session.execute(
                text("UPDATE households SET grid_code = 'A', path = 'A/' WHERE code = 'h'")
            )
            left_behind(session)


def _read(database: Database) -> None:
    with database.transaction() as session:
        rows = session.execute(audit.in_order(), execution_options={"yield_per": 5_000})
        assert sum(1 for _ in rows) >= ROWS


def _verify(database: Database, keeper: Witness) -> None:
    report = verify(database, keeper)
    assert report.whole
    assert report.row_count >= ROWS


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _show(what: str, seconds: list[float], yardstick: list[float]) -> None:
    middle = statistics.median(seconds)
    print(f"{what:<34}{middle:>9.2f}{middle / statistics.median(yardstick):>8.2f}")


if __name__ == "__main__":
    main()
