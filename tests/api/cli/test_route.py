"""``lianxin route`` as it is typed."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from api.cli import routing
from gis.errors import MissingCrs


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    routing.register(app)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    grids, cases = tmp_path / "areas.gpkg", tmp_path / "cases.csv"
    square = shapely.box(111, 39, 111.01, 39.01)
    gpd.GeoDataFrame({"id": [1]}, geometry=[square], crs=4326).to_file(grids, layer="council")
    gpd.GeoDataFrame({"id": [2]}, geometry=[square], crs=4326).to_file(grids, layer="police")
    cases.write_text("n,East,North\n1,111.005,39.005\n2,,\n")
    return cases, grids, tmp_path / "out.csv"


def words(files: tuple[Path, Path, Path], *more: str) -> list[str]:
    cases, grids, out = files
    return [
        "route", str(cases), "--grids", f"{grids}:police", "--code", "id", "--out", str(out),
        "--x", "East", "--y", "North", *more,
    ]  # fmt: skip


def test_the_table_tells_rows_by_rule_and_pace(app: typer.Typer, files) -> None:
    result = CliRunner().invoke(app, words(files, "--datum", "wgs84"))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["inside", "1", "50.0", "%", "格内", "·", "inside", "one", "grid"]
    assert lines[1].startswith("unplaced")
    assert "rows/s" in lines[-1]
    assert files[2].read_text().splitlines()[1].startswith("1,111.005,39.005,2,inside,")


def test_json_is_for_machines(app: typer.Typer, files) -> None:
    result = CliRunner().invoke(app, words(files, "--datum", "wgs84", "--json"))
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["rows"] == 2
    assert answer["by_rule"] == {"inside": 1, "unplaced": 1}
    assert answer["grids"] == 1
    assert answer["out"] == str(files[2])
    assert answer["rows_per_second"] > 0


def test_a_missing_datum_says_which_flag_to_add(app: typer.Typer, files) -> None:
    result = CliRunner().invoke(app, words(files))
    assert isinstance(result.exception, MissingCrs)
    assert "--datum" in str(result.exception)
    assert not files[2].exists()


def test_help_names_every_flag(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["route", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for flag in ("--grids", "--code", "--x", "--y", "--datum", "--out", "--grids-datum",
                 "--snap-m", "--encoding", "--json"):  # fmt: skip
        assert flag in result.stdout


def test_a_folder_of_parts_is_routed_to_a_folder(app: typer.Typer, tmp_path: Path) -> None:
    square = shapely.box(111, 39, 111.01, 39.01)
    grids, points, out = tmp_path / "grids.parquet", tmp_path / "points", tmp_path / "out"
    gpd.GeoDataFrame({"id": [1]}, geometry=[square], crs=4326).to_parquet(grids)
    points.mkdir()
    for name in ("a", "b"):
        frame = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(111.005, 39.005)], crs=4326)
        frame.to_parquet(points / f"{name}.parquet")
    words = ["route", str(points), "--grids", str(grids), "--code", "id", "--out", str(out)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "parts              2\n" in result.stdout
    again = CliRunner().invoke(app, words)
    assert "--resume" in str(again.exception)
    resumed = CliRunner().invoke(app, [*words, "--resume", "--json"])
    answer = json.loads(resumed.stdout)
    assert (answer["parts"], answer["parts_kept"], answer["rows"]) == (2, 2, 2)
