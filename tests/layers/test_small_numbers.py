"""What is shown of counts never tells a hidden one."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.small_numbers import ShownCount, show_count, sum_shown

Table = list[list[int]]

TABLES = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 12), min_size=width, max_size=width), min_size=1, max_size=4
    )
)


def answers(table: Table, own: list[bool]) -> list[ShownCount]:
    """Everything that could be asked of a table: cells, and the sum of each set of them."""
    cells = [
        show_count(count, outside=not at_home)
        for row, at_home in zip(table, own, strict=True)
        for count in row
    ]
    sets = chain.from_iterable(combinations(cells, size) for size in range(len(cells) + 1))
    return [sum_shown(some) for some in sets]


@given(table=TABLES, data=st.data())
def test_whatever_is_asked_a_hidden_cell_could_be_each_of_1_to_4(
    table: Table, data: st.DataObject
) -> None:
    own = data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table)))
    table = [row[:2] for row in table[:3]]  # 64 sums at most
    own = own[: len(table)]
    said = answers(table, own)
    for position, row in enumerate(table):
        for column, count in enumerate(row):
            if own[position] or not 0 < count < 5:
                continue
            for other in range(1, 5):
                changed = [list(each) for each in table]
                changed[position][column] = other
                assert answers(changed, own) == said


@given(counts=st.lists(st.integers(0, 40), max_size=20))
def test_the_truth_lies_within_what_is_shown(counts: list[int]) -> None:
    total = sum_shown(show_count(count, outside=True) for count in counts)
    assert total.least <= sum(counts) <= total.most
    if not any(0 < count < 5 for count in counts):
        assert total.exact == sum(counts)


@pytest.mark.parametrize(
    ("count", "outside", "shown"),
    [(0, True, "0"), (1, True, "<5"), (4, True, "<5"), (5, True, "5"), (4, False, "4")],
)
def test_only_1_to_4_are_hidden_and_only_outside(count: int, outside: bool, shown: str) -> None:
    assert str(show_count(count, outside=outside)) == shown
