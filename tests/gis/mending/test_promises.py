"""What mending promises of every coverage, however it was damaged."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from gis.coverage import check_grids
from gis.mending import mend_grids
from gis.testing import partitions, rough_grids
from tests.gis.mending.damage import damaged, drawn_apart, moved_m


@given(damaged())
@settings(max_examples=25, deadline=None)
def test_what_was_drawn_with_small_errors_comes_back_whole(town):
    codes, shapes = town
    mending = mend_grids(codes, shapes)
    assert mending.left == []
    assert shapely.coverage_is_valid(mending.geometries)
    found = check_grids(codes, mending.geometries)
    assert [finding for finding in found if finding.rule != "multipart"] == []
    for came, went in zip(shapes, mending.geometries, strict=True):
        assert went.is_valid
        assert moved_m(came, went) <= 1.001
    twice = mend_grids(codes, mending.geometries)
    assert twice.changes == []
    assert all(a is b for a, b in zip(mending.geometries, twice.geometries, strict=True))


@given(damaged(jitter_m=2.5))
@settings(max_examples=25, deadline=None)
def test_whatever_the_errors_nothing_moves_too_far_and_the_same_comes_out(town):
    codes, shapes = town
    shapes = np.array([s if s.is_valid else s.convex_hull for s in shapes], dtype=object)
    once = mend_grids(codes, shapes)
    for came, went in zip(shapes, once.geometries, strict=True):
        assert went.is_valid
        assert went.area > 0
        assert moved_m(came, went) <= 1.001
    again = mend_grids(codes, shapes)
    assert shapely.equals_exact(once.geometries, again.geometries).all()


@pytest.mark.parametrize(
    ("seed", "jitter_m"), [(0, 1), (18, 1), (52, 1), (58, 1), (1, 2.5), (40, 2.5), (4, 4), (32, 4)]
)
def test_errors_above_the_tolerance_are_not_mended_a_bit_further_by_a_second_run(seed, jitter_m):
    codes, shapes = drawn_apart(seed, jitter_m)
    once = mend_grids(codes, shapes)
    twice = mend_grids(codes, once.geometries)
    assert twice.changes == []
    assert [left.finding.rule for left in twice.left] == [left.finding.rule for left in once.left]


@given(partitions())
@settings(max_examples=25, deadline=None)
def test_a_true_partition_keeps_its_land(partition):
    mending = mend_grids(partition.codes, partition.geometries)
    assert not {change.what for change in mending.changes} - {"node_inserted", "vertices_snapped"}
    assert shapely.coverage_is_valid(mending.geometries)
    apart = shapely.symmetric_difference(partition.geometries, mending.geometries)
    assert (shapely.area(apart) < 1e-9).all()


@given(rough_grids())
@settings(max_examples=25, deadline=None)
def test_grids_as_they_should_not_be_stay_grids(partition):
    mending = mend_grids(partition.codes, partition.geometries)
    assert len(mending.geometries) == len(partition.codes)
    assert shapely.is_valid(mending.geometries).all()
    assert not shapely.is_empty(mending.geometries).any()
    rows = {change.row for change in mending.changes}
    for row, (came, went) in enumerate(zip(partition.geometries, mending.geometries, strict=True)):
        assert row in rows or went is came
