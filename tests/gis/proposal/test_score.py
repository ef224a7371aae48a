"""What a network is worth."""

import numpy as np
import pytest
import shapely

from gis.errors import InvalidGrids
from gis.proposal import Bounds, propose, score
from tests.gis.proposal.places import BLOCK, SOUTH, WEST, board, land


def halves(share: float) -> np.ndarray:
    """Cut a town of four by one blocks from north to south."""
    west, south, east, north = land(4, 1).bounds
    at = west + share * (east - west)
    return shapely.box([west, at], south, [at, east], north)


def test_a_cut_along_a_street_is_worth_more_than_one_through_a_building() -> None:
    ground = board(4, 1, 200)
    good, bad = score(ground, halves(0.5)), score(ground, halves(0.625))
    assert (good.households, good.largest_deviation, good.share_within) == ((400, 400), 0.0, 1.0)
    assert (good.buildings_split, bad.buildings_split) == (0, 1)
    assert (good.street_share, bad.street_share) == (pytest.approx(1.0), pytest.approx(0.0))


def test_households_are_counted_where_most_of_a_building_is() -> None:
    judged = score(board(4, 1, 200), halves(0.6), Bounds(300, 500))
    assert judged.households == (400, 400)
    judged = score(board(4, 1, 200), halves(0.65), Bounds(300, 500))
    assert judged.households == (600, 200)
    assert judged.largest_deviation == pytest.approx(0.5)
    assert judged.share_within == 0.0


def test_compactness_is_that_of_polsby_and_popper() -> None:
    metres = 1e-3 * 85_500  # a block is 85.5 m wide and 111 m high here
    judged = score(board(4, 1), np.array([land(4, 1)]))
    width, height = 4 * metres, 111.0
    expected = 4 * np.pi * width * height / (2 * (width + height)) ** 2
    assert judged.compactness_mean == pytest.approx(expected, rel=0.01)


def test_a_compound_with_a_sliver_beyond_the_border_is_not_split() -> None:
    middle = WEST + 2 * BLOCK
    for over, split in ((0.005, 0), (0.2, 1)):
        compound = shapely.box(middle - BLOCK, SOUTH, middle + over * BLOCK, SOUTH + BLOCK)
        ground = board(4, 1, compounds=np.array([compound]))
        assert score(ground, halves(0.5)).compounds_split == split


def test_what_is_mostly_a_neighbours_is_none_of_ours() -> None:
    middle = WEST + 2 * BLOCK
    over = shapely.box(middle - BLOCK, SOUTH - BLOCK, middle + BLOCK, SOUTH + 0.2 * BLOCK)
    ground = board(4, 1, compounds=np.array([over]))
    assert score(ground, halves(0.5)).compounds_split == 0


def test_a_proposal_is_worth_no_less_than_strips() -> None:
    ground = board(6, 4, 90)
    ours, strips = propose(ground).score, score(ground, _strips(6, 4, 5))
    assert ours.share_within == 1.0
    assert ours.compactness_mean > strips.compactness_mean
    assert ours.buildings_split < strips.buildings_split


def _strips(columns: int, rows: int, count: int) -> np.ndarray:
    west, south, east, north = land(columns, rows).bounds
    edges = np.linspace(west, east, count + 1)
    return shapely.box(edges[:-1], south, edges[1:], north)


def test_no_grids_are_nothing_to_judge() -> None:
    with pytest.raises(InvalidGrids):
        score(board(1, 1), np.array([], dtype=object))
