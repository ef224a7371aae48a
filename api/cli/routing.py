"""``lianxin route``: a file of points to the grids that own them, with no database."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import FILE_OR_LAYER, AsJson, Code, Datum, Encoding, X, Y
from api.cli.output import RULES, Progress, print_json, print_notes

if TYPE_CHECKING:
    from layers.actions.route_file import RouteReport


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("route")(route)


def route(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    points: Annotated[
        str,
        typer.Argument(
            help="Points: FILE or FILE:LAYER, or a folder of Parquet parts.", metavar="POINTS"
        ),
    ],
    grids: Annotated[str, typer.Option(help="Grids: FILE or FILE:LAYER.", metavar=FILE_OR_LAYER)],
    code: Code,
    out: Annotated[
        str,
        typer.Option(
            help="Where to write: .csv, .gpkg or .parquet; for parts a folder.", metavar="FILE"
        ),
    ],
    datum: Datum = None,
    grids_datum: Annotated[
        str | None,
        typer.Option(help="Datum of the grids, where their file declares none.", metavar="DATUM"),
    ] = None,
    x: X = None,
    y: Y = None,
    encoding: Encoding = None,
    snap_m: Annotated[
        float, typer.Option(help="Take a point outside to a grid so near.", metavar="METRES", min=0)
    ] = 50.0,
    workers: Annotated[
        int | None,
        typer.Option(help="For parts: start so many processes here.", metavar="N", min=1),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="For parts: a dask scheduler, as tcp://host:8786.", metavar="ADDRESS"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="For parts: keep those of an earlier run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add to each point of a file the grid that owns it; every row and column stays."""
    # Only this command needs it, and it takes a second to load.
    from layers.actions.route_file import RouteOrder, route_file  # noqa: PLC0415

    order = RouteOrder(
        points=points, grids=grids, code=code, out=out, datum=datum, grids_datum=grids_datum,
        x=x, y=y, encoding=encoding, snap_m=snap_m, workers=workers, cluster=cluster, resume=resume,
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
        "parts": report.parts,
        "parts_kept": report.parts_kept,
        "notes": list(report.notes),
    }
    print_json(answer)


def _print_table(report: "RouteReport") -> None:
    print_notes(report.notes)
    for rule, count in report.by_rule.items():
        share = 100 * count / report.rows
        typer.echo(f"{rule:<9}{count:>11,}  {share:>5.1f} %  {RULES[rule]}")
    if report.parts > 1 or report.parts_kept:
        kept = f", {report.parts_kept:,} of them by an earlier run" * bool(report.parts_kept)
        typer.echo(f"{'parts':<9}{report.parts:>11,}{kept}")
    typer.echo(
        f"{'rows':<9}{report.rows:>11,}  in {report.seconds:.2f} s "
        f"({report.rows_per_second:,.0f} rows/s) to {report.grids} grids → {report.out}"
    )
