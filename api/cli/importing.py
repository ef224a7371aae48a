"""``lianxin import``: a file's rows into the database."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from layers.actions.import_layer import ImportOptions, ImportReport
    from layers.actions.publish_edition import PublishReport
    from layers.exchange.mapping import ColumnMapping
    from layers.exchange.reader import SourceLayer
    from layers.session import Database

_DATUMS = "wgs84, cgcs2000, gcj02, bd09, EPSG:n or ESRI:n"
_FINDINGS_SHOWN = 20
_LAYERS = ("areas", "grids", "compounds", "buildings", "households", "cases")
_PLACELESS = ("areas", "compounds", "households", "cases")

_SEVERITIES = {"error": "错误 error", "warning": "警告 warning", "info": "提示 info"}

# What a rule says of a case, in both languages.
_RULES = {
    "inside": "格内 · inside one grid",
    "boundary": "边界上 · on a shared boundary",
    "snapped": "就近归格 · outside, taken to the nearest grid",
    "fallback": "兜底 · outside, in the queue of the area around it",
    "outside": "格外 · outside every grid and area",
    "unplaced": "无坐标 · no usable coordinates",
}


class Codes(StrEnum):
    """How the place makes its codes."""

    NATIONAL = "national"
    FREE = "free"


class DateOrder(StrEnum):
    """Which comes first in 04/12/2018."""

    DMY = "dmy"
    MDY = "mdy"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import")(import_file)


def import_file(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    layer: Annotated[str, typer.Argument(help=f"One of {', '.join(_LAYERS)}.", metavar="LAYER")],
    file: Annotated[
        str,
        typer.Argument(
            help="GeoJSON, GeoPackage, (zipped) shapefile, FlatGeobuf, GeoParquet or CSV: "
            "FILE or FILE:LAYER.",
            metavar="FILE",
        ),
    ],
    file_layer: Annotated[
        str | None, typer.Option("--layer", help="Layer inside the file.", metavar="NAME")
    ] = None,
    datum: Annotated[
        str | None,
        typer.Option(help=f"Where the file declares none: {_DATUMS}.", metavar="DATUM"),
    ] = None,
    x: Annotated[
        str | None, typer.Option(help="Column of longitudes or eastings.", metavar="COLUMN")
    ] = None,
    y: Annotated[
        str | None, typer.Option(help="Column of latitudes or northings.", metavar="COLUMN")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Code page, if it is found wrong.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="A field and its column; may be repeated.", metavar="FIELD=COLUMN"
        ),
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field and one value for all rows.", metavar="FIELD=VALUE"),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML with [columns], [constants], [values.FIELD].", metavar="FILE"),
    ] = None,
    codes: Annotated[
        Codes, typer.Option(help="Codes by the national 6+3+3+3 digits, or of your own.")
    ] = Codes.NATIONAL,
    merge_pieces: Annotated[
        bool, typer.Option("--merge-pieces", help="Rows of one code are pieces of one area.")
    ] = False,
    source: Annotated[
        str | None, typer.Option(help="Whose rows these are; the file's name if not given.")
    ] = None,
    timezone: Annotated[
        str, typer.Option(help="Of times that name none.", metavar="ZONE")
    ] = "Asia/Shanghai",
    date_order: Annotated[
        DateOrder | None, typer.Option(help="How to read 04/12/2018, if the file leaves it open.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Grids: put them in force if no check finds an error.")
    ] = False,
    accept_findings: Annotated[
        str | None,
        typer.Option(help="Grids: why they may be published in spite of errors.", metavar="REASON"),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rows that cannot be loaded go.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Load a layer from a file; the same file again changes nothing.

    All or nothing: a crash in the middle leaves the layer as it was. A row that cannot be loaded
    goes to the rejects file with its reason. Exit status 1 if there are such rows, or errors.
    """
    from layers.actions.import_layer import ImportOptions  # noqa: PLC0415
    from layers.actions.importing.instants import Calendar  # noqa: PLC0415
    from layers.exchange.reader import read_layer  # noqa: PLC0415
    from layers.vocabulary import CodeScheme  # noqa: PLC0415

    _check_flags(layer, publish=publish, accept_findings=accept_findings)
    options = ImportOptions(
        scheme=CodeScheme(codes),
        calendar=Calendar(timezone, date_order.value if date_order else None),
        merge_pieces=merge_pieces,
        publish=publish,
        accept_findings=accept_findings,
        source=source,
    )
    options.calendar.zone()
    fields = _mapping(mapping, columns or [], constants or [])
    progress = Progress()
    rows = read_layer(
        file, layer=file_layer, datum=datum, x=x, y=y, encoding=encoding,
        geometry_required=layer not in _PLACELESS, progress=progress,
    )  # fmt: skip
    report = _load(layer, rows, fields, options, progress)
    rejects = rejects or Path(f"{_stem(file)}.{layer}.rejects.csv")
    _show(report, rows, rejects, as_json=as_json)
    if report.rejects or (report.errors and report.published is None):
        raise typer.Exit(1)


