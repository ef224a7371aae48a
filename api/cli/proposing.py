"""``lianxin edition propose``: grids drawn for a community, for somebody to judge."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.options import FILE_OR_LAYER, AsJson, Datum
from api.cli.output import print_json, print_notes

if TYPE_CHECKING:
    from gis.proposal import Bounds, Score
    from layers.actions.propose_grids import ProposedGrids

_GROUP = "edition"
_RANGE = re.compile(r"^\s*(\d{1,6})\s*(?:\.\.|-|–)\s*(\d{1,6})\s*$")


def register(app: typer.Typer) -> None:
    """Add the command to the group ``edition``, which is registered before."""
    found = next((g.typer_instance for g in app.registered_groups if g.name == _GROUP), None)
    if found is None:
        found = typer.Typer()
        app.add_typer(found, name=_GROUP)
    found.command("propose")(propose)


def propose(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    community: Annotated[
        str | None,
        typer.Option(help="Code of the community; its grids' codes begin so.", metavar="CODE"),
    ] = None,
    households: Annotated[
        str, typer.Option(help="How many a grid should have.", metavar="A..B")
    ] = "300..500",
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write grids for lianxin import grids.", metavar="FILE"),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--map", help="Where to write a map.", metavar="FILE.html")
    ] = None,
    streets: Annotated[
        str | None,
        typer.Option(
            help="Lines to draw along; the database has none. Without: between the buildings.",
            metavar=FILE_OR_LAYER,
        ),
    ] = None,
    outline: Annotated[
        str | None, typer.Option(help="Use files, with no database.", metavar=FILE_OR_LAYER)
    ] = None,
    buildings: Annotated[
        str | None, typer.Option(help="Polygons or points.", metavar=FILE_OR_LAYER)
    ] = None,
    households_column: Annotated[
        str | None, typer.Option(help="Of the buildings' file.", metavar="COLUMN")
    ] = None,
    compounds: Annotated[
        str | None, typer.Option(help="Polygons to keep whole.", metavar=FILE_OR_LAYER)
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Grids to compare with.", metavar=FILE_OR_LAYER)
    ] = None,
    datum: Datum = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Leave other communities' grids out of --out.")
    ] = False,
    first: Annotated[
        int | None, typer.Option(help="First new number.", metavar="N", min=1, max=999)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another try.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Propose grids that keep buildings and compounds whole, along streets, even in size.

    Nothing is stored. New grids get numbers that the community never had; a grid that is as it was
    keeps its code, a dedicated one its land too.
    """
    from layers.actions.propose_grids import (  # noqa: PLC0415
        ProposalFiles,
        ProposalWish,
        propose_from_database,
        propose_from_files,
    )

    wish = ProposalWish(bounds_of(households), first, seed)
    _check_targets(out, page)
    began = time.perf_counter()
    if outline is None:
        _refuse_file_flags(
            buildings=buildings, households_column=households_column, compounds=compounds,
            against=against,
        )  # fmt: skip
        if community is None:
            raise typer.BadParameter("Name a --community of the database, or an --outline file.")
        with ready_database() as database:
            done = propose_from_database(database, community, wish, streets=streets, datum=datum)
    else:
        if buildings is None:
            raise typer.BadParameter("--outline needs --buildings, with their households.")
        files = ProposalFiles(
            outline, buildings, streets, compounds, against, households_column, datum
        )
        done = propose_from_files(files, community, wish)
    _write(done, out, page, alone=alone)
    seconds = time.perf_counter() - began
    if as_json:
        print_json(_as_json(done, seconds) | {"out": _path(out), "map": _path(page)})
    else:
        _print(done, seconds)
        for written in filter(None, (out, page)):
            typer.echo(f"→ {written}")


def _check_targets(out: Path | None, page: Path | None) -> None:
    """Refuse, before any work is done, what cannot be written."""
    from layers.actions.chart_page import check_page  # noqa: PLC0415
    from layers.exchange.writer import check_writable  # noqa: PLC0415

    if out is not None:
        check_writable(out)
    if page is not None:
        check_page(page)


def _write(done: "ProposedGrids", out: Path | None, page: Path | None, *, alone: bool) -> None:
    from layers.actions.chart_page import write_page  # noqa: PLC0415
    from layers.exchange.writer import write_layer  # noqa: PLC0415

    if out is not None:
        write_layer(done.frame if alone else done.edition(), out)
    if page is not None:
        write_page(done.page(), page)


def bounds_of(text: str) -> "Bounds":
    """Return the range of households that a flag names."""
    from gis.proposal import Bounds  # noqa: PLC0415

    match = _RANGE.match(text)
    if match is None:
        raise typer.BadParameter(f"--households {text}: write it as 300..500.")
    return Bounds(int(match[1]), int(match[2]))


def _refuse_file_flags(**flags: object) -> None:
    given = [name.replace("_", "-") for name, value in flags.items() if value]
    if given:
        raise typer.BadParameter(f"--{given[0]} goes with --outline, a proposal from files.")


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _print(done: "ProposedGrids", seconds: float) -> None:
    from gis.proposal.sheet import score_labels, score_words  # noqa: PLC0415

    print_notes(done.notes)
    shown = done.proposed
    for code, name, count in zip(shown.codes, shown.names, shown.score.households, strict=True):
        typer.echo(f"{code}  {count:>6,} 户 households  {name}")
    theirs = done.in_force
    typer.echo(f"{'建议 now':>12} {'现行 before' if theirs else ''}")
    columns = [score_words(each.score) for each in (shown, theirs) if each is not None]
    for label, *values in zip(score_labels(done.bounds), *columns, strict=True):
        typer.echo(f"{''.join(f'{value:>10}' for value in values)}  {label}")
    typer.echo(f"{done.proposal.atom_count:,} atoms, {seconds:.1f} s")


def _as_json(done: "ProposedGrids", seconds: float) -> dict[str, Any]:
    shown = done.proposed
    rows = zip(shown.codes, shown.names, shown.score.households, strict=True)
    return {
        "grids": [{"code": code, "name": name, "households": count} for code, name, count in rows],
        "kept": done.frame["code"].iloc[len(shown.codes) :].tolist(),
        "oversize": [shown.codes[i] for i in done.proposal.oversize],
        "undersize": [shown.codes[i] for i in done.proposal.undersize],
        "in_pieces": [shown.codes[i] for i in done.proposal.in_pieces],
        "score": _score_json(shown.score),
        "score_in_force": None if done.in_force is None else _score_json(done.in_force.score),
        "seconds": round(seconds, 3),
        "notes": list(done.notes),
    }


def _score_json(score: "Score") -> dict[str, Any]:
    def short(share: float | None) -> float | None:
        return None if share is None else round(share, 4)

    return {
        "grids": score.grid_count,
        "share_within": short(score.share_within),
        "largest_deviation": short(score.largest_deviation),
        "compactness_mean": short(score.compactness_mean),
        "compactness_worst": short(score.compactness_worst),
        "buildings_split": score.buildings_split,
        "compounds_split": score.compounds_split,
        "street_share": short(score.street_share),
    }
