"""Editions and what was found in them, as lines for people and as values for machines."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from layers.actions.list_editions import EditionSummary
    from layers.actions.publish_edition import PublishReport

_STATUSES = {
    "draft": "草案 draft",
    "checked": "已检查 checked",
    "published": "生效 in force",
    "superseded": "已结束 ended",
}
_SEVERITIES = {"error": "错误 error", "warning": "警告 warning", "info": "提示 info"}
_FINDINGS_SHOWN = 20


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


def edition_line(edition: "EditionSummary") -> str:
    """Write an edition as a line of a list."""
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


def edition_json(edition: "EditionSummary") -> dict[str, Any]:
    """Write an edition for machines."""
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
