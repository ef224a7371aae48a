"""Columns become fields as told, by name, or by a usual header; mistakes name the way out."""

from pathlib import Path

import pandas as pd
import pytest

from layers.errors import FileUnreadable, MappingInvalid
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping, find_column

FIELDS = (
    FieldSpec("code", required=True),
    FieldSpec("name"),
    FieldSpec("category"),
    FieldSpec("responsible", synonyms=("Chief",)),
)
FRAME = pd.DataFrame({
    "网格编码": ["1", "2"], "Grid Name": ["a", "b"], "SRType": [5.0, 6.0], "chief": ["x", None],
})  # fmt: skip


def test_usual_headers_need_no_flags() -> None:
    filled = ColumnMapping().apply(FRAME, FIELDS)
    assert filled["code"].tolist() == ["1", "2"]
    assert filled["name"].tolist() == ["a", "b"]
    assert filled["responsible"].tolist()[0] == "x"
    assert filled["category"].isna().all()
    assert list(filled.columns) == [spec.name for spec in FIELDS]


def test_a_column_of_the_same_name_beats_a_synonym() -> None:
    frame = pd.DataFrame({"编码": ["x"], "code": ["y"]})
    assert ColumnMapping().apply(frame, FIELDS)["code"].tolist() == ["y"]


def test_one_column_fills_one_field_unless_told() -> None:
    frame = pd.DataFrame({"code": ["1"], "grid_code": ["2"]})
    assert ColumnMapping().resolve(list(frame.columns), FIELDS) == {"code": "code"}
    mapping = ColumnMapping.from_flags(["name=code"], [])
    assert mapping.apply(frame, FIELDS)["name"].tolist() == ["1"]


def test_flags_map_and_set() -> None:
    mapping = ColumnMapping.from_flags(["category=SRType"], ["responsible=老王=王"])
    filled = mapping.apply(FRAME, FIELDS)
    assert filled["category"].tolist() == [5.0, 6.0]
    assert filled["responsible"].tolist() == ["老王=王", "老王=王"]


def test_a_toml_maps_sets_and_translates(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        '[columns]\ncategory = "SRType"\n[constants]\nname = "同名"\n'
        '[values.category]\n5 = "51001"\n',
        encoding="utf-8",
    )
    filled = ColumnMapping.from_toml(path).apply(FRAME, FIELDS)
    assert filled["category"].tolist() == ["51001", "6"]
    assert filled["name"].tolist() == ["同名", "同名"]


def test_flags_override_a_toml(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text('[columns]\nname = "SRType"\n[constants]\ncategory = "1"\n')
    flags = ColumnMapping.from_flags(["category=SRType"], ["name=x"])
    both = ColumnMapping.from_toml(path).overridden_by(flags)
    assert both.columns == {"category": "SRType"}
    assert both.constants == {"name": "x"}


@pytest.mark.parametrize(
    ("columns", "constants", "message"),
    [
        (["code"], [], r"--map code: write it as --map field=COLUMN"),
        (["=x"], [], "write it as"),
        (["code="], [], "write it as"),
        ([], ["code"], r"--set code: write it as --set field=value"),
        (["code=a", "code=b"], [], "names the field code twice"),
        (["code=a"], ["code=b"], "both mapped to the column “a” and set to “b”"),
    ],
)
def test_flags_written_wrong_are_told(
    columns: list[str], constants: list[str], message: str
) -> None:
    with pytest.raises(MappingInvalid, match=message):
        ColumnMapping.from_flags(columns, constants)


def test_unknown_fields_and_columns_are_told_with_the_nearest() -> None:
    with pytest.raises(MappingInvalid, match=r"no field “categori”. Did you mean “category”\?"):
        ColumnMapping.from_flags(["categori=SRType"]).apply(FRAME, FIELDS)
    with pytest.raises(
        MappingInvalid,
        match=r"no column “SRTyp”. Did you mean “SRType”\? Its columns: 网格编码, Grid Name, ",
    ):
        ColumnMapping.from_flags(["category=SRTyp"]).apply(FRAME, FIELDS)


def test_a_required_field_that_nothing_fills_is_told_with_the_columns() -> None:
    with pytest.raises(
        MappingInvalid,
        match=r"field code. Name it with --map code=COLUMN.*columns: objectid, shape",
    ):
        ColumnMapping().apply(pd.DataFrame({"objectid": [1], "shape": [2]}), FIELDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns", "no valid TOML"),
        ("[colums]\na = 'b'", r"nothing is known of \[colums\]"),
        ("columns = 5", "write it as a table"),
        ("[columns]\na = ['b']", "must be one value"),
        ("values = 5", r"under \[values.FIELD\]"),
    ],
)
def test_a_toml_written_wrong_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(MappingInvalid, match=message):
        ColumnMapping.from_toml(path)


def test_a_toml_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="There is no file"):
        ColumnMapping.from_toml(tmp_path / "no.toml")


def test_geometry_is_no_column() -> None:
    with pytest.raises(MappingInvalid):
        find_column(["geometry", "code"], "geometry", file="grids")
