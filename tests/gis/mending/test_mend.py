"""What is done to a coverage, kind by kind; distances in metres at 39.9° north."""

import numpy as np
import pytest
import shapely
from pyproj import Geod

from gis.coverage import check_grids
from gis.errors import InvalidGrids
from gis.mending import MendOptions, mend_grids
from tests.gis.mending.damage import SIDE, X_M, Y_M, cell, moved_m


def kinds(mending):
    return [(change.code, change.what) for change in mending.changes]


def assert_whole(codes, mending):
    assert mending.left == []
    assert shapely.coverage_is_valid(mending.geometries, gap_width=1 / 111_000)
    found = check_grids(codes, mending.geometries)
    assert [finding for finding in found if finding.rule != "multipart"] == []


def test_a_clean_coverage_stays_as_it_is():
    cells = np.array([cell(i, j) for i in range(3) for j in range(3)])
    mending = mend_grids([f"G{i}" for i in range(9)], cells)
    assert mending.changes == mending.left == []
    assert all(mended is came for mended, came in zip(mending.geometries, cells, strict=True))
    assert mend_grids([], []).changes == []


def test_a_bowtie_is_repaired():
    x, y = 111.2, 39.9
    tie = shapely.Polygon([(x, y), (x + SIDE, y + SIDE), (x + SIDE, y), (x, y + SIDE)])
    mending = mend_grids(["A", "B"], [tie, cell(5, 5)])
    assert kinds(mending) == [("A", "ring_repaired")]
    (change,) = mending.changes
    assert mending.geometries[0].is_valid
    geod = Geod(ellps="GRS80")
    triangles = shapely.get_parts(mending.geometries[0])
    expected = sum(abs(geod.geometry_area_perimeter(each)[0]) for each in triangles)
    assert change.area_after_m2 == pytest.approx(expected, rel=1e-6)
    assert "A" in change.message_en
    assert "修复" in change.message_zh


def test_a_missing_node_is_put_in():
    tall = shapely.box(111.2, 39.9, 111.2 + SIDE, 39.9 + 2 * SIDE)
    mending = mend_grids(["A", "B", "C"], [tall, cell(1, 0), cell(1, 1)])
    assert kinds(mending) == [("A", "node_inserted")]
    assert len(shapely.get_coordinates(mending.geometries[0])) == 6
    assert shapely.equals(mending.geometries[0], tall)
    assert_whole(["A", "B", "C"], mending)


@pytest.mark.parametrize("codes", [["A", "B"], ["B", "A"]])
def test_corners_drawn_twice_become_the_lower_codes(codes):
    shapes = [
        cell(0, 0),
        shapely.transform(cell(1, 0), lambda at: at + np.array([0.4 * X_M, 0.3 * Y_M])),
    ]
    mending = mend_grids(codes, shapes)
    assert kinds(mending) == [("B", "vertices_snapped")]
    stays = codes.index("A")
    assert mending.geometries[stays] is shapes[stays]
    assert "0.50 m" in mending.changes[0].message_en
    assert_whole(codes, mending)


def test_a_sliver_goes_to_the_longest_edge():
    # 0.5 m between B and the others; A has twice the edge of B along it
    north, south = 39.9 + SIDE + 0.25 * Y_M, 39.9 + SIDE - 0.25 * Y_M
    frame = shapely.box(111.2, 39.9, 111.2 + 3 * SIDE, 39.9 + 2 * SIDE)
    hole = shapely.box(111.2 + SIDE, south, 111.2 + 2 * SIDE, north)
    lower = shapely.box(111.2 + SIDE, 39.9, 111.2 + 2 * SIDE, south)
    upper = shapely.box(111.2 + SIDE, north, 111.2 + 2 * SIDE, 39.9 + 2 * SIDE)
    around = frame - lower - upper - hole
    codes, shapes = ["C", "B", "A"], [around, lower, upper]
    mending = mend_grids(codes, shapes)
    # the edges along it are alike but for the width of a degree: north of it they are shorter
    assert ("B", "sliver_given") in kinds(mending) or ("A", "sliver_given") in kinds(mending)
    assert ("C", "sliver_given") not in kinds(mending)
    assert_whole(codes, mending)
    gained = [c for c in mending.changes if c.what == "sliver_given"]
    assert gained[0].area_after_m2 - gained[0].area_before_m2 == pytest.approx(42.7, abs=0.3)


