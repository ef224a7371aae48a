"""``lianxin check``: what is wrong with a file of grids, with no database."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.edition_lines import print_findings
from api.cli.options import FILE_OR_LAYER, AsJson, CodeIfGrids, Datum, Encoding
from api.cli.output import Progress, plural, print_json, print_notes

if TYPE_CHECKING:
    from gis.chart.definition import Language
    from layers.actions.check_file import CheckedFile, CheckOrder


Kind = Annotated[
    str | None,
    typer.Option(
        help="Column that says basic or dedicated (基础, 专属); one so called is found.",
        metavar="COLUMN",
    ),
]
Sliver = Annotated[
    float, typer.Option(help="Width below which it is a sliver.", metavar="M", min=0)
]


class Lang(StrEnum):
    """In which language the page opens and --json says its messages."""

    ZH = "zh"
    EN = "en"


class Form(StrEnum):
    """Whether codes must have the national form."""

    AUTO = "auto"
    NATIONAL = "national"
    FREE = "free"


class Least(StrEnum):
    """The least severe finding that counts."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class _Outputs:
    """Where findings are written beside the terminal, and how."""

    out: Path | None
    html: Path | None
    language: "Language"
    as_json: bool


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("check")(check)


def check(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    file: Annotated[
        str,
        typer.Argument(help="Grids, in any vector file that GDAL reads.", metavar=FILE_OR_LAYER),
    ],
    code: CodeIfGrids = None,
    parents: Annotated[
        str | None,
        typer.Option(help="The areas that the grids must fill.", metavar=FILE_OR_LAYER),
    ] = None,
    parent_code: Annotated[
        str | None, typer.Option(help="Column of the parents' codes.", metavar="COLUMN")
    ] = None,
    buildings: Annotated[
        str | None,
        typer.Option(help="Outlines or points, each in one grid.", metavar=FILE_OR_LAYER),
    ] = None,
    building_code: Annotated[
        str | None, typer.Option(help="Column of the buildings' codes.", metavar="COLUMN")
    ] = None,
    households: Annotated[
        str | None, typer.Option(help="Column of the grids' households.", metavar="COLUMN")
    ] = None,
    kind: Kind = None,
    codes: Annotated[
        Form,
        typer.Option(help="Codes of 6+3+3+3 digits, or your own; auto: national if any is."),
    ] = Form.AUTO,
    datum: Datum = None,
    encoding: Encoding = None,
    tolerance: Annotated[
        float, typer.Option(help="m² up to which nothing is found.", metavar="M2", min=0)
    ] = 1.0,
    sliver: Sliver = 1.0,
    building_share: Annotated[
        float,
        typer.Option(
            help="% of a building that may lie beyond its grid.", metavar="PERCENT", min=0, max=50
        ),
    ] = 2.0,
    fewest_households: Annotated[
        int, typer.Option(help="Of a basic grid.", metavar="N", min=0)
    ] = 300,
    most_households: Annotated[
        int, typer.Option(help="Of a basic grid.", metavar="N", min=0)
    ] = 500,
    least: Annotated[
        Least, typer.Option("--least", help="Leave out what is less severe.")
    ] = Least.INFO,
    out: Annotated[
        Path | None, typer.Option(help="The findings as a GeoPackage.", metavar="FILE.gpkg")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="The findings on a map, offline.", metavar="FILE.html")
    ] = None,
    lang: Annotated[
        Lang | None, typer.Option(help="Of the page and of --json; LIANXIN_LANGUAGE otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a file of grids; needs no database.

    Exit status 0 if nothing is found, 1 if anything is, notes (info) included; 2 on wrong use.
    With --least warning notes neither show nor count. A --datum of gcj02 or bd09, which no file
    can declare, is of all the files.
    """
    from gis.coverage import Tolerances  # noqa: PLC0415
    from layers.actions.check_file import CheckOrder  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    if fewest_households > most_households:
        raise typer.BadParameter("--fewest-households is more than --most-households.")
    language: Language = lang.value if lang else load_settings().language
    outputs = _Outputs(out, html, language, as_json)
    order = CheckOrder(
        file=file, code=code, parents=parents, parent_code=parent_code, buildings=buildings,
        building_code=building_code, households=households, kind=kind, codes=codes.value,
        datum=datum, encoding=encoding, least=least.value,
        tolerances=Tolerances(
            tolerance, sliver, building_share / 100, fewest_households, most_households
        ),
    )  # fmt: skip
    _check_outputs(order, outputs)
    progress = Progress()
    try:
        checked = _checked(order, outputs, progress)
    finally:
        progress.end()
    _tell(checked, outputs)
    if checked.findings:
        raise typer.Exit(1)


def _check_outputs(order: "CheckOrder", outputs: _Outputs) -> None:
    """Refuse, before any work is done, what cannot be written, or would replace what is read."""
    from layers.actions.chart_page import check_page  # noqa: PLC0415
    from layers.actions.findings_file import check_findings_file  # noqa: PLC0415
    from layers.exchange.reader import split_source  # noqa: PLC0415

    if outputs.html:
        check_page(outputs.html)
    if outputs.out:
        check_findings_file(outputs.out)
        read = [each for each in (order.file, order.parents, order.buildings) if each]
        if outputs.out.resolve() in [split_source(each)[0].resolve() for each in read]:
            raise typer.BadParameter(f"--out {outputs.out} is a file that is read. Name another.")


def _checked(order: "CheckOrder", outputs: _Outputs, progress: Progress) -> "CheckedFile":
    from gis.chart.findings import FindingsPage, render_findings  # noqa: PLC0415
    from layers.actions.chart_page import write_page  # noqa: PLC0415
    from layers.actions.check_file import check_file  # noqa: PLC0415
    from layers.actions.findings_file import write_findings  # noqa: PLC0415

    checked = check_file(order, progress)
    if outputs.out:
        progress("write findings", 0, len(checked.findings))
        write_findings(checked.findings, outputs.out)
    if outputs.html:
        progress("write page", 0, len(checked.findings))
        page = FindingsPage(checked.name, checked.geometries, checked.findings, outputs.language)
        write_page(render_findings(page), outputs.html)
    return checked


def _tell(checked: "CheckedFile", outputs: _Outputs) -> None:
    if outputs.as_json:
        print_json(_as_json(checked, outputs))
        return
    print_notes(checked.notes)
    print_findings(_findings_json(checked, outputs.language))
    rows = f"{len(checked.names):,} 个网格 grids"
    if checked.findings:
        counts = checked.counts
        errors = plural(counts["error"], "error", "errors")
        warnings = plural(counts["warning"], "warning", "warnings")
        notes = plural(counts["info"], "note", "notes")
        typer.echo(
            f"{rows}: {counts['error']:,} 项错误 {errors}, "
            f"{counts['warning']:,} 项警告 {warnings}, {counts['info']:,} 项提示 {notes}"
        )
    else:
        typer.echo(f"{rows}: 没有发现问题 · nothing was found")
    for written in (outputs.out, outputs.html):
        if written:
            typer.echo(f"{written}")


def _findings_json(checked: "CheckedFile", language: str) -> list[dict[str, Any]]:
    from layers.actions.importing.grids import place_of  # noqa: PLC0415

    return [
        {
            "rule": finding.rule,
            "severity": finding.severity,
            "codes": list(finding.codes),
            "measure": finding.measure,
            "unit": finding.unit,
            "message": finding.message_zh if language == "zh" else finding.message_en,
            "message_zh": finding.message_zh,
            "message_en": finding.message_en,
            "place": place_of(finding),
        }
        for finding in checked.findings
    ]


def _as_json(checked: "CheckedFile", outputs: _Outputs) -> dict[str, Any]:
    rules = Counter(finding.rule for finding in checked.findings)
    return {
        "name": checked.name,
        "rows": len(checked.names),
        "counts": checked.counts,
        "by_rule": dict(rules),
        "findings": _findings_json(checked, outputs.language),
        "notes": list(checked.notes),
        "out": str(outputs.out) if outputs.out else None,
        "html": str(outputs.html) if outputs.html else None,
    }
