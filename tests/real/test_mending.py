"""Real layers of grids, mended: what becomes whole, what stays, and that nothing moves too far."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.coverage import check_grids
from gis.ellipsoid import metres_a_degree
from gis.mending import mend_grids
from gis.outlines import mended
from tests.real.partitions import real_grids

pytestmark = pytest.mark.real


def furthest_m(one, other):
    """The furthest that any boundary moved, in metres."""
    scale = np.array([float(each) for each in metres_a_degree(shapely.get_y(one[0].centroid))])
    lines = [
        shapely.transform(shapely.boundary(each), lambda at: at * scale) for each in (one, other)
    ]
    changed = ~shapely.equals_exact(*lines)
    return float(shapely.hausdorff_distance(lines[0][changed], lines[1][changed]).max(initial=0.0))


@pytest.mark.parametrize("name", ["police_1959", "police_2023"])
def test_districts_that_are_whole_stay_to_the_bit(shared_data: Path, name: str) -> None:
    codes, shapes = real_grids(shared_data, name)
    mending = mend_grids(codes, shapes)
    assert mending.changes == []
    assert all(a is b for a, b in zip(shapes, mending.geometries, strict=True))


def test_the_council_districts_become_one_coverage(shared_data: Path) -> None:
    codes, shapes = real_grids(shared_data, "council")
    assert not shapely.coverage_is_valid(shapes)
    mending = mend_grids(codes, shapes)
    assert mending.left == []
    assert shapely.coverage_is_valid(mending.geometries)
    assert furthest_m(shapes, mending.geometries) <= 1


def test_of_the_neighbourhoods_only_the_wide_is_left(shared_data: Path) -> None:
    codes, shapes = real_grids(shared_data, "neighborhoods_2020")
    before = Counter(finding.rule for finding in check_grids(codes, shapes))
    assert before["invalid_geometry"] == 2
    mending = mend_grids(codes, shapes)
    after = Counter(left.finding.rule for left in mending.left)
    assert after["invalid_geometry"] == 0
    assert after["sliver"] < before["sliver"] / 3
    assert after["overlap"] == 1
    assert furthest_m(mended(shapes), mending.geometries) <= 1.001
    assert mend_grids(codes, mending.geometries).changes == []


def test_the_one_bad_ring_of_tottori_is_repaired(shared_data: Path) -> None:
    codes, shapes = real_grids(shared_data, "tottori")
    mending = mend_grids(codes, shapes)
    kinds = Counter(change.what for change in mending.changes)
    assert kinds["ring_repaired"] == 1
    assert mending.left == []
    assert shapely.is_valid(mending.geometries).all()
