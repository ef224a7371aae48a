"""The audit: what is recorded, by whose word, and what nobody can do to it unseen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from layers.actions.audit import Act, AuditEntry, record, record_apart
from layers.actions.audit_blocks import Witness, noted_seal, witness
from layers.actions.discard_edition import discard_edition
from layers.actions.keep_sealed import keep_sealed
from layers.actions.publish_edition import publish_edition
from layers.actions.restore_edition import restore_edition
from layers.actions.seal_audit import accept_loss, seal
from layers.actions.verify_audit import AuditReport, verify
from layers.errors import AuditBroken
from layers.origin import Origin, came_from
from layers.session import Database
from layers.settings import Settings
from layers.viewer import Viewer, seen_by
from layers.vocabulary import Role
from tests.layers.actions.made import grids, load, publish, read

WORKER = Viewer("bai", Role.WORKER, "150622/")
AUDITOR = Viewer("shen", Role.AUDITOR, "")
UNMASKED = AuditEntry(
    Act.UNMASK,
    "resident",
    "R7",
    purpose="电话核实",
    fields=("phone", "name"),
    detail={"path": "A/"},
)


@pytest.fixture
def keeper(tmp_path: Path) -> Witness:
    return Witness(b"k" * 32, tmp_path / "audit_last_seal")


@pytest.fixture
def served(database: Database) -> Iterator[Database]:
    """The test's database as it is served."""
    yield Database(database.engine, sessions=database._sessions, service=True)
    with database.transaction():
        pass  # back to the role of the tests


@pytest.fixture
def sealed(fresh_database: Database, keeper: Witness) -> Database:
    """Three blocks of two rows, of which each is a transaction of its own."""
    for number in range(3):
        for letter in "ab":
            act(fresh_database, f"{letter}{number}")
        seal(fresh_database, keeper)
    return fresh_database


def act(database: Database, code: str) -> None:
    record_apart(database, AuditEntry(Act.READ, "resident", code))


def recorded_and(database: Database, statement: str) -> None:
    with database.transaction() as session:
        record(session, UNMASKED)
        session.execute(text(statement))


