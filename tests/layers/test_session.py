"""Transactions, raw connections, and the engine that outlives its server."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from layers.cluster import machine
from layers.errors import DatabaseBusy, DatabaseUnreachable
from layers.session import Database, open_database, open_ready_database
from layers.settings import Settings

COUNT = text("SELECT count(*) FROM areas")
INSERT = text(
    "INSERT INTO areas (code, level, code_scheme, name, path) "
    "VALUES ('X', 'banner', 'free', '旗', 'X/')"
)


def test_transaction_commits_at_its_end(fresh_database: Database) -> None:
    with fresh_database.transaction() as session:
        session.execute(INSERT)
    with fresh_database.transaction() as session:
        assert session.scalar(COUNT) == 1


def test_error_rolls_the_transaction_back(fresh_database: Database) -> None:
    with pytest.raises(DBAPIError), fresh_database.transaction() as session:  # noqa: PT012
        session.execute(INSERT)
        session.execute(text("SELECT 1/0"))
    with fresh_database.transaction() as session:
        assert session.scalar(COUNT) == 0


def test_raw_connection_copies_and_commits(fresh_database: Database) -> None:
    with fresh_database.raw() as connection:
        connection.execute("CREATE TABLE copied (name text)")
        with connection.cursor().copy("COPY copied FROM STDIN") as copy:
            copy.write_row(["蓝天街道"])
    with fresh_database.transaction() as session:
        assert session.scalar(text("SELECT name FROM copied")) == "蓝天街道"


def test_raw_connection_rolls_back_on_an_error(fresh_database: Database) -> None:
    with pytest.raises(psycopg.Error), fresh_database.raw() as connection:  # noqa: PT012
        connection.execute("CREATE TABLE copied (name text)")
        connection.execute("SELECT 1/0")
    with fresh_database.transaction() as session:
        assert session.scalar(text("SELECT to_regclass('copied')")) is None


def test_raw_connection_listens(fresh_database: Database) -> None:
    with fresh_database.raw(autocommit=True) as listener:
        listener.execute("LISTEN editions")
        with fresh_database.transaction() as session:
            session.execute(text("SELECT pg_notify('editions', '7')"))
        notices = list(listener.notifies(timeout=5, stop_after=1))
    assert [notice.payload for notice in notices] == ["7"]


def test_query_that_takes_too_long_is_given_up(fresh_database_url: str) -> None:
    database = open_database(Settings(database_url=fresh_database_url, statement_timeout_s=1))
    try:
        with (
            pytest.raises(DatabaseBusy, match="LIANXIN_STATEMENT_TIMEOUT_S"),
            database.transaction() as session,
        ):
            session.execute(text("SELECT pg_sleep(20)"))
        with database.raw() as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
    finally:
        database.close()


def test_two_that_wait_for_one_another_are_told_so(fresh_database: Database) -> None:
    both = threading.Barrier(2)
    told: list[str] = []

    def hold(*locks: int) -> None:
        lock = text("SELECT pg_advisory_xact_lock(:number)")
        try:
            with fresh_database.transaction() as session:
                session.execute(lock, {"number": locks[0]})
                both.wait()
                session.execute(lock, {"number": locks[1]})
        except DatabaseBusy as error:
            told.append(str(error))

    other = threading.Thread(target=hold, args=(2, 1))
    other.start()
    hold(1, 2)
    other.join()
    assert len(told) == 1
    assert "Try again" in told[0]


def test_a_pool_with_no_connection_left_says_so(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(Settings(database_url=fresh_database_url, pool_size=1))
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.1)
    with database.transaction() as session:
        session.execute(COUNT)
        with (
            pytest.raises(DatabaseBusy, match="LIANXIN_POOL_SIZE"),
            database.transaction() as another,
        ):
            another.execute(COUNT)
    database.close()


ENDED = "SELECT pg_terminate_backend(pg_backend_pid())"


def test_a_session_that_is_lost_on_the_way_says_so(fresh_database: Database) -> None:
    with pytest.raises(DatabaseUnreachable), fresh_database.transaction() as session:  # noqa: PT012
        session.execute(INSERT)
        session.execute(text(ENDED))
    with fresh_database.transaction() as session:
        assert session.scalar(COUNT) == 0


def test_a_raw_connection_that_is_lost_on_the_way_says_so(fresh_database: Database) -> None:
    with pytest.raises(DatabaseUnreachable), fresh_database.raw() as connection:
        connection.execute(ENDED)


def test_connections_say_whose_they_are(database: Database) -> None:
    with database.transaction() as session:
        assert session.scalar(text("SHOW application_name")) == "lianxin"
        assert session.scalar(text("SHOW timezone")) == "UTC"


@pytest.mark.parametrize("_time", [1, 2])
def test_rows_of_one_test_are_gone_in_the_next(
    database: Database, session: Session, _time: int
) -> None:
    assert session.scalar(COUNT) == 0
    with database.transaction() as other:
        other.execute(INSERT)
    assert session.scalar(COUNT) == 1


def test_driver_is_ours_whatever_the_address_says(fresh_database_url: str) -> None:
    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        address = f"{scheme}://{fresh_database_url.partition('://')[2]}"
        database = open_database(Settings(database_url=address))
        with database.transaction() as session:
            assert session.scalar(COUNT) == 0
        database.close()


def test_raw_connection_to_nowhere_says_so_without_the_password() -> None:
    database = open_database(Settings(database_url="postgresql://li:mima@127.0.0.1:1/grid"))
    with pytest.raises(DatabaseUnreachable, match="nothing listens") as failure, database.raw():
        pass
    assert "mima" not in str(failure.value)


def test_engine_goes_on_after_its_server_was_killed(open_folder: Path) -> None:
    database = open_ready_database(Settings(data_dir=open_folder / "data"))
    try:
        assert database.cluster is not None
        with database.transaction() as session:
            session.execute(INSERT)
            backend = session.scalar(text("SELECT pg_backend_pid()"))
        pid = machine.running_pid(database.cluster.pgdata)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        # What is asked before its backend has noticed may fail; what comes after may not.
        _await_end_of(backend)
        # The pool still holds a connection to the dead one.
        with database.transaction() as session:
            assert session.scalar(COUNT) == 1
    finally:
        database.close()


def test_engine_goes_on_after_the_process_with_the_server_was_killed(open_folder: Path) -> None:
    data_dir = open_folder / "data"
    program = (
        "import sys; from pathlib import Path; from layers.session import open_ready_database;"
        "from layers.settings import Settings;"
        f"d = open_ready_database(Settings(data_dir=Path({str(data_dir)!r})));"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        database = open_ready_database(Settings(data_dir=data_dir))
        try:
            with database.transaction() as session:
                session.execute(INSERT)
            assert database.cluster is not None
            assert not database.cluster.started_here
            pid = machine.running_pid(database.cluster.pgdata)
            starter.kill()
            starter.wait()
            _await_end_of(pid)
            with database.transaction() as session:
                assert session.scalar(COUNT) == 1
            assert database.cluster.started_here
        finally:
            database.close()


def _await_end_of(pid: int | None) -> None:
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.01)


def test_open_database_tells_the_time_of_the_place(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    try:
        open_database(Settings(database_url=fresh_database_url, timezone="Asia/Urumqi")).close()
        assert noon.astimezone().hour == 18
    finally:
        monkeypatch.undo()
        time.tzset()
