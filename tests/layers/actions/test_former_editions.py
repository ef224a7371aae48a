from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from layers.actions import former_editions
from layers.actions.boundaries import Boundaries
from layers.actions.former_editions import FormerEditions
from layers.actions.publish_edition import publish_edition
from layers.errors import EditionConflict, EditionNotFound, InstantInvalid
from layers.session import Database
from tests.layers.actions.made import grids, layer, load, middle, publish, square

HERE = middle(0).coords[0]
YEARS = [datetime(year, 1, 1, tzinfo=UTC) for year in (1959, 1990, 2023)]


@pytest.fixture
def boundaries(fresh_database: Database) -> Iterator[Boundaries]:
    made = Boundaries(fresh_database)
    yield made
    made.close()


@pytest.fixture
def past(fresh_database: Database, boundaries: Boundaries) -> FormerEditions:
    """Three editions, one after the other: grid A, then B, then C, all on the same square."""
    for code, began in zip("ABC", YEARS, strict=True):
        edition = load(fresh_database, "grids", grids(code)).edition_id
        assert edition is not None
        publish_edition(fresh_database, edition, valid_from=began)
    boundaries.close()  # it reads again only when told to
    boundaries.refresh()
    return FormerEditions(fresh_database, boundaries)


def test_a_time_is_answered_by_the_edition_of_that_time(past: FormerEditions) -> None:
    tick = timedelta(microseconds=1)
    for began, code in zip(YEARS, "ABC", strict=True):
        assert past.at(began).grids.owner(*HERE) == code
        if code != "A":
            assert past.at(began - tick).grids.owner(*HERE) == chr(ord(code) - 1)
    assert past.at(datetime.now(UTC)).grids.owner(*HERE) == "C"


def test_before_the_first_edition_and_in_the_future_nobody_knows(past: FormerEditions) -> None:
    with pytest.raises(EditionNotFound, match="began at 1959-01-01"):
        past.at(datetime(1958, 12, 31, tzinfo=UTC))
    with pytest.raises(InstantInvalid, match="lies in the future"):
        past.at(datetime.now(UTC) + timedelta(days=1))


def test_an_edition_is_answered_by_its_number_unless_it_is_a_draft(
    fresh_database: Database, past: FormerEditions
) -> None:
    assert past.of(1).grids.owner(*HERE) == "A"
    assert past.of(3).grids.owner(*HERE) == "C"
    draft = load(fresh_database, "grids", grids("D")).edition_id
    assert draft is not None
    with pytest.raises(EditionConflict, match="never in force"):
        past.of(draft)
    with pytest.raises(EditionNotFound):
        past.of(99)


def test_a_former_edition_is_read_once_until_the_areas_change(
    fresh_database: Database, boundaries: Boundaries, past: FormerEditions
) -> None:
    first = past.of(1)
    assert past.of(1) is first

    town = {"code": "T", "name": "Town", "level": "banner"}
    load(fresh_database, "areas", layer([town], [square(0, size=0.1)]))
    boundaries.refresh()

    again = past.of(1)
    assert again.grids is first.grids
    assert (first.root_code, again.root_code) == (None, "T")


def test_only_so_many_are_kept(past: FormerEditions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former_editions, "GRIDS_MAX", 1)
    first = past.of(1)
    second = past.of(2)
    assert past.of(2) is second
    assert past.of(1) is not first
    assert past.of(1).grids.owner(*HERE) == "A"


def test_former_editions_push_no_file_of_the_one_in_force_out(
    fresh_database: Database, past: FormerEditions
) -> None:
    folder = fresh_database.snapshots._data_dir / "snapshots"  # type: ignore[operator]
    for code in "DEFG":
        publish(fresh_database, grids(code))
    current = {file.name for file in folder.glob("edition-*")}
    for number in range(1, 6):
        past.of(number)
    assert {file.name for file in folder.glob("edition-*")} == current
    assert 0 < len(list(folder.glob("former-*"))) <= 3
