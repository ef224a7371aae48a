"""``lianxin route``: a file of points to the grids that own them, with no database."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.importing import Progress

if TYPE_CHECKING:
    from layers.actions.route_file import RouteReport

_DATUMS = "wgs84, cgcs2000, gcj02, bd09, EPSG:n or ESRI:n"

# What a rule says of a point, in both languages.
_RULES = {
    "inside": ("格内", "inside one grid"),
    "boundary": ("边界上", "on a shared boundary"),
    "snapped": ("就近归格", "outside, taken to the nearest grid"),
    "fallback": ("兜底", "outside, to the area around it"),
    "outside": ("格外", "outside every grid"),
    "unplaced": ("无坐标", "no usable coordinates"),
}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("route")(route)


def route(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    points: Annotated[str, typer.Argument(help="Points: FILE or FILE:LAYER.", metavar="POINTS")],
    grids: Annotated[str, typer.Option(help="Grids: FILE or FILE:LAYER.", metavar="FILE[:LAYER]")],
    code: Annotated[str, typer.Option(help="Column of the grids' codes.", metavar="COLUMN")],
    out: Annotated[
        Path, typer.Option(help="Where to write: .csv, .gpkg or .parquet.", metavar="FILE")
    ],
    datum: Annotated[
        str | None,
        typer.Option(help=f"Datum of the points: {_DATUMS}. A CSV needs it.", metavar="DATUM"),
    ] = None,
    grids_datum: Annotated[
        str | None,
        typer.Option(help="Datum of the grids, where their file declares none.", metavar="DATUM"),
    ] = None,
    x: Annotated[
        str | None, typer.Option(help="Column of longitudes or eastings.", metavar="COLUMN")
    ] = None,
    y: Annotated[
        str | None, typer.Option(help="Column of latitudes or northings.", metavar="COLUMN")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Code page of the points, if it is found wrong.")
    ] = None,
    snap_m: Annotated[
        float, typer.Option(help="Take a point outside every grid to one so near.", min=0)
    ] = 50.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Add to each point of a file the grid that owns it; every row and column stays."""
    # Only this command needs it, and it takes a second to load.
    from layers.actions.route_file import RouteOrder, route_file  # noqa: PLC0415

    order = RouteOrder(
        points=points, grids=grids, code=code, out=out, datum=datum, grids_datum=grids_datum,
        x=x, y=y, encoding=encoding, snap_m=snap_m,
    )  # fmt: skip
    progress = Progress()
    try:
        report = route_file(order, progress=progress)
    finally:
        progress.end()
    if as_json:
        _print_json(report)
    else:
        _print_table(report)


def _print_json(report: "RouteReport") -> None:
    answer = {
        "rows": report.rows,
        "by_rule": report.by_rule,
        "grids": report.grids,
        "seconds": round(report.seconds, 3),
        "rows_per_second": round(report.rows_per_second),
        "routing_seconds": round(report.routing_seconds, 3),
        "out": str(report.out),
        "notes": list(report.notes),
    }
    typer.echo(json.dumps(answer, ensure_ascii=False))


def _print_table(report: "RouteReport") -> None:
    for note in report.notes:
        typer.echo(f"· {note}", err=True)
    for rule, count in report.by_rule.items():
        chinese, english = _RULES[rule]
        share = 100 * count / report.rows
        typer.echo(f"{rule:<9}{count:>11,}  {share:>5.1f} %  {chinese} · {english}")
    typer.echo(
        f"{'rows':<9}{report.rows:>11,}  in {report.seconds:.2f} s "
        f"({report.rows_per_second:,.0f} rows/s) to {report.grids} grids → {report.out}"
    )
