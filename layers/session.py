"""The way to the database: one engine a process, one transaction a request."""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from layers.cluster import PrivateCluster
from layers.database import check_server, reaching, require_schema, upgrade
from layers.errors import SettingsInvalid
from layers.settings import Settings
from layers.snapshots import Snapshots
from layers.viewer import SYSTEM, Viewer, viewer
from layers.vocabulary import SERVICE_ROLE

APPLICATION_NAME = "lianxin"

_LOOK = text(
    "SELECT set_config('role', :role, true), set_config('lianxin.account', :account, true),"
    " set_config('lianxin.role', :kind, true), set_config('lianxin.area', :area, true),"
    " set_config('lianxin.majors', :majors, true)"
)


class Database:
    """An open database: sessions for the rows, raw connections for COPY and LISTEN.

    Parameters
    ----------
    engine : Engine
        Where the rows are.
    sessions : callable, optional
        Makes the sessions; a test's share one connection and are rolled back.
    cluster : PrivateCluster, optional
        The private server behind it, which ``close`` stops if this process started it.
    snapshots : Snapshots, optional
        Where indexes made of its editions are kept; nowhere if not given.
    service : bool, optional
        Whether it serves others: every transaction then runs as the role ``lianxin_app``, and sees
        what its viewer may see. Otherwise whoever works on the machine sees everything.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        sessions: Callable[[], Session] | None = None,
        cluster: PrivateCluster | None = None,
        snapshots: Snapshots | None = None,
        service: bool = False,
    ) -> None:
        self.engine = engine
        self.service = service
        self.cluster = cluster
        self.snapshots = snapshots or Snapshots()
        self._sessions = sessions or sessionmaker(engine, expire_on_commit=False)

    @property
    def private(self) -> bool:
        """Whether it is Lianxin's own server."""
        return self.cluster is not None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose work is committed at the end, or rolled back on any error.

        It sees what the viewer at hand may see (``layers.viewer``).

        Raises
        ------
        DatabaseUnreachable, DatabaseBusy
            See ``layers.database.reaching``.
        """
        with reaching(self.engine), self._sessions() as session, session.begin():
            session.execute(_LOOK, _identity(viewer() if self.service else SYSTEM, self.service))
            yield session

    @contextmanager
    def raw(self, *, autocommit: bool = False) -> Iterator["psycopg.Connection[Any]"]:
        """Give a psycopg connection of its own, for COPY and LISTEN; it ends with the block.

        What was done is committed at the end, or rolled back on any error. No statement timeout
        holds, as a bulk load takes as long as it takes. Errors as in ``transaction``.
        """
        connect = psycopg.connect if self.cluster is None else self.cluster.connect
        arguments, parameters = self.engine.dialect.create_connect_args(self.engine.url)
        parameters["application_name"] = APPLICATION_NAME
        parameters["options"] = f"{parameters.get('options', '')} -c timezone=UTC"
        with (
            reaching(self.engine),
            connect(*arguments, autocommit=autocommit, **parameters) as connection,
        ):
            yield connection

    def close(self) -> None:
        """Give back every connection, and stop the private server if this process started it."""
        self.engine.dispose()
        if self.cluster is not None:
            self.cluster.stop()


def _identity(who: Viewer | None, service: bool) -> dict[str, str]:
    """Return what the database is told of a viewer; of nobody, nothing.

    A slash goes before the area, since everything is the empty path, and an empty setting nobody.
    """
    role = SERVICE_ROLE if service else "none"
    if who is None:
        return {"role": role, "account": "", "kind": "", "area": "", "majors": ""}
    majors = "" if who.majors is None else "/" + ",".join(who.majors)
    return {
        "role": role,
        "account": who.account,
        "kind": who.role.value,
        "area": f"/{who.area}",
        "majors": majors,
    }


def open_database(settings: Settings) -> Database:
    """Open the configured database, or the private one; nothing is checked yet.

    Raises
    ------
    SettingsInvalid
        If the address cannot be read.
    ClusterFailed
        If the private server cannot be started.
    """
    _tell_the_time_of(settings.timezone)
    snapshots = Snapshots(settings.data_dir)
    if settings.database_url is None:
        cluster = PrivateCluster(settings.data_dir)
        engine = _engine(cluster.ensure(), settings, cluster)
        return Database(engine, cluster=cluster, snapshots=snapshots)
    return Database(_engine(settings.database_url, settings, None), snapshots=snapshots)


def open_ready_database(settings: Settings, *, service: bool = False) -> Database:
    """Open the database and make sure that the service can run on it.

    The private one is brought up to date; a configured one belongs to somebody, who runs
    ``lianxin db upgrade`` when they choose. For ``service`` see ``Database``: in the private
    database the service logs in as its own role; in a configured one whoever LIANXIN_DATABASE_URL
    names takes it on.
    """
    database = open_database(settings)
    try:
        check_server(database.engine)
        if database.private:
            upgrade(database.engine)
        require_schema(database.engine)
    except BaseException:
        database.close()
        raise
    return _for_others(database, settings) if service else database


def _for_others(database: Database, settings: Settings) -> Database:
    """Open the same database anew, as the role that owns nothing."""
    cluster, engine = database.cluster, database.engine
    if cluster is not None:
        engine.dispose()
        engine = _engine(cluster.service_url, settings, cluster)
    return Database(engine, cluster=cluster, snapshots=database.snapshots, service=True)


def _tell_the_time_of(zone: str) -> None:
    """Make the place's time this process's local time: pages and charts are read there."""
    os.environ["TZ"] = zone
    time.tzset()


def _engine(address: str, settings: Settings, cluster: PrivateCluster | None) -> Engine:
    # psycopg is the one driver that is installed, whatever the address says.
    scheme, _, rest = address.partition("://")
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise SettingsInvalid(
            f"LIANXIN_DATABASE_URL ({scheme}://…) cannot be read. It must look like "
            "postgresql://user:password@host:5432/name; a special character in the password is "
            "written %40 for @, %3A for :, %2F for /."
        ) from None
    options = f"-c statement_timeout={settings.statement_timeout_s}s -c timezone=UTC"
    engine = create_engine(
        url,
        hide_parameters=True,  # an error's words never repeat what a statement was given
        pool_size=settings.pool_size,
        max_overflow=0,
        connect_args={
            "application_name": APPLICATION_NAME,
            "connect_timeout": url.query.get("connect_timeout", "10"),
            "options": f"{options} {url.query.get('options', '')}".strip(),
        },
    )
    _leave_dead_connections(engine)
    if cluster is not None:
        _keep_running(engine, cluster)
    return engine


def _leave_dead_connections(engine: Engine) -> None:
    """Have the pool take another connection where the server hung up on an idle one.

    A server that goes away closes its end, and what is closed can be read without waiting. To ask
    the server each time (pre-ping) took a quarter of the time of a report.
    """

    @event.listens_for(engine, "checkout")
    def check(
        connection: psycopg.Connection[Any],
        _entry: ConnectionPoolEntry,
        _proxy: PoolProxiedConnection,
    ) -> None:
        if connection.closed or _has_something_to_say(connection):
            raise DisconnectionError("the server hung up")


def _has_something_to_say(connection: psycopg.Connection[Any]) -> bool:
    poll = select.poll()  # select itself knows no descriptor above 1023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _keep_running(engine: Engine, cluster: PrivateCluster) -> None:
    """Start the private server again when a connection is wanted and its starter went away."""

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Any, _entry: ConnectionPoolEntry, arguments: list[Any], parameters: dict[str, Any]
    ) -> Any:
        return cluster.connect(*arguments, **parameters)
