"""The private server, as real processes that are really killed."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from layers.cluster import PrivateCluster, machine
from layers.errors import ClusterFailed


def connect(cluster: PrivateCluster) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=str(cluster.socket_dir), user="lianxin", dbname="lianxin", autocommit=True
    )


def write(cluster: PrivateCluster, row: str) -> None:
    with connect(cluster) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (row text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [row])


def read(cluster: PrivateCluster) -> list[object]:
    with connect(cluster) as connection:
        return [row for (row,) in connection.execute("SELECT row FROM kept ORDER BY row")]


def wait_until(what: object, seconds: float = 10.0) -> float:
    began = time.monotonic()
    while not what():  # type: ignore[operator]
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began


@contextmanager
def other_process(data_dir: Path, then: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Another process that ensures the server, says so, and lives until it is ended."""
    program = f"""
        import sys, time
        from pathlib import Path
        from layers.cluster import PrivateCluster
        cluster = PrivateCluster(Path({str(data_dir)!r}))
        cluster.ensure()
        {then}
        print("started" if cluster.started_here else "attached", flush=True)
        sys.stdin.read()
        cluster.stop()
        """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def private(open_folder: Path) -> Iterator[PrivateCluster]:
    cluster = PrivateCluster(open_folder / "data")
    yield cluster
    cluster.stop()


def test_rows_and_database_are_kept_between_starts(private: PrivateCluster) -> None:
    private.ensure()
    write(private, "网中有格")
    private.stop()
    assert not private.running
    private.ensure()
    assert read(private) == ["网中有格"]


def test_server_is_utf8_utc_and_unprivileged(private: PrivateCluster) -> None:
    private.ensure()
    pid = machine.running_pid(private.pgdata)
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    with connect(private) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()  # type: ignore[arg-type]  # names above
            for name in ("server_encoding", "lc_collate", "timezone", "listen_addresses", "fsync")
        ]
    assert shown == [("UTF8",), ("C.UTF-8",), ("UTC",), ("",), ("on",)]


def test_only_its_owner_and_root_may_enter_the_socket(private: PrivateCluster) -> None:
    private.ensure()
    assert private.socket_dir.stat().st_mode & 0o077 == 0
    assert private.pgdata.stat().st_mode & 0o077 == 0


def test_killed_server_keeps_what_was_committed(private: PrivateCluster) -> None:
    private.ensure()
    write(private, "committed")
    pid = machine.running_pid(private.pgdata)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not private.running)
    private.ensure()
    assert read(private) == ["committed"]


def test_killed_parent_takes_its_server_along_and_loses_nothing(private: PrivateCluster) -> None:
    with other_process(private.data_dir) as parent:
        assert said(parent) == "started"
        write(private, "committed")
        pid = machine.running_pid(private.pgdata)
        parent.kill()
        parent.wait()
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5.0)
    private.ensure()
    assert private.started_here
    assert read(private) == ["committed"]


def test_second_process_attaches_and_starts_it_again_when_the_first_dies(
    private: PrivateCluster,
) -> None:
    with other_process(private.data_dir) as parent:
        assert said(parent) == "started"
        assert private.ensure() == private.url
        assert not private.started_here
        private.stop()  # it isn't ours to stop
        assert private.running
        write(private, "committed")
        parent.kill()
        parent.wait()
        # Asked in the middle of the other's shutdown, it waits for its end.
        wait_until(lambda: private.ensure() and private.started_here)
        assert read(private) == ["committed"]


def test_two_processes_that_start_at_once_share_one_server(private: PrivateCluster) -> None:
    with other_process(private.data_dir) as one, other_process(private.data_dir) as two:
        assert sorted([said(one), said(two)]) == ["attached", "started"]
        assert private.running


def test_many_threads_that_ask_at_once_get_one_server(private: PrivateCluster) -> None:
    barrier = threading.Barrier(8)

    def ask(_number: int) -> str:
        barrier.wait()
        return private.ensure()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {private.url}
    # The threads have ended and the server has not ended with them.
    time.sleep(0.2)
    assert private.running


def test_killed_zombie_of_another_process_is_not_taken_for_a_server(
    private: PrivateCluster,
) -> None:
    with other_process(private.data_dir) as parent:
        assert said(parent) == "started"
        write(private, "committed")
        pid = machine.running_pid(private.pgdata)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not private.running)
        assert Path(f"/proc/{pid}").exists()  # nobody has collected it
        private.ensure()
        assert read(private) == ["committed"]


