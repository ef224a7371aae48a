"""``lianxin chart``: a battle chart as one page, from the database or from files alone."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.database import ready_database
from api.cli.options import FILE_OR_LAYER, AsJson, CodeIfGrids, Datum, Timezone, X, Y
from api.cli.output import print_json, print_notes

if TYPE_CHECKING:
    from gis.chart.definition import Language, Theme
    from layers.actions.chart_sources import ChartOrder


class Lang(StrEnum):
    """In which language the page opens."""

    ZH = "zh"
    EN = "en"


class Shade(StrEnum):
    """Night for walls, day for desks and paper."""

    NIGHT = "night"
    DAY = "day"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("chart")(chart)


def chart(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    out: Annotated[Path, typer.Option(help="Where to write the page.", metavar="FILE.html")],
    place: Annotated[
        str | None,
        typer.Argument(
            help="all, or the code of an area or grid, from the database.", metavar="NAME"
        ),
    ] = None,
    grids: Annotated[
        str | None,
        typer.Option(help="Draw files instead, with no database.", metavar=FILE_OR_LAYER),
    ] = None,
    code: CodeIfGrids = None,
    name: Annotated[
        str | None, typer.Option(help="Column of the grids' names.", metavar="COLUMN")
    ] = None,
    buildings: Annotated[str | None, typer.Option(help="Polygons.", metavar=FILE_OR_LAYER)] = None,
    households: Annotated[str | None, typer.Option(help="Points.", metavar=FILE_OR_LAYER)] = None,
    status: Annotated[
        str | None, typer.Option(help="Column of the households' statuses.", metavar="COLUMN")
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option(help="What lianxin route wrote, or any points.", metavar=FILE_OR_LAYER),
    ] = None,
    datum: Datum = None,
    x: X = None,
    y: Y = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="As in cases.state=SRStatus; may be repeated.", metavar="FIELD=COLUMN"
        ),
    ] = None,
    timezone: Timezone = None,
    title: Annotated[str | None, typer.Option(help="Title of a chart of files.")] = None,
    lang: Annotated[
        Lang | None, typer.Option(help="In which the page opens; LIANXIN_LANGUAGE otherwise.")
    ] = None,
    theme: Annotated[Shade, typer.Option(help="Night for walls, day for desks.")] = Shade.NIGHT,
    scheme: Annotated[
        str | None,
        typer.Option(help="Households by occupancy, party, hazard or care.", metavar="SCHEME"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a battle chart: one page that works from a file, with the network off."""
    from layers.actions.chart_page import check_page  # noqa: PLC0415
    from layers.actions.chart_sources import ChartOrder  # noqa: PLC0415
    from layers.settings import load_settings  # noqa: PLC0415

    check_page(out)
    settings = load_settings()
    language: Language = lang.value if lang else settings.language
    if grids is None:
        _refuse_file_flags(
            code=code, name=name, buildings=buildings, households=households, status=status,
            cases=cases, datum=datum, x=x, y=y, map=columns, timezone=timezone, title=title,
        )  # fmt: skip
        _from_database(place or "all", out, (language, theme.value, scheme), as_json=as_json)
        return
    if place is not None:
        raise typer.BadParameter("Name a place of the database, or files with --grids; not both.")
    if code is None:
        raise typer.BadParameter("--grids needs --code, the column of the grids' codes.")
    order = ChartOrder(
        grids=grids, code=code, name=name, buildings=buildings, households=households,
        status=status, cases=cases, datum=datum, x=x, y=y, columns=_pairs(columns or []),
        timezone=timezone or settings.timezone, title=title, language=language,
        theme=theme.value, scheme=scheme,
    )  # fmt: skip
    _from_files(order, out, as_json=as_json)


def _from_database(
    place: str, out: Path, look: "tuple[Language, Theme, str | None]", *, as_json: bool
) -> None:
    from layers.actions.chart_page import write_page  # noqa: PLC0415
    from layers.actions.draw_chart import (  # noqa: PLC0415
        DEFAULT_SCHEME,
        ChartRequest,
        draw_chart,
    )

    language, theme, scheme = look
    began = time.perf_counter()
    with ready_database() as database:
        page = draw_chart(database, ChartRequest(place, language, theme, scheme or DEFAULT_SCHEME))
    write_page(page, out)
    _tell(out, {}, (), time.perf_counter() - began, as_json=as_json)


def _from_files(order: "ChartOrder", out: Path, *, as_json: bool) -> None:
    from layers.actions.chart_files import draw_chart_from_files  # noqa: PLC0415
    from layers.actions.chart_page import write_page  # noqa: PLC0415

    began = time.perf_counter()
    drawn = draw_chart_from_files(order)
    write_page(drawn.page, out)
    _tell(out, drawn.counts, drawn.notes, time.perf_counter() - began, as_json=as_json)


def _tell(
    out: Path, counts: dict[str, int], notes: tuple[str, ...], seconds: float, *, as_json: bool
) -> None:
    size = out.stat().st_size
    if as_json:
        answer = {
            "out": str(out),
            "bytes": size,
            "seconds": round(seconds, 3),
            "counts": counts,
            "notes": list(notes),
        }
        print_json(answer)
        return
    print_notes(notes)
    words = {
        "grids": "网格 grids", "buildings": "楼栋 buildings",
        "households": "户 households", "cases": "案件 cases",
    }  # fmt: skip
    for layer, count in counts.items():
        typer.echo(f"{count:>9,}  {words[layer]}")
    typer.echo(f"{out}  {size / 1e6:.1f} MB  {seconds:.1f} s")


def _pairs(flags: list[str]) -> dict[str, str]:
    pairs = {}
    for flag in flags:
        field, equals, column = flag.partition("=")
        if not (equals and field.strip() and column.strip()):
            raise typer.BadParameter(f"--map {flag}: write it as cases.state=COLUMN.")
        pairs[field.strip()] = column.strip()
    return pairs


def _refuse_file_flags(**flags: object) -> None:
    given = [name for name, value in flags.items() if value]
    if given:
        raise typer.BadParameter(
            f"--{given[0]} is of a chart of files: name the grids with --grids, or leave it out."
        )
