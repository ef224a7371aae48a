import numpy as np
import pandas as pd
import pytest

from layers.actions.importing.instants import Calendar
from layers.actions.importing.values import as_text, read_column
from layers.exchange.fields import FieldKind, FieldSpec


def read(values: list[object], spec: FieldSpec) -> tuple[list[object], list[bool]]:
    column = read_column(pd.Series(values, dtype=object), spec, Calendar())
    return column.values.to_pylist(), column.bad.tolist()


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (pd.Series([1, 14]), ["1", "14"]),
        (pd.Series([150622003001.0, np.nan, 0.5]), ["150622003001", None, "0.5"]),
        (pd.Series(["  白云　", "", " ", None]), ["白云", None, None, None]),
        (pd.Series([7, "x", 2.0, None, float("nan")], dtype=object), ["7", "x", "2", None, None]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series(["a\ud800b"], dtype=object), ["a?b"]),
        (pd.Series([1, None], dtype="Int64"), ["1", None]),
    ],
)
def test_values_become_the_text_a_person_would_write(series: pd.Series, text: list[str]) -> None:
    assert [None if v is None else v.lower() for v in as_text(series).to_pylist()] == text


def test_codes_are_visible_and_not_too_long() -> None:
    values, bad = read(
        ["150622", "A 1", "东-1", "a/b", "a\tb", "a\u3000b", "x" * 65, "x" * 64, None],
        FieldSpec("code", FieldKind.CODE),
    )

    assert bad == [False, False, False, False, True, True, True, False, False]
    assert values[:4] == ["150622", "A 1", "东-1", "a/b"]


def test_counts_are_whole_and_fit_their_column() -> None:
    values, bad = read(
        ["3", 4, 5.0, "+6", "6.00", "6.5", "-1", "99999999999999999999", "x", None],
        FieldSpec("floors", FieldKind.COUNT),
    )

    assert values == [3, 4, 5, 6, 6, None, None, None, None, None]
    assert bad == [False] * 5 + [True] * 4 + [False]
    assert read(["-2", "0"], FieldSpec("floor", FieldKind.COUNT, least=-99)) == (
        [-2, 0],
        [False] * 2,
    )


def test_numbers_are_finite_and_not_below_their_least() -> None:
    values, bad = read(
        ["12.5", "1e3", ".5", "-1", "inf", "nan", "1,5", "1e999"],
        FieldSpec("accuracy_m", FieldKind.NUMBER, least=0),
    )

    assert values == [12.5, 1000.0, 0.5, None, None, None, None, None]
    assert bad == [False, False, False, True, True, True, True, True]


def test_words_of_a_vocabulary_are_known_in_any_case_and_language() -> None:
    spec = FieldSpec("kind", FieldKind.CHOICE, choices={"basic": "basic", "基础": "basic"})

    assert read(["Basic", " 基础 ", "other", None], spec) == (
        ["basic", "basic", None, None],
        [False, False, True, False],
    )


def test_a_nul_character_is_told_before_the_database_refuses_it() -> None:
    assert read(["ok", "a\0b"], FieldSpec("name")) == (["ok", None], [False, True])
