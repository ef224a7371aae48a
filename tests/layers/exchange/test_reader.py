"""Any file that a place may have comes in with its names, places and rows, or says why not."""

import os
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import MissingCrs
from layers.errors import FileUnreadable, LayerRefused
from layers.exchange.reader import SourceLayer, read_layer, split_source

SQUARES = [shapely.box(111, 39, 111.01, 39.01), shapely.box(111.01, 39, 111.02, 39.01)]
NAMES = {
    "cp932": ("町名", ["鳥取市", "カナヤ町"]),
    "gbk": ("名称", ["蓝天街道", "兴隆街道"]),
    "big5": ("名稱", ["臺北市", "中正區"]),
    "iso-8859-1": ("Straße", ["Nürnberg", "Größe"]),
    "euc-kr": ("이름", ["서울특별시", "부산광역시"]),
    "utf-8": ("名称", ["蓝天街道", "Nürnberg"]),
}


@pytest.fixture
def grids() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": ["G01", "G02"], "名称": ["蓝天街道", "兴隆街道"], "count": [3, 4]},
        geometry=SQUARES, crs=4326,
    )  # fmt: skip


def write_shapefile(folder: Path, codec: str, *, cpg: bool, driver: int = 0) -> Path:
    """Write a shapefile as programs do: text in a code page, declared or not."""
    header, names = NAMES[codec]
    frame = gpd.GeoDataFrame({header: names}, geometry=SQUARES, crs=4326)
    path = folder / "grids.shp"
    frame.to_file(path, encoding=codec)
    if not cpg:
        path.with_suffix(".cpg").unlink()
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[29] = driver
    path.with_suffix(".dbf").write_bytes(dbf)
    return path


def assert_same_squares(layer: SourceLayer, tolerance: float = 0.0) -> None:
    assert layer.frame.crs.to_epsg() == 4490
    for placed, square in zip(layer.frame.geometry, SQUARES, strict=True):
        assert shapely.equals_exact(placed.normalize(), square.normalize(), tolerance)


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "fgb", "shp", "parquet"])
def test_every_format_comes_in_the_same(
    tmp_path: Path, grids: gpd.GeoDataFrame, ending: str
) -> None:
    path = tmp_path / f"grids.{ending}"
    if ending == "parquet":
        grids.to_parquet(path)
    else:
        grids.to_file(path, encoding="utf-8")
    layer = read_layer(path)
    assert sorted(layer.frame["code"]) == ["G01", "G02"]
    assert sorted(layer.frame["名称"]) == ["兴隆街道", "蓝天街道"]
    assert sorted(layer.frame["count"]) == [3, 4]
    assert layer.rows.tolist() == [1, 2]
    assert layer.name == "grids"
    assert layer.raw_x is None
    assert_same_squares(read_layer(path) if ending != "fgb" else _in_order(layer))


def _in_order(layer: SourceLayer) -> SourceLayer:
    """FlatGeobuf orders rows by place."""
    frame = layer.frame.sort_values("code")
    return SourceLayer(frame, layer.rows, layer.name, layer.datum)


@pytest.mark.parametrize("codec", NAMES)
@pytest.mark.parametrize("cpg", [True, False], ids=["with .cpg", "without .cpg"])
def test_shapefiles_in_any_code_page(tmp_path: Path, codec: str, cpg: bool) -> None:
    layer = read_layer(write_shapefile(tmp_path, codec, cpg=cpg))
    header, names = NAMES[codec]
    assert layer.frame[header].tolist() == names
    assert any("Text read as" in note for note in layer.notes)


def test_the_language_driver_of_the_dbf_counts(tmp_path: Path) -> None:
    layer = read_layer(write_shapefile(tmp_path, "gbk", cpg=False, driver=0x4D))
    assert layer.frame["名称"].tolist() == ["蓝天街道", "兴隆街道"]
    assert "language driver 0x4D" in layer.notes[0]


def test_a_wrong_cpg_is_passed_over_and_said(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "gbk", cpg=True)
    path.with_suffix(".cpg").write_text("UTF-8")
    layer = read_layer(path)
    assert layer.frame["名称"].tolist() == ["蓝天街道", "兴隆街道"]
    assert layer.encoding == "gb18030"
    assert "Passed over utf-8" in layer.notes[0]


def test_encoding_given_wins(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "iso-8859-1", cpg=False)
    layer = read_layer(path, encoding="cp1250")
    assert layer.frame.iloc[0, 0] == "Nürnberg"
    assert layer.encoding == "cp1250"


