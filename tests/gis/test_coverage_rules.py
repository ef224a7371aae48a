"""Each rule of the coverage has a case that nothing else would find."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coverage import (
    Parents,
    Tolerances,
    check_codes,
    check_grids,
    check_households,
    check_premises,
)
from gis.coverage.network import joined, mismatched_edges
from gis.coverage.order import silent
from gis.errors import InvalidGrids

SIDE = 0.001  # some 85 by 111 m
COMMUNITY = "150622003003"


def cell(i, j, *, wide=1.0, high=1.0):
    x, y = 111.2 + i * SIDE, 39.9 + j * SIDE
    return shapely.box(x, y, x + wide * SIDE, y + high * SIDE)


def block(columns, rows):
    return [cell(i, j) for i in range(columns) for j in range(rows)]


def named(count):
    return [f"G{i}" for i in range(count)]


def found(findings):
    return [(finding.rule, finding.severity, finding.codes) for finding in findings]


def north_to_south(count):
    return [f"{COMMUNITY}{number:03d}" for number in range(1, count + 1)]


# placeholders and parts


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(111.2, 39.9, 111.2 + 1e-7, 39.9 + 1e-7),
        shapely.Polygon([(111.2, 39.9)] * 4),
        shapely.box(0, 0, 1, 1),
        shapely.box(-0.001, -0.001, 0.001, 0.001),
        shapely.box(111.2, 39.9, 111.2 + 4 * SIDE, 39.9 + SIDE),
    ],
    ids=["a centimetre", "one place", "null island", "around null island", "the whole layer"],
)
def test_a_placeholder_is_found_once_and_nothing_else_of_it(shape):
    cells = block(4, 1)
    assert found(check_grids([*named(4), "P"], [*cells, shape])) == [
        ("placeholder_geometry", "error", ("P",))
    ]


def test_a_rectangle_among_rectangles_is_no_placeholder():
    assert check_grids(["A"], [cell(0, 0)]) == []
    assert check_grids(["A", "B"], [cell(0, 0), cell(1, 0)]) == []


def test_a_place_by_null_island_is_one_when_the_layer_lies_there():
    near = [shapely.box(x, 0, x + 1, 1) for x in range(3)]
    assert check_grids(named(3), near) == []


def test_several_parts_are_legal_and_told_with_what_is_beside_the_largest():
    pair = shapely.MultiPolygon([cell(0, 0), cell(2, 0, wide=0.5)])
    (part,) = check_grids(["A", "B"], [pair, cell(1, 0)])
    assert found([part]) == [("multipart", "info", ("A",))]
    assert part.measure == pytest.approx(85.5 * 111 / 2, rel=0.01)
    assert check_grids(["A"], [shapely.MultiPolygon([cell(0, 0)])]) == []


# overlaps and gaps by the tolerances


def test_the_tolerances_are_parameters():
    pair = [cell(0, 0, wide=1.5), cell(1, 0)]
    assert check_grids(["A", "B"], pair, tolerances=Tolerances(area_m2=5_000))[0].severity == "info"
    (strip,) = check_grids(["A", "B"], pair, tolerances=Tolerances(sliver_m=100))
    assert (strip.rule, strip.severity) == ("sliver", "warning")
    assert "100 m" in strip.message_en


def test_an_overlap_of_each_kind_is_found():
    whole = shapely.box(111.2, 39.9, 111.2 + 2 * SIDE, 39.9 + SIDE)
    inner = shapely.box(111.2002, 39.9002, 111.2004, 39.9004)
    for shapes, pairs in [
        ([cell(0, 0), inner], {("G0", "G1")}),
        ([cell(0, 0), cell(1, 0), whole], {("G0", "G2"), ("G1", "G2")}),
        ([cell(0, 0), cell(0.5, 0.5)], {("G0", "G1")}),
        ([cell(0, 0), cell(0, 0, high=0.5)], {("G0", "G1")}),
    ]:
        findings = check_grids(named(len(shapes)), shapes)
        assert {f.codes for f in findings if f.rule == "overlap"} == pairs


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(1, 3)] * 2), min_size=2,
                max_size=12, unique=True))  # fmt: skip
def test_only_pairs_with_an_edge_that_does_not_match_overlap(boxes):
    shapes = np.array([cell(x, y, wide=w, high=h) for x, y, w, h in boxes], dtype=object)
    mismatched = mismatched_edges(shapes, silent)
    for i in range(len(shapes)):
        for j in range(i):
            if shapely.area(shapely.intersection(shapes[i], shapes[j])) > 1e-12:
                assert mismatched[i] or mismatched[j]
    union = shapely.union_all(shapes)
    assert shapely.area(union) == pytest.approx(shapely.area(joined(shapes, mismatched, silent)))


def test_what_is_no_coverage_is_joined_all_the_same():
    inner = shapely.box(111.2002, 39.9002, 111.2004, 39.9004)
    shapes = np.array([cell(0, 0), inner], dtype=object)
    union = joined(shapes, np.zeros(2, dtype=bool), silent)
    assert shapely.hausdorff_distance(union, cell(0, 0)) < 1e-8  # the lattice is of 1e-9


def test_a_gap_beside_dedicated_grids():
    market = shapely.box(111.2002, 39.9002, 111.2004, 39.9004)
    ring = [c for i, c in enumerate(block(3, 3)) if i != 4]
    dedicated = np.array([False] * 8 + [True])
    (gap,) = check_grids(named(9), [*ring, market], dedicated=dedicated)
    assert gap.rule == "gap"
    stand_in = check_grids(named(9), [*ring, cell(1, 1)], dedicated=dedicated)
    assert stand_in == []


def test_the_blocks_of_a_large_layer_are_as_one(monkeypatch):
    monkeypatch.setattr("gis.coverage.network._BLOCK", 7)
    cells = block(8, 8)
    cells[20] = shapely.buffer(cells[20], SIDE / 10, join_style="mitre")
    shapes = np.array(cells, dtype=object)
    at_once = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    assert mismatched_edges(shapes, silent).tolist() == at_once.tolist()
    assert {f.rule for f in check_grids(named(64), cells)} == {"overlap"}


def test_how_far_it_is_is_told():
    told = []
    check_grids(named(9), block(3, 3), progress=lambda *said: told.append(said))
    assert ("compare edges", 9, 9) in told
    assert next(step for step, *_ in told) == "check outlines"


def test_a_hole_in_an_island_in_a_hole_is_told_once():
    rings = [shapely.box(-w, -w, w, w) for w in (5, 4, 3, 2)]
    outer, island = (
        shapely.difference(rings[0], rings[1]), shapely.difference(rings[2], rings[3]),
    )  # fmt: skip
    findings = check_grids(["A", "B"], [outer, island])
    assert found(findings) == [("gap", "error", ("A", "B")), ("gap", "error", ("B",))]


# parents


def parents(*shapes, prefixed=False):
    return Parents([f"P{i}" for i in range(len(shapes))], list(shapes), prefixed)


def test_grids_that_fill_their_parents_are_clean():
    cells = block(4, 3)
    west, east = shapely.union_all(cells[:6]), shapely.union_all(cells[6:])
    assert check_grids(named(12), cells, parents(west, east)) == []


def test_a_grid_that_reaches_beyond_its_parent():
    west, east = cell(0, 0), cell(1, 0)
    grids = [cell(0, 0, wide=1.2), cell(1.2, 0, wide=0.8)]
    (beyond,) = check_grids(["A", "B"], grids, parents(west, east))
    assert found([beyond]) == [("outside_parent", "error", ("A", "P0"))]
    assert beyond.measure == pytest.approx(85.5 * 111 * 0.2, rel=0.01)
    assert (
        shapely.box(111.201, 39.9, 111.2012, 39.901).equals_exact(beyond.geometry.normalize(), 1e-9)
        or shapely.hausdorff_distance(beyond.geometry, cell(1, 0, wide=0.2)) < 1e-9
    )


def test_a_grid_in_no_parent_and_one_that_sticks_out_by_a_strip():
    strip = 1 + 0.5 / 85.5
    findings = check_grids(["A", "B"], [cell(0, 0, wide=strip), cell(7, 7)], parents(cell(0, 0)))
    assert found(findings) == [
        ("outside_parent", "error", ("B",)),
        ("sliver", "warning", ("A", "P0")),
    ]


def test_a_grid_lies_in_the_smallest_of_the_parents_around_it():
    street, community = cell(0, 0, wide=9), cell(0, 0)
    around = Parents(["150622003", COMMUNITY], [street, community])
    rest = cell(1, 0, wide=8)
    codes = [f"{COMMUNITY}001", "150622003004001"]
    assert check_grids(codes, [community, rest], around) == []


@pytest.mark.parametrize("missing", [0, 4], ids=["at the corner", "in the middle"])
def test_a_wholly_missing_grid(missing):
    cells = block(3, 3)
    whole = shapely.union_all(cells)
    (hole,) = check_grids(named(8), cells[:missing] + cells[missing + 1 :], parents(whole))
    assert found([hole]) == [("uncovered_parent", "error", ("P0",))]
    assert hole.measure == pytest.approx(85.5 * 111, rel=0.01)
    assert "11.1 %" in hole.message_en


def test_a_parent_without_any_grid():
    (empty,) = check_grids(["A"], [cell(0, 0)], parents(cell(0, 0), cell(5, 0)))
    assert empty.codes == ("P1",)
    assert "no grid at all" in empty.message_en


def test_a_small_hole_between_grids_is_a_gap_also_with_parents():
    hole = shapely.box(111.2008, 39.9002, 111.201, 39.9004)
    grids = [shapely.difference(cell(0, 0), hole), cell(1, 0)]
    (gap,) = check_grids(["A", "B"], grids, parents(shapely.union_all([cell(0, 0), cell(1, 0)])))
    assert found([gap]) == [("gap", "error", ("A", "B"))]


def test_a_strip_left_at_the_edge_of_the_parent():
    (strip,) = check_grids(["A"], [cell(0, 0)], parents(cell(0, 0, wide=1 + 0.5 / 85.5)))
    assert found([strip]) == [("sliver", "warning", ("P0",))]


def test_a_code_begins_with_its_parent_s():
    around = Parents([COMMUNITY, "150622003004"], [cell(0, 0), cell(1, 0)])
    codes = [f"{COMMUNITY}001", f"{COMMUNITY}002"]
    (wrong,) = check_grids(codes, [cell(0, 0), cell(1, 0)], around)
    assert found([wrong]) == [("code_prefix", "error", (codes[1], "150622003004"))]
    free = Parents(around.codes, around.geometries, are_prefixes=False)
    assert check_grids(codes, [cell(0, 0), cell(1, 0)], free) == []


def test_a_merged_grid_begins_with_its_street_s_code():
    around = Parents([COMMUNITY], [cell(0, 0)])
    assert check_grids(["150622003601001"], [cell(0, 0)], around) == []
    (wrong,) = check_grids(["150622004601001"], [cell(0, 0)], around)
    assert wrong.rule == "code_prefix"


# codes


@pytest.mark.parametrize(
    "code", ["15062200300300", "1506220030030011", "15062200300300A", "", None]
)
def test_a_code_has_fifteen_digits(code):
    (wrong,) = check_codes([f"{COMMUNITY}001", code], [cell(0, 0), cell(1, 0)])
    assert found([wrong]) == [("code_format", "error", (code or "row 2",))]


def test_full_width_digits_are_none():
    (wrong,) = check_codes(["１５０６２２００３００３００１"], [cell(0, 0)])
    assert wrong.rule == "code_format"


def test_numbers_run_from_west_to_east_then_from_north_to_south():
    rows = [cell(i, j) for j in (2, 1, 0) for i in range(3)]
    assert check_codes(north_to_south(9), rows) == []
    swapped = [rows[1], rows[0], *rows[2:]]
    (order,) = check_codes(north_to_south(9), swapped)
    assert found([order]) == [("code_order", "info", (f"{COMMUNITY}001", f"{COMMUNITY}002"))]
    assert order.geometry.geom_type == "MultiLineString"
    from_the_south = check_codes(north_to_south(9), rows[::-1])
    assert len(from_the_south) == 1


def test_the_order_is_that_of_each_community_alone():
    codes = [f"{COMMUNITY}001", "150622003004001", f"{COMMUNITY}002"]
    assert check_codes(codes, [cell(0, 0), cell(-9, 9), cell(1, 0)]) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(0.1, 3), st.floats(0.1, 3)),
                min_size=2, max_size=5))  # fmt: skip
def test_there_is_always_an_order_with_which_nothing_is_found(boxes):
    from itertools import permutations  # noqa: PLC0415

    shapes = [cell(x, y, wide=w, high=h) for x, y, w, h in boxes]
    codes = north_to_south(len(shapes))
    assert any(not check_codes(codes, list(order)) for order in permutations(shapes))


# households


def test_a_basic_grid_has_three_to_five_hundred_households():
    counts = [299, 300, 500, 501, np.nan, 0]
    findings = check_households(named(6), block(6, 1), counts)
    assert found(findings) == [
        ("household_count", "warning", ("G0",)),
        ("household_count", "warning", ("G3",)),
        ("household_count", "warning", ("G5",)),
    ]
    assert [(f.measure, f.unit) for f in findings] == [
        (299, "households"), (501, "households"), (0, "households"),
    ]  # fmt: skip
    assert "split" in findings[1].message_en
    dedicated = np.array([True] * 6)
    assert check_households(named(6), block(6, 1), counts, dedicated=dedicated) == []
    wide = Tolerances(fewest_households=0, most_households=501)
    assert check_households(named(6), block(6, 1), counts, tolerances=wide) == []
    with pytest.raises(InvalidGrids):
        check_households(named(6), block(6, 1), counts[:2])


# buildings


GRIDS = (["A", "B"], [cell(0, 0), cell(1, 0)])


def house(x, *, wide=0.1):
    return shapely.box(
        111.2 + x * SIDE, 39.9004, 111.2 + (x + wide) * SIDE, 39.9005
    )  # within the height of the cells


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.5, []),
        (0.9, []),
        (0.9019, []),
        (0.9021, ["split_building"]),
        (0.95, ["split_building"]),
        (0.9979, ["split_building"]),
        (0.9981, []),
        (1.95, ["split_building"]),
        (1.9979, ["split_building"]),
        (1.9981, ["unowned_building"]),
        (5.0, ["unowned_building"]),
    ],
)
def test_a_building_is_in_one_grid(x, expected):
    findings = check_premises((["H"], [house(x)]), GRIDS)
    assert [f.rule for f in findings] == expected


def test_what_is_cut_says_by_whom_and_how_much():
    (cut,) = check_premises((["H"], [house(0.93)]), GRIDS)
    assert found([cut]) == [("split_building", "warning", ("H", "A", "B"))]
    assert cut.measure == pytest.approx(0.03 * 85.5 * 11.1, rel=0.02)
    assert "70 %" in cut.message_en
    assert "70%" in cut.message_zh
    assert (
        check_premises((["H"], [house(0.93)]), GRIDS, tolerances=Tolerances(building_share=0.4))
        == []
    )


def test_an_address_is_in_a_grid_or_not():
    inside, edge, outside = shapely.points([[111.2005, 39.9005], [111.201, 39.9005], [0, 0]])
    findings = check_premises((list("IEO"), [inside, edge, outside]), GRIDS)
    assert found(findings) == [("unowned_building", "error", ("O",))]


def test_a_building_in_a_dedicated_grid_is_not_cut_by_the_basic_ones_below():
    market = shapely.box(111.2008, 39.9003, 111.2012, 39.9006)
    grids = ([*GRIDS[0], "M"], [*GRIDS[1], market])
    building = (["H"], [house(0.95)])
    dedicated = np.array([False, False, True])
    assert check_premises(building, grids, dedicated=dedicated) == []
    assert [f.rule for f in check_premises(building, GRIDS)] == ["split_building"]


def test_a_building_without_an_outline_and_a_bad_one():
    bow = shapely.Polygon([(111.2001, 39.9001), (111.2003, 39.9003), (111.2003, 39.9001),
                           (111.2001, 39.9003)])  # fmt: skip
    assert check_premises((["N", "B"], [None, bow]), GRIDS) == []
    assert check_premises(([], []), GRIDS) == []


def test_two_networks_in_one_file_overlap_although_every_inner_edge_has_its_match() -> None:
    small = [shapely.box(i, j, i + 1, j + 1) for i in range(6) for j in range(6)]
    large = [shapely.box(2 * i, 3 * j, 2 * i + 2, 3 * j + 3) for i in range(3) for j in range(2)]
    shapes = shapely.transform(np.array(small + large), lambda xy: xy * 1e-3 + (111, 39))
    found = check_grids([f"G{i:02d}" for i in range(42)], shapes)
    assert [finding.rule for finding in found] == ["overlap"] * 36


def test_what_fills_the_hole_of_a_ring_that_lies_on_a_third_grid_is_found() -> None:
    whole, hole = shapely.box(0, 0, 10, 10), shapely.box(4, 4, 6, 6)
    ring = shapely.box(3, 3, 7, 7).difference(hole)
    shapes = shapely.transform(np.array([whole, ring, hole]), lambda xy: xy * 1e-3 + (111, 39))
    found = check_grids(["A", "B", "C"], shapes)
    assert [finding.codes for finding in found] == [("A", "B"), ("A", "C")]


def test_a_code_used_twice_is_shown_where_it_is_used():
    found = check_grids(["A", "A", "A"], [cell(0, 0), cell(1, 0), None])
    (twice,) = [finding for finding in found if finding.rule == "duplicate_code"]
    assert shapely.equals(shapely.union_all(twice.geometry), shapely.union(cell(0, 0), cell(1, 0)))
    (nowhere,) = [f for f in check_grids(["A", "A"], [None, None]) if f.rule == "duplicate_code"]
    assert nowhere.geometry is None
