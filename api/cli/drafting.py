"""``lianxin edition upload|check|discard``: drafts, as the API and the desk make and end them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.edition_lines import edition_json, edition_line, print_findings
from api.cli.options import AsJson, CodeIfGrids, Datum
from api.cli.output import print_json
from layers.vocabulary import CodeScheme

if TYPE_CHECKING:
    from layers.actions.list_editions import EditionSummary

Number = Annotated[int, typer.Argument(help="Number of the draft.", metavar="N")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``lianxin edition``."""
    group.command("upload")(upload)
    group.command("check")(check)
    group.command("discard")(discard)


def upload(  # noqa: PLR0913, PLR0917 - each is a flag
    file: Annotated[Path, typer.Argument(help="A file of grids.", metavar="FILE")],
    code: CodeIfGrids = None,
    name: Annotated[str | None, typer.Option(help="Column of the names.", metavar="COLUMN")] = None,
    datum: Datum = None,
    codes: Annotated[CodeScheme, typer.Option(help="How codes are made.")] = CodeScheme.NATIONAL,
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Rows of one code are pieces of one grid.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a checked draft of a file of grids; exit status 1 if errors were found.

    lianxin import grids does the same with more flags.
    """
    from layers.actions.upload_grids import Upload, upload_grids  # noqa: PLC0415

    sent = Upload(
        file, code=code, name=name, datum=datum, scheme=codes, merge_pieces=pieces, source=file.name
    )
    with ready_database() as database:
        done = upload_grids(database, sent)
    _tell(
        done.edition,
        as_json=as_json,
        rejects=[{"row": reject.row, "reason": reject.reason} for reject in done.report.rejects],
    )


def check(number: Number, as_json: AsJson = False) -> None:
    """Check a draft again, against what is stored now; exit status 1 if errors were found."""
    from layers.actions.check_edition import check_edition  # noqa: PLC0415

    with ready_database() as database:
        edition = check_edition(database, number)
    _tell(edition, as_json=as_json)


def discard(
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, say what would.")] = False,
) -> None:
    """Throw a draft away; a dry run until --yes is given."""
    from layers.actions.discard_edition import discard_edition  # noqa: PLC0415
    from layers.actions.list_editions import show_edition  # noqa: PLC0415

    with ready_database() as database:
        if yes:
            discard_edition(database, number)
            typer.echo(f"草案 {number} 已删除 · draft {number} is gone")
            return
        edition = show_edition(database, number)
    typer.echo(
        f"试运行，未作改动 · dry run, nothing changed: {edition.grid_count:,} 个网格 grids. "
        f"删除 discard: lianxin edition discard {number} --yes"
    )


def _tell(
    edition: "EditionSummary", *, as_json: bool, rejects: list[dict[str, Any]] | None = None
) -> None:
    if as_json:
        told = edition_json(edition) | {"findings": list(edition.findings)}
        print_json(told if rejects is None else told | {"rejects": rejects})
    else:
        typer.echo(edition_line(edition))
        print_findings(list(edition.findings))
        for reject in rejects or ():
            typer.echo(f"第 {reject['row']} 行退回 · row {reject['row']}: {reject['reason']}")
        number = edition.edition_id
        typer.echo(f"  变化 changes: lianxin edition changes {number}")
        typer.echo(f"  发布 publish: lianxin edition publish {number} --yes")
    if edition.error_count:
        raise typer.Exit(1)
