"""``lianxin mend`` as it is typed."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from api.cli import mending
from gis.coverage import check_grids
from layers.errors import FileUnreadable, LayerRefused, MappingInvalid

SIDE = 0.001
WEST = shapely.box(111.2, 39.9, 111.201, 39.901)
EAST = shapely.box(111.200995, 39.9, 111.202, 39.901)  # 0.4 m into it
FAR = shapely.box(111.20098, 39.9, 111.202, 39.901)  # 1.7 m


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    mending.register(app)
    app.callback()(lambda: None)
    return app


def grids(folder: Path, east=EAST, name: str = "grids.gpkg") -> Path:
    path = folder / name
    frame = gpd.GeoDataFrame(
        {"编码": ["G01", "G02"], "负责人": ["张三", "李四"], "户数": [300, 420]},
        geometry=[WEST, east], crs=4490,
    )  # fmt: skip
    frame.to_file(path)
    return path


def mend(app: typer.Typer, *words: object):
    return CliRunner().invoke(app, ["mend", *map(str, words)])


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "fgb", "parquet", "shp", "zip"])
def test_a_file_comes_back_whole_with_its_columns(app, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    result = mend(app, grids(tmp_path), "--out", out, "--code", "编码")
    assert result.exit_code == 0, result.output
    assert "sliver_given" in result.stdout
    read = gpd.read_parquet if ending == "parquet" else gpd.read_file
    frame = read(out).sort_values("编码")
    assert frame["负责人"].tolist() == ["张三", "李四"]
    assert frame["户数"].tolist() == [300, 420]
    found = check_grids(frame["编码"].tolist(), frame.geometry.to_numpy())
    assert [finding for finding in found if finding.rule != "multipart"] == []
    assert shapely.coverage_is_valid(frame.geometry.to_numpy())


def test_json_and_the_changes_say_the_same(app, tmp_path: Path) -> None:
    changes = tmp_path / "changes.gpkg"
    result = mend(
        app, grids(tmp_path), "--out", tmp_path / "o.gpkg", "--code", "编码",
        "--changes", changes, "--json",
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert answer["left"] == []
    assert answer["grids"] == 2
    (change,) = [each for each in answer["changes"] if each["what"] == "sliver_given"]
    lost = change["area_before_m2"] - change["area_after_m2"]
    assert lost == pytest.approx(0.43 * 111, rel=0.02)
    rows = gpd.read_file(changes)
    assert rows["what"].tolist() == [each["what"] for each in answer["changes"]]
    assert rows["area_after_m2"].tolist() == [each["area_after_m2"] for each in answer["changes"]]
    assert not rows.geometry.is_empty.any()


def test_what_cannot_be_mended_is_told_and_the_status_is_1(app, tmp_path: Path) -> None:
    out = tmp_path / "out.gpkg"
    result = mend(app, grids(tmp_path, FAR), "--out", out)
    assert result.exit_code == 1
    assert "1 finding is left" in result.stdout
    assert "no boundary may move more than 1 m" in result.stdout
    assert "未修复" in result.stdout
    assert out.exists()
    path = grids(tmp_path, FAR)
    wider = mend(app, path, "--out", out, "--tolerance", "2")
    assert "larger than the 100 m²" in wider.stdout
    assert wider.exit_code == 1
    words = ("--out", out, "--tolerance", "2", "--largest-overlap", "200")
    assert mend(app, path, *words).exit_code == 0


def test_a_dry_run_writes_no_grids(app, tmp_path: Path) -> None:
    before = grids(tmp_path).read_bytes()
    result = mend(app, tmp_path / "grids.gpkg", "--out", tmp_path / "out.gpkg", "--dry-run")
    assert result.exit_code == 0
    assert "nothing was written" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["grids.gpkg"]
    assert (tmp_path / "grids.gpkg").read_bytes() == before


def test_wrong_use_is_told_in_words(app, tmp_path: Path) -> None:
    path = grids(tmp_path)
    assert mend(app, path).exit_code == 2
    assert mend(app, path, "--out", tmp_path / "o.gpkg", "--tolerance", "-1").exit_code == 2
    for words, error, said in (
        (["--out", path], FileUnreadable, "is read from"),
        (["--out", tmp_path / "o.gpkg", "--changes", path], FileUnreadable, "is read from"),
        (["--out", tmp_path / "o.csv", "--changes", tmp_path / "o.csv"], FileUnreadable, "both"),
        (["--out", tmp_path / "o.dwg"], FileUnreadable, "none that can be written"),
        (["--out", tmp_path / "o.gpkg", "--code", "代号"], MappingInvalid, "代号"),
    ):
        result = mend(app, path, *words)
        assert isinstance(result.exception, error)
        assert said in str(result.exception)
    points = tmp_path / "points.gpkg"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(111.2, 39.9)], crs=4490).to_file(points)
    assert isinstance(mend(app, points, "--out", tmp_path / "o.gpkg").exception, LayerRefused)


def test_a_dedicated_grid_may_lie_on_a_basic_one(app, tmp_path: Path) -> None:
    park = shapely.box(111.2004, 39.9003, 111.2008, 39.9006)
    path, out = tmp_path / "d.gpkg", tmp_path / "o.gpkg"
    columns = {"code": ["A", "B", "P"], "种类": ["基础", "基础", "专属"]}
    gpd.GeoDataFrame(columns, geometry=[WEST, EAST, park], crs=4490).to_file(path)
    assert "overlap" in mend(app, path, "--code", "code", "--out", out).stdout
    result = mend(app, path, "--code", "code", "--out", out, "--kind", "种类", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert "P" not in {change["code"] for change in answer["changes"]}
    assert shapely.equals(gpd.read_file(out).geometry.to_numpy()[2], park)


def test_what_gdal_reads_can_be_mended(app, tmp_path: Path) -> None:
    path = tmp_path / "grids.kml"
    gpd.GeoDataFrame({"Name": ["A", "B"]}, geometry=[WEST, EAST], crs=4326).to_file(
        path, driver="KML"
    )
    result = mend(app, path, "--out", tmp_path / "o.gpkg", "--code", "Name", "--sliver", "0.2")
    assert result.exit_code == 0, result.output
    assert "overlap_given" in result.stdout


def test_a_shapefile_says_what_it_had_no_room_for(app, tmp_path: Path) -> None:
    path, out = tmp_path / "grids.gpkg", tmp_path / "out.shp"
    columns = {"所属社区名称": ["站北", "白云"], "备注": ["长" * 200, None]}
    gpd.GeoDataFrame(columns, geometry=[WEST, EAST], crs=4490).to_file(path)
    result = mend(app, path, "--out", out)
    assert result.exit_code == 0, result.output
    assert "所属社区名称 is called 所属社区名 in out.shp" in result.stderr
    assert "备注: 1 texts were cut" in result.stderr
    assert out.with_suffix(".cpg").read_text() == "GBK"
    frame = gpd.read_file(out)
    assert frame["所属社区名"].tolist() == ["站北", "白云"]
    assert frame["备注"][0] == "长" * 127
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []


def test_letters_that_gbk_has_not_are_written_as_utf_8(app, tmp_path: Path) -> None:
    path, out = tmp_path / "grids.gpkg", tmp_path / "out.zip"
    gpd.GeoDataFrame({"名": ["🏠", "ö"]}, geometry=[WEST, EAST], crs=4490).to_file(path)
    assert mend(app, path, "--out", out).exit_code == 0
    assert gpd.read_file(out)["名"].tolist() == ["🏠", "ö"]
