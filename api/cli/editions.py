"""``lianxin edition``: the editions of the boundaries, and putting one in force."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import comparing
from api.cli.database import ready_database
from api.cli.options import AcceptFindings, AsJson
from api.cli.output import Progress, print_json

if TYPE_CHECKING:
    from layers.actions.list_editions import EditionSummary
    from layers.actions.plan_publication import PublicationPlan
    from layers.actions.publish_edition import PublishReport

Number = Annotated[int, typer.Argument(help="Number of the edition.", metavar="N")]
ValidFrom = Annotated[
    str | None,
    typer.Option(help="For history: since when, in the past, it is in force.", metavar="TIME"),
]

_STATUSES = {
    "draft": "草案 draft",
    "checked": "已检查 checked",
    "published": "生效 in force",
    "superseded": "已结束 ended",
}
_SEVERITIES = {"error": "错误 error", "warning": "警告 warning", "info": "提示 info"}
_FINDINGS_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="The editions of the boundaries, from a draft to history.")
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("publish")(publish)
    group.command("restore")(restore)
    comparing.add_to(group)
    app.add_typer(group, name="edition", no_args_is_help=True)


def list_all(as_json: AsJson = False) -> None:
    """List the editions, the newest first."""
    from layers.actions.list_editions import list_editions  # noqa: PLC0415

    with ready_database() as database:
        editions = list_editions(database)
    if as_json:
        print_json([_as_json(edition) for edition in editions])
    elif not editions:
        typer.echo("还没有网格 · no grids yet: lianxin import grids FILE")
    else:
        for edition in editions:
            typer.echo(_line(edition))


def show(number: Number, as_json: AsJson = False) -> None:
    """Show an edition with everything that its checks found; exit status 1 if there are errors."""
    from layers.actions.list_editions import show_edition  # noqa: PLC0415

    with ready_database() as database:
        edition = show_edition(database, number)
    if as_json:
        print_json(_as_json(edition) | {"findings": list(edition.findings)})
    else:
        typer.echo(_line(edition))
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
        print_json(_as_json(draft))
    else:
        typer.echo(_line(draft))
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


def print_published(done: "PublishReport") -> None:
    """Say what changed hands."""
    before = (
        f" (第 {done.superseded_id} 版结束 · ended: {done.superseded_id})"
        if done.superseded_id
        else ""
    )
    typer.echo(f"第 {done.edition_id} 版已生效 · edition {done.edition_id} is in force{before}")
    typer.echo(
        f"  重新归属 new owners: {done.building_count:,} 栋 buildings, "
        f"{done.household_count:,} 户 households, {done.case_count:,} 件未结案件 open cases"
    )


def published_json(done: "PublishReport") -> dict[str, Any]:
    """Write what changed hands for machines."""
    return {
        "edition": done.edition_id,
        "superseded": done.superseded_id,
        "buildings": done.building_count,
        "households": done.household_count,
        "cases": done.case_count,
    }


def print_findings(findings: list[dict[str, Any]], shown: int = _FINDINGS_SHOWN) -> None:
    """List findings: how bad, which rule, where, how much, and in words."""
    for finding in _sample(findings, shown):
        place = (
            f" @ {finding['place'][0]:.6f}, {finding['place'][1]:.6f}" if finding["place"] else ""
        )
        measure = f" {finding['measure']:,.2f} {finding['unit']}" if finding["measure"] else ""
        typer.echo(f"{_SEVERITIES[finding['severity']]} [{finding['rule']}]{measure}{place}")
        typer.echo(f"  {finding['message_zh']}")
        typer.echo(f"  {finding['message_en']}")
    if len(findings) > shown:
        more = len(findings) - shown
        typer.echo(f"… 另有 {more:,} 项 · and {more:,} more; --json 列出全部 lists them all")
        counts = Counter(finding["rule"] for finding in findings).most_common()
        typer.echo("  共 in all: " + ", ".join(f"{rule} {count:,}" for rule, count in counts))


def _sample(findings: list[dict[str, Any]], shown: int) -> list[dict[str, Any]]:
    """Return the worst findings, but some of every rule: a rarer one is not crowded out."""
    order = tuple(_SEVERITIES)
    worst_first = sorted(findings, key=lambda finding: order.index(finding["severity"]))
    seen: Counter[str] = Counter()
    ranks = []
    for finding in worst_first:
        ranks.append(seen[finding["rule"]])
        seen[finding["rule"]] += 1
    share = shown // max(len(seen), 1)
    by_rank = sorted(range(len(ranks)), key=lambda position: ranks[position] >= share)
    return [worst_first[position] for position in sorted(by_rank[:shown])]


def _line(edition: "EditionSummary") -> str:
    valid = (
        f"{_date(edition.valid_from)} – {_date(edition.valid_until)}" if edition.valid_from else ""
    )
    return (
        f"{edition.edition_id:>4}  {_STATUSES[edition.status]:<13}  "
        f"{edition.grid_count:>7,} 网格 grids  {edition.error_count:>4} 错误 errors  "
        f"{valid}  {edition.name}"
    )


def _date(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone().strftime("%Y-%m-%d %H:%M")


def _as_json(edition: "EditionSummary") -> dict[str, Any]:
    return {
        "edition": edition.edition_id,
        "name": edition.name,
        "status": str(edition.status),
        "source": edition.source,
        "grids": edition.grid_count,
        "errors": edition.error_count,
        "findings": len(edition.findings),
        "created_at": edition.created_at.isoformat(),
        "valid_from": edition.valid_from.isoformat() if edition.valid_from else None,
        "valid_until": edition.valid_until.isoformat() if edition.valid_until else None,
        "override_reason": edition.override_reason,
    }
