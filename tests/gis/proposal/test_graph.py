"""The parting of a graph into connected groups of a good size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.proposal.graph import AtomGraph, Border, parted
from gis.proposal.ground import Bounds


def lattice(columns: int, rows: int, households: list[int]) -> AtomGraph:
    """Squares of 100 m, every border of them along a street."""
    neighbours: list[dict[int, Border]] = []
    for i in range(columns * rows):
        x, y = i % columns, i // columns
        near = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
        neighbours.append(
            {
                b * columns + a: Border(100.0, 0.0)
                for a, b in near
                if 0 <= a < columns and 0 <= b < rows
            }
        )
    count = columns * rows
    return AtomGraph(tuple(households), (1e4,) * count, (400.0,) * count, tuple(neighbours))


def loads(graph: AtomGraph, groups: list[frozenset[int]]) -> list[int]:
    return sorted(sum(graph.households[i] for i in group) for group in groups)


@given(
    st.integers(1, 5).flatmap(
        lambda columns: st.integers(1, 4).flatmap(
            lambda rows: st.tuples(
                st.just(columns),
                st.just(rows),
                st.lists(st.integers(0, 900), min_size=columns * rows, max_size=columns * rows),
            )
        )
    ),
    st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_every_atom_is_in_one_connected_group(town: tuple[int, int, list[int]], seed: int) -> None:
    graph = lattice(*town)
    groups = parted(graph, Bounds(300, 500), np.random.default_rng(seed))
    assert sorted(i for group in groups for i in group) == list(range(len(town[2])))
    assert all(graph.connected(group) for group in groups)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_kept_where_they_can_be(seed: int) -> None:
    counts = [150, 90, 210, 60, 140, 130, 170, 120, 80, 200, 110, 140]
    graph = lattice(4, 3, counts)
    groups = parted(graph, Bounds(300, 500), np.random.default_rng(seed))
    assert all(300 <= load <= 500 for load in loads(graph, groups))


def test_no_more_groups_than_their_size_allows() -> None:
    graph = lattice(5, 1, [250] * 5)
    groups = parted(graph, Bounds(400, 500), np.random.default_rng(0))
    assert len(groups) in (2, 3)  # 1,250 is neither two nor three times 400 to 500


def test_a_giant_stays_alone() -> None:
    graph = lattice(4, 1, [2000, 200, 200, 0])
    groups = parted(graph, Bounds(300, 500), np.random.default_rng(0))
    assert loads(graph, groups) == [400, 2000]


@pytest.mark.parametrize("seed", range(3))
def test_of_two_even_cuts_the_one_on_a_street_is_made(seed: int) -> None:
    graph = lattice(5, 1, [160] * 5)
    graph.neighbours[1][2] = graph.neighbours[2][1] = Border(100.0, 100.0)
    groups = parted(graph, Bounds(300, 500), np.random.default_rng(seed))
    assert [sorted(group) for group in groups] == [[0, 1, 2], [3, 4]]
