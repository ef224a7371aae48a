"""``lianxin chart`` as it is typed: from files with no database, and from the database."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from api.cli import charting
from layers.errors import ChartNotFound, FileUnreadable, MappingInvalid
from layers.session import Database
from tests.layers.actions.chart_inputs import contents, write_cases, write_grids
from tests.layers.actions.stored import BAIYUN, store_case, store_place


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    charting.register(app)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "chart.html"


@pytest.fixture
def grids(tmp_path: Path) -> Path:
    return write_grids(tmp_path)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    return write_cases(tmp_path)


def run(app: typer.Typer, *words: str) -> Any:
    result = CliRunner().invoke(app, ["chart", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_grids_alone_make_a_chart(app: typer.Typer, grids: Path, out: Path) -> None:
    result = run(app, "--grids", f"{grids}:council", "--code", "id", "--out", str(out))
    assert result.exit_code == 0
    assert "3  网格 grids" in result.output
    head = contents(out.read_text())["head"]
    assert head["title"] == {"zh": "council作战图", "en": "council battle chart"}
    assert (head["totals"]["grids"], head["edition"]) == (3, None)


def test_the_settings_say_the_language_where_nobody_does(
    app: typer.Typer, grids: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--grids", str(grids), "--code", "id", "--out", str(out))
    run(app, *words)
    assert contents(out.read_text())["head"]["language"] == "zh"
    monkeypatch.setenv("LIANXIN_LANGUAGE", "en")
    run(app, *words)
    assert contents(out.read_text())["head"]["language"] == "en"
    run(app, *words, "--lang", "zh")
    assert contents(out.read_text())["head"]["language"] == "zh"


def test_times_are_told_in_the_zone_of_the_settings_where_nobody_names_one(
    app: typer.Typer, grids: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--grids", str(grids), "--code", "id", "--out", str(out))
    monkeypatch.setenv("LIANXIN_TIMEZONE", "Asia/Kathmandu")
    run(app, *words)
    assert contents(out.read_text())["head"]["time"]["offset"] == "+05:45"
    run(app, *words, "--timezone", "Asia/Tokyo")
    assert contents(out.read_text())["head"]["time"]["offset"] == "+09:00"


def test_what_was_drawn_is_told_to_machines(
    app: typer.Typer, grids: Path, cases: Path, out: Path
) -> None:
    result = run(
        app, "--grids", str(grids), "--code", "id", "--name", "label_zh", "--cases", str(cases),
        "--datum", "wgs84", "--title", "市区 & 近郊", "--lang", "en", "--out", str(out), "--json",
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert answer["counts"] == {"grids": 3, "cases": 5}
    assert answer["bytes"] == out.stat().st_size
    assert any("“Strange” is no known state" in note for note in answer["notes"])
    shown = contents(out.read_text())
    assert shown["head"]["title"] == {"zh": "市区 & 近郊", "en": "市区 & 近郊"}
    assert shown["head"]["language"] == "en"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--grids", "{grids}", "--code", "ids"], MappingInvalid),
        (["--grids", "{grids}x", "--code", "id"], FileUnreadable),
        (["--grids", "{grids}", "--code", "id", "--map", "roads.name=x"], MappingInvalid),
    ],
)
def test_wrong_use_is_said_in_words(
    app: typer.Typer, grids: Path, out: Path, words: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(app, *(word.format(grids=grids) for word in words), "--out", str(out))
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["all", "--grids", "x.gpkg", "--code", "id"],
        ["--grids", "x.gpkg"],
        ["--cases", "x.csv"],
        ["all", "--timezone", "Asia/Tokyo"],
        ["--grids", "x.gpkg", "--code", "id", "--map", "nonsense"],
        ["--theme", "pink"],
    ],
)
def test_flags_that_do_not_go_together(app: typer.Typer, out: Path, words: list[str]) -> None:
    result = run(app, *words, "--out", str(out))
    assert result.exit_code == 2
    assert not out.exists()


def test_the_page_must_be_a_page_in_a_folder(app: typer.Typer, grids: Path, tmp_path: Path) -> None:
    for wrong in ("chart.png", "nowhere/chart.html"):
        with pytest.raises(MappingInvalid):
            run(app, "--grids", str(grids), "--code", "id", "--out", str(tmp_path / wrong))


def test_the_database_is_drawn_by_name(
    app: typer.Typer,
    fresh_database: Database,
    fresh_database_url: str,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_place(fresh_database)
    store_case(fresh_database, 1)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    assert run(app, BAIYUN, "--theme", "day", "--out", str(out)).exit_code == 0
    head = contents(out.read_text())["head"]
    assert head["title"]["zh"] == "白云社区作战图"
    assert (head["theme"], head["totals"]["open"], head["totals"]["grids"]) == ("day", 1, 2)
    assert run(app, "--out", str(out)).exit_code == 0
    assert contents(out.read_text())["head"]["totals"]["grids"] == 3
    with pytest.raises(ChartNotFound):
        run(app, "nowhere", "--out", str(out))
