"""Editions of a database compared, and files; nothing is changed by it."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.town import make_town
from layers.actions.compare_editions import (
    Comparison,
    FileOrder,
    compare_files,
    compare_stored,
    write_changes,
    write_crosswalk,
)
from layers.actions.draw_changes import draw_changes, write_map
from layers.actions.import_layer import ImportOptions
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.errors import EditionNotFound, FileUnreadable, MappingInvalid, NoEditionInForce
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer
from layers.session import Database
from tests.layers.actions.made import (
    STEP,
    grids,
    layer,
    load,
    middle,
    publish,
    read,
    rows_of,
    square,
)

EVERYTHING = ("editions", "grids", "buildings", "households", "cases", "case_placements")


def wider(codes: str = "AB") -> SourceLayer:
    """Two squares whose common edge lies a quarter farther east than in ``grids``."""
    west = square(0).union(square(1, size=STEP / 4)).envelope
    both = square(0).union(square(1)).envelope
    return layer([{"code": code} for code in codes], [west, both.difference(west)], name="grids")


def town(database: Database) -> int:
    """Two grids in force, with places on and beside the ground that ``wider`` moves."""
    seed_reference(database)
    edition = publish(database, grids("AB"))
    near, far = shapely.Point(middle(1).x - 0.4 * STEP, middle(1).y), middle(1)
    load(database, "buildings", layer([{"code": "b"}, {"code": "c"}],
                                      [near.buffer(1e-5), far.buffer(1e-5)]))  # fmt: skip
    load(database, "households", layer([{"code": c} for c in "hij"], [near, near, far]))
    rows = [{"source_id": s, "category": "54001", "state": s} for s in ("open", "closed")]
    load(database, "cases", layer(rows, [near, near]))
    return edition


def kinds(found: Comparison) -> dict[str, str]:
    return {grid.code: grid.kind for grid in found.changes.grids}


def test_the_newest_draft_is_compared_with_the_edition_in_force(database: Database) -> None:
    old = town(database)
    new = load(database, "grids", wider()).edition_id
    before = rows_of(database, *EVERYTHING)

    found = compare_stored(database)

    assert (found.old.edition_id, found.new.edition_id) == (old, new)
    assert kinds(found) == {"A": "moved", "B": "moved"}
    changes = found.changes
    assert changes.buildings is not None
    assert changes.households is not None
    assert changes.open_cases is not None
    assert changes.buildings.codes == ("b",)
    assert sorted(changes.households.codes) == ["h", "i"]
    assert len(changes.open_cases) == 1  # the closed one stays where it was
    assert rows_of(database, *EVERYTHING) == before


def test_what_was_foretold_is_what_publishing_does(database: Database) -> None:
    town(database)
    new = load(database, "grids", wider()).edition_id
    assert new is not None
    foretold = compare_stored(database, new).changes
    publish_edition(database, new)
    after = dict(read(database, "SELECT code, grid_code FROM households"))
    assert foretold.households is not None
    for move in foretold.households.rows():
        assert after[move["code"]] == move["new"]
    published = compare_stored(database, new)
    assert published.changes.summary() == foretold.summary()


def test_who_answers_for_the_grids_is_compared_too(database: Database) -> None:
    seed_reference(database)
    rows = [{"code": code, "responsible": name} for code, name in (("A", "张三"), ("B", "李四"))]
    publish(database, layer(rows, [square(0), square(1)], name="grids"))
    rows[1]["responsible"] = "王五"
    load(database, "grids", layer(rows, [square(0), square(1)], name="grids"))
    changes = compare_stored(database).changes
    assert changes.summary()["changed_staff_count"] == 1
    (other,) = changes.others()
    assert (other.kind, other.old_responsible, other.new_responsible) == ("kept", "李四", "王五")


def test_any_two_editions_may_be_named(database: Database) -> None:
    old = town(database)
    new = load(database, "grids", wider("AX")).edition_id
    assert kinds(compare_stored(database, new, old)) == {"A": "moved", "B": "gone", "X": "new"}
    assert kinds(compare_stored(database, old, new)) == {"A": "moved", "B": "new", "X": "gone"}
    assert set(kinds(compare_stored(database, old, old)).values()) == {"kept"}


def test_without_two_editions_it_says_what_to_do(database: Database) -> None:
    with pytest.raises(EditionNotFound, match="no draft"):
        compare_stored(database)
    draft = load(database, "grids", grids("AB")).edition_id
    assert draft is not None
    with pytest.raises(NoEditionInForce, match="Name two editions"):
        compare_stored(database)
    publish_edition(database, draft)
    with pytest.raises(EditionNotFound, match="the first"):
        compare_stored(database, draft)
    with pytest.raises(EditionNotFound, match="no edition 999"):
        compare_stored(database, 999)


def test_the_demo_town_with_two_grids_joined(database: Database) -> None:
    made = make_town(households=600, cases=0)
    seed_reference(database)
    national = ImportOptions(publish=True)

    def source(frame: gpd.GeoDataFrame, name: str) -> SourceLayer:
        rows = frame.drop(columns="geometry").astype(object)
        records = rows.where(rows.notna(), None).to_dict("records")
        return layer(records, list(frame.geometry), name=name)

    load(database, "areas", source(made.areas, "areas"), ImportOptions())
    load(database, "grids", source(made.grids, "grids"), national)
    load(database, "compounds", source(made.compounds, "compounds"), ImportOptions())
    load(database, "buildings", source(made.buildings, "buildings"), ImportOptions())
    households = made.households[["code", "building_code", "unit", "room", "geometry"]]
    load(database, "households", source(households, "households"), ImportOptions(),
         ColumnMapping())  # fmt: skip
    basic = made.grids[made.grids["kind"] == "basic"]
    edges = basic.geometry.iloc[0].boundary.intersection(basic.geometry.boundary).length
    first, second = basic.index[0], edges.drop(basic.index[0]).idxmax()
    joined = made.grids.copy()
    joined.loc[first, "geometry"] = shapely.union_all(
        made.grids.geometry.loc[[first, second]].to_numpy()
    )
    load(database, "grids", source(joined.drop(index=second), "grids"), ImportOptions())

    changes = compare_stored(database).changes

    kept, merged = made.grids.loc[second, "code"], made.grids.loc[first, "code"]
    by_code = {grid.code: grid for grid in changes.grids}
    assert (by_code[kept].kind, by_code[merged].kind) == ("gone", "merged")
    assert changes.summary()["kinds"]["kept"] == len(made.grids) - 2
    tally = by_code[kept].households
    assert tally is not None
    assert tally.old_count == tally.out_count > 0
    assert changes.summary()["moved_household_count"] == tally.old_count
    passage = next(row for row in changes.crosswalk if row.old == kept)
    assert (passage.new, passage.household_share) == (merged, 1.0)


@pytest.fixture
def files(tmp_path: Path) -> FileOrder:
    for name, made in (("old", grids("AB")), ("new", wider())):
        made.frame.rename(columns={"code": f"{name}_code"}).to_file(tmp_path / f"{name}.gpkg")
    rows = "code,lon,lat\n" + "".join(
        f"{code},{lon},{middle(1).y}\n"
        for code, lon in (("h", middle(1).x - 0.4 * STEP), ("i", middle(1).x), ("j", ""))
    )
    (tmp_path / "homes.csv").write_text(rows)
    return FileOrder(
        str(tmp_path / "old.gpkg"), str(tmp_path / "new.gpkg"), "old_code", "new_code",
        datum="cgcs2000", households=str(tmp_path / "homes.csv"), place_code="code",
    )  # fmt: skip


def test_files_are_compared_without_a_database(files: FileOrder) -> None:
    found = compare_files(files)
    assert kinds(found) == {"A": "moved", "B": "moved"}
    assert found.changes.households is not None
    assert found.changes.households.rows() == [{"code": "h", "old": "B", "new": "A"}]
    assert found.changes.buildings is None
    assert any("1 rows have no place" in note for note in found.notes)


def test_changes_are_written_as_table_map_layer_and_page(files: FileOrder, tmp_path: Path) -> None:
    found = compare_files(files)
    for name in ("areas.gpkg", "areas.geojson", "grids.csv"):
        write_changes(found, tmp_path / name)
    write_crosswalk(found, tmp_path / "crosswalk.csv")
    write_map(found, tmp_path / "map.html")
    for name in ("areas.gpkg", "areas.geojson"):
        (row,) = gpd.read_file(tmp_path / name).to_dict("records")
        assert (row["old"], row["new"], row["household_count"]) == ("B", "A", 1)
    table = (tmp_path / "grids.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in table[1:]] == [["A", "moved"], ["B", "moved"]]
    crosswalk = (tmp_path / "crosswalk.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in crosswalk[1:]] == [["A", "A"], ["B", "B"], ["B", "A"]]
    assert (tmp_path / "map.html").read_text() == draw_changes(found)
    with pytest.raises(FileUnreadable, match="no folder"):
        write_map(found, tmp_path / "away" / "map.html")


def test_files_say_who_answers_for_their_grids(tmp_path: Path) -> None:
    for name, people in (("old", ["张三", "李四"]), ("new", ["张三", None])):
        frame = grids("AB").frame[["code", "geometry"]]
        frame.assign(worker=people).to_file(tmp_path / f"{name}.gpkg")
    paths = [str(tmp_path / f"{name}.gpkg") for name in ("old", "new")]
    order = FileOrder(paths[0], paths[1], "code", datum="cgcs2000", responsible="worker")
    found = compare_files(order).changes
    assert found.summary()["changed_staff_count"] == 1
    assert [(grid.code, grid.new_responsible) for grid in found.others()] == [("B", None)]
    with pytest.raises(MappingInvalid, match="nobody_there"):
        compare_files(FileOrder(paths[0], paths[1], "code", datum="cgcs2000",
                                responsible="nobody_there"))  # fmt: skip


def test_a_column_that_is_not_there_is_named(files: FileOrder) -> None:
    with pytest.raises(MappingInvalid, match="old_code"):
        compare_files(FileOrder(files.old, files.new, "old_code"))