def test_of_an_overlap_the_grid_with_the_longer_edge_to_the_rest_keeps_it():
    # B juts 0.8 m into A: its edge to B is the width, A's goes around three sides
    jut = shapely.box(111.2 + SIDE - 0.8 * X_M, 39.9 + SIDE / 4, 111.2 + SIDE, 39.9 + SIDE / 2)
    shapes = [cell(0, 0), shapely.union(cell(1, 0), jut)]
    mending = mend_grids(["B", "A"], shapes)
    assert ("A", "sliver_given") in kinds(mending)
    assert shapely.equals(mending.geometries[0], shapes[0])
    assert shapely.equals(mending.geometries[1], cell(1, 0))
    assert_whole(["B", "A"], mending)


def wide(metres, rows=0.25):
    """B juts so far into A."""
    jut = shapely.box(
        111.2 + SIDE - metres * X_M, 39.9 + SIDE / 4, 111.2 + SIDE, 39.9 + SIDE * (1 / 4 + rows)
    )
    return [cell(0, 0), shapely.union(cell(1, 0), jut)]


def test_a_wide_overlap_is_left_with_the_reason():
    shapes = wide(3)
    mending = mend_grids(["A", "B"], shapes)
    (left,) = mending.left
    assert left.finding.rule == "overlap"
    assert "3.00 m wide" in left.reason_en
    assert "1 米" in left.reason_zh
    assert [shapely.equals(a, b) for a, b in zip(shapes, mending.geometries, strict=True)] == [1, 1]


def test_a_wider_tolerance_takes_it_up_to_the_area_that_is_allowed():
    shapes = wide(3)  # 83 m²
    mending = mend_grids(["A", "B"], shapes, MendOptions(tolerance_m=4))
    assert ("B", "overlap_given") in kinds(mending)
    assert_whole(["A", "B"], mending)
    (left,) = mend_grids(["A", "B"], shapes, MendOptions(tolerance_m=4, largest_overlap_m2=50)).left
    assert "50 m²" in left.reason_en


def test_a_gap_within_the_tolerance_is_closed():
    ring = [cell(i, j) for i in range(3) for j in range(3)]
    ring[4] = shapely.box(111.2 + SIDE, 39.9 + SIDE, 111.2 + 2 * SIDE - 3 * X_M, 39.9 + 2 * SIDE)
    codes = [f"G{i}" for i in range(9)]
    assert "gap" in {left.finding.rule for left in mend_grids(codes, ring).left}
    mending = mend_grids(codes, ring, MendOptions(tolerance_m=4))
    assert "gap_closed" in {what for _, what in kinds(mending)}
    assert_whole(codes, mending)


def test_a_hole_of_a_grid_that_nobody_has_is_closed_where_it_is_narrow():
    hole = shapely.box(111.2001, 39.9001, 111.2001 + 0.8 * X_M, 39.9001 + 40 * Y_M)
    mending = mend_grids(["A"], [cell(0, 0) - hole])
    assert kinds(mending) == [("A", "sliver_given")]
    assert shapely.equals(mending.geometries[0], cell(0, 0))


def test_copies_empty_ones_and_points_stay_and_are_told():
    shapes = [cell(0, 0), cell(0, 0), None, shapely.Point(111.3, 39.9), shapely.Polygon()]
    mending = mend_grids(["A", "B", "C", "D", "E"], shapes)
    assert [m is s for m, s in zip(mending.geometries, shapes, strict=True)] == [True] * 5
    assert {left.finding.rule for left in mending.left} == {
        "duplicate_geometry", "empty_geometry", "invalid_geometry",
    }  # fmt: skip


def test_no_grid_is_swallowed():
    islet = shapely.box(111.2001, 39.9001, 111.2001 + 0.9 * X_M, 39.9001 + 0.9 * Y_M)
    mending = mend_grids(["A", "B"], [cell(0, 0), islet])
    assert all(shape.area > 0 for shape in mending.geometries)
    assert moved_m(islet, mending.geometries[1]) <= 1


def test_an_open_strip_between_grids_is_closed():
    shapes = [cell(0, 0), shapely.transform(cell(1, 0), lambda at: at + np.array([0.6 * X_M, 0]))]
    mending = mend_grids(["A", "B"], shapes)
    assert_whole(["A", "B"], mending)
    assert mend_grids(["A", "B"], shapes, MendOptions(tolerance_m=0)).changes == []


def test_as_many_codes_as_geometries():
    with pytest.raises(InvalidGrids, match="1 codes for 0"):
        mend_grids(["A"], [])
