"""``lianxin edition changes`` and ``diff`` as somebody types them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from layers.actions.publish_edition import publish_edition
from layers.errors import EditionNotFound, FileUnreadable
from layers.session import Database
from tests.layers.actions.made import STEP, grids, layer, load, square


def lianxin(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def as_json(*words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(lianxin(*words, "--json").stdout)
    return answer


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a file of two grids, and one of three."""
    monkeypatch.chdir(tmp_path)
    grids("AB").frame.to_file("old.gpkg")
    shapes = [square(0, size=STEP), square(1).intersection(square(0.5)), square(1)]
    shapes[2] = shapes[2].difference(shapes[1])
    layer([{"code": c} for c in "ABC"], shapes).frame.to_file("new.gpkg")
    return tmp_path


@pytest.fixture
def stored(work: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_url: str,
           fresh_database: Database) -> Path:  # fmt: skip
    """The same with the grids of the first file in force, and a draft with one code changed."""
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    first = load(fresh_database, "grids", grids("AB")).edition_id
    assert first is not None
    publish_edition(fresh_database, first)
    load(fresh_database, "grids", grids("AX"))
    return work


def test_files_are_compared(work: Path) -> None:
    said = lianxin("edition", "diff", "old.gpkg", "new.gpkg", "--code", "code").stdout
    assert "1  拆分 split" in said
    assert "B  拆分 split  +0 −475,414 m²" in said
    assert "→ C" in said
    assert "← B" in said
    assert "户 households" not in said  # none were given
    answer = as_json("edition", "diff", "old.gpkg", "new.gpkg", "--code", "code")
    assert answer["summary"]["kinds"] == {
        "kept": 1, "split": 1, "merged": 0, "moved": 0, "new": 1, "gone": 0,
    }  # fmt: skip
    shares = [row["area_share"] for row in answer["crosswalk"] if row["old"] == "B"]
    assert sum(shares) == pytest.approx(1)
    assert len(shares) == 2


def test_results_are_written_to_files(work: Path) -> None:
    files = ("--out", "areas.geojson", "--crosswalk", "crosswalk.csv", "--map", "map.html")
    lianxin("edition", "diff", "old.gpkg", "new.gpkg", "--code", "code", *files)
    (area,) = json.loads((work / "areas.geojson").read_text())["features"]
    assert (area["properties"]["old"], area["properties"]["new"]) == ("B", "C")
    with (work / "crosswalk.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["old"], row["new"]) for row in rows) == [("A", "A"), ("B", "B"), ("B", "C")]
    assert "<!doctype html>" in (work / "map.html").read_text()


def test_a_file_that_cannot_be_written_is_refused_before_any_work(work: Path) -> None:
    with pytest.raises(FileUnreadable, match="none that can be written"):
        lianxin("edition", "diff", "gone.gpkg", "gone.gpkg", "--code", "code", "--out", "a.pdf")


def test_editions_are_compared(stored: Path) -> None:
    said = lianxin("edition", "changes").stdout
    assert "edition 1 (grids) → 第 2 版 edition 2 (grids)" in said
    assert "1  新增 new" in said
    assert "1  撤销 gone" in said
    assert as_json("edition", "changes", "2") == as_json("edition", "changes", "1", "2")
    back = as_json("edition", "changes", "2", "1")
    assert [grid["code"] for grid in back["grids"] if grid["kind"] == "new"] == ["B"]
    assert back["moves"] == {"buildings": [], "households": [], "open_cases": []}
    with pytest.raises(EditionNotFound):
        lianxin("edition", "changes", "7")
