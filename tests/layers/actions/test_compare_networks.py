from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import InvalidGrids, MissingCrs
from gis.town import make_town
from layers.actions.accept_network import accept_network, check_accepted
from layers.actions.compare_networks import CompareOrder, NetworkReport, compare_networks
from layers.actions.import_layer import LayerName, import_layer
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.errors import LayerRefused, MappingInvalid
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.exchange.writer import write_layer
from layers.session import Database
from tests.layers.actions.made import NATIONAL, grids, layer, load, publish, read, square

STREET, COMMUNITIES = "150622003", ("150622003001", "150622003002")


def save(path: Path, shapes: list[shapely.Geometry], **columns: list[object]) -> str:
    gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4490").to_file(path)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two communities of two squares; civil affairs cut them by squares, police across."""
    squares = [square(column) for column in range(4)]
    save(tmp_path / "civil.gpkg", squares, 网格编码=["C1", "C2", "C3", "C4"],
         网格名称=["一", "二", "三", "四"], 网格员=["甲", None, "丙", "丁"])  # fmt: skip
    west, _, _, north = squares[0].bounds
    _, south, east, _ = squares[3].bounds
    middle = squares[2].bounds[0]
    save(
        tmp_path / "police.gpkg",
        [shapely.box(west, south, west + 0.005, north), shapely.box(west + 0.005, south, middle + 0.01, north)],  # noqa: E501
        code=["P1", "P2"], responsible=["警一", "警二"],
    )  # fmt: skip
    save(tmp_path / "communities.gpkg", [shapely.union(*squares[:2]), shapely.union(*squares[2:])],
         code=list(COMMUNITIES), name=["东", "西"], level=["community"] * 2)  # fmt: skip
    x = squares[0].bounds[2]
    save(tmp_path / "buildings.gpkg", [shapely.box(x - 1e-3, south + 1e-3, x + 2e-3, north - 1e-3)],
         code=["B1"], 户数=[30])  # fmt: skip
    points = [square(0).centroid, square(3).centroid, shapely.Point(0, 0)]
    save(tmp_path / "cases.gpkg", points, case_id=["a", "b", "c"])
    assert east > middle
    return tmp_path


def compared(folder: Path, **given: object) -> NetworkReport:
    files = {name: str(folder / f"{name}.gpkg") for name in ("communities", "buildings", "cases")}
    networks = {name: str(folder / f"{name}.gpkg") for name in ("civil", "police")}
    return compare_networks(CompareOrder(networks, **({"bounds": None} | files | given)))  # type: ignore[arg-type]


def test_the_merged_network_says_whence_and_who(folder: Path) -> None:
    merged = compared(folder).merged
    assert merged["code"].tolist() == [f"{c}00{n}" for c in COMMUNITIES for n in (1, 2)]
    assert merged["source_code"].tolist() == ["C1", "C2", "C3", "C4"]
    assert merged["name"].tolist() == ["一", "二", "三", "四"]
    assert merged["community_code"].tolist() == [c for c in COMMUNITIES for _ in range(2)]
    # civil affairs name nobody for C2; of its grids with a name C1 has ground there: the building
    assert merged["responsible"].tolist() == ["甲", "甲", "丙", "丁"]
    assert set(merged["decision"]) == {"open"}
    # the building lies for the most part in C2, and whole in the police's P2, which is mostly C2
    assert merged["household_count"].tolist() == [0, 30, 0, 0]


def test_the_crosswalk_has_who_answered(folder: Path) -> None:
    table = compared(folder).crosswalk
    assert set(table["network"]) == {"civil", "police"}
    sums = table.groupby(["network", "old_code"])["area_share"].sum()
    assert np.allclose(sums, 1)
    p2 = table[table["old_code"] == "P2"]
    assert set(p2["responsible"]) == {"警二"}
    assert p2["household_share"].sum() == pytest.approx(1)


