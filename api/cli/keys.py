"""``lianxin keys``: the keys that the database does not have."""

from dataclasses import asdict

import typer

from api.cli.database import ready_database
from api.cli.options import AsJson
from api.cli.output import Progress, print_json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The keys that the database does not have.")
    group.callback()(keep_group)
    group.command("rotate-residents")(rotate_residents)
    app.add_typer(group, name="keys", no_args_is_help=True)


def keep_group() -> None:
    """Stay a group, with one command as with more."""


def rotate_residents(as_json: AsJson = False) -> None:
    """Seal residents' ID numbers and phones under a new key, while the service runs.

    A key in the environment is changed there first: the new one in LIANXIN_RESIDENT_KEY, the one
    before in LIANXIN_RESIDENT_KEY_FORMER. The former key is kept: older backups need it.
    """
    from layers.actions.rotate_keys import rotate_residents as rotate  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    progress = Progress()
    try:
        with ready_database() as database:
            done = rotate(database, load_settings(), progress=progress)
    finally:
        progress.end()
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"新密钥 key {done.key_id}（原 before: {done.former_key_id or '-'}）：重新加密 "
        f"{done.sealed_count:,} 人 residents sealed anew"
    )
