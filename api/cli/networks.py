"""``lianxin network``: departments' networks compared, and merged into one."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli.options import FILE_OR_LAYER, AsJson, CodeIfGrids, Datum
from api.cli.output import Progress, plural, print_json, print_notes

if TYPE_CHECKING:
    from gis.proposal import Bounds
    from layers.actions.compare_networks import CompareOrder, NetworkReport
    from layers.actions.import_layer import ImportReport

_RULES: Final = {
    "network_conflict": "边界交叉 · borders that cross",
    "network_hole": "空缺 · places that one leaves open",
    "split_building": "被切楼栋 · buildings that a border cuts",
    "household_count": "户数超出范围 · merged grids with too few or too many households",
}
_SHOWN: Final = 12


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Departments' networks: compare them, and merge them into one.")
    group.command("compare")(compare)
    group.callback()(_group)
    app.add_typer(group, name="network", no_args_is_help=True)


def _group() -> None:
    """Keep the word compare, though it is the only one."""


def compare(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    networks: Annotated[
        list[str],
        typer.Argument(
            help="Each department's grids; the borders of the first one lead.",
            metavar="NAME=FILE...",
        ),
    ],
    communities: Annotated[
        str | None, typer.Option(help="Areas that no grid crosses.", metavar=FILE_OR_LAYER)
    ] = None,
    buildings: Annotated[
        str | None,
        typer.Option(help="Kept whole; households by column.", metavar=FILE_OR_LAYER),
    ] = None,
    cases: Annotated[
        str | None, typer.Option(help="Open cases, as points.", metavar=FILE_OR_LAYER)
    ] = None,
    code: CodeIfGrids = None,
    datum: Datum = None,
    accept: Annotated[
        str | None,
        typer.Option(help="Merged grids that are agreed to: all, or codes.", metavar="CODE,CODE"),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="Old grids to be kept as they are.", metavar="NAME:CODE,CODE"),
    ] = None,
    households: Annotated[
        str, typer.Option(help="How many a basic grid should have; any: as drawn.", metavar="A..B")
    ] = "300..500",
    tolerance: Annotated[
        float, typer.Option(help="m² up to which nothing is found.", metavar="M2", min=0)
    ] = 1.0,
    sliver: Annotated[
        float, typer.Option(help="Width below which it is a sliver.", metavar="M", min=0)
    ] = 1.0,
    decision: Annotated[
        Path | None, typer.Option(help="What the map's page saved.", metavar="FILE.json")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The merged network, for import grids.", metavar="FILE")
    ] = None,
    crosswalk: Annotated[
        Path | None, typer.Option(help="Old grids to new ones, in shares.", metavar="FILE.csv")
    ] = None,
    moves: Annotated[
        Path | None, typer.Option(help="Each case's old and new grids.", metavar="FILE.csv")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--map", help="All of it on one page.", metavar="FILE.html")
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Store it as a draft edition, once all is accepted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lay departments' networks over one another, and propose one out of them.

    With several columns of codes write --code NAME=COLUMN,NAME=COLUMN. Exit status 1 while there
    are findings and not every grid of the proposal is accepted or kept.
    """
    from gis.networks import Tolerances  # noqa: PLC0415
    from layers.actions.accept_network import check_accepted  # noqa: PLC0415
    from layers.actions.compare_networks import compare_networks  # noqa: PLC0415

    order = _order(
        networks, code, communities=communities, buildings=buildings, cases=cases, datum=datum,
        bounds=_bounds(households), **_decided(accept, keep, decision),
    )  # fmt: skip
    tolerances = Tolerances(least_m2=tolerance, least_width_m=sliver)
    files = _checked({"out": out, "crosswalk": crosswalk, "moves": moves}, page, cases=cases)
    progress = Progress()
    try:
        report = compare_networks(order, tolerances=tolerances, progress=progress)
    finally:
        progress.end()
    _write(report, files, page, _command(order))
    stored = None
    if draft:
        check_accepted(report)
        stored = _store(report, networks)
    if as_json:
        print_json(_as_json(report, files | {"map": page}, stored))
    else:
        _print(report, files | {"map": page}, stored)
    if (report.findings and report.open_codes) or (stored is not None and stored.rejects):
        raise typer.Exit(1)


