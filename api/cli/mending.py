"""``lianxin mend``: a messy file of grids to a valid coverage, with no database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli.checking import Kind, Sliver
from api.cli.options import FILE_OR_LAYER, AsJson, CodeIfGrids, Datum, Encoding
from api.cli.output import Progress, plural, print_json, print_notes

if TYPE_CHECKING:
    from layers.actions.mend_file import Change, Left, MendReport

_KINDS: Final = {
    "ring_repaired": "修复边界 · invalid outlines repaired",
    "vertices_snapped": "对齐顶点 · corners brought onto a neighbour's boundary",
    "node_inserted": "补入顶点 · corners of neighbours put in",
    "sliver_given": "划出窄条 · slivers given to one grid",
    "overlap_given": "划出重叠 · overlaps given to one grid",
    "gap_closed": "补上空白 · gaps given to one grid",
}
_LISTED: Final = 20


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("mend")(mend)


def mend(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    grids: Annotated[
        str,
        typer.Argument(help="Grids, in any vector file that GDAL reads.", metavar=FILE_OR_LAYER),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the mended grids; not needed with --dry-run.", metavar="FILE"
        ),
    ] = None,
    code: CodeIfGrids = None,
    kind: Kind = None,
    datum: Datum = None,
    encoding: Encoding = None,
    tolerance: Annotated[
        float,
        typer.Option(help="Move no boundary further than this.", metavar="METRES", min=0),
    ] = 1.0,
    sliver: Sliver = 1.0,
    largest_overlap: Annotated[
        float,
        typer.Option(
            help="Of overlaps wider than a sliver, give away none larger than this.",
            metavar="M2",
            min=0,
        ),
    ] = 100.0,
    changes: Annotated[
        Path | None,
        typer.Option(help="Write every change: .gpkg, .csv or .json.", metavar="FILE"),
    ] = None,
    as_json: AsJson = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write no grids.")
    ] = False,
) -> None:
    """Mend overlaps, gaps and outlines of grids; say what is left for a person.

    Exit status: 0 mended and clean, 1 something is left, 2 wrong use.
    """
    # Only this command needs it, and it takes a second to load.
    from layers.actions.mend_file import MendOptions, MendOrder, mend_file  # noqa: PLC0415

    if out is None and not dry_run:
        raise typer.BadParameter("say where to write, or use --dry-run", param_hint="--out")
    order = MendOrder(
        grids, None if dry_run else out, code, kind, datum, encoding,
        MendOptions(tolerance, sliver, largest_overlap), changes,
    )  # fmt: skip
    progress = Progress()
    try:
        report = mend_file(order, progress=progress)
    finally:
        progress.end()
    if as_json:
        print_json(_answer(report, order.out))
    else:
        _print_table(report, order.out)
    if report.left:
        raise typer.Exit(1)


def _answer(report: "MendReport", out: Path | None) -> dict[str, Any]:
    return {
        "grids": report.grids,
        "mended": report.mended,
        "by_kind": report.by_kind(),
        "changes": [_change(change) for change in report.changes],
        "left": [_left(left) for left in report.left],
        "seconds": round(report.seconds, 3),
        "out": None if out is None else str(out),
        "notes": list(report.notes),
    }


def _change(change: "Change") -> dict[str, Any]:
    return {
        "code": change.code,
        "row": change.row + 1,
        "what": change.what,
        "area_before_m2": round(change.area_before_m2, 3),
        "area_after_m2": round(change.area_after_m2, 3),
        "message_zh": change.message_zh,
        "message_en": change.message_en,
    }


def _left(left: "Left") -> dict[str, Any]:
    return {
        "rule": left.finding.rule,
        "severity": left.finding.severity,
        "codes": list(left.finding.codes),
        "measure": left.finding.measure,
        "unit": left.finding.unit,
        "message_zh": left.finding.message_zh,
        "message_en": left.finding.message_en,
        "reason_zh": left.reason_zh,
        "reason_en": left.reason_en,
    }


def _print_table(report: "MendReport", out: Path | None) -> None:
    print_notes(report.notes)
    for what, count in report.by_kind().items():
        typer.echo(f"{what:<17}{count:>9,}  {_KINDS[what]}")
    target = f" → {out}" if out else "; nothing was written"
    typer.echo(
        f"{'grids':<17}{report.grids:>9,}  {report.mended:,} of them changed, "
        f"in {report.seconds:.2f} s{target}"
    )
    if not report.left:
        return
    typer.echo(f"{plural(len(report.left), 'finding is', 'findings are')} left for a person:")
    for left in report.left[:_LISTED]:
        finding = left.finding
        typer.echo(f"{finding.rule}: {finding.message_en} Not mended: {left.reason_en}.")
        typer.echo(f"  {finding.message_zh}未修复：{left.reason_zh}。")
    if len(report.left) > _LISTED:
        typer.echo(f"… and {len(report.left) - _LISTED:,} more; --json has them all.")
