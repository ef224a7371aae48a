"""``lianxin edition changes`` and ``diff``: what changes between two editions, or two files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.options import FILE_OR_LAYER, AsJson, Code, Datum
from api.cli.output import Progress, print_json, print_notes

if TYPE_CHECKING:
    from gis.changes import EditionChanges, GridChange
    from layers.actions.compare_editions import Compared, Comparison

KINDS = {
    "kept": "不变 kept",
    "split": "拆分 split",
    "merged": "合并 merged",
    "moved": "边界变动 moved",
    "new": "新增 new",
    "gone": "撤销 gone",
}
_MOVED = {
    "building": "楼栋 buildings",
    "household": "住户 households",
    "open_case": "未结案件 open cases",
}
_SHOWN = 40

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the ground that changes owners (.gpkg, .geojson …), or the grids (.csv).",
    ),
]
Crosswalk = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the crosswalk old → new (.csv).")
]
Map = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", help="Write a map as one HTML page, for any browser."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``lianxin edition``."""
    group.command("changes")(changes)
    group.command("diff")(diff)


def changes(
    first: Annotated[
        int | None,
        typer.Argument(
            metavar="[OLD]", help="Number of the earlier edition: the one in force if left out."
        ),
    ] = None,
    second: Annotated[
        int | None,
        typer.Argument(
            metavar="NEW", help="Number of the later edition: the newest draft if left out."
        ),
    ] = None,
    as_json: AsJson = False,
    out: Out = None,
    crosswalk: Crosswalk = None,
    map_file: Map = None,
) -> None:
    """Show what a new edition changes: grids, ground, staff, buildings, households, open cases.

    Nothing is changed. One number alone is that of NEW.
    """
    from layers.actions.compare_editions import compare_stored  # noqa: PLC0415

    old, new = (first, second) if second is not None else (None, first)
    with _outputs(out, crosswalk, map_file) as (progress, write), ready_database() as database:
        found = compare_stored(database, new, old, progress=progress)
        write(found)
    _show(found, as_json=as_json)


def diff(  # noqa: PLR0913, PLR0917 - each parameter is a flag of the command
    old: Annotated[str, typer.Argument(metavar="OLD", help="Grids as they were: FILE[:LAYER].")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Grids as they will be.")],
    code: Code,
    new_code: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of the codes in NEW, where it is another."),
    ] = None,
    responsible: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of who answers for a grid, in both files."),
    ] = None,
    datum: Datum = None,
    buildings: Annotated[
        str | None, typer.Option(metavar=FILE_OR_LAYER, help="Buildings, as points or outlines.")
    ] = None,
    households: Annotated[
        str | None, typer.Option(metavar=FILE_OR_LAYER, help="Households, as points.")
    ] = None,
    place_code: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of the buildings' and households' codes."),
    ] = None,
    as_json: AsJson = False,
    out: Out = None,
    crosswalk: Crosswalk = None,
    map_file: Map = None,
) -> None:
    """Show what changes from one file of grids to another, with no database."""
    from layers.actions.compare_editions import FileOrder, compare_files  # noqa: PLC0415

    order = FileOrder(
        old, new, code, new_code, datum, buildings, households, place_code, responsible
    )
    with _outputs(out, crosswalk, map_file) as (progress, write):
        found = compare_files(order, progress=progress)
        write(found)
    _show(found, as_json=as_json)


@contextmanager
def _outputs(
    out: Path | None, crosswalk: Path | None, map_file: Path | None
) -> Iterator[tuple[Progress, Any]]:
    """Refuse files that cannot be written before any work; give a progress and the writer."""
    from layers.actions.compare_editions import write_changes, write_crosswalk  # noqa: PLC0415
    from layers.actions.draw_changes import write_map  # noqa: PLC0415
    from layers.exchange.writer import check_writable  # noqa: PLC0415

    for path in (out, crosswalk):
        if path is not None:
            check_writable(path)
    progress = Progress()

    def write(found: "Comparison") -> None:
        for path, writer in ((out, write_changes), (crosswalk, write_crosswalk)):
            if path is not None:
                print_notes(writer(found, path))
        if map_file is not None:
            write_map(found, map_file)

    try:
        yield progress, write
    finally:
        progress.end()


def _show(found: "Comparison", *, as_json: bool) -> None:
    if as_json:
        print_json(comparison_json(found))
        return
    print_notes(found.notes)
    typer.echo(f"{_named(found.old)} → {_named(found.new)}")
    changes = found.changes
    summary = changes.summary()
    for kind, count in summary["kinds"].items():
        typer.echo(f"  {count:>7,}  {KINDS[kind]}")
    typer.echo(f"  易主面积 ground that changes owners: {summary['changed_area_m2']:,.0f} m²")
    for name, words in _MOVED.items():
        count = summary[f"moved_{name}_count"]
        if count is not None:
            typer.echo(f"  {count:>7,}  {words} 变更归属 change owners")
    if summary["changed_staff_count"] is not None:
        typer.echo(
            f"  {summary['changed_staff_count']:>7,}  网格换负责人 "
            "grids that someone else answers for"
        )
    _print_grids(changes)


def _print_grids(changes: "EditionChanges") -> None:
    changed = changes.others()
    for grid in changed[:_SHOWN]:
        typer.echo(_line(grid))
    if len(changed) > _SHOWN:
        more = len(changed) - _SHOWN
        typer.echo(
            f"… 另有 {more:,} 个网格 · and {more:,} more grids; "
            "--json, --out 列出全部 list them all"
        )


def _line(grid: "GridChange") -> str:
    said = f"{grid.code}  {KINDS[grid.kind]}  +{grid.gained_m2:,.0f} −{grid.lost_m2:,.0f} m²"
    if grid.households is not None:
        said += f"  户 households +{grid.households.in_count:,} −{grid.households.out_count:,}"
    if grid.open_cases is not None:
        said += f"  案件 cases +{grid.open_cases.in_count:,} −{grid.open_cases.out_count:,}"
    others = [code for code in grid.goes_to if code != grid.code]
    sources = [code for code in grid.comes_from if code != grid.code]
    for mark, codes in (("→", others), ("←", sources)):
        if codes:
            said += f"  {mark} {', '.join(codes[:4])}{' …' if len(codes) > 4 else ''}"
    if grid.staff_changes:
        before, then = (
            name or "无人 nobody" for name in (grid.old_responsible, grid.new_responsible)
        )
        said += f"  负责人 answers for it: {before} → {then}"
    return said


def _named(edition: "Compared") -> str:
    if edition.edition_id is None:
        return edition.name
    return f"第 {edition.edition_id} 版 edition {edition.edition_id} ({edition.name})"


def comparison_json(found: "Comparison") -> dict[str, Any]:
    """Write a comparison for machines, without geometries."""
    changes = found.changes
    moves = {
        "buildings": changes.buildings,
        "households": changes.households,
        "open_cases": changes.open_cases,
    }
    return {
        "old": {"edition": found.old.edition_id, "name": found.old.name},
        "new": {"edition": found.new.edition_id, "name": found.new.name},
        "summary": changes.summary(),
        "grids": changes.grid_rows(),
        "crosswalk": changes.crosswalk_rows(),
        "moves": {name: None if each is None else each.rows() for name, each in moves.items()},
        "notes": list(found.notes),
    }
