"""What a database must offer before the service runs on it: version, PostGIS, rights, schema."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from layers.errors import (
    DatabaseBusy,
    DatabaseUnreachable,
    ExtensionMissing,
    LayersError,
    RightsMissing,
    SchemaOutdated,
    SchemaUnknown,
    ServerTooOld,
)
from layers.models import Base
from layers.vocabulary import SERVICE_ROLE

OLDEST_POSTGRES = 15
OLDEST_POSTGIS = (3, 3)
UPGRADE_LOCK = 0x6C69616E78696E  # "lianxin": one upgrade of a database at a time

# What the server or libpq says, in English or in a Chinese server's words, and what to do. A failed
# connection has no SQLSTATE in psycopg, so that the words are all there is.
_REASONS = (
    (
        r"password authentication failed|no password supplied|用户.*认证失败",
        "the server refuses the password. Correct it in LIANXIN_DATABASE_URL (a special character "
        "in it is written %40 for @, %3A for :, %2F for /).",
    ),
    (
        r"role .* does not exist|角色.*不存在",
        "the server has no such user. Make it there with: CREATE ROLE {user} LOGIN PASSWORD '…';",
    ),
    (
        r"database .* does not exist|数据库.*不存在",
        "the server has no such database. Make it there with: CREATE DATABASE {database} "
        "OWNER {user} ENCODING 'UTF8' TEMPLATE template0;",
    ),
    (
        r"no pg_hba.conf entry|pg_hba.conf rejects",
        "the server does not let this user in from here. Its administrator adds a line for {user} "
        "to pg_hba.conf.",
    ),
    (
        r"failed to resolve|could not translate host name|Name or service not known",
        "no machine is known by the name {host}.",
    ),
    (
        r"Connection refused|No such file or directory",
        "nothing listens there. Is the server running, and is the port right?",
    ),
    (r"timeout expired|timed out", "it does not answer. Is a firewall between?"),
    (
        r"too many (clients|connections)|remaining connection slots",
        "it has no connection left. Raise max_connections there, or lower LIANXIN_POOL_SIZE.",
    ),
    (r"starting up|shutting down|recovery mode", "it is just starting or stopping; try again."),
    (r"SSL|certificate", "no encrypted connection could be agreed on ({words})."),
)

_READ_ONLY = ("alembic_version", "audit", "audit_seals")
"""Tables that the service reads; what it adds to the audit is granted by the column."""

# Classes of SQLSTATE: the connection, the server's resources, its operator, its machine.
_AWAY = ("08", "53", "57", "58")
_IN_THE_WAY = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)


class SchemaState(StrEnum):
    """How the database's schema stands to this version of the code."""

    EMPTY = "empty"
    CURRENT = "current"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The schema's revision, the one that this version needs, and the steps between."""

    state: SchemaState
    revision: str | None
    newest: str
    pending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerVersions:
    """What runs on the other side."""

    postgres: str
    postgis: str


