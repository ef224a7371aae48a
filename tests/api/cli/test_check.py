"""``lianxin check`` as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import typer
from click.testing import Result
from typer.testing import CliRunner

from api.cli import checking


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    checking.register(app)
    app.callback()(lambda: None)
    return app


def cell(i: int, *, wide: float = 1.0) -> shapely.Polygon:
    return shapely.box(111.2 + i / 1000, 39.9, 111.2 + (i + wide) / 1000, 39.901)


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    path = tmp_path / "grids.geojson"
    frame = {"code": ["<A>", "B"]}
    gpd.GeoDataFrame(frame, geometry=[cell(0, wide=1.5), cell(1)], crs=4326).to_file(path)
    return path


def run(app: typer.Typer, *words: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_what_is_found_is_printed_and_is_exit_status_1(app: typer.Typer, flawed: Path) -> None:
    result = run(app, flawed, "--code", "code")
    assert result.exit_code == 1, result.output
    assert "[overlap]" in result.stdout
    assert "重叠" in result.stdout
    assert "2 个网格 grids: 1 项错误 1 error," in result.stdout


def test_a_clean_file_is_exit_status_0(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "clean.gpkg"
    gpd.GeoDataFrame(geometry=[cell(0), cell(1)], crs=4490).to_file(path)
    result = run(app, path)
    assert result.exit_code == 0, result.output
    assert "没有发现问题" in result.stdout
    assert json.loads(run(app, path, "--json").stdout)["findings"] == []


def test_a_note_alone_is_a_finding_unless_left_out(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "parts.gpkg"
    parts = shapely.MultiPolygon([cell(0), cell(3)])
    gpd.GeoDataFrame(geometry=[parts, cell(1)], crs=4490).to_file(path)
    assert run(app, path).exit_code == 1
    assert run(app, path, "--least", "warning").exit_code == 0


def test_json_is_for_machines(app: typer.Typer, flawed: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "f.gpkg", tmp_path / "f.html"
    result = run(
        app, flawed, "--code", "code", "--json", "--lang", "en", "--out", out, "--html", page
    )
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    (finding,) = answer["findings"]
    assert {"rule", "severity", "codes", "measure", "unit", "message"} <= set(finding)
    assert (finding["rule"], finding["severity"]) == ("overlap", "error")
    assert finding["codes"] == ["<A>", "B"]
    assert finding["unit"] == "m²"
    assert finding["message"] == finding["message_en"]
    assert finding["place"] == [
        pytest.approx(111.20125, abs=1e-4),
        pytest.approx(39.9005, abs=1e-4),
    ]
    assert answer["counts"] == {"error": 1, "warning": 0, "info": 0}
    assert out.is_file()
    assert "<A>" not in page.read_text(encoding="utf-8")


def test_tolerances_are_flags(app: typer.Typer, flawed: Path) -> None:
    def rules(*flags: str) -> list[tuple[str, str]]:
        answer = json.loads(run(app, flawed, "--json", *flags).stdout)
        return [(finding["rule"], finding["severity"]) for finding in answer["findings"]]

    assert rules("--sliver", "100") == [("sliver", "warning")]
    assert rules("--tolerance", "10000") == [("sliver", "info")]


@pytest.mark.parametrize(
    "words",
    [
        ["--codes", "roman"],
        ["--tolerance", "-1"],
        ["--building-share", "60"],
        ["--fewest-households", "501"],
        ["--nonsense"],
    ],
)
def test_wrong_use_is_exit_status_2(app: typer.Typer, flawed: Path, words: list[str]) -> None:
    assert run(app, flawed, *words).exit_code == 2


def test_what_is_read_is_not_written_over(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    gpd.GeoDataFrame(geometry=[cell(0), cell(0)], crs=4490).to_file(path)
    before = path.read_bytes()
    assert run(app, path, "--out", path).exit_code == 2
    assert run(app, f"{path}:grids", "--out", path).exit_code == 2
    assert path.read_bytes() == before


def test_a_broken_file_has_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.gpkg").write_bytes(b"rubbish")
    for name in ("broken.gpkg", "none.geojson"):
        done = subprocess.run(
            [sys.executable, "-c", "from api.cli import main; main()", "check", tmp_path / name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith("lianxin: ")
        assert "Traceback" not in done.stderr
