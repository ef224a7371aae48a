"""File to file: every row stays, in order, and gets its owner."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.errors import MissingCrs
from layers.actions.route_file import RouteOrder, RouteReport, route_file
from layers.errors import FileUnreadable, LayerRefused, MappingInvalid

WEST, EAST = shapely.box(111, 39, 111.01, 39.01), shapely.box(111.01, 39, 111.02, 39.01)
CASES = '''编号,说明,lon,lat
007,"a, ""b""",111.005,39.005
008,边界,111.01,39.005
009,近,111.0201,39.005
010,远,112,39.005
011,空,,
012,字,东,39
013,NA,111.015,39.005
'''


@pytest.fixture
def grids(tmp_path: Path) -> Path:
    path = tmp_path / "grids.gpkg"
    frame = gpd.GeoDataFrame({"code": ["G01", "G02"]}, geometry=[WEST, EAST], crs=4490)
    frame.to_file(path)
    return path


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(CASES, encoding="utf-8")
    return path


def route(points: Path, grids: Path | str, out: str, **more) -> tuple[RouteReport, Path]:
    target = points.parent / out
    order = RouteOrder(points, grids, more.pop("code", "code"), target, **more)
    return route_file(order), target


def text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_every_row_gets_its_owner_and_its_rule(cases: Path, grids: Path) -> None:
    report, out = route(cases, grids, "out.csv", datum="wgs84")
    routed = text(out)
    assert routed["rule"].tolist() == [
        "inside", "boundary", "snapped", "outside", "unplaced", "unplaced", "inside",
    ]  # fmt: skip
    assert routed["grid_code"].tolist() == ["G01", "G01", "G02", "", "", "", "G02"]
    assert routed["reason"].tolist()[4:6] == [
        "no usable coordinates: lon is empty, lat is empty",
        "no usable coordinates: lon is “东”, no number",
    ]
    assert (routed["reason"].drop([4, 5]) == "").all()
    assert float(routed["distance_to_boundary_m"][0]) == pytest.approx(432, abs=5)
    assert float(routed["distance_to_boundary_m"][1]) == 0
    assert report.rows == 7
    assert report.by_rule == {
        "inside": 2, "boundary": 1, "snapped": 1, "outside": 1, "unplaced": 2,
    }  # fmt: skip
    assert report.grids == 2


def test_every_value_of_the_file_is_kept(cases: Path, grids: Path) -> None:
    _, out = route(cases, grids, "out.csv", datum="wgs84")
    before, after = text(cases), text(out)
    added = list(after.columns)[4:]
    assert added == ["grid_code", "rule", "distance_to_boundary_m", "lon_2", "lat_2", "reason"]
    pd.testing.assert_frame_equal(after[before.columns], before)


def test_added_names_that_are_taken_get_a_suffix_and_say_so(cases: Path, grids: Path) -> None:
    report, out = route(cases, grids, "out.csv", datum="wgs84")
    assert any("column lon of its own: the added one is lon_2" in n for n in report.notes)
    assert text(out)["lon_2"][0] == "111.005"


def test_routing_what_was_routed_adds_again_and_changes_nothing(cases: Path, grids: Path) -> None:
    _, once = route(cases, grids, "once.csv", datum="wgs84")
    _, twice = route(once, grids, "twice.csv", datum="wgs84", x="lon", y="lat")
    first, second = text(once), text(twice)
    pd.testing.assert_frame_equal(second[first.columns], first)
    assert second["grid_code_2"].tolist() == first["grid_code"].tolist()


@pytest.mark.parametrize("ending", ["gpkg", "parquet"])
def test_other_formats_have_the_points(cases: Path, grids: Path, ending: str) -> None:
    _, out = route(cases, grids, f"out.{ending}", datum="wgs84")
    routed = gpd.read_parquet(out) if ending == "parquet" else gpd.read_file(out)
    assert routed.crs.to_epsg() == 4490
    assert routed["编号"].tolist() == ["007", "008", "009", "010", "011", "012", "013"]
    assert routed.geometry.iloc[0].equals(shapely.Point(111.005, 39.005))
    assert routed.geometry.iloc[4] is None
    assert routed["rule"].iloc[4] == "unplaced"
    assert routed["grid_code"].iloc[0] == "G01"
    assert pd.isna(routed["grid_code"].iloc[4])


def test_gcj02_points_land_in_the_right_grid(tmp_path: Path, grids: Path) -> None:
    path = tmp_path / "phone.csv"
    # GCJ-02 of a point just west of the shared edge; read as WGS 84 it lies in the next grid.
    path.write_text("x,y\n111.01160,39.00640\n")
    _, as_gcj = route(path, grids, "gcj.csv", datum="gcj02")
    _, as_wgs = route(path, grids, "wgs.csv", datum="wgs84")
    assert text(as_gcj)["grid_code"].tolist() == ["G01"]
    assert text(as_wgs)["grid_code"].tolist() == ["G02"]


def test_a_datum_that_seems_wrong_is_doubted_not_changed(tmp_path: Path, grids: Path) -> None:
    path = tmp_path / "phone.csv"
    # A point in G02 as a phone sends it: in GCJ-02 it lies east of all grids.
    path.write_text("x,y\n111.0245,39.0064\n")
    report, out = route(path, grids, "out.csv", datum="wgs84")
    assert text(out)["rule"].tolist() == ["outside"]
    assert any("1 points lie in no grid but would in another datum" in n for n in report.notes)


def test_a_file_with_a_crs_needs_no_datum(tmp_path: Path, grids: Path) -> None:
    path = tmp_path / "points.gpkg"
    points = gpd.GeoDataFrame(
        {"n": [1, 2]}, geometry=[shapely.Point(111.005, 39.005), None], crs=4490
    )
    points.to_crs(4546).to_file(path)
    _, out = route(path, grids, "out.csv")
    routed = text(out)
    assert routed["grid_code"].tolist() == ["G01", ""]
    assert routed["reason"][1].startswith("it has no geometry")


def test_a_csv_needs_a_datum(cases: Path, grids: Path) -> None:
    with pytest.raises(MissingCrs, match="--datum"):
        route(cases, grids, "out.csv")
    assert not (cases.parent / "out.csv").exists()


def test_a_spreadsheets_file_goes_back_as_a_spreadsheet_reads_it(
    tmp_path: Path, grids: Path
) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(CASES.replace(",", ";").encode("gb18030"))
    report, out = route(path, grids, "out.csv", datum="wgs84")
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert out.read_text(encoding="utf-8-sig").splitlines()[1].startswith("007;")
    assert any("gb18030" in note for note in report.notes)


def test_grids_in_pieces_or_invalid_are_taken_and_said(tmp_path: Path, cases: Path) -> None:
    path = tmp_path / "pieces.geojson"
    bow = shapely.Polygon([(111.01, 39), (111.02, 39.01), (111.02, 39), (111.01, 39.01)])
    halves = [shapely.box(111, 39, 111.005, 39.01), shapely.box(111.005, 39, 111.01, 39.01)]
    gpd.GeoDataFrame({"code": [1, 1, 2]}, geometry=[*halves, bow], crs=4326).to_file(path)
    report, out = route(cases, path, "out.csv", datum="wgs84")
    assert text(out)["grid_code"][0] == "1"
    assert any("1 grids have invalid outlines and were mended: 2" in n for n in report.notes)
    assert any("1 codes come in several rows" in n for n in report.notes)


@pytest.mark.parametrize(
    ("codes", "geometries", "message"),
    [
        (["a", None], [WEST, EAST], r"no code in code in row 2"),
        (["a", ""], [WEST, EAST], r"no code in code in row 2"),
        (["a", "b"], [WEST, None], r"no area \(polygon\) in row 2"),
        (["a", "b"], [WEST, shapely.Point(1, 2)], r"no area \(polygon\) in row 2"),
        ([], [], "no grid at all"),
    ],
)
def test_grids_that_cannot_own_anything_are_refused(
    tmp_path: Path, cases: Path, codes: list, geometries: list, message: str
) -> None:
    path = tmp_path / "bad.parquet"
    gpd.GeoDataFrame(
        {"code": pd.Series(codes, dtype="str")}, geometry=geometries, crs=4326
    ).to_parquet(path)
    with pytest.raises(LayerRefused, match=message):
        route(cases, path, "out.csv", datum="wgs84")


def test_a_code_column_that_is_not_there_is_told(cases: Path, grids: Path) -> None:
    with pytest.raises(MappingInvalid, match=r"no column “cod”. Did you mean “code”"):
        route(cases, grids, "out.csv", datum="wgs84", code="cod")


def test_only_points_are_routed(grids: Path) -> None:
    with pytest.raises(LayerRefused, match=r"holds no points but (Multi)?Polygons"):
        route(grids, grids, "out.csv")


def test_what_is_read_is_never_overwritten(cases: Path, grids: Path) -> None:
    with pytest.raises(FileUnreadable, match="is read from"):
        route(cases, grids, "cases.csv", datum="wgs84")
    assert cases.read_text(encoding="utf-8") == CASES


def test_an_ending_that_is_not_offered_is_told(cases: Path, grids: Path) -> None:
    with pytest.raises(FileUnreadable, match="CSV, GeoPackage or GeoParquet"):
        route(cases, grids, "out.geojson", datum="wgs84")


def test_how_far_to_snap_is_the_askers_choice(cases: Path, grids: Path) -> None:
    _, out = route(cases, grids, "out.csv", datum="wgs84", snap_m=0)
    assert text(out)["rule"][2] == "outside"


def test_an_empty_file_stays_empty(tmp_path: Path, grids: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("lon,lat\n")
    report, out = route(path, grids, "out.csv", datum="wgs84")
    assert report.rows == 0
    assert len(text(out)) == 0


def test_progress_is_told(cases: Path, grids: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    order = RouteOrder(cases, grids, "code", cases.parent / "out.csv", datum="wgs84")
    route_file(order, progress=lambda *what: told.append(what))
    assert ("route", 7, 7) in told
    assert told[-1][0] == "write"


def test_many_rows_are_routed_in_parts_and_stay_in_order(
    cases: Path, grids: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = route(cases, grids, "whole.csv", datum="wgs84")
    monkeypatch.setattr("layers.exchange.csv_points._BLOCK_BYTES", 80)
    _, parts = route(cases, grids, "parts.csv", datum="wgs84")
    assert parts.read_bytes() == whole.read_bytes()
