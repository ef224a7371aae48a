"""Publishing an edition, against the same owners by one SQL join in the same run.

2,025 grids, 150,000 households, 200,000 cases of which 40,000 are open. The yardstick is what one
would write by hand: ``UPDATE … FROM grids WHERE ST_Covers``, for households and for open cases, on
the same tables with their indexes, rolled back. It writes no history of the cases, decides nothing
on shared edges, and snaps nothing.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from layers.actions.import_layer import LayerName
from layers.actions.plan_publication import plan_publication
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.cluster import scratch_cluster
from layers.database import check_server, upgrade
from layers.session import Database, open_database
from layers.settings import Settings
from tests.benchmarks.bench_import import SIZE, SOUTH, WEST, _grids, _households, _load

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
    "UPDATE households AS t SET edition_id = g.edition_id, grid_code = g.code, path = g.path"
    " FROM grids AS g WHERE g.edition_id = :edition AND ST_Covers(g.boundary, t.location)",
    "UPDATE cases AS t SET edition_id = g.edition_id, grid_code = g.code, path = g.path,"
    " rule = 'inside', queue_code = NULL FROM grids AS g WHERE g.edition_id = :edition"
    " AND t.state = 'dispatched' AND ST_Covers(g.boundary, t.location)",
)


def main() -> None:
    """Print a table: what was done, how long it took, ratio to the yardstick."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix="lianxin-bench-") as folder:
        Path(folder).chmod(0o755)
        with scratch_cluster(Path(folder) / "data") as cluster:
            database = open_database(
                Settings(database_url=cluster.url, data_dir=Path(folder, "kept"))
            )
            check_server(database.engine)
            upgrade(database.engine)
            _measure(database, rounds)
            database.close()


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
    for number in range(rounds):
        draft = _draft(database, f"R{number}")
        yardstick = _timed(lambda: _join(database, draft))  # noqa: B023 # called within the turn
        plan = _timed(lambda: plan_publication(database, draft))  # noqa: B023
        publish = _timed(lambda: publish_edition(database, draft))  # noqa: B023
        for name, seconds in (("join", yardstick), ("dry run", plan), ("publish", publish)):
            print(f"{name:<10}{seconds:>8.2f} s{seconds / yardstick:>8.2f} × the join's time")


def _draft(database: Database, prefix: str) -> int:
    edition: int = _load(database, LayerName.GRIDS, _grids(prefix)).edition_id
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