def test_cases_follow_and_none_is_lost(folder: Path) -> None:
    moves = compared(folder).moves
    assert moves is not None
    assert moves.fillna("").to_numpy().tolist() == [
        ["a", "C1", "P1", f"{COMMUNITIES[0]}001"],
        ["b", "C4", "", f"{COMMUNITIES[1]}002"],
        ["c", "", "", ""],
    ]


def test_a_network_without_codes_is_known_by_its_rows(tmp_path: Path) -> None:
    file = save(tmp_path / "plain.gpkg", [square(0), square(1)], colour=["red", "blue"])
    report = compare_networks(CompareOrder({"plain": file}))
    assert report.inputs.networks[0].codes == ("1", "2")
    assert "known by their number" in " ".join(report.inputs.notes)
    named = compare_networks(CompareOrder({"plain": file}, {"plain": "colour"}))
    assert named.inputs.networks[0].codes == ("blue", "red")


def test_the_datum_counts_for_files_that_declare_none(folder: Path) -> None:
    path = folder / "plain.shp"
    save(path, [square(0)], code=["C1"])
    path.with_suffix(".prj").unlink()
    (folder / "points.csv").write_text("id,lon,lat\na,111.205,39.805\n")
    with pytest.raises(MissingCrs, match="plain"):
        compare_networks(CompareOrder({"plain": str(path)}))
    report = compare_networks(CompareOrder(
        {"plain": str(path), "civil": str(folder / "civil.gpkg")}, datum="cgcs2000",
        cases=str(folder / "points.csv"),
    ))  # fmt: skip
    assert [agreed.code_b for agreed in report.comparison.agreements] == ["C1"]
    assert report.moves is not None
    assert report.moves["old_plain"].tolist() == ["C1"]


def test_only_grids_of_the_proposal_can_be_accepted(folder: Path) -> None:
    first = f"{COMMUNITIES[0]}001"
    assert compared(folder, accept=frozenset({first})).open_codes == (
        f"{COMMUNITIES[0]}002", f"{COMMUNITIES[1]}001", f"{COMMUNITIES[1]}002",
    )  # fmt: skip
    assert compared(folder, accept=None).open_codes == ()
    with pytest.raises(MappingInvalid, match="nonsense"):
        compared(folder, accept=frozenset({"nonsense"}))
    with pytest.raises(InvalidGrids, match="P9"):
        compared(folder, keep=[("police", "P9")])
    with pytest.raises(MappingInvalid, match="fire"):
        compared(folder, code={"fire": "code"})


def test_a_kept_cell_is_accepted_and_may_take_what_was_accepted_before(folder: Path) -> None:
    codes = frozenset(grid.code for grid in compared(folder).proposal.grids)
    report = compared(folder, accept=codes, keep=[("police", "P2")])
    kept = [grid for grid in report.proposal.grids if grid.kept]
    assert [grid.communities for grid in kept] == [COMMUNITIES]
    assert kept[0].code.startswith(f"{STREET}601")
    assert report.open_codes == ()


def test_no_draft_is_made_while_something_is_open(folder: Path) -> None:
    with pytest.raises(LayerRefused, match=f"{COMMUNITIES[0]}001"):
        check_accepted(compared(folder))


def load_areas(folder: Path, database: Database) -> None:
    """Load the two communities."""
    banner = [{"code": "150622", "name": "旗", "level": "banner"},
              {"code": STREET, "name": "街道", "level": "street"}]  # fmt: skip
    areas = [*banner, *({"code": c, "name": c, "level": "community"} for c in COMMUNITIES)]
    path = folder / "areas.csv"
    path.write_text(
        "code,name,level\n" + "".join(f"{a['code']},{a['name']},{a['level']}\n" for a in areas)
    )
    import_layer(database, LayerName.AREAS, read_layer(path, geometry_required=False),
                 ColumnMapping(), options=NATIONAL)  # fmt: skip