@contextmanager
def superuser(database: Database) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A superuser who has switched off what stands in the way."""
    with database.raw() as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def told(report: AuditReport) -> list[tuple[str, int, int | None]]:
    return [(fault.kind, fault.block, fault.row) for fault in report.faults]


def test_the_database_says_who_did_it(served: Database) -> None:
    with seen_by(WORKER), came_from(Origin("10.0.0.7", "r-1")), served.transaction() as session:
        record(session, UNMASKED)
    with seen_by(AUDITOR):
        rows = read(
            served,
            "SELECT account, role, area, action, object_kind, object_code, purpose, fields, count,"
            " detail, origin, request_id, recorded_at > now() - interval '1 minute' FROM audit",
        )
    assert rows == [
        (
            "bai", "worker", "150622/", "unmask", "resident", "R7", "电话核实",
            ["phone", "name"], 1, {"path": "A/"}, "10.0.0.7", "r-1", True,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("role", [r for r in Role if r not in {Role.AUDITOR, Role.SYSTEM}])
def test_only_an_auditor_reads_it(served: Database, role: Role) -> None:
    with seen_by(None):
        record_apart(served, AuditEntry(Act.REFUSE, "account", "nobody"))
    with seen_by(Viewer("x", role, "")):
        assert read(served, "SELECT count(*) FROM audit") == [(0,)]
    with seen_by(None):
        assert read(served, "SELECT count(*) FROM audit") == [(0,)]
    with seen_by(AUDITOR):
        assert read(served, "SELECT account, role FROM audit") == [("", "")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET account = 'another'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit (action, object_kind, account) VALUES ('read', 'x', 'another')",
        "INSERT INTO audit (action, object_kind, recorded_at) VALUES ('read', 'x', '2000-01-01')",
        "INSERT INTO audit (action, object_kind, id) VALUES ('read', 'x', 1)",
        "UPDATE audit_seals SET number = 7",
        "DELETE FROM audit_seals",
        "INSERT INTO audit_seals VALUES (1, now(), 1, 1, 1, 1, 1, '', '', '', '', '')",
        "ALTER TABLE audit DISABLE TRIGGER keep_audit",
        "SET session_replication_role = replica",
        "SELECT setval('audit_id_seq', 1)",
    ],
)
@pytest.mark.parametrize("who", [WORKER, AUDITOR, None])
def test_who_is_served_changes_nothing(
    served: Database, who: Viewer | None, statement: str
) -> None:
    with seen_by(who), pytest.raises(DBAPIError) as refused:
        recorded_and(served, statement)
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET count = 2", "DELETE FROM audit", "TRUNCATE audit CASCADE"]
)
def test_its_owner_changes_nothing_either(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="never changed"):
        recorded_and(database, statement)


def test_the_owner_cannot_say_who_did_it(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO audit (id, transaction_id, recorded_at, account, role, area, action,"
                " object_kind) VALUES (-1, 1, '2000-01-01', 'another', 'x', 'x', 'read', 'x')"
            )
        )
        assert session.execute(
            text(
                "SELECT account, id > 0, transaction_id > 1, recorded_at > '2020-01-01' FROM audit"
            )
        ).one() == ("system", True, True, True)


def test_an_act_and_its_record_happen_both_or_neither(database: Database) -> None:
    with pytest.raises(DBAPIError):
        recorded_and(database, "SELECT 1 / 0")
    assert read(database, "SELECT count(*) FROM audit") == [(0,)]
    record_apart(database, AuditEntry(Act.REFUSE, "resident", "R7"))
    assert read(database, "SELECT action FROM audit") == [("refuse",)]


def test_blocks_follow_one_another(sealed: Database, keeper: Witness) -> None:
    rows = read(
        sealed,
        "SELECT number, row_count, previous = lag(seal, 1, decode(repeat('00', 32), 'hex'))"
        " OVER (ORDER BY number) FROM audit_seals ORDER BY number",
    )
    assert rows == [(1, 2, True), (2, 2, True), (3, 2, True)]
    noted = noted_seal(keeper)
    assert noted is not None
    assert noted[0] == 3
    assert keeper.note.stat().st_mode & 0o777 == 0o600
    report = verify(sealed, keeper)
    assert (report.whole, report.block_count, report.row_count) == (True, 3, 6)
    assert report.unsealed is None
    assert report.end_known


def test_what_is_not_sealed_yet_is_told(sealed: Database, keeper: Witness) -> None:
    act(sealed, "z")
    report = verify(sealed, keeper)
    assert report.whole
    assert report.unsealed is not None
    assert (report.unsealed.row_count, report.unsealed.first_id) == (1, 7)


def test_a_late_commit_is_sealed_late_and_never_skipped(
    fresh_database: Database, keeper: Witness
) -> None:
    act(fresh_database, "before")
    with fresh_database.transaction() as late:
        record(late, AuditEntry(Act.READ, "resident", "late"))
        act(fresh_database, "meanwhile")
        assert [each.row_count for each in seal(fresh_database, keeper)] == [1]
        report = verify(fresh_database, keeper)
        assert report.unsealed is not None
        assert report.unsealed.row_count == 1
    assert [each.row_count for each in seal(fresh_database, keeper)] == [2]
    report = verify(fresh_database, keeper)
    assert (report.whole, report.row_count, report.unsealed) == (True, 3, None)


@pytest.mark.parametrize(
    ("done", "found"),
    [
        ("UPDATE audit SET account = 'another' WHERE id = 3", [("row-changed", 2, 3)]),
        ("UPDATE audit SET recorded_at = 'infinity' WHERE id = 1", [("row-changed", 1, 1)]),
        ("UPDATE audit SET fields = '{phone}' WHERE id = 6", [("row-changed", 3, 6)]),
        ("DELETE FROM audit WHERE id = 4", [("row-removed", 2, 4)]),
        ("UPDATE audit SET id = 40 WHERE id = 3", [("row-inserted", 2, 40), ("row-removed", 2, 3)]),
        (
            "INSERT INTO audit SELECT 99, transaction_id, recorded_at, account, role, area, action,"
            " object_kind, 'forged' FROM audit WHERE id = 2",
            [("row-inserted", 2, 99)],
        ),
        (
            "UPDATE audit AS a SET object_code = b.object_code FROM audit AS b"
            " WHERE (a.id, b.id) IN ((1, 2), (2, 1))",
            [("row-changed", 1, 1), ("row-changed", 1, 2)],
        ),
        (
            "UPDATE audit AS a SET transaction_id = b.transaction_id FROM audit AS b"
            " WHERE (a.id, b.id) IN ((2, 3), (3, 2))",
            [("row-removed", 1, 2), ("row-inserted", 2, 2), ("row-changed", 2, 3)],
        ),
        ("UPDATE audit_seals SET digests = '', block_hash = sha256('') WHERE number = 2",
         [("block-rewritten", 2, None)]),
        ("UPDATE audit_seals SET seal = sha256(seal) WHERE number = 2",
         [("block-rewritten", 2, None)]),
        ("UPDATE audit_seals SET sealed_at = '2020-01-01' WHERE number = 1",
         [("block-rewritten", 1, None)]),
        ("DELETE FROM audit_seals WHERE number = 2", [("block-removed", 2, None)]),
        ("DELETE FROM audit_seals WHERE number = 3", [("block-removed", 3, None)]),
        ("DELETE FROM audit_seals", [("block-removed", 1, None)]),
    ],
)  # fmt: skip
def test_what_a_superuser_does_is_found(
    sealed: Database, keeper: Witness, done: str, found: list[tuple[str, int, int | None]]
) -> None:
    with superuser(sealed) as connection:
        connection.execute(done)  # type: ignore[arg-type] # written here
    assert sorted(told(verify(sealed, keeper)), key=str) == sorted(found, key=str)


def test_a_row_moved_behind_the_last_seal_is_missed(sealed: Database, keeper: Witness) -> None:
    with superuser(sealed) as connection:
        connection.execute("UPDATE audit SET transaction_id = transaction_id + 1000 WHERE id = 1")
    report = verify(sealed, keeper)
    assert told(report) == [("row-removed", 1, 1)]
    assert report.unsealed is not None


def test_a_chain_made_anew_without_the_key_is_found(
    sealed: Database, keeper: Witness, tmp_path: Path
) -> None:
    with superuser(sealed) as connection:
        connection.execute("UPDATE audit SET account = 'another' WHERE id = 1")
        connection.execute("DELETE FROM audit_seals")
    forger = Witness(b"f" * 32, tmp_path / "forged")
    assert len(seal(sealed, forger)) == 1
    kinds = {fault.kind for fault in verify(sealed, keeper).faults}
    assert kinds == {"key-unknown", "block-removed"}
    with superuser(sealed) as connection:
        connection.execute("UPDATE audit_seals SET key_id = %s", [keeper.key_id])
    kinds = {fault.kind for fault in verify(sealed, keeper).faults}
    assert kinds == {"block-rewritten", "block-removed"}


def test_many_rows_are_told_by_their_number(fresh_database: Database, keeper: Witness) -> None:
    with fresh_database.transaction() as session:
        for number in range(30):
            record(session, AuditEntry(Act.READ, "resident", str(number)))
    seal(fresh_database, keeper)
    with superuser(fresh_database) as connection:
        connection.execute("DELETE FROM audit")
    (fault,) = verify(fresh_database, keeper).faults
    assert "30 rows were removed" in fault.message_en
    assert "30 行被删除" in fault.message_zh


def test_nothing_is_sealed_over_an_end_that_was_cut(sealed: Database, keeper: Witness) -> None:
    with superuser(sealed) as connection:
        connection.execute("DELETE FROM audit_seals WHERE number = 3")
        connection.execute("DELETE FROM audit WHERE id > 4")
    act(sealed, "later")
    with pytest.raises(AuditBroken, match="ends at block 2"):
        seal(sealed, keeper)
    accept_loss(sealed, keeper, "restored after the disk failed")
    assert [each.number for each in seal(sealed, keeper)] == [3]
    assert verify(sealed, keeper).whole
    assert read(sealed, "SELECT purpose, detail FROM audit WHERE action = 'accept-loss'") == [
        ("restored after the disk failed", {"noted": 3, "found": 2})
    ]


def test_without_the_note_a_cut_end_is_not_found_and_that_is_said(
    sealed: Database, keeper: Witness
) -> None:
    with superuser(sealed) as connection:
        connection.execute("DELETE FROM audit_seals WHERE number = 3")
        connection.execute("DELETE FROM audit WHERE id > 4")
    keeper.note.unlink()
    report = verify(sealed, keeper)
    assert (report.whole, report.end_known) == (True, False)


def test_one_process_seals_at_a_time(sealed: Database, keeper: Witness) -> None:
    act(sealed, "z")
    with sealed.transaction() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(x'6c78736561'::bigint)"))
        assert seal(sealed, keeper, wait=False) == []
    assert len(seal(sealed, keeper, wait=False)) == 1


def test_the_role_that_serves_seals(sealed: Database, keeper: Witness) -> None:
    act(sealed, "z")
    served = Database(sealed.engine, service=True)
    assert len(seal(served, keeper)) == 1
    assert verify(served, keeper).whole


def test_a_restored_database_says_what_to_do(sealed: Database, keeper: Witness) -> None:
    keeper.note.unlink()
    with superuser(sealed) as connection:
        connection.execute("UPDATE audit_seals SET last_transaction = 1::bigint << 33")
    with pytest.raises(AuditBroken, match="pg_resetwal --epoch=3"):
        seal(sealed, keeper)


def test_the_service_seals_by_itself(
    fresh_database: Database, fresh_database_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=fresh_database_url, data_dir=tmp_path / "data", audit_seal_seconds=1
    )
    act(fresh_database, "z")
    sealing = keep_sealed(Database(fresh_database.engine, service=True), settings)
    deadline = time.monotonic() + 60
    while not (sealed := read(fresh_database, "SELECT row_count FROM audit_seals")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sealing.close()
    assert sealed == [(2,)]  # and the report of the week
    assert verify(fresh_database, witness(settings)).whole


def test_editions_leave_a_record(database: Database) -> None:
    publish(database, grids("A"))
    second = load(database, "grids", grids("AB")).edition_id
    assert second is not None
    publish_edition(database, second, override_reason="测绘中")
    draft = restore_edition(database, second - 1).edition_id
    discard_edition(database, draft)
    told = read(
        database, "SELECT action, object_kind, object_code, purpose, count FROM audit ORDER BY id"
    )
    assert told == [
        ("import", "grids", str(second - 1), None, 1),
        ("publish", "edition", str(second - 1), None, 1),
        ("import", "grids", str(second), None, 2),
        ("publish", "edition", str(second), "测绘中", 1),
        ("restore", "edition", str(second - 1), None, 1),
        ("discard", "edition", str(draft), None, 1),
    ]