class Progress:
    """Show on standard error how far a step is: one line rewritten, or a line a step."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._step = ""

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """Show a step."""
        of = f" / {total:,}" if total else ""
        if self._live:
            typer.echo(f"\r\033[K{step} {done:,}{of}", err=True, nl=False)
        elif step != self._step:
            typer.echo(f"{step}{f' {total:,} rows' if total else ''} …", err=True)
        self._step = step

    def end(self) -> None:
        """Clear the line."""
        if self._live:
            typer.echo("\r\033[K", err=True, nl=False)


@contextmanager
def ready_database() -> "Iterator[Database]":
    """Open the configured or private database, with its reference tables, and close it again."""
    from layers.actions.seed_reference import seed_reference  # noqa: PLC0415
    from layers.session import open_ready_database  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    database = open_ready_database(load_settings())
    try:
        seed_reference(database)
        yield database
    finally:
        database.close()


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


def print_findings(findings: list[dict[str, Any]], shown: int = _FINDINGS_SHOWN) -> None:
    """List findings: how bad, which rule, where, how much, and in words."""
    order = ("error", "warning", "info")
    for finding in sorted(findings, key=lambda f: order.index(f["severity"]))[:shown]:
        place = (
            f" @ {finding['place'][0]:.6f}, {finding['place'][1]:.6f}" if finding["place"] else ""
        )
        measure = f" {finding['measure']:,.2f} {finding['unit']}" if finding["measure"] else ""
        typer.echo(f"{_SEVERITIES[finding['severity']]} [{finding['rule']}]{measure}{place}")
        typer.echo(f"  {finding['message_zh']}")
        typer.echo(f"  {finding['message_en']}")
    if len(findings) > shown:
        typer.echo(f"… 另有 {len(findings) - shown} 项 · and {len(findings) - shown} more")


def _check_flags(layer: str, *, publish: bool, accept_findings: str | None) -> None:
    if layer not in _LAYERS:
        raise typer.BadParameter(f"{layer} is none of {', '.join(_LAYERS)}", param_hint="LAYER")
    if layer != "grids" and (publish or accept_findings):
        raise typer.BadParameter("--publish and --accept-findings are for grids only")
    if accept_findings is not None and not accept_findings.strip():
        raise typer.BadParameter("--accept-findings needs a reason")


def _mapping(file: Path | None, columns: list[str], constants: list[str]) -> "ColumnMapping":
    from layers.exchange.mapping import ColumnMapping  # noqa: PLC0415

    flags = ColumnMapping.from_flags(columns, constants)
    return flags if file is None else ColumnMapping.from_toml(file).overridden_by(flags)


def _load(
    layer: str,
    rows: "SourceLayer",
    fields: "ColumnMapping",
    options: "ImportOptions",
    progress: Progress,
) -> "ImportReport":
    from layers.actions.import_layer import LayerName, import_layer  # noqa: PLC0415

    try:
        with ready_database() as database:
            return import_layer(
                database, LayerName(layer), rows, fields, options=options, progress=progress
            )
    finally:
        progress.end()


def _stem(file: str) -> str:
    from layers.exchange.reader import split_source  # noqa: PLC0415

    path, inner = split_source(file)
    return f"{path.stem}.{inner}" if inner else path.stem


def _show(report: "ImportReport", rows: "SourceLayer", rejects: Path, *, as_json: bool) -> None:
    """Write the rejects, and say what was done."""
    from layers.actions.importing.grids import finding_json  # noqa: PLC0415
    from layers.exchange.rejects import write_rejects  # noqa: PLC0415

    findings = [finding_json(finding) for finding in report.findings]
    if report.rejects:
        write_rejects(rejects, report.rejects)
    if as_json:
        typer.echo(json.dumps(_as_json(report, rows, findings, rejects), ensure_ascii=False))
        return
    for note in (*rows.notes, *report.notes):
        typer.echo(f"· {note}", err=True)
    print_findings(findings)
    typer.echo(
        f"{report.layer}: 新增 {report.inserted:,} inserted, 更新 {report.updated:,} updated, "
        f"不变 {report.unchanged:,} unchanged, 退回 {len(report.rejects):,} rejected"
    )
    for rule, name in _RULES.items():
        if rule in report.rules:
            typer.echo(f"  {rule:<9}{report.rules[rule]:>9,}  {name}")
    if report.unowned:
        typer.echo(f"  {report.unowned:,} 处尚无网格归属 · no grid owns {report.unowned:,} of them")
    if report.rejects:
        typer.echo(f"  退回行及原因 rejected rows and why: {rejects}")
        typer.echo(f"  {_commonest_reasons(report)}")
    if report.edition_id is not None:
        _print_edition(report)


def _commonest_reasons(report: "ImportReport") -> str:
    first = report.rejects[0]
    more = len(report.rejects) - 1
    return f"row {first.row}: {first.reason}" + (f" (+{more:,})" if more else "")


def _print_edition(report: "ImportReport") -> None:
    number = report.edition_id
    if report.published is not None:
        print_published(report.published)
        return
    errors = len(report.errors)
    typer.echo(
        f"第 {number} 版（{errors} 项错误）· edition {number}, {errors} errors. "
        f"查看 see: lianxin edition show {number}"
    )
    if errors or report.rejects:
        typer.echo(
            f'  发布 publish: lianxin edition publish {number} --accept-findings "原因 reason"'
        )
    elif report.inserted:
        typer.echo(f"  发布 publish: lianxin edition publish {number}")


def _as_json(
    report: "ImportReport", rows: "SourceLayer", findings: list[dict[str, Any]], rejects: Path
) -> dict[str, Any]:
    done = report.published
    return {
        "layer": str(report.layer),
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "rejected": len(report.rejects),
        "rejects_file": str(rejects) if report.rejects else None,
        "findings": findings,
        "notes": [*rows.notes, *report.notes],
        "edition": report.edition_id,
        "published": None if done is None else published_json(done),
        "unowned": report.unowned,
        "rules": dict(report.rules),
        "encoding": rows.encoding,
        "datum": rows.datum,
    }


def published_json(done: "PublishReport") -> dict[str, Any]:
    """Write what changed hands for machines."""
    return {
        "edition": done.edition_id,
        "superseded": done.superseded_id,
        "buildings": done.building_count,
        "households": done.household_count,
        "cases": done.case_count,
    }
