from dataclasses import replace
from datetime import datetime

import pytest

from gis.chart.definition import MOST_STATUSES, StatusScheme
from gis.errors import InvalidChart
from tests.gis.chart.places import MAJOR, NORMAL, data, definition, nothing


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("shape", "heart", "heart"),
        ("colour_day", "red", "#RRGGBB"),
        ("colour_night", "#12345", "#RRGGBB"),
        ("colour_night", "#123456;background:url(x)", "#RRGGBB"),
    ],
)
def test_a_symbol_that_cannot_be_drawn_is_refused(field: str, value: str, says: str) -> None:
    with pytest.raises(InvalidChart, match=says):
        replace(MAJOR, **{field: value})


def test_a_code_stands_for_one_status() -> None:
    with pytest.raises(InvalidChart, match="more than once"):
        StatusScheme("s", "", "", (NORMAL, replace(MAJOR, code="normal")))
    with pytest.raises(InvalidChart, match="more than once"):
        definition(case_states=(NORMAL, NORMAL))


def test_more_statuses_than_a_byte_holds_are_refused() -> None:
    many = tuple(replace(NORMAL, code=str(i)) for i in range(MOST_STATUSES + 1))
    with pytest.raises(InvalidChart, match="251 codes"):
        StatusScheme("s", "", "", many)


@pytest.mark.parametrize("changes", [{"language": "fr"}, {"theme": "dusk"}])
def test_an_unknown_language_or_theme_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidChart, match=next(iter(changes.values()))):
        definition(**changes)


def test_the_time_of_the_data_has_a_time_zone() -> None:
    with pytest.raises(InvalidChart, match="time zone"):
        data(data_time=datetime(2026, 11, 24, 9, 5), grids=nothing())  # noqa: DTZ001
