"""What every proposal must be, whatever the ground: exact, whole, connected, even, repeatable."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coverage import check_grids
from gis.errors import InvalidGrids
from gis.measure import areas_m2
from gis.proposal import Bounds, Ground, Proposal, propose, score
from tests.gis.proposal.places import BLOCK, SOUTH, WEST, block, board, land, streets


def assert_fills(ground: Ground, proposal: Proposal) -> None:
    """Every place of the outline is in exactly one grid, and neighbours share their vertices."""
    every = np.concatenate([proposal.grids, proposal.kept])
    codes = [str(number) for number in range(len(every))]
    found = check_grids(codes, every, np.array([ground.outline]))
    found = [finding for finding in found if finding.rule != "multipart"]  # told by in_pieces
    assert found == [], [(f.rule, f.measure) for f in found]
    assert shapely.is_valid(every).all()
    spilt = shapely.symmetric_difference(shapely.union_all(every), ground.outline)
    # A border may end a fifth of a millimetre beside the outline's edge; a block has 9,500 m².
    assert shapely.area(spilt) < 1e-5 * shapely.area(block(0, 0))
    assert shapely.area(every).sum() == pytest.approx(shapely.area(ground.outline), rel=1e-5)


def test_blocks_are_put_together_evenly_along_streets() -> None:
    ground = board(4, 4)
    proposal = propose(ground)
    assert proposal.households == (400, 400, 400, 400)
    assert proposal.score.street_share == pytest.approx(1.0)
    assert proposal.score.share_within == 1.0
    assert proposal.score.compactness_worst > 0.6  # squares, or nearly
    assert (proposal.oversize, proposal.undersize, proposal.in_pieces) == ((), (), ())
    assert_fills(ground, proposal)


def test_the_same_seed_gives_the_same_grids() -> None:
    ground = board(4, 3, 130)
    one, two = propose(ground, seed=5), propose(ground, seed=5)
    assert shapely.equals_identical(one.grids, two.grids).all()


def test_vertices_of_the_outline_stay_where_they_were() -> None:
    ground = board(3, 3, 150)
    vertices = set(map(tuple, shapely.get_coordinates(propose(ground).grids)))
    assert set(map(tuple, shapely.get_coordinates(ground.outline))) <= vertices


def test_without_streets_borders_run_midway() -> None:
    ground = board(4, 2, streets=np.array([], dtype=object))
    proposal = propose(ground)
    assert proposal.households == (400, 400)
    assert proposal.score.street_share is None
    assert_fills(ground, proposal)
    middle = WEST + 2 * BLOCK
    inner = shapely.intersection(*shapely.boundary(proposal.grids))
    assert shapely.get_coordinates(inner)[:, 0] == pytest.approx(middle, abs=0.03 * BLOCK)


def test_a_compound_is_kept_whole_though_a_street_runs_through_it() -> None:
    compound = shapely.union_all([block(1, 0, shrunk=0.1), block(2, 0, shrunk=0.1)]).envelope
    ground = board(4, 2, compounds=np.array([compound]))
    proposal = propose(ground)
    assert proposal.score.compounds_split == 0
    assert proposal.score.buildings_split == 0
    assert sum(proposal.households) == 800
    assert_fills(ground, proposal)


def test_a_building_across_a_street_is_kept_whole() -> None:
    across = shapely.box(WEST + 1.8 * BLOCK, SOUTH + 0.4 * BLOCK, WEST + 2.2 * BLOCK, SOUTH + 6e-4)
    ground = board(4, 2)
    ground = Ground(
        ground.outline,
        np.append(ground.buildings, across),
        np.append(ground.households, 30),
        streets=ground.streets,
    )
    proposal = propose(ground)
    assert proposal.score.buildings_split == 0
    assert_fills(ground, proposal)


def test_a_compound_above_the_bounds_stays_one_grid_and_is_named() -> None:
    counts = np.array([900, 100, 100, 100, 100])
    ground = board(5, 1, households=0)
    ground = Ground(ground.outline, ground.buildings, counts, streets=ground.streets)
    proposal = propose(ground)
    assert sorted(proposal.households) == [400, 900]
    assert [proposal.households[i] for i in proposal.oversize] == [900]
    assert_fills(ground, proposal)


def test_grids_that_are_kept_are_left_alone() -> None:
    ground = board(5, 2, kept=np.array([shapely.union_all([block(4, 0), block(4, 1)])]))
    proposal = propose(ground)
    assert proposal.households == (400, 400)
    assert areas_m2(proposal.kept) == pytest.approx(areas_m2(ground.kept), abs=0.01)
    assert_fills(ground, proposal)


def test_a_hole_in_the_outline_stays_a_hole() -> None:
    holed = shapely.difference(land(4, 4), block(1, 1))
    ground = board(4, 4, outline=holed)
    proposal = propose(ground)
    assert sum(proposal.households) == 1500  # the building in the hole is a neighbour's
    assert_fills(ground, proposal)


def test_parts_of_an_outline_are_parted_by_themselves_if_they_are_large_enough() -> None:
    parts = shapely.MultiPolygon([land(4, 1), shapely.transform(land(4, 1), lambda c: c + 0.01)])
    there = [block(i, 0, shrunk=0.3) for i in range(4)]
    there += [block(i + 10, 10, shrunk=0.3) for i in range(4)]
    for far, pieces in ((100, 0), (10, 1)):
        counts = np.array([100] * 4 + [far] * 4)
        ground = Ground(parts, np.array(there, dtype=object), counts)
        proposal = propose(ground)
        assert len(proposal.in_pieces) == pieces
        assert_fills(ground, proposal)


@pytest.mark.parametrize("households", [0, 3, 400, 5000])
def test_one_building_is_one_grid(households: int) -> None:
    ground = Ground(land(1, 1), np.array([block(0, 0, shrunk=0.4)]), np.array([households]))
    proposal = propose(ground)
    assert proposal.households == (households,)
    assert_fills(ground, proposal)


def test_nothing_but_an_outline_is_one_grid() -> None:
    proposal = propose(Ground(land(2, 1), streets=streets(2, 1)))
    assert proposal.households == (0,)
    assert proposal.undersize == (0,)


def test_points_may_stand_for_buildings() -> None:
    ground = board(4, 2)
    points = shapely.centroid(ground.buildings)
    proposal = propose(Ground(ground.outline, points, ground.households, streets=ground.streets))
    assert proposal.households == (400, 400)


def test_buildings_one_upon_another_are_one() -> None:
    twice = np.array([block(0, 0, shrunk=0.3), block(0, 0, shrunk=0.32), block(1, 0, shrunk=0.3)])
    ground = Ground(land(2, 1), twice, np.array([200, 200, 400]))
    proposal = propose(ground)
    assert sorted(proposal.households) == [400, 400]
    assert proposal.score.buildings_split == 0
    assert_fills(ground, proposal)


def test_what_cannot_be_is_said_in_words() -> None:
    with pytest.raises(InvalidGrids, match=r"500\.\.300 is no range"):
        Bounds(500, 300)
    with pytest.raises(InvalidGrids, match="1 household counts for 0 buildings"):
        Ground(land(1, 1), households=np.array([1]))
    with pytest.raises(InvalidGrids, match="fewer than 0"):
        Ground(land(1, 1), np.array([block(0, 0)]), np.array([-1]))
    with pytest.raises(InvalidGrids, match="no area"):
        Ground(shapely.LineString([(0, 0), (1, 1)]))


@st.composite
def towns(draw: st.DrawFn) -> Ground:
    """Towns with missing streets, uneven buildings, slanting outlines and odd compounds."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    count = columns * rows
    shrunk = draw(st.lists(st.floats(0.05, 0.45), min_size=count, max_size=count))
    buildings = [block(i % columns, i // columns, shrunk=share) for i, share in enumerate(shrunk)]
    counts = draw(st.lists(st.integers(0, 700), min_size=count, max_size=count))
    lines = streets(columns, rows)
    kept = draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    slant = draw(st.floats(-0.4, 0.4))
    outline = shapely.transform(
        land(columns, rows), lambda c: np.c_[c[:, 0] + slant * (c[:, 1] - SOUTH), c[:, 1]]
    )
    compounds = []
    if draw(st.booleans()):
        compounds = [shapely.union_all(buildings[:2]).envelope]
    return Ground(
        outline,
        np.array(buildings, dtype=object),
        np.array(counts),
        np.array(compounds, dtype=object),
        lines[np.array(kept, dtype=bool)],
    )


@settings(max_examples=20, deadline=None)
@given(towns(), st.integers(0, 3))
def test_every_proposal_fills_the_outline_and_cuts_nothing(ground: Ground, seed: int) -> None:
    proposal = propose(ground, seed=seed)
    assert_fills(ground, proposal)
    whole = shapely.area(shapely.intersection(ground.buildings, ground.outline))
    ours = whole > shapely.area(ground.buildings) / 2
    assert sum(proposal.households) == ground.households[ours].sum()
    inside = Ground(
        ground.outline, ground.buildings[ours], ground.households[ours], ground.compounds
    )
    judged = score(inside, proposal.grids)
    assert (judged.buildings_split, judged.compounds_split) == (0, 0)
    assert proposal.in_pieces == ()


@pytest.mark.parametrize("over", [0.01, 0.015, 0.03])
def test_a_border_goes_around_a_building_that_stands_over_a_streets_line(over: float) -> None:
    town = board(4, 2)
    edge = WEST + 2 * BLOCK - over * BLOCK  # 0.01 of a block is 0.86 m
    house = shapely.box(edge, SOUTH + 0.3 * BLOCK, edge + 0.12 * BLOCK, SOUTH + 0.45 * BLOCK)
    ground = replace(
        town,
        buildings=np.array([*town.buildings, house], dtype=object),
        households=np.append(town.households, 40),
    )
    proposal = propose(ground)
    share = shapely.area(shapely.intersection(proposal.grids, house)) / house.area
    assert share.max() == pytest.approx(1, abs=1e-3)
    assert proposal.score.buildings_split == 0
    assert shapely.coverage_is_valid(proposal.grids)
    assert sum(proposal.households) == 840