def check_server(engine: Engine) -> ServerVersions:
    """Check that the server can carry the service, and make the PostGIS extension if we may.

    Raises
    ------
    DatabaseUnreachable, ServerTooOld, ExtensionMissing, RightsMissing, SchemaUnknown
        Each says what is wrong and what to do, and never the password.
    """
    with reaching(engine), engine.connect() as connection:
        version = str(connection.scalar(text("SHOW server_version")))
        number = int(connection.scalar(text("SHOW server_version_num")) or 0)
        encoding = connection.scalar(text("SHOW server_encoding"))
        standby = connection.scalar(text("SELECT pg_is_in_recovery()"))
    place = _place(engine)
    if number < OLDEST_POSTGRES * 10_000:
        raise ServerTooOld(
            f"{place} is PostgreSQL {version}; Lianxin needs {OLDEST_POSTGRES} or newer."
        )
    if encoding != "UTF8":
        raise SchemaUnknown(
            f"{place} keeps its text as {encoding}, which has no room for every name. Make one "
            "with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    if standby:
        raise RightsMissing(f"{place} is a read-only copy. Name the primary server.")
    return ServerVersions(version, _check_postgis(engine))


def schema_status(engine: Engine) -> SchemaStatus:
    """Compare the database's schema with the one that this version needs."""
    with reaching(engine), engine.connect() as connection:
        return _status(connection, _place(engine))


def require_schema(engine: Engine) -> None:
    """Refuse a schema that isn't exactly the one that this version works on."""
    status = schema_status(engine)
    place = _place(engine)
    if status.state is SchemaState.UNKNOWN:
        raise _unknown(place, status)
    if status.state is not SchemaState.CURRENT:
        found = f"revision {status.revision}" if status.revision else "empty"
        raise SchemaOutdated(
            f"The schema of {_within(place)} is older than this version ({found}, needed is "
            f"{status.newest}). Bring it up to date with: lianxin db upgrade"
        )
    with reaching(engine), engine.connect() as connection:
        _require_table_rights(connection, place, sorted(Base.metadata.tables))


def upgrade(engine: Engine) -> tuple[str, ...]:
    """Bring the schema up to date, whole or not at all, and return the steps that were taken."""
    place = _place(engine)
    with engine.begin() as connection:
        # Two that start at once must not both create the tables.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        status = _status(connection, place)
        if status.state is SchemaState.UNKNOWN:
            raise _unknown(place, status)
        if not status.pending:
            return ()
        _require_create(connection, place)
        _require_role(connection, place)
        config = _config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise RightsMissing(
                    f"{place}: {_first_line(error.orig)}. The owner of the tables must run: "
                    "lianxin db upgrade"
                ) from None
            raise SchemaOutdated(
                f"{place} could not be brought up to date, and nothing in it was changed: "
                f"{_first_line(error.orig)}"
            ) from error
    return status.pending


@contextmanager
def reaching(engine: Engine) -> Iterator[None]:
    """Let a database that is away, or that did not get to an answer, be an error in words.

    Raises
    ------
    DatabaseUnreachable
        No connection could be had, or it was lost.
    DatabaseBusy
        A statement took longer than it may, others held what it needs, or every connection of
        this process was at work.
    """
    try:
        yield
    except PoolTimeout:
        raise DatabaseBusy(
            "Every connection to the database is at work. Try again shortly; if it happens often, "
            "raise LIANXIN_POOL_SIZE."
        ) from None
    except (DBAPIError, psycopg.Error) as error:
        told = _in_words(engine, error.orig if isinstance(error, DBAPIError) else error)
        if told is None:
            raise
        # The driver's words may hold the statement's values: they end here.
        raise told from None


def _in_words(engine: Engine, cause: BaseException | None) -> LayersError | None:
    """Return what to say of a database that is away or busy, or None where it is neither."""
    if not isinstance(cause, psycopg.OperationalError):
        return None
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return DatabaseBusy(
            "The database needed longer than one answer may take, and nothing was changed. Ask for "
            "less at once or try again; LIANXIN_STATEMENT_TIMEOUT_S is the limit."
        )
    if isinstance(cause, _IN_THE_WAY):
        return DatabaseBusy(
            "Somebody else was changing the same rows, and nothing was changed. Try again."
        )
    # Without a code the driver itself found nobody at the other end.
    away = cause.sqlstate is None or cause.sqlstate[:2] in _AWAY
    return _explain_unreachable(engine, cause) if away else None


def _explain_unreachable(engine: Engine, error: BaseException | None) -> DatabaseUnreachable:
    """Say in a clerk's words why no connection came about; never with the password."""
    url = engine.url
    said = _first_line(error)
    names = {
        "user": url.username or "this user",
        "database": url.database or url.username or "the database",
        "host": url.host or str(url.query.get("host", "localhost")),
        "words": said,
    }
    for pattern, reason in _REASONS:
        if re.search(pattern, str(error), re.IGNORECASE):
            return DatabaseUnreachable(f"{_place(engine)}: {reason.format(**names)}")
    if url.password:
        said = said.replace(url.password, "***")
    return DatabaseUnreachable(f"{_place(engine)} cannot be reached: {said}")


def _place(engine: Engine) -> str:
    url = engine.url
    host = url.host or str(url.query.get("host", "localhost"))
    port = url.port or url.query.get("port", "5432")
    return f"The database {url.database or url.username or ''} on {host}, port {port}"


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"


def _check_postgis(engine: Engine) -> str:
    place, name = _place(engine), engine.url.database or engine.url.username
    with engine.begin() as connection:
        if _extension_version(connection) is None:
            _create_postgis(connection, place, name)
        version = _extension_version(connection) or ""
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if numbers < OLDEST_POSTGIS:
            needed = ".".join(map(str, OLDEST_POSTGIS))
            raise ServerTooOld(
                f"{place} has PostGIS {version}; Lianxin needs {needed} or newer. Where a newer "
                "one is installed, its administrator runs: ALTER EXTENSION postgis UPDATE;"
            )
        if connection.scalar(text("SELECT to_regtype('geometry')")) is None:
            schema = connection.scalar(
                text(
                    "SELECT nspname FROM pg_extension e JOIN pg_namespace n "
                    "ON n.oid = e.extnamespace WHERE extname = 'postgis'"
                )
            )
            raise ExtensionMissing(
                f"{place} has PostGIS in the schema {schema}, where it is not looked for. Its "
                f'owner runs: ALTER DATABASE "{name}" SET search_path = "$user", public, {schema};'
            )
    return version


def _extension_version(connection: Connection) -> str | None:
    found = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'"))
    return None if found is None else str(found)


def _create_postgis(connection: Connection, place: str, name: str | None) -> None:
    offered = connection.scalar(
        text("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")
    )
    major = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if not offered:
        raise ExtensionMissing(
            f"{place} has no PostGIS installed. On that machine, as root: "
            f"apt-get install postgresql-{major}-postgis-3"
        )
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
    except DBAPIError as error:
        # Two at once: the other's is as good as ours.
        if isinstance(error.orig, psycopg.errors.UniqueViolation | psycopg.errors.DuplicateObject):
            return
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise ExtensionMissing(
                f"{place} has no PostGIS extension, and it could not be made: "
                f"{_first_line(error.orig)}."
            ) from None
        raise ExtensionMissing(
            f"{place} has no PostGIS extension, and this user may not make it "
            f"({_first_line(error.orig)}). A superuser runs there: "
            f"psql -d {name} -c 'CREATE EXTENSION postgis;'"
        ) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "layers:migrations")
    return config


