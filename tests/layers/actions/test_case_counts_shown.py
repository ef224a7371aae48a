"""Small counts of cases outside the community that owns them."""

import pytest

from layers.actions.cases_by_grid import count_cases
from layers.actions.seed_reference import seed_reference
from layers.session import Database
from layers.small_numbers import sum_shown
from layers.store.cases import CaseFilter
from layers.viewer import Viewer, seen_by
from layers.vocabulary import Role
from tests.layers.actions.made import grids, layer, load, middle, publish

STATES = {"A": ["reported"] * 3 + ["closed"] * 6, "B": ["reported"] * 5}


@pytest.fixture
def town(database: Database) -> Database:
    seed_reference(database)
    publish(database, grids("AB"))
    rows, places = [], []
    for column, (grid, states) in enumerate(STATES.items()):
        for number, state in enumerate(states):
            rows.append({"source_id": f"{grid}{number}", "category": "54001", "state": state})
            places.append(middle(column))
    assert not load(database, "cases", layer(rows, places)).rejects
    return database


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        (Viewer("s", Role.STREET, ""), {"A": ("7–10", "<5"), "B": ("5", "5")}),
        (Viewer("d", Role.DEPARTMENT, "", ("54",)), {"A": ("7–10", "<5"), "B": ("5", "5")}),
        (Viewer("c", Role.COMMUNITY, "A/"), {"A": ("9", "3"), "B": ("5", "5")}),
        (None, {"A": ("9", "3"), "B": ("5", "5")}),
    ],
)
def test_whoever_is_outside_sees_no_small_count(
    town: Database, who: Viewer | None, shown: dict[str, tuple[str, str]]
) -> None:
    with seen_by(who):
        counts = count_cases(town, CaseFilter())
    assert {
        each.owner.grid_code: (str(each.case_count), str(each.open_count)) for each in counts
    } == shown
    total = sum_shown(each.case_count for each in counts)
    assert (total.exact is None) == (shown["A"][1] == "<5")
