"""Whatever is wrong with a database that somebody else runs, the message says it and what to do."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from layers import database as checks
from layers.cluster import PrivateCluster
from layers.errors import (
    DatabaseUnreachable,
    ExtensionMissing,
    LayersError,
    RightsMissing,
    SchemaOutdated,
    SchemaUnknown,
    ServerTooOld,
    SettingsInvalid,
)
from layers.session import Database, open_database, open_ready_database
from layers.settings import Settings

PASSWORD = "mima-2026"  # noqa: S105 (a test's)


@pytest.fixture(scope="module")
def clerk(cluster: PrivateCluster) -> Iterator[Callable[..., str]]:
    """A user without rights who needs a password; gives addresses under which they connect."""
    hba = cluster.home / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"local all clerk scram-sha-256\nlocal all stranger reject\n{before}")
    with admin(cluster) as connection:
        connection.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("CREATE ROLE stranger LOGIN")
        connection.execute("SELECT pg_reload_conf()")

    def address(url: str, password: str = PASSWORD, user: str = "clerk") -> str:
        changed = make_url(url).set(username=user, password=password)
        return changed.render_as_string(hide_password=False)

    yield address
    hba.write_text(before)


def admin(cluster: PrivateCluster, name: str = "postgres") -> "psycopg.Connection[object]":
    host = str(cluster.socket_dir)
    return psycopg.connect(host=host, user="lianxin", dbname=name, autocommit=True)


def name_of(url: str) -> str:
    return str(make_url(url).database)


def check(url: str) -> None:
    database = open_database(Settings(database_url=url))
    try:
        checks.check_server(database.engine)
        checks.upgrade(database.engine)
        checks.require_schema(database.engine)
    finally:
        database.close()


def message(expected: type[LayersError], url: str) -> str:
    with pytest.raises(expected) as failure:
        check(url)
    said = str(failure.value)
    assert PASSWORD not in said
    assert "wrong-one" not in said
    return said


def test_nothing_listens() -> None:
    said = message(DatabaseUnreachable, f"postgresql://clerk:{PASSWORD}@127.0.0.1:1/grid")
    assert "127.0.0.1, port 1" in said
    assert "nothing listens" in said


def test_unknown_machine() -> None:
    said = message(DatabaseUnreachable, f"postgresql://clerk:{PASSWORD}@no.such.invalid/grid")
    assert "no machine is known by the name no.such.invalid" in said


def test_wrong_password(clerk: Callable[..., str], empty_database_url: str) -> None:
    said = message(DatabaseUnreachable, clerk(empty_database_url, "wrong-one"))
    assert "refuses the password" in said


def test_unknown_user(clerk: Callable[..., str], empty_database_url: str) -> None:
    # Where the kernel vouches for users, the server asks its map before it looks for the role.
    said = message(DatabaseUnreachable, clerk(empty_database_url, user="nobody-here"))
    assert "cannot be reached" in said


def test_user_who_is_not_let_in(clerk: Callable[..., str], empty_database_url: str) -> None:
    said = message(DatabaseUnreachable, clerk(empty_database_url, user="stranger"))
    assert "pg_hba.conf" in said


def test_unknown_database(clerk: Callable[..., str], cluster: PrivateCluster) -> None:
    missing = make_url(cluster.url).set(database="nowhere").render_as_string(hide_password=False)
    said = message(DatabaseUnreachable, clerk(missing))
    assert "CREATE DATABASE nowhere OWNER clerk" in said


def test_address_that_cannot_be_read() -> None:
    with pytest.raises(SettingsInvalid) as failure:
        check(f"postgresql://clerk:{PASSWORD}@:port/grid")
    assert "LIANXIN_DATABASE_URL" in str(failure.value)
    assert PASSWORD not in str(failure.value)


def test_extension_that_we_may_not_make(clerk: Callable[..., str], empty_database_url: str) -> None:
    said = message(ExtensionMissing, clerk(empty_database_url))
    assert f"psql -d {name_of(empty_database_url)} -c 'CREATE EXTENSION postgis;'" in said


def test_extension_is_made_where_we_may(empty_database_url: str) -> None:
    check(empty_database_url)


def test_extension_where_nobody_looks(cluster: PrivateCluster, empty_database_url: str) -> None:
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE SCHEMA maps")
        connection.execute("CREATE EXTENSION postgis SCHEMA maps")
    said = message(ExtensionMissing, empty_database_url)
    assert 'SET search_path = "$user", public, maps' in said


def test_old_server(monkeypatch: pytest.MonkeyPatch, empty_database_url: str) -> None:
    monkeypatch.setattr(checks, "OLDEST_POSTGRES", 99)
    assert "Lianxin needs 99 or newer" in message(ServerTooOld, empty_database_url)


def test_old_postgis(monkeypatch: pytest.MonkeyPatch, fresh_database_url: str) -> None:
    monkeypatch.setattr(checks, "OLDEST_POSTGIS", (9, 1))
    said = message(ServerTooOld, fresh_database_url)
    assert "Lianxin needs 9.1 or newer" in said
    assert "ALTER EXTENSION postgis UPDATE" in said


def test_encoding_without_room_for_chinese(cluster: PrivateCluster) -> None:
    with admin(cluster) as connection:
        connection.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    url = make_url(cluster.url).set(database="narrow").render_as_string(hide_password=False)
    assert "LATIN1" in message(SchemaUnknown, url)


def test_user_who_may_not_make_tables(
    cluster: PrivateCluster, clerk: Callable[..., str], empty_database_url: str
) -> None:
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE EXTENSION postgis")
        said = message(RightsMissing, clerk(empty_database_url))
        grant = 'GRANT CREATE, USAGE ON SCHEMA public TO "clerk";'
        assert grant in said
        connection.execute(grant)
        said = message(RightsMissing, clerk(empty_database_url))
        grant = 'GRANT lianxin_app TO "clerk";'
        assert grant in said
        connection.execute(grant)
    check(clerk(empty_database_url))  # what the messages say to do is enough
    with admin(cluster) as connection:
        connection.execute("REVOKE lianxin_app FROM clerk")  # roles are the whole server's


def test_user_who_may_not_read_the_tables(
    cluster: PrivateCluster, clerk: Callable[..., str], fresh_database_url: str
) -> None:
    said = message(RightsMissing, clerk(fresh_database_url))
    grants = said[said.index("GRANT") :]
    with admin(cluster, name_of(fresh_database_url)) as connection:
        connection.execute(grants)  # type: ignore[arg-type]  # our own words, tried out
    check(clerk(fresh_database_url))


def test_schema_of_a_newer_version(cluster: PrivateCluster, fresh_database_url: str) -> None:
    with admin(cluster, name_of(fresh_database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    said = message(SchemaUnknown, fresh_database_url)
    assert said.startswith("The schema of the database ")
    assert "revision 9999" in said
    assert "newer" in said


def test_schema_of_another_application(cluster: PrivateCluster, empty_database_url: str) -> None:
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    assert "another application" in message(SchemaUnknown, empty_database_url)


def test_tables_of_our_names_that_are_not_ours(
    cluster: PrivateCluster, empty_database_url: str
) -> None:
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE TABLE grids (id int)")
    assert "made by something else" in message(SchemaUnknown, empty_database_url)


def test_strangers_tables_beside_ours_are_left_alone(
    cluster: PrivateCluster, empty_database_url: str
) -> None:
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
        check(empty_database_url)
        assert connection.execute("SELECT number FROM parcels").fetchone() == (7,)


def test_configured_database_is_upgraded_only_when_told(empty_database_url: str) -> None:
    with pytest.raises(SchemaOutdated, match="lianxin db upgrade"):
        open_ready_database(Settings(database_url=empty_database_url))
    check(empty_database_url)
    ready = open_ready_database(Settings(database_url=empty_database_url))
    assert isinstance(ready, Database)
    ready.close()


def test_upgrade_that_fails_leaves_nothing(
    cluster: PrivateCluster, empty_database_url: str
) -> None:
    # A type that stands where a late table's own would go.
    with admin(cluster, name_of(empty_database_url)) as connection:
        connection.execute("CREATE TYPE cases AS ENUM ('legal')")
        database = open_database(Settings(database_url=empty_database_url))
        checks.check_server(database.engine)
        with pytest.raises(SchemaOutdated, match=r"nothing in it was changed.*cases"):
            checks.upgrade(database.engine)
        database.close()
        found = connection.execute("SELECT to_regclass('areas'), to_regclass('alembic_version')")
        assert found.fetchone() == (None, None)