def test_number_of_a_dead_server_that_went_to_another_process_is_no_hindrance(
    private: PrivateCluster,
) -> None:
    private.ensure()
    private.stop()
    note = private.pgdata / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{private.pgdata}\n", "utf-8")
    private.ensure()
    assert private.running


def test_long_folder_gets_a_short_socket(open_folder: Path) -> None:
    data_dir = open_folder / ("很长的名字" * 8) / ("x" * 60)
    data_dir.parent.mkdir()
    data_dir.parent.chmod(0o755)
    cluster = PrivateCluster(data_dir)
    try:
        cluster.ensure()
        assert len(os.fsencode(cluster.socket_dir / machine.SOCKET_NAME)) <= 107
        assert make_url(cluster.url).query["host"] == str(cluster.socket_dir)
        write(cluster, "committed")
        assert read(cluster) == ["committed"]
    finally:
        cluster.stop()
        cluster.socket_dir.rmdir()


def test_making_that_was_interrupted_is_made_anew(private: PrivateCluster) -> None:
    left_over = private.home / "making-interrupted"
    private.data_dir.mkdir()
    (private.data_dir / ".lianxin").touch()
    left_over.mkdir(parents=True)
    private.ensure()
    assert private.running
    assert not left_over.exists()


def test_folder_of_somebody_else_is_neither_used_nor_emptied(open_folder: Path) -> None:
    (open_folder / "thesis.docx").write_text("years of work")
    cluster = PrivateCluster(open_folder)
    with pytest.raises(ClusterFailed, match=r"thesis\.docx.*LIANXIN_DATA_DIR"):
        cluster.ensure()
    with pytest.raises(ClusterFailed, match="not made by Lianxin"):
        cluster.destroy()
    assert [entry.name for entry in open_folder.iterdir()] == ["thesis.docx"]


def test_own_folder_is_emptied_once_nobody_uses_it(private: PrivateCluster) -> None:
    private.ensure()
    with pytest.raises(ClusterFailed, match="in use by another Lianxin"):
        private.destroy()
    private.stop()
    private.destroy()
    assert list(private.data_dir.iterdir()) == []
    private.ensure()
    assert private.running


def test_folder_that_cannot_be_made_is_named(open_folder: Path) -> None:
    (open_folder / "file").touch()
    with pytest.raises(ClusterFailed, match=r"file.*LIANXIN_DATA_DIR"):
        PrivateCluster(open_folder / "file" / "data").ensure()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another user")
def test_folder_in_a_closed_home_is_refused_with_a_way_out(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    with pytest.raises(ClusterFailed, match=r"may not enter .*home.*LIANXIN_DATA_DIR"):
        PrivateCluster(closed / "data").ensure()
    assert list(closed.iterdir()) == []


def test_server_that_will_not_start_says_why_and_where_its_log_is(
    private: PrivateCluster,
) -> None:
    private.ensure()
    private.stop()
    (private.pgdata / "postgresql.conf").write_text("shared_buffers = rubbish\n")
    with pytest.raises(ClusterFailed) as failure:
        private.ensure()
    assert "shared_buffers" in str(failure.value)
    assert str(private.log) in str(failure.value)
    assert not private.running


@pytest.mark.parametrize(
    "words",
    [
        'initdb: error: could not write file "base/1/2691": No space left on device',
        'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 20',
    ],
)
def test_full_disk_is_called_that(
    private: PrivateCluster, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    private.ensure()
    private.stop()
    machine_binaries = private.home.parent / "bin"
    machine_binaries.mkdir()
    server = machine_binaries / "postgres"
    server.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    server.chmod(0o755)
    monkeypatch.setattr(machine, "find_binaries", lambda _pgdata: machine_binaries)
    with pytest.raises(ClusterFailed, match=r"base/1/2691.*disk is full.*LIANXIN_DATA_DIR"):
        private.ensure()


def test_machine_without_postgis_is_told_the_command(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "BINARIES", open_folder)
    monkeypatch.setenv("PATH", str(open_folder))
    with pytest.raises(ClusterFailed, match="apt-get install postgresql-15 postgresql-15-postgis"):
        PrivateCluster(open_folder / "data").ensure()


def test_data_of_another_version_name_it(private: PrivateCluster) -> None:
    private.ensure()
    private.stop()
    (private.pgdata / "PG_VERSION").write_text("12\n")
    with pytest.raises(ClusterFailed, match="made by PostgreSQL 12"):
        private.ensure()
