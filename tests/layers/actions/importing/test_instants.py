import datetime as dt

import pyarrow as pa
import pytest

from layers.actions.importing.instants import Calendar, read_instants
from layers.errors import LayerRefused, MappingInvalid

NEW_YORK = Calendar("America/New_York")
BEIJING = Calendar("Asia/Shanghai")


def read(*words: str | None, calendar: Calendar = BEIJING) -> list[str | None]:
    """The instants in UTC as text; "bad" where nothing could be read."""
    instants, bad = read_instants(pa.array(words, pa.large_string()), "occurred_at", calendar)
    return [
        "bad" if wrong else (None if when is None else when.isoformat())
        for when, wrong in zip(instants.to_pylist(), bad, strict=True)
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2018-04-12 11:11:26", "2018-04-12T03:11:26+00:00"),
        ("2018-04-12T11:11:26Z", "2018-04-12T11:11:26+00:00"),
        ("2018-04-12T11:11:26.5+08:00", "2018-04-12T03:11:26.500000+00:00"),
        ("2018-04-12 11:11:26-0530", "2018-04-12T16:41:26+00:00"),
        ("2018-04-12", "2018-04-11T16:00:00+00:00"),
        ("2018/4/2 1:02", "2018-04-01T17:02:00+00:00"),
        ("2018年4月12日11时05分", "2018-04-12T03:05:00+00:00"),
        ("20180412", "2018-04-11T16:00:00+00:00"),
        ("20180412111213", "2018-04-12T03:12:13+00:00"),
        ("12.04.2018 10:00", "2018-04-12T02:00:00+00:00"),
        ("1969-07-20 20:17:40", "1969-07-20T12:17:40+00:00"),
    ],
)
def test_the_usual_forms_are_read(written: str, meant: str) -> None:
    assert read(written) == [meant]


def test_twelve_hour_clocks_turn_at_noon_and_midnight() -> None:
    words = ["01/31/2018 12:00:00 AM", "01/31/2018 12:30:00 PM", "01/31/2018 01:00:00 p.m."]

    assert read(*words, calendar=Calendar("UTC")) == [
        "2018-01-31T00:00:00+00:00",
        "2018-01-31T12:30:00+00:00",
        "2018-01-31T13:00:00+00:00",
    ]


def test_one_date_that_can_only_be_read_one_way_settles_all() -> None:
    assert read("04/12/2018 11:11:26 AM", "11/13/2018 01:06:56 PM", calendar=NEW_YORK) == [
        "2018-04-12T15:11:26+00:00",
        "2018-11-13T18:06:56+00:00",
    ]
    assert read("04/12/2018", "13/11/2018", calendar=Calendar("UTC"))[0] == (
        "2018-12-04T00:00:00+00:00"
    )


def test_an_order_that_nothing_settles_is_asked_for_not_guessed() -> None:
    with pytest.raises(LayerRefused, match="--date-order dmy or --date-order mdy"):
        read("04/12/2018", "05/06/2018")

    assert read("04/12/2018", calendar=Calendar("UTC", "dmy")) == ["2018-12-04T00:00:00+00:00"]
    assert read("04/12/2018", calendar=Calendar("UTC", "mdy")) == ["2018-04-12T00:00:00+00:00"]


@pytest.mark.parametrize(
    "written", ["soon", "2018-02-30", "2018-13-01", "2018-01-01 24:01", "01/31/2018 13:00 PM", "1"]
)
def test_what_is_no_time_is_marked_and_the_rest_is_read(written: str) -> None:
    assert read(written, "2018-04-12T00:00:00Z", None) == ["bad", "2018-04-12T00:00:00+00:00", None]


def test_the_hour_that_a_zone_lives_twice_is_the_first_and_the_skipped_one_moves_on() -> None:
    words = ["2018-11-04 01:30:00", "2018-03-11 02:30:00"]

    assert read(*words, calendar=NEW_YORK) == [
        "2018-11-04T05:30:00+00:00",
        "2018-03-11T07:00:00+00:00",
    ]


def test_no_rows_are_no_error() -> None:
    assert read() == []
    assert read(None, None) == [None, None]


def test_a_zone_that_nobody_knows_is_said() -> None:
    with pytest.raises(MappingInvalid, match="Asia/Ordos"):
        Calendar("Asia/Ordos").zone()


def test_python_reads_the_same_instants() -> None:
    moments = [
        dt.datetime(2020, 1, day, hour, tzinfo=dt.UTC) for day in (1, 31) for hour in (0, 23)
    ]

    assert read(*(moment.isoformat() for moment in moments)) == [m.isoformat() for m in moments]