def test_a_name_cut_by_the_width_of_its_column_loses_only_its_last_character(
    tmp_path: Path,
) -> None:
    path = write_shapefile(tmp_path, "gbk", cpg=True)
    dbf = path.with_suffix(".dbf").read_bytes()
    full = "蓝天街道".encode("gbk")
    path.with_suffix(".dbf").write_bytes(dbf.replace(full, full[:-1] + b" "))
    assert read_layer(path).frame["名称"].tolist() == ["蓝天街", "兴隆街道"]


@pytest.mark.parametrize("folder", ["", "数据/"])
def test_a_zipped_shapefile_comes_in_at_any_depth(tmp_path: Path, folder: str) -> None:
    path = write_shapefile(tmp_path, "cp932", cpg=False)
    packed = tmp_path / "grids.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(tmp_path.glob("grids.*")):
            if part != packed:
                archive.write(part, f"{folder}{part.name.upper()}")
        archive.writestr("__MACOSX/._grids.shp", b"x")
        archive.writestr("readme.txt", b"x")
    layer = read_layer(packed)
    assert layer.frame["町名"].tolist() == ["鳥取市", "カナヤ町"]
    assert layer.name == "GRIDS"
    assert path.is_file()


def test_a_zip_of_several_shapefiles_needs_a_name(tmp_path: Path) -> None:
    write_shapefile(tmp_path, "utf-8", cpg=True)
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(tmp_path.glob("grids.*")):
            archive.write(part, f"a{part.suffix}")
            archive.write(part, f"b{part.suffix}")
    with pytest.raises(FileUnreadable, match=r"has 2 layers: a, b. Name one, as in all.zip:a"):
        read_layer(packed)
    assert read_layer(f"{packed}:b").name == "b"


def test_a_zip_without_a_shapefile_says_so(tmp_path: Path) -> None:
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("grids.gpkg", b"x")
    with pytest.raises(FileUnreadable, match=r"holds no .shp"):
        read_layer(packed)


def test_layers_are_listed_when_none_is_named(tmp_path: Path, grids: gpd.GeoDataFrame) -> None:
    path = tmp_path / "areas.gpkg"
    grids.to_file(path, layer="council")
    grids.to_file(path, layer="police")
    with pytest.raises(FileUnreadable, match=r"2 layers: council, police.*areas.gpkg:council"):
        read_layer(path)
    with pytest.raises(FileUnreadable, match=r"no layer “polices”. Did you mean police\?"):
        read_layer(f"{path}:polices")
    assert read_layer(f"{path}:police").name == "police"
    assert read_layer(path, layer="police").name == "police"


def test_a_colon_in_a_file_name_is_not_a_layer(tmp_path: Path) -> None:
    path = tmp_path / "12:30.csv"
    path.write_text("lon,lat\n111,39\n")
    assert split_source(path) == (path, None)
    assert len(read_layer(path, datum="wgs84")) == 1


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_points(tmp_path: Path, codec: str, delimiter: str) -> None:
    path = tmp_path / "cases.csv"
    rows = ["编号,经度,纬度", "007,111.2,39.9", "008,,", "009,东,39"]
    path.write_text("\n".join(rows).replace(",", delimiter), encoding=codec)
    layer = read_layer(path, datum="wgs84")
    assert layer.frame["编号"].tolist() == ["007", "008", "009"]
    assert layer.datum == "wgs84"
    assert layer.raw_x is not None
    assert layer.raw_x[0] == 111.2
    assert np.isnan(layer.raw_x[1:]).all()
    assert layer.frame.geometry.iloc[0].equals(shapely.Point(111.2, 39.9))
    assert layer.frame.geometry.iloc[1] is None
    assert layer.problems == {
        2: "no usable coordinates: 经度 is empty, 纬度 is empty",
        3: "no usable coordinates: 经度 is “东”, no number",
    }


