"""Publishing an edition, against the same owners by one SQL join in the same run.

2,025 grids, 150,000 households, 200,000 cases of which 40,000 are open; first with a tenth of the
lines moved by half a grid, as a revision does, then with every grid renumbered. The yardstick is
what one would write by hand: ``UPDATE … FROM grids WHERE ST_Covers``, for households and for open
cases, on the same tables with their indexes and triggers, rolled back. It writes no history of the
cases, decides nothing on shared edges, and snaps nothing.
"""

import sys
import time
from collections.abc import Callable

from sqlalchemy import text

from layers.actions.import_layer import LayerName
from layers.actions.plan_publication import plan_publication
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.session import Database
from tests.benchmarks.bench_import import SIZE, SOUTH, WEST, _grids, _households, _load
from tests.benchmarks.scratch import scratch_database

HOUSEHOLDS, CASES, OPEN = 150_000, 200_000, 40_000

_CASES = """
INSERT INTO cases (category, reporter_kind, state, location, rule)
SELECT '54001', 'worker', CASE WHEN n <= :open THEN 'dispatched' ELSE 'closed' END,
    ST_SetSRID(ST_MakePoint(:west + random() * :size, :south + random() * :size), 4490), 'outside'
FROM generate_series(1, :count) AS n
"""
_PLACEMENTS = """
INSERT INTO case_placements (case_id, reason, rule, datum)
SELECT id, 'reported', rule, 'cgcs2000' FROM cases
"""
_JOINS = (
    "UPDATE households AS t SET grid_code = g.code, path = g.path"
    " FROM grids AS g WHERE g.edition_id = :edition AND ST_Covers(g.boundary, t.location)",
    "UPDATE cases AS t SET edition_id = g.edition_id, grid_code = g.code, path = g.path,"
    " rule = 'inside', queue_code = NULL FROM grids AS g WHERE g.edition_id = :edition"
    " AND t.state = 'dispatched' AND ST_Covers(g.boundary, t.location)",
)


def main() -> None:
    """Print a table: what was done, how long it took, ratio to the yardstick."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with scratch_database() as (database, _):
        _measure(database, rounds)


def _measure(database: Database, rounds: int) -> None:
    seed_reference(database)
    publish_edition(database, _draft(database, "A"))
    _load(database, LayerName.HOUSEHOLDS, _households(HOUSEHOLDS))
    box = {"west": WEST, "south": SOUTH, "size": SIZE, "count": CASES, "open": OPEN}
    with database.transaction() as session:
        session.execute(text("SELECT setseed(0.15)"))
        session.execute(text(_CASES), box)
        session.execute(text(_PLACEMENTS))
    with database.raw(autocommit=True) as connection:
        connection.execute("ANALYZE")
    print(f"publishing over {HOUSEHOLDS:,} households and {CASES:,} cases, {OPEN:,} of them open")
    print(f"{'':<12}{'':<10}{'seconds':>8}{'× the join':>12}")
    for number in range(rounds):
        for what, prefix, moved in (
            ("revised", f"R{number}" if number else "A", 0.5),
            ("renumbered", f"R{number + 1}", 0.0),
        ):
            _race(database, what, _draft(database, prefix, moved))


def _race(database: Database, what: str, draft: int) -> None:
    yardstick = _timed(lambda: _join(database, draft))
    plan = _timed(lambda: plan_publication(database, draft))
    publish = _timed(lambda: publish_edition(database, draft))
    for name, seconds in (("join", yardstick), ("dry run", plan), ("publish", publish)):
        print(f"{what:<12}{name:<10}{seconds:>8.2f}{seconds / yardstick:>12.2f}")


def _draft(database: Database, prefix: str, moved: float = 0.0) -> int:
    edition: int = _load(database, LayerName.GRIDS, _grids(prefix, moved)).edition_id
    return edition


class _RollBack(Exception):
    pass


def _join(database: Database, edition: int) -> None:
    try:
        with database.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in _JOINS:
                session.execute(text(statement), {"edition": edition})
            raise _RollBack
    except _RollBack:
        return


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