def _order(networks: list[str], code: str | None, **given: Any) -> "CompareOrder":
    from layers.actions.compare_networks import CompareOrder  # noqa: PLC0415

    sources: dict[str, str] = {}
    for text in networks:
        name, equals, file = text.partition("=")
        if not (equals and name.strip() and file.strip()):
            raise typer.BadParameter(f"{text}: write it as NAME=FILE, as in police=police.gpkg.")
        if name.strip() in sources:
            raise typer.BadParameter(f"two networks are called {name.strip()}.")
        sources[name.strip()] = file.strip()
    columns: dict[str, str] = {}
    for text in _listed(code):
        name, equals, column = text.rpartition("=")
        columns[name.strip()] = column.strip()
    return CompareOrder(sources, columns, **given)


def _bounds(text: str) -> "Bounds | None":
    from api.cli.proposing import bounds_of  # noqa: PLC0415

    return None if text.strip().lower() == "any" else bounds_of(text)


def _decided(accept: str | None, keep: str | None, decision: Path | None) -> dict[str, Any]:
    """Return what was decided on the command line and on the page, together."""
    words = _listed(accept)
    cells = _listed(keep)
    if decision is not None:
        accepted, kept = _read_decision(decision)
        words, cells = [*words, *accepted], [*cells, *kept]
    pairs: list[tuple[str, str]] = []
    name = ""
    for cell in cells:
        before, colon, code = cell.partition(":")
        # NAME:CODE,CODE: the name stands for all that follow
        name, code = (before, code) if colon else (name, cell)
        if not (name and code):
            raise typer.BadParameter(f"--keep {cell}: write it as NAME:CODE.")
        pairs.append((name, code))
    return {
        "accept": None if "all" in words else frozenset(words),
        "keep": tuple(dict.fromkeys(pairs)),
    }


