"""What the role that serves can see and do, tried below every router and query of ours."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from layers.actions.seed_reference import seed_reference
from layers.models import Base
from layers.session import Database, open_ready_database
from layers.settings import Settings
from layers.viewer import SYSTEM, Viewer, seen_by
from layers.vocabulary import Role
from tests.layers.actions.made import grids, layer, load, middle, publish, read, square

PROTECTED = (
    "accounts", "buildings", "case_placements", "cases", "compounds", "households",
    "idempotency_keys", "readings", "residents", "sign_in_attempts", "statuses", "tokens",
)  # fmt: skip
AUDIT = {"audit", "audit_seals"}
OPEN = {
    "areas", "categories", "editions", "grids", "status_schemes", "status_values",
}  # fmt: skip


@pytest.fixture
def town(database: Database) -> Iterator[Database]:
    """Two grids side by side, a home and a case in each, and one home outside; as it is served."""
    seed_reference(database)
    publish(database, grids("AB"))
    load(database, "buildings", layer([{"code": c} for c in "ab"], [square(0), square(1)]))
    homes = [{"code": c, "occupancy": "resident"} for c in "hio"]
    load(database, "households", layer(homes, [middle(0), middle(1), middle(9)]))
    matters = [
        {"source_id": "x", "category": "54001", "state": "reported"},
        {"source_id": "y", "category": "52001", "state": "reported"},
    ]
    load(database, "cases", layer(matters, [middle(0), middle(1)]))
    served = Database(database.engine, sessions=database._sessions, service=True)
    yield served
    with database.transaction():
        pass  # back to the role of the tests


def seen(database: Database, who: Viewer | None) -> dict[str, int]:
    with seen_by(who):
        return {
            table: read(database, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
            for table in PROTECTED
        }


def test_every_table_is_either_protected_or_known_to_hold_nobody(database: Database) -> None:
    rows = read(
        database,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'",
    )
    protected = {name for name, enabled, forced in rows if enabled and forced}
    assert protected == {*PROTECTED, *AUDIT}
    assert set(Base.metadata.tables) - protected == OPEN


def test_the_role_owns_nothing_and_bypasses_nothing(database: Database) -> None:
    assert read(
        database,
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
        " EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)"
        " FROM pg_roles AS r WHERE rolname = 'lianxin_app'",
    ) == [(False, False, False, False, False)]


def test_without_an_identity_nothing_is_seen(town: Database) -> None:
    assert set(seen(town, None).values()) == {0}


def test_a_worker_sees_the_own_grid_alone(town: Database) -> None:
    assert seen(town, Viewer("w", Role.WORKER, "A/")) == {
        "accounts": 0, "buildings": 1, "case_placements": 1, "cases": 1, "compounds": 0,
        "households": 1, "idempotency_keys": 0, "readings": 0, "residents": 0,
        "sign_in_attempts": 0, "statuses": 1, "tokens": 0,
    }  # fmt: skip
    with seen_by(Viewer("w", Role.WORKER, "A/")):
        assert read(town, "SELECT code FROM households") == [("h",)]
        assert read(town, "SELECT code FROM households WHERE code = 'i' OR true") == [("h",)]


def test_an_area_is_no_prefix_of_a_longer_code(town: Database) -> None:
    assert seen(town, Viewer("w", Role.WORKER, "A"))["households"] == 1  # what is "A…"
    assert seen(town, Viewer("w", Role.WORKER, "A/A/"))["households"] == 0


def test_what_no_grid_owns_is_seen_by_whoever_sees_everything(town: Database) -> None:
    everything = {Role.BANNER: 3, Role.ANALYST: 3, Role.SYSTEM: 3}
    for role, count in everything.items():
        assert seen(town, Viewer("b", role, ""))["households"] == count


def test_a_department_sees_cases_of_its_own_categories_and_no_home(town: Database) -> None:
    counts = seen(town, Viewer("d", Role.DEPARTMENT, "", ("54",)))
    assert (counts["cases"], counts["case_placements"]) == (1, 1)
    assert (counts["households"], counts["statuses"]) == (0, 0)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_who_keeps_the_service_sees_no_person(town: Database, role: Role) -> None:
    assert set(seen(town, Viewer("x", role, "")).values()) == {0}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE households SET path = 'A/', grid_code = 'A' WHERE code = 'i'",
        "UPDATE cases SET path = 'A/' WHERE source_id = 'y'",
        "DELETE FROM households",
        "DELETE FROM cases",
        "UPDATE statuses SET status_code = 'vacant' WHERE subject_code = 'i'",
    ],
)
def test_a_worker_changes_nothing_of_others(town: Database, statement: str) -> None:
    with seen_by(Viewer("w", Role.WORKER, "A/")), town.transaction() as session:
        assert session.execute(text(statement)).rowcount == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO households (code, location, grid_code, path)"
        " VALUES ('z', ST_SetSRID(ST_MakePoint(111, 39), 4490), 'B', 'B/')",
        "INSERT INTO statuses (subject_kind, subject_code, path, scheme_code, status_code, source)"
        " VALUES ('household', 'i', 'B/', 'occupancy', 'vacant', 'x')",
        "INSERT INTO statuses (subject_kind, subject_code, path, scheme_code, status_code, source)"
        " VALUES ('household', 'i', 'A/', 'party', 'member', 'a home of B, called one of A')",
        "INSERT INTO statuses (subject_kind, subject_code, path, scheme_code, status_code, source)"
        " VALUES ('household', 'h', 'A/', 'health', 'home_isolation', 'without a campaign')",
        "UPDATE statuses SET path = 'B/'",
        "UPDATE statuses SET subject_code = 'i'",
        "ALTER TABLE households DISABLE ROW LEVEL SECURITY",
        "DROP POLICY seen ON households",
        "CREATE POLICY mine ON households USING (true)",
        "TRUNCATE households CASCADE",
        "ALTER ROLE lianxin_app BYPASSRLS",
        "ALTER FUNCTION reach(text) RENAME TO reached",
        "COPY households TO PROGRAM 'cat'",
    ],
)
def test_a_worker_is_refused_by_the_database(town: Database, statement: str) -> None:
    with (
        seen_by(Viewer("w", Role.WORKER, "A/")),
        pytest.raises(DBAPIError) as refused,
        town.transaction() as session,
    ):
        session.execute(text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_worker_begins_a_status_of_a_home_in_the_own_grid(town: Database) -> None:
    with seen_by(Viewer("w", Role.WORKER, "A/")), town.transaction() as session:
        session.execute(
            text(
                "INSERT INTO statuses (subject_kind, subject_code, path, scheme_code, status_code,"
                " source) VALUES ('household', 'h', 'A/', 'party', 'member', 'x')"
            )
        )
    assert seen(town, Viewer("w", Role.WORKER, "A/"))["statuses"] == 2


def test_a_worker_sets_statuses_in_the_own_grid(town: Database) -> None:
    with seen_by(Viewer("w", Role.WORKER, "A/")), town.transaction() as session:
        done = session.execute(text("UPDATE statuses SET until = clock_timestamp() + '1 s'"))
        assert done.rowcount == 1  # type: ignore[attr-defined]


def test_a_status_follows_its_home_into_another_grid(town: Database) -> None:
    with seen_by(SYSTEM), town.transaction() as session:
        session.execute(text("UPDATE households SET grid_code = 'B', path = 'B/' WHERE code = 'h'"))
    assert seen(town, Viewer("w", Role.WORKER, "A/"))["statuses"] == 0
    assert seen(town, Viewer("w", Role.WORKER, "B/"))["statuses"] == 2


def test_an_identity_ends_with_its_transaction(fresh_database: Database) -> None:
    town_of = Database(fresh_database.engine, service=True)
    publish(fresh_database, grids("A"))
    load(fresh_database, "households", layer([{"code": "h"}], [middle(0)]))
    for _ in range(20):
        with seen_by(Viewer("w", Role.WORKER, "A/")):
            assert read(town_of, "SELECT count(*) FROM households") == [(1,)]
        with (
            pytest.raises(RuntimeError),
            seen_by(Viewer("w", Role.WORKER, "A/")),
            town_of.transaction(),
        ):
            raise RuntimeError
        assert read(town_of, "SELECT count(*) FROM households") == [(0,)]


def test_a_box_uses_the_spatial_index_under_a_policy(fresh_database: Database) -> None:
    publish(fresh_database, grids("A"))
    with fresh_database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO households (code, location) SELECT n::text,"
                " ST_SetSRID(ST_MakePoint(111 + random(), 39 + random()), 4490)"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        session.execute(text("ANALYZE households"))
    served = Database(fresh_database.engine, service=True)
    box = "ST_MakeEnvelope(111, 39, 111.01, 39.01, 4490)"
    with seen_by(Viewer("b", Role.BANNER, "")):
        plan = read(
            served,
            "EXPLAIN SELECT code FROM households"  # noqa: S608
            f" WHERE location && {box} AND ST_Intersects(location, {box})",
        )
    assert "ix_households_location" in "\n".join(row[0] for row in plan)


def test_the_service_starts_as_a_login_that_owns_nothing(fresh_database_url: str) -> None:
    address = make_url(fresh_database_url).set(username="lianxin_app")
    url = address.render_as_string(hide_password=False)
    served = open_ready_database(Settings(database_url=url), service=True)
    try:
        assert read(served, "SELECT session_user::text, current_user::text") == [
            ("lianxin_app", "lianxin_app")
        ]
        with (
            pytest.raises(DBAPIError) as refused,
            seen_by(SYSTEM),
            served.transaction() as session,
        ):
            session.execute(text("SET ROLE lianxin"))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    finally:
        served.close()