def test_a_row_with_a_value_too_many_stays_without_a_place(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("n,lon,lat\n1,111,39\n2,a,112,39\n3,112,39\n")
    layer = read_layer(path, datum="wgs84")
    assert layer.frame["lat"].tolist() == ["39", "112,39", "39"]
    assert layer.frame.geometry.isna().tolist() == [False, True, False]
    assert layer.problems == {2: "the row has 4 values where the header has 3"}


def test_a_csv_needs_its_datum(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("lon,lat\n111,39\n")
    with pytest.raises(MissingCrs, match=r"cases.csv does not say.*--datum"):
        read_layer(path)


def test_raw_coordinates_stay_as_sent(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("lon,lat\n111.206573207,39.901144155\n")
    layer = read_layer(path, datum="gcj02")
    assert layer.raw_x is not None
    assert layer.raw_y is not None
    assert (layer.raw_x[0], layer.raw_y[0]) == (111.206573207, 39.901144155)
    point = layer.frame.geometry.iloc[0]
    assert (point.x, point.y) == pytest.approx((111.2, 39.9), abs=2e-9)


def test_a_csv_without_coordinates_comes_in_only_where_none_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "divisions.csv"
    path.write_text("code,name\n150622,准格尔旗\n", encoding="utf-8")
    with pytest.raises(FileUnreadable, match=r"--x and --y. Its columns: code, name"):
        read_layer(path)
    layer = read_layer(path, geometry_required=False)
    assert layer.frame["name"].tolist() == ["准格尔旗"]
    assert layer.frame.geometry.isna().all()
    assert layer.raw_x is None


def test_survey_coordinates_the_wrong_way_round_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    path.write_text("X,Y\n4418444.8,517103.7\n4418445.8,517104.7\n")
    with pytest.raises(LayerRefused, match=r"X points north.*Use --x Y --y X"):
        read_layer(path, datum="EPSG:4546")
    layer = read_layer(path, datum="EPSG:4546", x="Y", y="X")
    assert layer.frame.geometry.iloc[0].x == pytest.approx(111.2, abs=1e-6)


def test_the_datum_of_a_file_that_declares_none(tmp_path: Path, grids: gpd.GeoDataFrame) -> None:
    path = tmp_path / "grids.shp"
    grids.to_file(path, encoding="utf-8")
    path.with_suffix(".prj").unlink()
    with pytest.raises(MissingCrs, match=r"grids.shp does not say"):
        read_layer(path)
    assert_same_squares(read_layer(path, datum="wgs84"))


def test_geojson_counts_as_crs84(tmp_path: Path, grids: gpd.GeoDataFrame) -> None:
    path = tmp_path / "grids.geojson"
    path.write_text(grids.to_json(drop_id=True))
    assert_same_squares(read_layer(path))
    with pytest.raises(LayerRefused, match="but --datum says EPSG:4546"):
        read_layer(path, datum="EPSG:4546")
    layer = read_layer(path, datum="bd09")
    assert layer.datum == "bd09"
    assert any("no file can declare bd09" in note for note in layer.notes)
    assert layer.frame.geometry.iloc[0].bounds[0] < 111 - 0.005


@pytest.mark.parametrize("codec", ["gb18030", "utf-16", "utf-8-sig", "utf-8"])
def test_geojson_in_any_code_page(tmp_path: Path, grids: gpd.GeoDataFrame, codec: str) -> None:
    path = tmp_path / "grids.geojson"
    path.write_text(grids.to_json(drop_id=True, ensure_ascii=False), encoding=codec)
    layer = read_layer(path)
    assert layer.frame["名称"].tolist() == ["蓝天街道", "兴隆街道"]
    assert layer.name == "grids"


def test_outlines_with_latitude_first_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(39, 111, 39.01, 111.01)], crs=4326).to_file(
        path
    )
    with pytest.raises(LayerRefused, match=r"exchanged.*Correct the file"):
        read_layer(path)


def test_projected_files_come_in_by_their_own_crs(tmp_path: Path, grids: gpd.GeoDataFrame) -> None:
    path = tmp_path / "grids.gpkg"
    grids.to_crs(4546).to_file(path)
    layer = read_layer(path)
    assert layer.datum == "EPSG:4546"
    assert_same_squares(layer, 1e-9)


def test_a_crs_in_no_register_is_converted_and_said(tmp_path: Path) -> None:
    path = tmp_path / "points.gpkg"
    crs = "+proj=tmerc +lat_0=39 +lon_0=111 +ellps=GRS80 +towgs84=0,0,0 +units=m"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(0, 0)], crs=crs).to_file(path)
    layer = read_layer(path)
    assert layer.datum == "cgcs2000"
    assert layer.raw_x is not None
    assert layer.raw_x[0] == pytest.approx(111)
    assert any("in no register" in note for note in layer.notes)