def _listed(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _read_decision(path: Path) -> tuple[list[str], list[str]]:
    from layers.errors import FileUnreadable  # noqa: PLC0415

    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise FileUnreadable(f"{path} is no valid JSON: {error}.") from error
    found = found if isinstance(found, dict) else {"accept": None}
    accepted, kept = found.get("accept", []), found.get("keep", [])
    for words in (accepted, kept):
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise FileUnreadable(
                f'{path} is no decision: write it as {{"accept": [CODE], "keep": ["NAME:CODE"]}}.'
            )
    return accepted, kept


def _checked(
    files: dict[str, Path | None], page: Path | None, *, cases: str | None
) -> dict[str, Path | None]:
    """Refuse, before any work is done, what cannot be written."""
    from layers.actions.chart_page import check_page  # noqa: PLC0415
    from layers.exchange.writer import check_writable  # noqa: PLC0415

    for path in files.values():
        if path is not None:
            check_writable(path)
    if page is not None:
        check_page(page)
    if files["moves"] is not None and cases is None:
        raise typer.BadParameter("--moves needs --cases, the open cases.")
    return files


def _write(
    report: "NetworkReport", files: dict[str, Path | None], page: Path | None, command: str
) -> None:
    from gis.networks import Shown, render_page  # noqa: PLC0415
    from layers.actions.chart_page import write_page  # noqa: PLC0415
    from layers.exchange.writer import write_layer  # noqa: PLC0415

    tables = {"out": report.merged, "crosswalk": report.crosswalk, "moves": report.moves}
    for name, table in tables.items():
        path = files[name]
        if path is not None and table is not None:
            print_notes(write_layer(table, path))
    if page is not None:
        shown = Shown(report.comparison, report.proposal, report.accepted, command)
        write_page(render_page(shown), page)


def _command(order: "CompareOrder") -> str:
    from layers.actions.compare_networks import CompareOrder  # noqa: PLC0415

    words = [f"{name}={file}" for name, file in order.networks.items()]
    for flag in ("communities", "buildings", "cases", "datum"):
        value = getattr(order, flag)
        words += [f"--{flag}", value] if value else []
    columns = [f"{name}={column}" if name else column for name, column in order.code.items()]
    words += ["--code", ",".join(columns)] if columns else []
    bounds = order.bounds
    if bounds != CompareOrder(order.networks).bounds:
        words += ["--households", f"{bounds.fewest}..{bounds.most}" if bounds else "any"]
    quoted = [word if word.isascii() and " " not in word else f"'{word}'" for word in words]
    return " ".join(["lianxin network compare", *quoted])


def _store(report: "NetworkReport", networks: list[str]) -> "ImportReport":
    from api.cli.database import ready_database  # noqa: PLC0415
    from layers.actions.accept_network import accept_network  # noqa: PLC0415

    name = " + ".join(text.partition("=")[0] for text in networks)
    progress = Progress()
    try:
        with ready_database() as database:
            return accept_network(database, report, name=name, progress=progress)
    finally:
        progress.end()


def _print(
    report: "NetworkReport", files: dict[str, Path | None], stored: "ImportReport | None"
) -> None:
    from api.cli.edition_lines import print_findings  # noqa: PLC0415
    from layers.actions.importing.grids import finding_json  # noqa: PLC0415

    print_notes(report.inputs.notes)
    print_findings([finding_json(finding) for finding in report.findings], shown=_SHOWN)
    for network in report.inputs.networks:
        typer.echo(f"{len(network):>9,}  {network.name}")
    typer.echo(f"{len(report.comparison.agreements):>9,}  一致 · cells that agree")
    counts = Counter(finding.rule for finding in report.findings)
    for rule, words in _RULES.items():
        typer.echo(f"{counts[rule]:>9,}  {words}")
    grids = report.proposal.grids
    flagged = sum(grid.is_merged for grid in grids)
    typer.echo(
        f"{len(grids):>9,}  合并后网格 · merged grids; 跨社区 over several communities: {flagged}"
    )
    typer.echo(f"{len(grids) - len(report.open_codes):>9,}  已接受 · accepted")
    for path in files.values():
        if path is not None:
            typer.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    if stored is not None:
        for reject in stored.rejects[:_SHOWN]:
            typer.echo(f"  grid {reject.row}: {reject.reason}")
        errors = plural(len(stored.errors), "error", "errors")
        typer.echo(
            f"第 {stored.edition_id} 版草案 · draft edition {stored.edition_id}, {errors}. "
            f"查看 see: lianxin edition show {stored.edition_id}"
            if stored.edition_id is not None
            else "没有存入 · nothing was stored"
        )


def _as_json(
    report: "NetworkReport", files: dict[str, Path | None], stored: "ImportReport | None"
) -> dict[str, Any]:
    from layers.actions.importing.grids import finding_json  # noqa: PLC0415

    frame = report.merged.drop(columns="geometry")
    return {
        "networks": {network.name: len(network) for network in report.inputs.networks},
        "agreements": [
            {
                "codes": [f"{one.network_a}:{one.code_a}", f"{one.network_b}:{one.code_b}"],
                "share": one.share,
                "area_m2": one.area_m2,
            }
            for one in report.comparison.agreements
        ],
        "findings": [finding_json(finding) for finding in report.findings],
        "grids": json.loads(frame.to_json(orient="records", force_ascii=False)),
        "crosswalk": json.loads(report.crosswalk.to_json(orient="records", force_ascii=False)),
        "open": list(report.open_codes),
        "notes": list(report.inputs.notes),
        "files": {name: str(path) for name, path in files.items() if path is not None},
        "edition": None if stored is None else stored.edition_id,
        "rejected": None if stored is None else len(stored.rejects),
    }
