"""Two editions compared: each kind of change, the crosswalk, and what moves along."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis.editions import KINDS, EditionChanges, GridChange, Passage, Places, Staff, compare_editions
from gis.measure import areas_m2
from gis.ownership import GridIndex
from gis.testing import Partition, partitions, rough_grids

STEP = 0.01
SQUARE_M2 = 950_000  # of a square of the chessboard, about


def box(west: float, south: float = 0, width: float = 1, height: float = 1) -> shapely.Polygon:
    x, y = 111.2 + west * STEP, 39.8 + south * STEP
    return shapely.box(x, y, x + width * STEP, y + height * STEP)


def index(grids: Mapping[str, shapely.Geometry], dedicated: str = "") -> GridIndex:
    shapes = np.array(list(grids.values()), dtype=object)
    return GridIndex(list(grids), shapes, dedicated=np.array([c in dedicated for c in grids]))


def places(**at: tuple[float, float]) -> Places:
    lon, lat = zip(*at.values(), strict=True)
    return Places(list(at), 111.2 + STEP * np.array(lon), 39.8 + STEP * np.array(lat))


def alike(one: shapely.Geometry | None, two: shapely.Geometry) -> bool:
    """Whether two outlines are one, but for rounding."""
    return one is not None and bool(shapely.hausdorff_distance(one, two) < 1e-9)


def kinds(changes: EditionChanges) -> dict[str, str]:
    return {grid.code: grid.kind for grid in changes.grids}


def grid(changes: EditionChanges, code: str) -> GridChange:
    return next(grid for grid in changes.grids if grid.code == code)


def rows(changes: EditionChanges) -> dict[tuple[str | None, str | None], Passage]:
    return {(row.old, row.new): row for row in changes.crosswalk}


def test_a_grid_is_kept_by_its_outline_wherever_that_begins() -> None:
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(box(1))[:-1], 2, axis=0))
    changes = compare_editions(index({"A": box(0), "B": box(1)}), index({"B": turned, "A": box(0)}))
    assert kinds(changes) == {"A": "kept", "B": "kept"}
    assert changes.summary()["changed_area_m2"] == 0
    assert [(row.old, row.new, row.area_share) for row in changes.crosswalk] == [
        ("A", "A", 1.0), ("B", "B", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(("metres", "kind"), [(0.0008, "kept"), (0.002, "moved")])
def test_up_to_a_square_metre_is_rounding(metres: float, kind: str) -> None:
    wider = box(0, width=1 + metres / 853.5)  # its side is 1,110 m long
    changes = compare_editions(index({"A": box(0)}), index({"A": wider}))
    assert kinds(changes) == {"A": kind}
    assert grid(changes, "A").gained_m2 == pytest.approx(1110 * metres, rel=0.01)


def test_a_grid_is_split() -> None:
    whole = index({"A": box(0, width=2)})
    apart = compare_editions(whole, index({"X": box(0), "Y": box(1)}))
    assert kinds(apart) == {"A": "split", "X": "new", "Y": "new"}
    assert grid(apart, "A").goes_to == ("X", "Y")
    cut_off = compare_editions(whole, index({"A": box(0), "Y": box(1)}))
    assert kinds(cut_off) == {"A": "split", "Y": "new"}
    assert rows(cut_off)["A", "Y"].area_share == pytest.approx(0.5)
    assert grid(cut_off, "A").lost_m2 == pytest.approx(SQUARE_M2, rel=0.01)
    assert alike(grid(cut_off, "A").lost, box(1))
    assert grid(cut_off, "Y").comes_from == ("A",)


def test_grids_are_merged() -> None:
    two = index({"A": box(0), "B": box(1)})
    together = compare_editions(two, index({"X": box(0, width=2)}))
    assert kinds(together) == {"A": "gone", "B": "gone", "X": "merged"}
    assert grid(together, "X").comes_from == ("A", "B")
    taken_in = compare_editions(two, index({"B": box(0, width=2)}))
    assert kinds(taken_in) == {"A": "gone", "B": "merged"}
    assert rows(taken_in)["A", "B"].area_share == 1.0


def test_an_edge_moves() -> None:
    old = index({"A": box(0), "B": box(1), "C": box(2)})
    new = index({"A": box(0, width=1.25), "B": box(1.25, width=0.75), "C": box(2)})
    changes = compare_editions(old, new)
    assert kinds(changes) == {"A": "moved", "B": "moved", "C": "kept"}
    a, b = grid(changes, "A"), grid(changes, "B")
    assert a.gained_m2 == pytest.approx(b.lost_m2)
    assert b.lost_m2 == pytest.approx(SQUARE_M2 / 4, rel=0.01)
    assert (a.lost, a.lost_m2, b.gained) == (None, 0.0, None)
    assert rows(changes)["B", "A"].area_share == pytest.approx(0.25)
    areas = changes.changed_areas()
    assert areas.crs.to_epsg() == 4490
    assert areas[["old", "new"]].to_numpy().tolist() == [["B", "A"]]
    assert alike(areas.geometry[0], box(1, width=0.25))


def test_ground_comes_and_goes() -> None:
    changes = compare_editions(
        index({"A": box(0), "B": box(1)}), index({"B": box(1, width=1.5), "C": box(9)})
    )
    assert kinds(changes) == {"A": "gone", "B": "moved", "C": "new"}
    found = rows(changes)
    assert set(found) == {("A", None), ("B", "B"), (None, "B"), (None, "C")}
    assert (found["A", None].area_share, found[None, "B"].area_share) == (1.0, None)
    assert grid(changes, "C").gained_m2 == pytest.approx(SQUARE_M2, rel=0.01)


def test_a_renumbered_grid_is_gone_and_new() -> None:
    changes = compare_editions(index({"A": box(0)}), index({"X": box(0)}))
    assert kinds(changes) == {"A": "gone", "X": "new"}
    assert rows(changes)["A", "X"].area_share == 1.0


def test_a_grid_that_gives_a_large_part_to_an_old_neighbour_is_not_split() -> None:
    old = index({"A": box(0, width=3), "B": box(3, width=0.5)})
    new = index({"A": box(0, width=1.5), "B": box(1.5, width=2)})
    assert kinds(compare_editions(old, new)) == {"A": "moved", "B": "moved"}


def test_a_dedicated_grid_takes_ground_from_the_basic_one_around_it() -> None:
    market = box(0.25, 0.25, 0.5, 0.5)
    changes = compare_editions(
        index({"A": box(0)}), index({"A": box(0), "M": market}, dedicated="M")
    )
    assert grid(changes, "A").lost_m2 == pytest.approx(areas_m2(np.array([market]))[0], rel=1e-6)
    assert rows(changes)["A", "M"].area_share == pytest.approx(0.25)


def test_a_grid_in_the_hole_of_a_dedicated_one_is_told_from_the_basic_one_around_both() -> None:
    court, market = box(0.4, 0.4, 0.2, 0.2), box(0.2, 0.2, 0.6, 0.6)
    grids = {"A": box(0), "B": court, "M": market.difference(court)}
    changes = compare_editions(index({"A": box(0)}), index(grids, dedicated="M"))
    assert sum(grid.new_area_m2 for grid in changes.grids) == pytest.approx(SQUARE_M2, rel=0.01)


def test_buildings_households_and_open_cases_move_along() -> None:
    changes = compare_editions(
        index({"A": box(0), "B": box(1)}),
        index({"A": box(0, width=1.5), "B": box(1.5, width=0.5)}),
        buildings=places(b1=(0.5, 0.5), b2=(1.2, 0.5)),
        households=places(h1=(0.5, 0.5), h2=(1.2, 0.5), h3=(1.3, 0.5), h4=(1.7, 0.5), h5=(9, 9)),
        # the last is 18 m south of B's west: as routing does, it is taken to the nearest
        open_cases=places(c1=(0.1, 0.1), c2=(1.2, -0.0002 / STEP)),
    )
    assert changes.buildings is not None
    assert changes.households is not None
    assert changes.open_cases is not None
    assert changes.buildings.codes == ("b2",)
    assert changes.households.codes == ("h2", "h3")
    assert (changes.households.old, changes.households.new) == (("B", "B"), ("A", "A"))
    assert (changes.open_cases.codes, changes.open_cases.old) == (("c2",), ("B",))
    row = rows(changes)["B", "A"]
    assert row.household_share == pytest.approx(2 / 3)
    assert (row.building_count, row.household_count, row.open_case_count) == (1, 2, 1)
    tally = grid(changes, "A").households
    assert tally is not None
    assert (tally.old_count, tally.new_count, tally.in_count, tally.out_count) == (1, 3, 2, 0)
    assert changes.summary()["moved_household_count"] == 2


def test_a_household_outside_every_new_grid_has_a_row_without_one() -> None:
    changes = compare_editions(
        index({"A": box(0)}), index({"A": box(0, width=0.5)}), households=places(h=(0.9, 0.5))
    )
    assert changes.households is not None
    assert (changes.households.old, changes.households.new) == (("A",), (None,))
    assert rows(changes)["A", None].household_share == 1.0
    assert rows(changes)["A", "A"].household_share == 0.0


def test_shares_by_household_are_unknown_without_households() -> None:
    old, new = index({"A": box(0), "B": box(1)}), index({"A": box(0), "B": box(1)})
    none_given = compare_editions(old, new)
    assert [row.household_share for row in none_given.crosswalk] == [None, None]
    assert none_given.households is None
    assert none_given.summary()["moved_household_count"] is None
    one = compare_editions(old, new, households=places(h=(0.5, 0.5)))
    assert [row.household_share for row in one.crosswalk] == [1.0, None]


def test_an_edition_without_grids_compares_too() -> None:
    empty = GridIndex([], np.array([], dtype=object))
    assert kinds(compare_editions(empty, index({"A": box(0)}))) == {"A": "new"}
    assert kinds(compare_editions(index({"A": box(0)}), empty)) == {"A": "gone"}
    nothing = compare_editions(empty, empty)
    assert (nothing.grids, nothing.crosswalk, len(nothing.changed_areas())) == ((), (), 0)
    hollow = GridIndex(["A"], np.array([None], dtype=object))
    changes = compare_editions(hollow, index({"A": box(0)}))
    assert kinds(changes) == {"A": "moved"}
    assert rows(changes)["A", None].area_share == 1.0


def test_tables_have_a_flat_row_each() -> None:
    changes = compare_editions(index({"A": box(0, width=2)}), index({"X": box(0), "Y": box(1)}))
    first = changes.grid_rows()[0]
    assert (first["code"], first["kind"], first["goes_to"]) == ("A", "split", "X Y")
    assert first["household_in_count"] is None
    assert [(row["old"], row["new"]) for row in changes.crosswalk_rows()] == [
        ("A", "X"), ("A", "Y"),
    ]  # fmt: skip


@st.composite
def two_editions(draw: st.DrawFn) -> tuple[GridIndex, GridIndex]:
    """Two partitions near one another, with some codes in common."""
    one, two = draw(partitions()), draw(partitions())
    from_, to = shapely.total_bounds(two.geometries), shapely.total_bounds(one.geometries)
    at = affinity.translate
    shapes = np.array(
        [at(shape, to[0] - from_[0], to[1] - from_[1]) for shape in two.geometries], dtype=object
    )
    return GridIndex(one.codes, one.geometries), GridIndex(two.codes, shapes)


def check_shares(changes: EditionChanges, codes: tuple[str, ...]) -> None:
    by_area: dict[str, float] = defaultdict(float)
    by_household: dict[str, float] = defaultdict(float)
    households: dict[str, int] = defaultdict(int)
    for row in changes.crosswalk:
        if row.old is not None:
            by_area[row.old] += 0 if row.area_share is None else row.area_share
            by_household[row.old] += row.household_share or 0
            households[row.old] += row.household_count or 0
    assert set(by_area) == set(codes)
    assert all(share == pytest.approx(1) for share in by_area.values())
    for code in codes:
        assert by_household[code] == pytest.approx(1 if households[code] else 0)


def households_over(index: GridIndex, seed: int) -> Places:
    west, south, east, north = index.bounds
    draw = np.random.default_rng(seed)
    lon, lat = draw.uniform(west, east, 200), draw.uniform(south, north, 200)
    return Places([f"h{i}" for i in range(200)], lon, lat)


@settings(max_examples=40)
@given(two_editions(), st.integers(0, 99))
def test_shares_sum_to_one_and_areas_add_up(
    editions: tuple[GridIndex, GridIndex], seed: int
) -> None:
    old, new = editions
    households = households_over(old, seed)
    changes = compare_editions(old, new, households=households)
    check_shares(changes, old.codes)
    assert {grid.code for grid in changes.grids} == {*old.codes, *new.codes}
    assert {grid.kind for grid in changes.grids} <= set(KINDS)
    for grid in changes.grids:
        after = grid.old_area_m2 - grid.lost_m2 + grid.gained_m2
        assert after == pytest.approx(grid.new_area_m2, rel=1e-5, abs=2)
    covered = sum(row.area_m2 for row in changes.crosswalk if row.new is not None)
    assert covered == pytest.approx(sum(g.new_area_m2 for g in changes.grids), rel=1e-5, abs=50)
    assert changes.households is not None
    owners = old.owners(households.lon, households.lat), new.owners(households.lon, households.lat)
    moved = [
        code
        for code, i, j in zip(households.codes, *owners, strict=True)
        if (old.codes[i] if i >= 0 else None) != (new.codes[j] if j >= 0 else None)
    ]
    assert list(changes.households.codes) == moved


@settings(max_examples=40)
@given(two_editions())
def test_swapping_editions_swaps_gain_and_loss(editions: tuple[GridIndex, GridIndex]) -> None:
    forth, back = compare_editions(*editions), compare_editions(*reversed(editions))
    swapped = {"split": "merged", "merged": "split", "new": "gone", "gone": "new"}
    for one, two in zip(forth.grids, back.grids, strict=True):
        assert one.code == two.code
        assert (one.gained_m2, one.lost_m2) == pytest.approx((two.lost_m2, two.gained_m2), abs=1e-3)
        assert set(one.comes_from) == set(two.goes_to)
        assert set(one.goes_to) == set(two.comes_from)
        # one that is split and merged at once counts as split both ways
        assert two.kind in {swapped.get(one.kind, one.kind), one.kind}
    found = {(row.old, row.new): row.area_m2 for row in forth.crosswalk if row.area_m2 > 2}
    turned = {(row.new, row.old): row.area_m2 for row in back.crosswalk if row.area_m2 > 2}
    assert found == pytest.approx(turned)


@settings(max_examples=40)
@given(partitions(), st.integers(0, 99))
def test_an_edition_is_kept_whole_against_itself(partition: Partition, seed: int) -> None:
    one = GridIndex(partition.codes, partition.geometries)
    changes = compare_editions(one, one, households=households_over(one, seed))
    assert set(kinds(changes).values()) == {"kept"}
    assert all(grid.gained_m2 == grid.lost_m2 == 0 for grid in changes.grids)
    assert all(row.geometry is None and row.area_share == 1 for row in changes.crosswalk)
    check_shares(changes, one.codes)


@settings(max_examples=40)
@given(rough_grids(), st.integers(0, 99))
def test_overlaps_and_gaps_count_once(partition: Partition, seed: int) -> None:
    west, south, east, north = shapely.total_bounds(partition.geometries)
    if not 1e-3 < east - west < 2:
        return
    old = GridIndex(partition.codes, partition.geometries, dedicated=partition.dedicated)
    half = shapely.box(west, south, (west + east) / 2, north)
    new = GridIndex(
        partition.codes,
        np.array([shape.intersection(half) for shape in partition.geometries], dtype=object)
        if all(shape.intersection(half).area > 0 for shape in partition.geometries)
        else partition.geometries,
    )
    changes = compare_editions(old, new, households=households_over(old, seed))
    check_shares(changes, old.codes)
    ground = shapely.union_all(partition.geometries)
    owned = sum(grid.old_area_m2 for grid in changes.grids)
    whole = areas_m2(np.array([shapely.segmentize(ground, 1e-3)]))[0]
    assert owned == pytest.approx(whole, rel=1e-4, abs=50)


def test_who_answers_for_a_grid_is_told_and_makes_no_grid_another_kind() -> None:
    old, new = index({"A": box(0), "B": box(1)}), index({"A": box(0), "C": box(1)})
    staff = Staff({"A": "张三", "B": "李四"}, {"A": "王五", "C": None})
    changes = compare_editions(old, new, staff=staff)
    assert {g.code: (g.kind, g.old_responsible, g.new_responsible) for g in changes.grids} == {
        "A": ("kept", "张三", "王五"),
        "B": ("gone", "李四", None),
        "C": ("new", None, None),
    }
    assert [grid.code for grid in changes.others()] == ["B", "C", "A"]
    assert changes.summary()["changed_staff_count"] == 2
    moved = changes.changed_areas().iloc[0]
    assert (moved.old, moved.old_responsible, moved.new_responsible) == ("B", "李四", None)
    assert changes.grid_rows()[0]["new_responsible"] == "王五"
    assert compare_editions(old, new).summary()["changed_staff_count"] is None
