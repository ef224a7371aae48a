"""Cases counted by the grid of their time and by today's: the sums agree after publications."""

from collections import Counter

import pytest
import shapely

from layers.actions.boundaries import InForce, load_in_force
from layers.actions.cases_by_grid import GridCount, count_cases, list_cases_today
from layers.actions.seed_reference import seed_reference
from layers.session import Database
from layers.small_numbers import ShownCount
from layers.store.cases import CaseFilter
from tests.layers.actions.made import STEP, grids, layer, load, middle, publish, read, square

PLACES = {"west": middle(0), "border": shapely.Point(middle(1).x - 0.4 * STEP, middle(1).y),
          "east": middle(1), "outside": middle(7), "nowhere": None}  # fmt: skip
STATES = ("reported", "open", "closed", "void")


def report_everywhere(database: Database, round_: int) -> None:
    """Import a case of every state at every place."""
    rows = [
        {"source_id": f"{name} {state} {round_}", "category": "54001", "state": state}
        for name in PLACES for state in STATES
    ]  # fmt: skip
    load(database, "cases", layer(rows, [PLACES[name] for name in PLACES for _ in STATES]))


def wider(share: float) -> object:
    west = square(0).union(square(1, size=STEP * share)).envelope
    both = square(0).union(square(1)).envelope
    rows = [{"code": code} for code in "AB"]
    return layer(rows, [west, both.difference(west)], name="grids")


def in_force(database: Database) -> InForce:
    with database.transaction() as session:
        return load_in_force(session)


def exact(count: ShownCount) -> int:
    assert count.exact is not None
    return count.exact


def sums(counts: list[GridCount]) -> tuple[int, int]:
    return sum(exact(each.case_count) for each in counts), sum(
        exact(each.open_count) for each in counts
    )


@pytest.fixture
def lived(database: Database) -> Database:
    """Cases before, between and after two publications that move the border to and fro."""
    seed_reference(database)
    publish(database, grids("AB"))
    report_everywhere(database, 1)
    publish(database, wider(0.25))
    report_everywhere(database, 2)
    publish(database, wider(0.01))
    report_everywhere(database, 3)
    return database


def test_both_ways_of_counting_sum_up_to_all_cases(lived: Database) -> None:
    today = in_force(lived)
    ((stored, still_open),) = read(
        lived, "SELECT count(*), count(*) FILTER (WHERE state NOT IN ('closed', 'void')) FROM cases"
    )
    then, now = count_cases(lived, CaseFilter()), count_cases(lived, CaseFilter(), today)
    assert stored == 3 * len(PLACES) * len(STATES)
    assert sums(then) == sums(now) == (stored, still_open)
    assert len({each.owner.edition_id for each in then if each.owner.grid_code}) == 3
    assert {each.owner.edition_id for each in now if each.owner.grid_code} == {today.edition_id}


def test_the_two_ways_differ_where_a_border_moved_over_ended_cases(lived: Database) -> None:
    today = in_force(lived)

    def by_code(counts: list[GridCount]) -> Counter[str | None]:
        codes: Counter[str | None] = Counter()
        for each in counts:
            codes[each.owner.grid_code] += exact(each.case_count)
        return codes

    then, now = (by_code(count_cases(lived, CaseFilter(), when)) for when in (None, today))
    moved = 2  # closed and void, reported while the border ran farther east
    assert (then["A"] - now["A"], now["B"] - then["B"]) == (moved, moved)
    assert then[None] == now[None]


def test_the_lists_of_todays_grids_are_as_long_as_their_counts(lived: Database) -> None:
    today = in_force(lived)
    counted = {
        each.owner.grid_code: exact(each.case_count)
        for each in count_cases(lived, CaseFilter(), today)
        if each.owner.grid_code
    }
    for code, count in counted.items():
        listed = list_cases_today(lived, today, CaseFilter(grid=code), limit=500)
        assert len(listed.cases) == count > 0