def test_heights_are_left_out_and_points_keep_their_raw_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "points.gpkg"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(111, 39, 9)], crs=4490).to_file(path)
    layer = read_layer(path)
    assert not layer.frame.geometry.has_z.any()
    assert layer.raw_x is not None
    assert layer.raw_x.tolist() == [111.0]


def test_a_row_without_geometry_stays(tmp_path: Path) -> None:
    path = tmp_path / "points.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":['
        '{"type":"Feature","properties":{"n":1},"geometry":null},'
        '{"type":"Feature","properties":{"n":2},"geometry":{"type":"Point","coordinates":[1,2]}}]}'
    )
    layer = read_layer(path)
    assert layer.frame["n"].tolist() == [1, 2]
    assert layer.frame.geometry.iloc[0] is None
    assert list(layer.problems) == [1]


def test_a_polygon_that_cannot_be_built_stays_as_a_row(tmp_path: Path) -> None:
    path = tmp_path / "grids.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"n":1},'
        '"geometry":{"type":"Polygon","coordinates":[[[1,2],[2,2],[2,3],[1.5,3]]]}}]}'
    )
    layer = read_layer(path)
    assert layer.frame["n"].tolist() == [1]
    assert "cannot be read" in layer.problems[1]


def test_whole_numbers_with_gaps_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    frame = gpd.GeoDataFrame({"n": pd.array([1, None], dtype="Int64")}, geometry=SQUARES, crs=4326)
    frame.to_file(path)
    assert [str(n) for n in read_layer(path).frame["n"]] == ["1", "<NA>"]


def test_a_parquet_table_needs_coordinate_columns(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pd.DataFrame({"lon": [111.2, None], "lat": [39.9, 1.0]}).to_parquet(path)
    layer = read_layer(path, datum="wgs84")
    assert layer.frame.geometry.iloc[0].equals(shapely.Point(111.2, 39.9))
    assert list(layer.problems) == [2]


def test_a_pipe_is_no_missing_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cases.csv")
    with pytest.raises(FileUnreadable, match="a pipe or a device"):
        read_layer(tmp_path / "cases.csv", datum="wgs84")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.geojson", None, "There is no file"),
        ("empty.gpkg", b"", "empty"),
        ("empty.csv", b"", "empty"),
        ("broken.gpkg", b"SQLite format 3\x00" + b"\x00" * 50, "cannot be read"),
        ("broken.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read"),
        ("broken.parquet", b"PAR1 nothing PAR1", "cannot be read"),
        ("broken.fgb", b"fgb" * 20, "cannot be read"),
        ("broken.zip", b"PK not a zip", "cannot be read"),
        ("alone.shp", b"\x00\x00\x27\x0a" + b"\x00" * 96, "no alone.shx beside it"),
        ("grids.dbf", b"x", "Name its .shp"),
        ("grids.docx", b"x", "none that can be read"),
        ("words.json", b'"hello"', "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_say_why(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileUnreadable, match=message):
        read_layer(path, datum="wgs84")


def test_a_shapefile_cut_short_is_told(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "utf-8", cpg=True)
    path.write_bytes(path.read_bytes()[:150])
    layer = read_layer(path)
    assert sorted(layer.problems) == [1, 2]


def test_a_dbf_that_claims_more_rows_than_it_has_does_not_break(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "gbk", cpg=False)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[4:8] = struct.pack("<I", 1_000_000)
    path.with_suffix(".dbf").write_bytes(dbf)
    assert "蓝天街道" in read_layer(path).frame["名称"].tolist()


def test_a_near_miss_of_a_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("lon,lat\n1,2\n")
    with pytest.raises(FileUnreadable, match=r"Did you mean .*cases.csv\?"):
        read_layer(tmp_path / "case.csv", datum="wgs84")
    with pytest.raises(FileUnreadable, match="is a folder"):
        read_layer(tmp_path)


def test_a_column_called_geometry_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("geometry,lon,lat\nsquare,111,39\n")
    layer = read_layer(path, datum="wgs84")
    assert layer.frame["geometry_text"].tolist() == ["square"]
    assert layer.renamed == {"geometry": "geometry_text"}


def test_progress_is_told(tmp_path: Path, grids: gpd.GeoDataFrame) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = tmp_path / "grids.gpkg"
    grids.to_file(path)
    read_layer(path, progress=lambda *what: told.append(what))
    assert told[:2] == [("read", 0, 2), ("read", 2, 2)]
