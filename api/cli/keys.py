"""``lianxin keys``: those that sign tokens and seal residents; the database has none of them."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.options import AsJson
from api.cli.output import Progress, print_json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The keys that the database does not have.")
    group.command("list")(list_keys)
    group.command("rotate")(rotate)
    group.command("rotate-residents")(rotate_residents)
    app.add_typer(group, name="keys", no_args_is_help=True)


def list_keys(as_json: AsJson = False) -> None:
    """List the signing keys by name, the one that signs first; never the keys themselves."""
    from layers.secrets import SigningKeys  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    _tell_keys(SigningKeys(load_settings()).all(), as_json=as_json)


def rotate(
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="A key has leaked: drop the others now; their tokens end."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign with a new key from now on; the one before still verifies while its tokens live."""
    from datetime import timedelta  # noqa: PLC0415

    from layers.actions.tokens import ACCESS_LIFE  # noqa: PLC0415
    from layers.secrets import SigningKeys  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    kept = timedelta(seconds=-1) if at_once else ACCESS_LIFE
    _tell_keys(SigningKeys(load_settings()).rotate(kept), as_json=as_json)


def _tell_keys(keys: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "kid": key.kid,
                    "created_at": key.created_at.isoformat(),
                    "retired_at": key.retired_at and key.retired_at.isoformat(),
                }
                for key in keys
            ]
        )
        return
    for key in keys:
        state = "签发中 signs" if key.retired_at is None else "仅验证 verifies only"
        typer.echo(f"{key.kid}  {state}  {key.created_at.astimezone():%Y-%m-%d %H:%M}")


def rotate_residents(as_json: AsJson = False) -> None:
    """Seal residents' ID numbers and phones under a new key, while the service runs.

    A key in the environment is changed there first: the new one in LIANXIN_RESIDENT_KEY, the one
    before in LIANXIN_RESIDENT_KEY_FORMER. The former key is kept: older backups need it.
    """
    from layers.actions.rotate_keys import rotate_residents as reseal  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    progress = Progress()
    try:
        with ready_database() as database:
            done = reseal(database, load_settings(), progress=progress)
    finally:
        progress.end()
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"新密钥 key {done.key_id}（原 before: {done.former_key_id or '-'}）：重新加密 "
        f"{done.sealed_count:,} 人 residents sealed anew"
    )