def test_an_accepted_network_becomes_a_draft(folder: Path, fresh_database: Database) -> None:
    load_areas(folder, fresh_database)
    report = compared(folder, accept=None, keep=[("police", "P2")])

    stored = accept_network(fresh_database, report, name="merged")

    assert not stored.rejects
    assert not stored.errors
    assert read(fresh_database, "SELECT status FROM editions") == [("checked",)]
    rows = read(fresh_database, "SELECT code, community_code FROM grids ORDER BY code")
    assert rows == [(g.code, g.community_code) for g in report.proposal.grids]
    # the file is as good as the draft itself: the same grids are the same edition
    write_layer(report.merged, folder / "merged.gpkg")
    again = import_layer(fresh_database, LayerName.GRIDS, read_layer(folder / "merged.gpkg"),
                         ColumnMapping(), options=NATIONAL)  # fmt: skip
    assert again.edition_id == stored.edition_id


def test_staff_and_open_cases_follow_into_the_draft(folder: Path, fresh_database: Database) -> None:
    seed_reference(fresh_database)
    load_areas(folder, fresh_database)
    publish(fresh_database, grids(["C1", "C2", "C3", "C4"]))
    points = [square(0).centroid, square(3).centroid]
    rows = [{"source_id": name, "category": "54001", "state": "open"} for name in "ab"]
    load(fresh_database, "cases", layer(rows, points))
    report = compared(folder, accept=None)

    stored = accept_network(fresh_database, report, name="merged")

    assert stored.edition_id is not None
    staff = read(fresh_database, "SELECT code, responsible FROM grids WHERE edition_id = :id "
                 "ORDER BY code", id=stored.edition_id)  # fmt: skip
    new = [f"{community}00{n}" for community in COMMUNITIES for n in (1, 2)]
    assert staff == list(zip(new, ["甲", "甲", "丙", "丁"], strict=True))
    # all of C1's households live in the building that goes to the second grid
    assert report.merged["staff"].fillna("").tolist() == [
        "police:警一", "civil:甲, police:警二", "civil:丙", "civil:丁",
    ]  # fmt: skip
    publish_edition(fresh_database, stored.edition_id, override_reason="no building is owned")
    now = read(fresh_database, "SELECT source_id, grid_code FROM cases ORDER BY 1")
    assert report.moves is not None
    told = report.moves.set_index("case")["new_code"]
    assert now == [("a", told["a"]), ("b", told["b"])] == [("a", new[0]), ("b", new[3])]


def test_the_demo_town_merges_with_a_network_made_from_it(tmp_path: Path) -> None:
    town = make_town(households=3000, cases=50)
    cells = town.grids
    paths = {name: str(tmp_path / f"{name}.gpkg")
             for name in ("civil", "police", "communities", "buildings", "cases")}  # fmt: skip
    cells.to_file(paths["civil"])
    # the police have two grids joined, one left out, and the rest as civil affairs have it
    shapes = [shapely.union_all(cells.geometry[:2].to_numpy()), *cells.geometry[3:]]
    codes = [f"P{number}" for number in range(len(shapes))]
    gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=cells.crs).to_file(paths["police"])
    town.areas.dropna(subset="geometry").to_file(paths["communities"])
    town.buildings.to_file(paths["buildings"])
    town.cases.to_file(paths["cases"])
    report = compare_networks(CompareOrder(
        {"civil": paths["civil"], "police": paths["police"]}, communities=paths["communities"],
        buildings=paths["buildings"], cases=paths["cases"],
    ))  # fmt: skip
    assert len(report.comparison.agreements) == len(cells) - 3
    (hole,) = report.comparison.of("network_hole")
    assert hole.codes == ("police", f"civil:{cells['code'][2]}")
    assert report.comparison.of("network_conflict") == []
    assert report.proposal.unsettled == ()
    # what civil affairs drew stands as it was, codes and all
    assert report.merged["code"].tolist() == sorted(cells["code"])
    assert (
        report.merged["responsible"].tolist() == cells.sort_values("code")["responsible"].tolist()
    )
    assert report.moves is not None
    assert report.moves["new_code"].tolist() == report.moves["old_civil"].tolist()
