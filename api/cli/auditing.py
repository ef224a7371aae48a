"""``lianxin audit``: reading, sealing and verifying what is left behind."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.options import AsJson
from api.cli.output import plural, print_json

if TYPE_CHECKING:
    from layers.actions.verify_audit import AuditReport

_SHOWN = 20

Since = Annotated[str | None, typer.Option(help="Date or time from which on.", metavar="TIME")]
Until = Annotated[str | None, typer.Option(help="Date or time before which.", metavar="TIME")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Who did what: the audit, its seals, and unusual reads.")
    group.command("list")(list_acts)
    group.command("seal")(seal_now)
    group.command("verify")(verify_all)
    group.command("unusual")(unusual)
    app.add_typer(group, name="audit", no_args_is_help=True)


def list_acts(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    account: Annotated[str | None, typer.Option(help="Who did it.", metavar="NAME")] = None,
    action: Annotated[
        str | None, typer.Option(help="What was done, as publish.", metavar="ACTION")
    ] = None,
    thing: Annotated[
        str | None,
        typer.Option("--object", help="With what: a kind, or kind/code.", metavar="KIND[/CODE]"),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was done, the latest first."""
    from layers.actions.read_audit import list_audit  # noqa: PLC0415
    from layers.store.audit import AuditFilter  # noqa: PLC0415

    kind, _, code = (thing or "").partition("/")
    which = AuditFilter(
        account, action, kind or None, code or None, _instant(since), _instant(until)
    )
    with ready_database() as database:
        page = list_audit(database, which, limit=limit)
    if as_json:
        print_json([_plain(row) for row in page.rows])
        return
    for row in page.rows:
        typer.echo(_line(row))
    if not page.rows:
        typer.echo("没有这样的记录 · nothing of the kind was recorded")
    elif page.next_before is not None:
        typer.echo("… 还有更早的 · there are earlier ones: --limit, --until")


def seal_now(
    accept_loss: Annotated[
        str | None,
        typer.Option(
            help="Seal on although noted blocks are gone, as after restoring a backup: why.",
            metavar="REASON",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Seal what was recorded; the service does so by itself every LIANXIN_AUDIT_SEAL_SECONDS."""
    from layers.actions import seal_audit  # noqa: PLC0415
    from layers.actions.audit_blocks import witness  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    if accept_loss is not None and not accept_loss.strip():
        raise typer.BadParameter("--accept-loss needs a reason")
    keeper = witness(load_settings())
    with ready_database() as database:
        if accept_loss is not None:
            seal_audit.accept_loss(database, keeper, accept_loss.strip())
        made = seal_audit.seal(database, keeper)
    rows = sum(seal.row_count for seal in made)
    if as_json:
        print_json({"blocks": [seal.number for seal in made], "rows": rows})
    elif made:
        typer.echo(
            f"已封印 {rows:,} 行，至第 {made[-1].number} 块 · "
            f"sealed {plural(rows, 'row', 'rows')}, up to block {made[-1].number}"
        )
    else:
        typer.echo("没有待封印的记录 · nothing to seal")


def verify_all(as_json: AsJson = False) -> None:
    """Find rows that were changed, removed or inserted; exit status 1 if there are any."""
    from layers.actions.audit_blocks import witness  # noqa: PLC0415
    from layers.actions.verify_audit import verify  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    keeper = witness(load_settings())
    with ready_database() as database:
        report = verify(database, keeper)
    if as_json:
        print_json({"whole": report.whole, **asdict(report)})
    else:
        _print_report(report)
    if not report.whole:
        raise typer.Exit(1)


def unusual(
    until: Until = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Find who read far more people than is usual, at night or elsewhere; the last 7 days."""
    from layers.actions.unusual_reads import PERIOD, unusual_reads  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    ends = _instant(until) or datetime.now(UTC)
    period = ends - (_instant(since) or ends - PERIOD)
    if period < timedelta(hours=1):
        raise typer.BadParameter("--since must lie an hour before the end, at least")
    with ready_database() as database:
        report = unusual_reads(database, until=ends, zone=load_settings().timezone, period=period)
    if as_json:
        print_json(_plain(asdict(report)))
        return
    typer.echo(
        f"{_time(report.since)} – {_time(report.until)}: {report.account_count:,} 个账号有记录 · "
        f"{plural(report.account_count, 'account', 'accounts')} with records"
    )
    for finding in report.findings:
        typer.echo(f"· {finding.message_zh}")
        typer.echo(f"  {finding.message_en}")
    if not report.findings:
        typer.echo("没有异常 · nothing unusual")


def _print_report(report: "AuditReport") -> None:
    for fault in report.faults[:_SHOWN]:
        typer.echo(f"✗ {fault.message_zh}")
        typer.echo(f"  {fault.message_en}")
    if len(report.faults) > _SHOWN:
        more = len(report.faults) - _SHOWN
        typer.echo(f"… 另有 {more:,} 项 · and {more:,} more; --json 列出全部 lists them all")
    counted = f"{report.block_count:,} 块 {report.row_count:,} 行"
    blocks = plural(report.block_count, "block", "blocks")
    in_english = f"{blocks}, {plural(report.row_count, 'row', 'rows')}"
    if report.whole:
        typer.echo(f"审计完整：{counted} · the audit is whole: {in_english}")
    else:
        typer.echo(f"审计不完整：{counted} · the audit is broken: {in_english}")
    waiting = report.unsealed
    if waiting is not None:
        numbers = f"{waiting.first_id}–{waiting.last_id}"
        typer.echo(
            f"尚未封印、不能证明：{waiting.row_count:,} 行（第 {numbers} 号）· not sealed yet, "
            f"nothing is proved of {plural(waiting.row_count, 'row', 'rows')} ({numbers}), "
            f"the oldest of {waiting.oldest_at}"
        )
    if not report.end_known:
        typer.echo(
            "数据库外没有最新封印的记录，无法知道末尾是否被截去 · no note of the newest seal is "
            "kept here: whether the end was cut off cannot be known"
        )


def _line(row: Any) -> str:
    thing = row["object_kind"] + (f" {row['object_code']}" if row["object_code"] else "")
    parts = [
        f"{row['id']:>6}  {_time(row['recorded_at'])}",
        f"{row['account'] or '–'} ({row['role'] or '–'})",
        f"{row['action']} {thing}",
        f"× {row['count']:,}" if row["count"] != 1 else "",
        ", ".join(row["fields"]),
        f"“{row['purpose']}”" if row["purpose"] else "",
        row["origin"] or "",
    ]
    return "  ".join(part for part in parts if part)


def _plain(row: Any) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _time(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _instant(text: str | None) -> datetime | None:
    from layers.actions.importing.instants import read_instant  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    return None if text is None else read_instant(text, load_settings().timezone)
