"""What row security costs: queries over 1,000,000 households, with the policies and without.

The yardstick is the same statement by the owner of the tables, for whom the policies fold away.
Each viewer asks for a square kilometre, for a page of a list, and for one home by its code.
"""

import statistics
import sys
import time
from collections.abc import Callable

from sqlalchemy import text

from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.session import Database
from layers.viewer import EVERYWHERE, Viewer, seen_by
from layers.vocabulary import Role
from tests.benchmarks.bench_import import SIDE, SIZE, SOUTH, WEST
from tests.benchmarks.bench_publish import _draft
from tests.benchmarks.scratch import scratch_database

HOUSEHOLDS, ROUNDS = 1_000_000, 60

_FILL = """
INSERT INTO households (code, location, grid_code, path)
SELECT n::text, ST_SetSRID(ST_MakePoint(:west + x * :size, :south + y * :size), 4490), code,
    code || '/'
FROM (SELECT n, random() AS x, random() AS y FROM generate_series(1, :count) AS n) AS places,
    LATERAL (SELECT 'A' || lpad((floor(y * :side) * :side + floor(x * :side))::int::text, 5, '0')
        AS code) AS owner
"""
_ASKED = {
    "1 km²": (
        "SELECT count(*) FROM households WHERE location && ST_MakeEnvelope(:w, :s, :e, :n, 4490)"
        " AND ST_Intersects(location, ST_MakeEnvelope(:w, :s, :e, :n, 4490))"
    ),
    "a page": "SELECT code FROM households WHERE path ~>=~ :from AND path ~<~ :to"
    " ORDER BY code LIMIT 100",
    "one home": "SELECT code, grid_code FROM households WHERE code = :code",
}


def main() -> None:
    """Print a table: what was asked, by whom, milliseconds, ratio to the unprotected."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with scratch_database() as (database, _):
        _fill(database)
        _race(database, rounds)


def _fill(database: Database) -> None:
    seed_reference(database)
    publish_edition(database, _draft(database, "A"))
    given = {"west": WEST, "south": SOUTH, "size": SIZE, "side": SIDE, "count": HOUSEHOLDS}
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("SELECT setseed(0.4)"))
        session.execute(text(_FILL), given)
    with database.raw(autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE households")


def _race(database: Database, rounds: int) -> None:
    served = Database(database.engine, service=True)
    middle = f"A{SIDE * SIDE // 2 + SIDE // 2:05d}/"
    viewers = {
        "owner": (database, None),
        "banner": (served, Viewer("b", Role.BANNER, EVERYWHERE)),
        "grid": (served, Viewer("w", Role.WORKER, middle)),
        "nobody": (served, None),
    }
    west, south = WEST + SIZE / 2, SOUTH + SIZE / 2
    given = {
        "w": west, "s": south, "e": west + 0.0117, "n": south + 0.009,
        "from": middle, "to": f"{middle[:-1]}0", "code": "500000",
    }  # fmt: skip
    print(f"{HOUSEHOLDS:,} households; {rounds} times each, by turns; median of a transaction")
    print(f"{'asked':<10}{'by':<10}{'ms':>8}{'× unprotected':>15}{'rows':>9}")
    for name, statement in _ASKED.items():
        spent: dict[str, list[float]] = {who: [] for who in viewers}
        found: dict[str, int] = {}
        for _ in range(rounds):
            for who, (asked, viewer) in viewers.items():

                def ask(asked: Database = asked, viewer: Viewer | None = viewer) -> int:
                    with seen_by(viewer), asked.transaction() as session:
                        rows = session.execute(text(statement), given).all()  # noqa: B023
                    return rows[0][0] if name == "1 km²" else len(rows)  # noqa: B023

                seconds, found[who] = _timed(ask)
                spent[who].append(seconds)
        yardstick = statistics.median(spent["owner"])
        for who, seconds_of in spent.items():
            median = statistics.median(seconds_of)
            print(
                f"{name:<10}{who:<10}{median * 1000:>8.2f}{median / yardstick:>15.2f}"
                f"{found[who]:>9,}"
            )


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
