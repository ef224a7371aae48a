import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner, Result

from api.cli import app
from gis.errors import InvalidGrids
from layers.errors import FileUnreadable, LayerRefused, MappingInvalid
from tests.layers.actions.made import square

COMMUNITY = "150622003001"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two networks that differ, and the community that they share."""
    monkeypatch.chdir(tmp_path)
    squares = [square(0), square(1)]
    west, south, _, north = squares[0].bounds
    halves = [shapely.box(west, south, west + 0.005, north),
              shapely.box(west + 0.005, south, west + 0.02, north)]  # fmt: skip
    save("civil.gpkg", squares, code=["C1", "C2"])
    save("police.geojson", halves, zone=["P1", "P2"])
    save("community.gpkg", [shapely.union(*squares)], code=[COMMUNITY])
    save("cases.gpkg", [square(1).centroid], id=["a"])
    return tmp_path


def save(path: str, shapes: list[shapely.Geometry], **columns: list[str]) -> None:
    gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4490").to_file(path)


def compare(*words: str, status: int = 1) -> Result:
    given = ("civil=civil.gpkg", "police=police.geojson", "--communities", "community.gpkg",
             "--code", "police=zone")  # fmt: skip
    result = CliRunner().invoke(app, ["network", "compare", *given, *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def test_the_comparison_is_told_in_both_languages(work: Path) -> None:
    said = compare().stdout
    assert "[network_conflict]" in said
    assert "civil 与 police 的边界交叉：civil:C1、police:P2" in said
    assert "2  合并后网格 · merged grids" in said


def test_everything_is_written(work: Path) -> None:
    files = ("--out", "merged.gpkg", "--crosswalk", "crosswalk.csv", "--map", "map.html",
             "--cases", "cases.gpkg", "--moves", "moves.csv")  # fmt: skip
    answer: dict[str, Any] = json.loads(compare(*files, "--json").stdout)
    assert [finding["rule"] for finding in answer["findings"]] == ["network_conflict"]
    assert [grid["code"] for grid in answer["grids"]] == answer["open"]
    assert set(answer["files"]) == {"out", "crosswalk", "moves", "map"}
    merged = gpd.read_file("merged.gpkg")
    assert merged["code"].tolist() == [f"{COMMUNITY}001", f"{COMMUNITY}002"]
    table = pd.read_csv("crosswalk.csv", dtype={"new_code": str})
    assert table.groupby(["network", "old_code"])["area_share"].sum().tolist() == pytest.approx(
        [1] * 4
    )
    assert (
        Path("moves.csv").read_text()
        == f"case,old_civil,old_police,new_code\na,C2,P2,{COMMUNITY}002\n"
    )
    page = Path("map.html").read_text()
    assert "http://" not in page.split("</style>")[0]
    assert "lianxin network compare civil=civil.gpkg police=police.geojson" in page


def test_what_is_decided_on_the_line_or_on_the_page_counts(work: Path) -> None:
    compare("--accept", "all", "--out", "merged.gpkg", status=0)
    assert set(gpd.read_file("merged.gpkg")["decision"]) == {"accepted"}
    Path("decision.json").write_text(
        json.dumps({"accept": [f"{COMMUNITY}001"], "keep": ["police:P2"]})
    )
    answer = json.loads(compare("--decision", "decision.json", "--json", status=0).stdout)
    assert [(grid["source_code"], grid["decision"]) for grid in answer["grids"]] == [
        ("C1", "accepted"), ("P2", "accepted"),
    ]  # fmt: skip
    same = json.loads(
        compare("--accept", f"{COMMUNITY}001", "--keep", "police:P2", "--json", status=0).stdout
    )
    assert same["grids"] == answer["grids"]


def test_the_tolerances_and_the_households_are_flags(work: Path) -> None:
    assert "[network_conflict]" not in compare("--sliver", "5000", status=0).stdout
    assert "[network_conflict]" not in compare("--tolerance", "1e9", status=0).stdout
    x, y, *_ = square(0).bounds
    homes = [shapely.box(x + step, y + 1e-3, x + step + 1e-3, y + 2e-3) for step in (1e-3, 12e-3)]
    save("homes.gpkg", homes, households=["120", "200"])
    built = ("--buildings", "homes.gpkg", "--map", "map.html")
    drawn = json.loads(compare(*built, "--households", "any", "--json").stdout)
    assert [grid["household_count"] for grid in drawn["grids"]] == [120, 200]
    joined = json.loads(compare(*built, "--json").stdout)
    assert [grid["household_count"] for grid in joined["grids"]] == [320]
    few = json.loads(compare(*built, "--households", "500..900", "--json").stdout)
    assert [f["measure"] for f in few["findings"] if f["rule"] == "household_count"] == [320]
    assert "--households 500..900" in Path("map.html").read_text()


def test_no_draft_while_something_is_open(work: Path) -> None:
    with pytest.raises(LayerRefused, match=f"{COMMUNITY}002"):
        compare("--accept", f"{COMMUNITY}001", "--draft")


def test_an_accepted_network_is_a_draft_and_imports_from_its_file(
    work: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_url: str
) -> None:
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    areas = f"code,name,level\n150622,a,banner\n150622003,b,street\n{COMMUNITY},c,community\n"
    Path("areas.csv").write_text(areas)
    assert CliRunner().invoke(app, ["import", "areas", "areas.csv"]).exit_code == 0
    draft = json.loads(
        compare("--accept", "all", "--out", "m.gpkg", "--draft", "--json", status=0).stdout
    )
    assert (draft["edition"], draft["rejected"]) == (1, 0)
    again = CliRunner().invoke(app, ["import", "grids", "m.gpkg", "--json"])
    assert json.loads(again.stdout)["edition"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--map", "map.png"), "ends in .html"),
        (("--out", "merged.docx"), "none that can be written"),
        (("--decision", "nowhere.json"), "cannot be read"),
        (("--decision", "civil.gpkg"), "no valid JSON"),
        (("--accept", "C1"), "no such grid"),
        (("--keep", "police:P9"), "no grid P9"),
    ],
)
def test_what_cannot_be_is_said(work: Path, words: tuple[str, ...], says: str) -> None:
    with pytest.raises((FileUnreadable, MappingInvalid, InvalidGrids), match=says):
        compare(*words)


@pytest.mark.parametrize(
    "words", [("civil",), ("civil=other.gpkg",), ("--moves", "m.csv"), ("--keep", "P9")]
)
def test_wrong_use_is_refused(work: Path, words: tuple[str, ...]) -> None:
    compare(*words, status=2)


def test_a_decision_must_be_one(work: Path) -> None:
    for text in ("[]", '{"accept": "all"}', '{"keep": [1]}'):
        Path("decision.json").write_text(text)
        with pytest.raises(FileUnreadable, match="no decision"):
            compare("--decision", "decision.json")
