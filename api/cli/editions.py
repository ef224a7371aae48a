"""``lianxin edition``: the editions of the boundaries, and putting one in force."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import comparing, drafting
from api.cli.database import ready_database
from api.cli.edition_lines import (
    edition_json,
    edition_line,
    print_findings,
    print_published,
    published_json,
)
from api.cli.options import AcceptFindings, AsJson
from api.cli.output import Progress, print_json

if TYPE_CHECKING:
    from layers.actions.plan_publication import PublicationPlan

Number = Annotated[int, typer.Argument(help="Number of the edition.", metavar="N")]
ValidFrom = Annotated[
    str | None,
    typer.Option(help="For history: since when, in the past, it is in force.", metavar="TIME"),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The editions of the boundaries, from a draft to history.")
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("publish")(publish)
    group.command("restore")(restore)
    drafting.add_to(group)
    comparing.add_to(group)
    app.add_typer(group, name="edition", no_args_is_help=True)


def list_all(as_json: AsJson = False) -> None:
    """List the editions, the newest first."""
    from layers.actions.list_editions import list_editions  # noqa: PLC0415

    with ready_database() as database:
        editions = list_editions(database)
    if as_json:
        print_json([edition_json(edition) for edition in editions])
    elif not editions:
        typer.echo("还没有网格 · no grids yet: lianxin import grids FILE")
    else:
        for edition in editions:
            typer.echo(edition_line(edition))


def show(number: Number, as_json: AsJson = False) -> None:
    """Show an edition with everything that its checks found; exit status 1 if there are errors."""
    from layers.actions.list_editions import show_edition  # noqa: PLC0415

    with ready_database() as database:
        edition = show_edition(database, number)
    if as_json:
        print_json(edition_json(edition) | {"findings": list(edition.findings)})
    else:
        typer.echo(edition_line(edition))
        if edition.override_reason:
            typer.echo(f"  接受原因 accepted because: {edition.override_reason}")
        print_findings(list(edition.findings), shown=len(edition.findings))
    if edition.error_count and edition.override_reason is None:
        raise typer.Exit(1)


def publish(
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, say what would.")] = False,
    accept_findings: AcceptFindings = None,
    valid_from: ValidFrom = None,
    as_json: AsJson = False,
) -> None:
    """Put a draft in force: every building, household and open case gets its new owner.

    A dry run that says what would move, until --yes is given.
    """
    from layers.actions.plan_publication import plan_publication  # noqa: PLC0415
    from layers.actions.publish_edition import publish_edition  # noqa: PLC0415

    began = _instant(valid_from)
    progress = Progress()
    with ready_database() as database:
        try:
            if not yes:
                plan = plan_publication(database, number, progress=progress)
                _tell_plan(plan, as_json=as_json)
                raise typer.Exit(bool(plan.needs_reason and not accept_findings))
            done = publish_edition(
                database, number, override_reason=accept_findings, valid_from=began,
                progress=progress,
            )  # fmt: skip
        finally:
            progress.end()
    if as_json:
        print_json(published_json(done))
    else:
        print_published(done)


def restore(number: Number, as_json: AsJson = False) -> None:
    """Make a draft of the grids of an edition that has ended, to be published anew."""
    from layers.actions.restore_edition import restore_edition  # noqa: PLC0415

    with ready_database() as database:
        draft = restore_edition(database, number)
    if as_json:
        print_json(edition_json(draft))
    else:
        typer.echo(edition_line(draft))
        typer.echo(f"  发布 publish: lianxin edition publish {draft.edition_id} --yes")


def _instant(text: str | None) -> datetime | None:
    from layers.actions.importing.instants import read_instant  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    return None if text is None else read_instant(text, load_settings().timezone)


def _tell_plan(plan: "PublicationPlan", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dry_run": True,
                "edition": plan.edition_id,
                "in_force": plan.in_force_id,
                "buildings": plan.building_count,
                "households": plan.household_count,
                "cases": plan.case_count,
                "errors": len(plan.findings),
            }
        )
        return
    number = plan.edition_id
    typer.echo(
        f"试运行，未作改动 · dry run, nothing changed. 第 {number} 版将改变归属 · "
        f"edition {number} would move: {plan.building_count:,} 栋 buildings, "
        f"{plan.household_count:,} 户 households, {plan.case_count:,} 件未结案件 open cases"
    )
    reason = ""
    if plan.needs_reason:
        print_findings(list(plan.findings))
        reason = ' --accept-findings "原因 reason"'
    typer.echo(f"  发布 publish: lianxin edition publish {number} --yes{reason}")
