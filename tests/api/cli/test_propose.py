"""``lianxin edition propose`` as it is typed."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import typer
from typer.testing import CliRunner

from api.cli import editions, proposing
from layers.errors import FileUnreadable, MappingInvalid
from layers.session import Database
from tests.gis.proposal.places import block, land, streets
from tests.layers.actions.stored import BAIYUN, store_place


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    editions.register(app)
    proposing.register(app)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The files of a town of four by two blocks, as flags."""
    buildings = [block(i % 4, i // 4, shrunk=0.3) for i in range(8)]
    frames = {
        "outline": gpd.GeoDataFrame({"name": ["白云社区"]}, geometry=[land(4, 2)]),
        "buildings": gpd.GeoDataFrame({"households": [100] * 8}, geometry=buildings),
        "streets": gpd.GeoDataFrame({"id": range(4)}, geometry=list(streets(4, 2))),
    }
    flags = []
    for name, frame in frames.items():
        frame.set_crs(4490).to_file(tmp_path / f"{name}.gpkg")
        flags += [f"--{name}", str(tmp_path / f"{name}.gpkg")]
    return flags


def run(app: typer.Typer, *words: str) -> Any:
    result = CliRunner().invoke(app, ["edition", "propose", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_it_stands_beside_the_other_commands_of_editions(app: typer.Typer) -> None:
    said = CliRunner().invoke(app, ["edition", "--help"]).output
    assert all(word in said for word in ("list", "publish", "propose"))


def test_files_to_a_file_and_a_map(app: typer.Typer, words: list[str], tmp_path: Path) -> None:
    out, page = tmp_path / "grids.geojson", tmp_path / "map.html"
    result = run(
        app, *words, "--community", "150622003003", "--out", str(out), "--map", str(page), "--json"
    )
    answer = json.loads(result.stdout)
    assert [grid["households"] for grid in answer["grids"]] == [400, 400]
    assert answer["score"]["street_share"] == 1.0
    assert answer["score_in_force"] is None
    assert (answer["out"], answer["map"]) == (str(out), str(page))
    assert gpd.read_file(out)["code"].tolist() == ["150622003003001", "150622003003002"]
    assert "白云第2网格" in page.read_text()


def test_people_are_told_the_grids_and_the_score(app: typer.Typer, words: list[str]) -> None:
    said = run(app, *words, "--households", "150..250").output
    assert said.count("200 户 households") == 4
    assert "buildings split" in said


@pytest.mark.parametrize(
    "more",
    [
        ["--households", "many"],
        ["--buildings", "x.gpkg"],
        [],
        ["--community", BAIYUN, "--compounds", "x.gpkg"],
    ],
)
def test_flags_that_do_not_go_together(app: typer.Typer, more: list[str]) -> None:
    assert run(app, *more).exit_code == 2


def test_an_outline_needs_buildings(app: typer.Typer, words: list[str]) -> None:
    assert run(app, *words[:2]).exit_code == 2


def test_what_cannot_be_written_is_said_first(app: typer.Typer, words: list[str]) -> None:
    with pytest.raises(FileUnreadable):
        run(app, *words, "--out", "grids.doc")
    with pytest.raises(MappingInvalid):
        run(app, *words, "--map", "map.png")


def test_the_database_needs_only_the_code(
    app: typer.Typer,
    fresh_database: Database,
    fresh_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_place(fresh_database)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    out = tmp_path / "grids.gpkg"
    result = run(app, "--community", BAIYUN, "--households", "1..2", "--out", str(out), "--json")
    answer = json.loads(result.stdout)
    assert [grid["code"] for grid in answer["grids"]] == [f"{BAIYUN}003"]
    assert answer["score_in_force"]["grids"] == 2
    assert len(gpd.read_file(out)) == 2
    run(app, "--community", BAIYUN, "--out", str(out), "--alone")
    assert len(gpd.read_file(out)) == 1
