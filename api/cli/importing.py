"""``lianxin import``: a file's rows into the database."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.edition_lines import print_findings, print_published, published_json
from api.cli.options import AcceptFindings, AsJson, Datum, Encoding, Timezone, X, Y
from api.cli.output import RULES, Progress, plural, print_json, print_notes

if TYPE_CHECKING:
    from layers.actions.import_layer import ImportOptions, ImportReport
    from layers.exchange.mapping import ColumnMapping
    from layers.exchange.reader import SourceLayer

_LAYERS = ("areas", "grids", "compounds", "buildings", "households", "cases", "residents")
_PLACELESS = ("areas", "compounds", "households", "cases", "residents")


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
    datum: Datum = None,
    x: X = None,
    y: Y = None,
    encoding: Encoding = None,
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
    timezone: Timezone = None,
    date_order: Annotated[
        DateOrder | None, typer.Option(help="How to read 04/12/2018, if the file leaves it open.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Grids: put them in force if no check finds an error.")
    ] = False,
    accept_findings: AcceptFindings = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rows that cannot be loaded go.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load a layer from a file; the same file again changes nothing.

    All or nothing: a crash in the middle leaves the layer as it was. A row that cannot be loaded
    goes to the rejects file with its reason. Exit status 1 if there are such rows, or errors.
    """
    from layers.actions.import_layer import ImportOptions  # noqa: PLC0415
    from layers.actions.importing.instants import Calendar  # noqa: PLC0415
    from layers.exchange.reader import read_layer  # noqa: PLC0415
    from layers.sealing import load_keys  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415
    from layers.vocabulary import CodeScheme  # noqa: PLC0415

    _check_flags(layer, publish=publish, accept_findings=accept_findings)
    settings = load_settings()
    zone = timezone or settings.timezone
    options = ImportOptions(
        scheme=CodeScheme(codes),
        calendar=Calendar(zone, date_order.value if date_order else None),
        merge_pieces=merge_pieces,
        publish=publish,
        accept_findings=accept_findings,
        source=source,
        keys=load_keys(settings) if layer == "residents" else None,
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
        print_json(_as_json(report, rows, findings, rejects))
        return
    print_notes((*rows.notes, *report.notes))
    print_findings(findings)
    typer.echo(
        f"{report.layer}: 新增 {report.inserted:,} inserted, 更新 {report.updated:,} updated, "
        f"不变 {report.unchanged:,} unchanged, 退回 {len(report.rejects):,} rejected"
    )
    for rule, name in RULES.items():
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
    in_english = plural(errors, "error", "errors")
    typer.echo(
        f"第 {number} 版（{errors} 项错误）· edition {number}, {in_english}. "
        f"查看 see: lianxin edition show {number}"
    )
    if errors or report.rejects:
        typer.echo(
            f"  发布 publish: lianxin edition publish {number} --yes "
            '--accept-findings "原因 reason"'
        )
    elif report.inserted:
        typer.echo(f"  发布 publish: lianxin edition publish {number} --yes")


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
