"""``lianxin db``: where the database's schema stands, and bringing it up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from api.cli.options import AsJson
from api.cli.output import print_json

if TYPE_CHECKING:
    from layers.session import Database
    from layers.settings import Settings

# What a schema's state means, in both languages.
_STATES = {
    "empty": ("空库", "empty"),
    "current": ("已是最新", "up to date"),
    "outdated": ("待升级", "older than this version"),
    "unknown": ("无法识别", "not known to this version"),
}


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The database: its state, and bringing it up to date.")
    group.command("upgrade")(upgrade)
    group.command("status")(status)
    app.add_typer(group, name="db", no_args_is_help=True)


def upgrade(as_json: AsJson = False) -> None:
    """Bring the database's schema up to date; what it holds stays."""
    from layers.actions.seed_reference import seed_reference  # noqa: PLC0415
    from layers.database import check_server  # noqa: PLC0415
    from layers.database import upgrade as upgrade_schema  # noqa: PLC0415
    from layers.session import open_database  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    database = open_database(load_settings())
    try:
        check_server(database.engine)
        steps = upgrade_schema(database.engine)
        rows = seed_reference(database)
    finally:
        database.close()
    if as_json:
        print_json({"steps": list(steps), "reference": asdict(rows)})
        return
    if steps:
        typer.echo(f"已升级 · upgraded: {' → '.join(steps)}")
    else:
        typer.echo("已是最新，无需升级 · up to date, nothing to do")
    if rows.inserted or rows.updated:
        typer.echo(
            f"参考表 · reference tables: {rows.inserted} 新增 added, {rows.updated} 更新 changed"
        )


def status(as_json: AsJson = False) -> None:
    """Say what the database is and whether its schema fits; exit status 1 if it doesn't."""
    from layers.database import SchemaState, check_server, schema_status  # noqa: PLC0415
    from layers.session import open_database  # noqa: PLC0415
    from layers.settings import load_settings, mask_password  # noqa: PLC0415

    settings = load_settings()
    database = open_database(settings)
    try:
        versions = check_server(database.engine)
        schema = schema_status(database.engine)
    finally:
        database.close()
    place = mask_password(settings.database_url or f"private://{settings.data_dir}")
    if as_json:
        print_json({"database": place, **asdict(versions), "schema": asdict(schema)})
    else:
        zh, en = _STATES[schema.state]
        typer.echo(f"数据库 database    {place}")
        typer.echo(f"PostgreSQL         {versions.postgres}")
        typer.echo(f"PostGIS            {versions.postgis}")
        typer.echo(f"结构 schema        {zh} · {en} ({schema.revision or '-'} / {schema.newest})")
        if schema.pending and schema.state is not SchemaState.UNKNOWN:
            typer.echo("升级 upgrade       lianxin db upgrade")
    if schema.state is not SchemaState.CURRENT:
        raise typer.Exit(1)


def open_with_reference(settings: "Settings") -> "Database":
    """Open the configured or private database, with its reference tables."""
    from layers.actions.seed_reference import seed_reference  # noqa: PLC0415
    from layers.session import open_ready_database  # noqa: PLC0415

    database = open_ready_database(settings)
    try:
        seed_reference(database)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def ready_database() -> "Iterator[Database]":
    """Open the same for a command, and close it again."""
    from layers.settings import load_settings  # noqa: PLC0415

    database = open_with_reference(load_settings())
    try:
        yield database
    finally:
        database.close()