def _status(connection: Connection, place: str) -> SchemaStatus:
    _require_table_rights(connection, place, ["alembic_version"])
    script = ScriptDirectory.from_config(_config())
    newest = script.get_current_head() or ""
    steps = tuple(step.revision for step in script.walk_revisions())[::-1]
    heads = MigrationContext.configure(connection).get_current_heads()
    found = inspect(connection)
    ours = {*found.get_table_names(), *found.get_view_names()} & set(Base.metadata.tables)
    if not heads:
        state = SchemaState.UNKNOWN if ours else SchemaState.EMPTY
        return SchemaStatus(state, None, newest, steps)
    revision = ", ".join(heads)
    # Another application's alembic_version may hold a number that we have too.
    if revision not in steps or not ours:
        return SchemaStatus(SchemaState.UNKNOWN, revision, newest, ())
    pending = steps[steps.index(revision) + 1 :]
    state = SchemaState.OUTDATED if pending else SchemaState.CURRENT
    return SchemaStatus(state, revision, newest, pending)


def _within(place: str) -> str:
    """Return a place as it is named within a sentence."""
    return place[:1].lower() + place[1:]


def _unknown(place: str, status: SchemaStatus) -> SchemaUnknown:
    if status.revision is None:
        return SchemaUnknown(
            f"{place} holds tables with the names of ours, made by something else. Name an empty "
            "database in LIANXIN_DATABASE_URL."
        )
    within = _within(place)
    return SchemaUnknown(
        f"The schema of {within} is at revision {status.revision}, which this version does not "
        f"know (its newest is {status.newest}): a newer Lianxin or another application made it. "
        "Install that newer version, or name another database in LIANXIN_DATABASE_URL."
    )


def _require_create(connection: Connection, place: str) -> None:
    schema, user = connection.execute(text("SELECT current_schema(), current_user")).one()
    allowed = schema is not None and connection.scalar(
        text("SELECT has_schema_privilege(current_user, :schema, 'CREATE')"), {"schema": schema}
    )
    if not allowed:
        raise RightsMissing(
            f"{place}: user {user} may not make tables in the schema {schema or 'public'}. Its "
            f'owner runs: GRANT CREATE, USAGE ON SCHEMA {schema or "public"} TO "{user}";'
        )


def _require_role(connection: Connection, place: str) -> None:
    """Refuse a user who can neither make the role that serves nor is a member of it."""
    row = connection.execute(
        text(
            "SELECT current_user, rolsuper OR rolcreaterole, coalesce((SELECT pg_has_role(oid, "
            "'MEMBER') FROM pg_roles WHERE rolname = :role), false) FROM pg_roles "
            "WHERE rolname = current_user"
        ),
        {"role": SERVICE_ROLE},
    ).one()
    user, may_make, member = row
    if not (may_make or member):
        raise RightsMissing(
            f"{place}: user {user} may not take on the role {SERVICE_ROLE}, as which the service "
            f"works. An administrator runs, once on that server: CREATE ROLE {SERVICE_ROLE} LOGIN "
            f'NOINHERIT; (unless it is there) and: GRANT {SERVICE_ROLE} TO "{user}";'
        )


def _require_table_rights(connection: Connection, place: str, tables: list[str]) -> None:
    missing = connection.scalar(
        text(
            "SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class "
            "WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:tables) "
            "AND NOT (has_table_privilege(oid, 'SELECT') AND (relname = ANY(:read_only) OR ("
            "has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') "
            "AND has_table_privilege(oid, 'DELETE'))))"
        ),
        {"tables": tables, "read_only": list(_READ_ONLY)},
    )
    if missing:
        user, schema = connection.execute(text("SELECT current_user, current_schema()")).one()
        raise RightsMissing(
            f"{place}: user {user} may not read and write {missing}. Their owner runs: GRANT "
            f'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO "{user}"; GRANT '
            f'USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO "{user}";'
        )
