"""A real PostGIS for the tests: one server a run, migrated once, rolled back after each test.

The layers are imported by the fixtures that need them, so that the core's tests stay without.
"""

# ruff: noqa: PLC0415
from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from layers.cluster import PrivateCluster
    from layers.session import Database

_numbers = count(1)


@contextmanager
def reachable_folder(prefix: str) -> Iterator[Path]:
    """A folder that the server's user may enter too; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder in which a test may run a private server."""
    with reachable_folder("lianxin-test-") as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """The run's server. It is stopped at the end and its databases go with it."""
    from layers.cluster import scratch_cluster

    with reachable_folder("lianxin-tests-") as folder, scratch_cluster(folder / "data") as server:
        yield server


@pytest.fixture(scope="session")
def database_url(cluster: PrivateCluster) -> str:
    """The address of a database that has been migrated; leave in it what was there."""
    from layers.database import check_server, upgrade

    database = _open(cluster.url)
    check_server(database.engine)
    upgrade(database.engine)
    database.close()
    # Cloning needs a template to which nobody is connected.
    _administer(cluster, "CREATE DATABASE pristine TEMPLATE lianxin")
    return cluster.url


@pytest.fixture(scope="session")
def _shared(database_url: str) -> Iterator[Database]:
    database = _open(database_url)
    yield database
    database.close()


@pytest.fixture
def _connection(_shared: Database) -> Iterator[Connection]:
    with _shared.engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def database(_shared: Database, _connection: Connection) -> Database:
    """A migrated database; what a test commits in it is gone when the test ends."""
    from sqlalchemy.orm import sessionmaker

    from layers.session import Database

    class RolledBack(Database):
        @contextmanager
        def raw(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
            raise AssertionError(f"it would commit ({autocommit=}): ask for fresh_database")
            yield

    sessions = sessionmaker(
        bind=_connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    )
    return RolledBack(_shared.engine, sessions=sessions)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session on the same rows as ``database``."""
    with database.transaction() as session:
        yield session


@pytest.fixture
def fresh_database_url(cluster: PrivateCluster, database_url: str) -> str:
    """The address of a migrated database of the test's own, for what really commits."""
    name = f"fresh_{next(_numbers)}"
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE pristine")
    return _address(cluster, name)


@pytest.fixture
def empty_database_url(cluster: PrivateCluster) -> str:
    """The address of a database with nothing in it, not even PostGIS."""
    name = f"empty_{next(_numbers)}"
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE template0")
    return _address(cluster, name)


@pytest.fixture
def fresh_database(fresh_database_url: str) -> Iterator[Database]:
    """A migrated database of the test's own, in which it may commit."""
    database = _open(fresh_database_url)
    yield database
    database.close()


def _open(url: str) -> Database:
    from layers.session import open_database
    from layers.settings import Settings

    return open_database(Settings(database_url=url))


def _address(cluster: PrivateCluster, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(cluster.url).set(database=name).render_as_string(hide_password=False)


def _administer(cluster: PrivateCluster, statement: str) -> None:
    import psycopg

    host = str(cluster.socket_dir)
    with psycopg.connect(host=host, user="lianxin", dbname="postgres", autocommit=True) as admin:
        admin.execute(statement)  # type: ignore[arg-type]  # names made here
