"""No text in a CSV of ours is a formula, and none is lost for it."""

import csv
import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.exchange.delimited import read_table
from layers.exchange.inert import inert, inert_frame, original
from layers.exchange.progress import silent
from layers.exchange.reader import read_layer
from layers.exchange.rejects import Reject, write_rejects
from layers.exchange.writer import write_layer

FORMULAS = ["=1+1", "+cmd|'/c calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "'=1"]
PLAIN = [
    "白云社区",
    "-",
    "+8613812345678",
    "-12.5",
    "1e5",
    "",
    "a=b",
    "'s Gravenhage",
    "15062200300",
]


texts = st.text(st.sampled_from("'=+-@＝\t\r19.eEx，"))
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@given(texts)
def test_what_was_made_inert_comes_back_whole(text: str) -> None:
    shown = inert(text)
    assert shown in (text, f"'{text}")
    if shown != text:
        assert original(shown) == text


@given(texts)
def test_what_begins_as_a_formula_is_a_number_or_signs_alone(text: str) -> None:
    shown = inert(text)
    if shown.startswith(tuple("=+-@＝\t\r")):
        assert NUMBER.fullmatch(shown) or not shown.strip("=+-@＝")


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formula_stays(text: str) -> None:
    assert inert(text) == text


def test_a_layer_in_csv_holds_no_formula_and_reads_as_it_was(tmp_path: Path) -> None:
    texts = [*FORMULAS, *PLAIN]
    layer = gpd.GeoDataFrame(
        {"name": texts, "=code": range(len(texts)), "n": [-1.5] * len(texts)},
        geometry=[shapely.Point(-1, -2)] * len(texts),
        crs=4490,
    )
    [note] = write_layer(layer, tmp_path / "a.csv")
    assert note.startswith("9 texts begin as a formula does")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["name", "'=code", "n", "lon", "lat"]
    assert [row[0] for row in rows[: len(FORMULAS)]] == [f"'{text}" for text in FORMULAS]
    assert rows[0][2:] == ["-1.5", "-1.0", "-2.0"]
    read = read_layer(tmp_path / "a.csv", datum="cgcs2000")
    assert read.frame["name"].tolist() == texts
    assert "=code" in read.frame.columns


def test_for_programs_a_layer_is_written_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANXIN_CSV_RAW", "1")
    assert write_layer(pd.DataFrame({"name": ["=1+1"]}), tmp_path / "a.csv") == ()
    assert (tmp_path / "a.csv").read_text() == "name\n=1+1\n"


def test_categories_and_gaps_are_texts_too() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["=1", "b"]), "b": ["=2", None]})
    shown, count = inert_frame(frame)
    assert count == 2
    assert shown["a"].tolist() == ["'=1", "b"]
    assert shown["b"].isna().tolist() == [False, True]


def test_rejected_rows_hold_no_formula_and_can_be_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    write_rejects(path, [Reject(1, "no place", {"name": "=1+1", "note": "-"})])
    assert path.read_text("utf-8-sig").splitlines()[1] == "1,no place,'=1+1,-"
    table = read_table(path, encoding=None, progress=silent)
    assert table.frame.iloc[0].tolist() == ["1", "no place", "=1+1", "-"]
    assert any("taken off" in note for note in table.notes)


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".geojson", ".parquet", ".csv", ".tsv"])
def test_hostile_text_comes_back_from_every_format_as_the_text_that_it_was(
    tmp_path: Path, ending: str
) -> None:
    texts = [*FORMULAS[:5], "</script><img src=x onerror=alert(1)>", "{{7*7}}", '"; DROP TABLE x']
    layer = gpd.GeoDataFrame({"name": texts}, geometry=[shapely.Point(1, 2)] * 8, crs=4490)
    path = tmp_path / f"a{ending}"
    write_layer(layer, path)
    datum = "cgcs2000" if ending in (".csv", ".tsv") else None
    assert read_layer(path, datum=datum).frame["name"].tolist() == texts
