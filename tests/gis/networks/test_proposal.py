import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE
from gis.networks import Buildings, Communities, Network, compare, crosswalk, overlay, propose
from gis.networks.joining import give_away
from gis.networks.numbering import next_codes
from gis.proposal import Bounds
from gis.reading import reading_order
from gis.testing import Partition, partitions
from tests.gis.networks.made import box, buildings, communities, network, same

CIVIL = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
ONE = communities(c3001=(0, 0, 4, 2))
COMMUNITY = "150622003001"


def by_code(proposal):
    return {grid.code: grid for grid in proposal.grids}


def test_the_network_named_first_gives_the_borders():
    police = network("police", P1=(0, 0, 3, 2), P2=(3, 0, 4, 2))
    for networks, middle in (((CIVIL, police), 2), ((police, CIVIL), 3)):
        found = by_code(propose(overlay(networks, ONE)))
        assert list(found) == [f"{COMMUNITY}001", f"{COMMUNITY}002"]
        assert same(found[f"{COMMUNITY}001"].geometry, box(0, 0, middle, 2))
        assert same(found[f"{COMMUNITY}002"].geometry, box(middle, 0, 4, 2))


def test_a_hole_goes_to_the_next_network_and_an_open_place_to_the_neighbour():
    civil = network("civil", C1=(0, 0, 2, 2))
    police = network("police", P1=(0, 0, 2, 2), P2=(2, 0, 3.7, 2))
    first, second = propose(overlay([civil, police], ONE)).grids
    assert first.source == ("civil", "C1")
    assert second.source == ("police", "P2")
    assert same(second.geometry, box(2, 0, 4, 2))


def test_a_dedicated_cell_lies_on_the_basic_ones_of_every_network():
    school = box(1.5, 0.5, 2.5, 1.5)
    police = Network.of("police", ["P1", "S"], [box(0, 0, 4, 2), school], dedicated=["S"])
    laid = overlay([CIVIL, police], ONE, buildings((2.4, 1, 2.7, 1.2), (1.6, 1, 1.7, 1.2)))
    assert compare(laid).of("network_conflict") == []
    west, east, middle = sorted(propose(laid).grids, key=lambda grid: grid.source)
    assert [grid.dedicated for grid in (west, east, middle)] == [False, False, True]
    assert middle.source == ("police", "S")
    # the building that is mostly outside goes whole to the basic grid
    assert same(middle.geometry, shapely.difference(school, box(2.4, 1, 2.7, 1.2)))
    assert same(west.geometry, shapely.difference(box(0, 0, 2, 2), school))


def test_a_scrap_is_given_to_a_basic_grid_and_not_to_a_dedicated_one():
    civil = Network.of("civil", ["S", "C"], [box(1, 0, 4, 2), box(0, 0, 1, 2)], dedicated=["S"])
    police = network("police", P=(0, 0, 4, 2.1))
    high = communities(c3001=(0, 0, 4, 2.1))
    west, school = propose(overlay([civil, police], high)).grids
    assert same(school.geometry, box(1, 0, 4, 2))
    assert same(west.geometry, shapely.union(box(0, 0, 1, 2), box(0, 2, 4, 2.1)))


def sizes(proposal):
    return [round(grid.household_count) for grid in proposal.grids]


@pytest.mark.parametrize("homes", [[100, 100, 50, 50, 100], [350, 350, 175, 175, 350]])
def test_basic_grids_are_brought_within_the_bounds(homes):
    where = [(0.2, 0.2), (0.2, 1.2), (1.2, 0.2), (1.2, 1.2), (3, 1)]
    built = buildings(*((x, y, x + 0.4, y + 0.4) for x, y in where), households=homes)
    proposal = propose(overlay([CIVIL], ONE, built), bounds=Bounds())
    assert proposal.unsettled == ()
    assert all(300 <= count <= 500 for count in sizes(proposal))
    assert sum(sizes(proposal)) == built.households.sum()
    shapes = np.array([grid.geometry for grid in proposal.grids])
    assert shapely.coverage_is_valid(shapes)
    assert same(shapely.union_all(shapes), box(0, 0, 4, 2))
    cut = shapely.area(shapely.intersection(shapes[:, None], built.geometries))
    assert np.allclose(cut.max(axis=0), shapely.area(built.geometries), rtol=1e-4)
    shares = [row.area_share for row in crosswalk(proposal) if row.old_code == "C1"]
    assert sum(shares) == pytest.approx(1)


def test_what_cannot_be_brought_within_the_bounds_is_said():
    tower, hut = (0.5, 0.5, 1, 1), (3, 0.5, 3.2, 1)
    place = communities(c3001=(0, 0, 2, 2), c3002=(2, 0, 4, 2))
    proposal = propose(
        overlay([CIVIL], place, buildings(tower, hut, households=[900, 20])), bounds=Bounds()
    )
    assert [(f.rule, f.codes[0][:12], f.measure) for f in proposal.unsettled] == [
        ("household_count", "150622003001", 900), ("household_count", "150622003002", 20),
    ]  # fmt: skip


def test_a_dedicated_grid_needs_no_households_and_gives_none():
    civil = Network.of("civil", ["C1", "S"], [box(0, 0, 2, 2), box(2, 0, 4, 2)], dedicated=["S"])
    built = buildings((0.5, 0.5, 1, 1), (3, 0.5, 3.2, 1), households=[200, 150])
    proposal = propose(overlay([civil], ONE, built), bounds=Bounds())
    assert sizes(proposal) == [200, 150]
    assert [f.codes for f in proposal.unsettled] == [(f"{COMMUNITY}001",)]


def test_a_large_open_place_is_a_grid_of_its_own():
    civil = network("civil", C1=(0, 0, 2, 2))
    first, second = propose(overlay([civil], ONE)).grids
    assert (first.source, second.source) == (("civil", "C1"), None)
    assert same(second.geometry, box(2, 0, 4, 2))


def test_a_cut_building_goes_where_another_network_holds_it_whole():
    built = buildings((1.9, 0.5, 2.3, 0.9))
    alone = propose(overlay([CIVIL], ONE, built)).grids
    assert same(alone[0].geometry, shapely.difference(box(0, 0, 2, 2), box(1.9, 0.5, 2.3, 0.9)))
    police = network("police", P1=(0, 0, 2.5, 2), P2=(2.5, 0, 4, 2))
    (west, _) = propose(overlay([CIVIL, police], ONE, built)).grids
    assert same(west.geometry, shapely.union(box(0, 0, 2, 2), box(1.9, 0.5, 2.3, 0.9)))


def test_a_community_divides_a_grid_and_small_pieces_join_their_neighbour():
    split = communities(c3001=(0, 0, 2.1, 2), c3002=(2.1, 0, 4, 2))
    found = by_code(propose(overlay([CIVIL], split)))
    assert list(found) == ["150622003001001", "150622003002001"]
    assert same(found["150622003001001"].geometry, box(0, 0, 2.1, 2))
    half = communities(c3001=(0, 0, 3, 2), c3002=(3, 0, 4, 2))
    codes = [grid.code for grid in propose(overlay([CIVIL], half)).grids]
    assert codes == ["150622003001001", "150622003001002", "150622003002001"]


def test_a_building_on_a_communitys_border_is_left_for_a_person():
    split = communities(c3001=(0, 0, 2, 2), c3002=(2, 0, 4, 2))
    proposal = propose(overlay([CIVIL], split, buildings((1.9, 0.5, 2.3, 0.9))))
    (found,) = proposal.unsettled
    assert found.codes == ("B1", "150622003001001", "150622003002001")


def test_what_lies_in_no_community_is_in_no_grid_and_has_its_row():
    proposal = propose(overlay([CIVIL], communities(c3001=(0, 0, 3, 2))))
    rows = {(row.old_code, row.new_code): row.area_share for row in crosswalk(proposal)}
    assert rows["C2", None] == pytest.approx(0.5, rel=1e-3)
    assert rows["C1", f"{COMMUNITY}001"] == pytest.approx(1)


def test_codes_run_west_to_east_then_north_to_south_after_the_highest_ever_used():
    civil = network("civil", d=(0, 0, 2, 1), c=(2, 0, 4, 1), b=(0, 1, 2, 2), a=(2, 1, 4, 2))
    old = network("old", **{f"{COMMUNITY}041": (0, 0, 4, 1.5)})
    grids = propose(overlay([civil, old], ONE)).grids
    assert [(g.code[-3:], g.source[1]) for g in grids] == [
        ("042", "b"), ("043", "a"), ("044", "d"), ("045", "c"),
    ]  # fmt: skip


def test_a_grid_that_stays_what_it_is_keeps_its_code():
    civil = network("civil", **{f"{COMMUNITY}007": (0, 0, 2, 2), "odd": (2, 0, 4, 2)})
    assert [g.code[-3:] for g in propose(overlay([civil], ONE)).grids] == ["007", "008"]
    other = network("other", **{f"{COMMUNITY}007": (1, 0, 4, 2)})
    assert [g.code[-3:] for g in propose(overlay([civil, other], ONE)).grids] == ["008", "009"]


def test_a_kept_cell_over_two_communities_is_flagged_and_no_other_code_changes():
    split = communities(c3001=(0, 0, 2, 2), c3002=(2, 0, 4, 2))
    police = network("police", P1=(1, 0, 3, 2))
    laid = overlay([CIVIL, police], split)
    before = {grid.code for grid in propose(laid).grids}
    found = by_code(propose(laid, keep=[("police", "P1")]))
    merged = found.pop("150622003601001")
    assert merged.is_merged
    assert merged.kept
    assert merged.community_code is None
    assert merged.communities == ("150622003001", "150622003002")
    assert same(merged.geometry, box(1, 0, 3, 2))
    assert set(found) == before
    assert same(found["150622003001001"].geometry, box(0, 0, 1, 2))


def test_what_a_kept_cell_leaves_of_a_grid_goes_to_its_neighbour():
    police = network("police", P1=(0, 0, 3.9, 2))
    proposal = propose(overlay([CIVIL, police], ONE), keep=[("police", "P1")])
    (only,) = proposal.grids
    assert same(only.geometry, box(0, 0, 4, 2))
    assert only.code == f"{COMMUNITY}003"


@pytest.mark.parametrize("cell", [("fire", "C1"), ("civil", "C9")])
def test_only_what_there_is_can_be_kept(cell):
    with pytest.raises(InvalidGrids, match=cell[1]):
        propose(overlay([CIVIL], ONE), keep=[cell])


def test_households_follow_their_buildings():
    built = buildings((1.9, 0.5, 2.3, 0.9), (0.5, 0.5, 0.6, 0.6), households=[40, 10])
    rows = crosswalk(propose(overlay([CIVIL], ONE, built)))
    shares = {(row.old_code, row.new_code[-3:]): row.household_share for row in rows}
    assert shares == {
        ("C1", "001"): pytest.approx(0.5), ("C1", "002"): pytest.approx(0.5),
        ("C2", "002"): pytest.approx(1),
    }  # fmt: skip
    assert sum(row.household_count for row in rows) == pytest.approx(50)


def test_without_communities_the_union_is_merged():
    police = network("police", P1=(3, 0, 6, 2))
    found = propose(overlay([CIVIL, police])).grids
    assert [(grid.code, grid.community_code) for grid in found] == [
        ("001", None), ("002", None), ("003", None),
    ]  # fmt: skip
    assert same(found[2].geometry, box(4, 0, 6, 2))


def test_small_pieces_add_up():
    edges, metres = np.array([[0, 1], [1, 2]]), np.array([5.0, 1.0])
    small = {0: 3.0, 1: 3.0, 2: 3.0}
    assert give_away(np.arange(3), small, np.ones(3), edges, metres).tolist() == [1, 1, 1]
    assert give_away(np.arange(2), {0: 3.0}, np.ones(2), np.zeros((0, 2), int), np.zeros(0)).tolist() == [0, 1]  # fmt: skip  # noqa: E501


def test_a_sequence_never_runs_into_a_code_in_use():
    assert next_codes("A", 2, ["A998", "A1000"]) == ["A999", "A1001"]
    assert reading_order(np.zeros(0), np.zeros(0)).tolist() == []


def placed(partition: Partition, name: str, box_: shapely.Polygon) -> Network:
    """A partition's cells as a network on one rectangle."""
    west, south, east, north = shapely.total_bounds(partition.geometries)
    x0, y0, x1, y1 = box_.bounds
    shapes = shapely.transform(
        partition.geometries,
        lambda xy: np.array([x0, y0]) + (xy - [west, south]) / [east - west, north - south]
        * np.array([x1 - x0, y1 - y0]),
    )  # fmt: skip
    return Network.of(name, partition.codes, shapes)


@st.composite
def places(draw: st.DrawFn):
    """Two or three networks on nearly one ground, communities, and buildings."""
    around = box(0, 0, 30, 30)
    networks = [placed(draw(partitions(most=8)), "first", around)]
    grounds = st.sampled_from([(0, 0, 30, 30), (0, 0, 20, 30), (10, 5, 35, 30)])
    networks += [
        placed(draw(partitions(most=8)), name, box(*draw(grounds)))
        for name in draw(st.sampled_from([("b",), ("b", "c")]))
    ]
    cells = placed(draw(partitions(most=5)), "communities", around)
    codes = [f"150622003{number:03d}" for number in range(1, len(cells) + 1)]
    where = st.tuples(st.integers(0, 28), st.integers(0, 28))
    corners = draw(st.lists(where, max_size=8, unique=True))
    built = Buildings.of(
        [f"B{x:02d}{y:02d}" for x, y in corners],
        [box(x + 0.13, y + 0.17, x + 0.91, y + 0.83) for x, y in corners],
        [x + y for x, y in corners],
    )
    return networks, Communities.of(codes, cells.geometries), built


@settings(max_examples=40, deadline=None)
@given(places(), st.data())
def test_a_merged_network_keeps_what_must_be_kept(place, data):
    networks, homes, built = place
    laid = overlay(networks, homes, built)
    cells = [(n.name, code) for n in networks for code in n.codes]
    keep = data.draw(st.lists(st.sampled_from(cells), max_size=2, unique=True))
    proposal = propose(laid, keep=keep)
    shapes = np.array([grid.geometry for grid in proposal.grids], dtype=object)

    assert shapely.coverage_is_valid(shapes)
    territory = shapely.union_all(homes.geometries)
    assert shapely.symmetric_difference(shapely.union_all(shapes), territory).area < 1e-8
    for grid, shape in zip(proposal.grids, shapes, strict=True):
        own = np.isin(homes.codes, grid.communities)
        assert shapely.difference(shape, shapely.union_all(homes.geometries[own])).area < 1e-9
        assert grid.is_merged <= grid.kept
    _codes_follow_the_rules(proposal, networks)
    _no_building_is_cut_but_by_a_community(proposal, homes, built)
    _shares_sum_to_one(proposal, networks, built)


def _codes_follow_the_rules(proposal, networks):
    codes = [grid.code for grid in proposal.grids]
    assert codes == sorted(set(codes))
    for grid in proposal.grids:
        assert len(grid.code) == 15
        if grid.is_merged:
            assert grid.code[:9] == grid.communities[0][:9]
            assert int(grid.code[9:12]) >= 601
        else:
            assert grid.code[:12] == grid.community_code
    assert not set(codes) & {code for n in networks for code in n.codes}


def _no_building_is_cut_but_by_a_community(proposal, homes, built):
    grids = np.array([grid.geometry for grid in proposal.grids], dtype=object)
    for code, shape in zip(built.codes, built.geometries, strict=True):
        share = shapely.area(shapely.intersection(grids, shape)) / shape.area
        parts = np.flatnonzero(share > 1e-5)
        pieces = shapely.buffer(shapely.intersection(grids[parts], shape), -1e-8)
        for one, two in itertools.combinations(pieces, 2):
            both = shapely.intersects(homes.geometries, one)
            both &= shapely.intersects(homes.geometries, two)
            assert not both.any(), f"{code} is cut inside a community"


def _shares_sum_to_one(proposal, networks, built):
    rows = crosswalk(proposal)
    for n in networks:
        for code in n.codes:
            own = [row for row in rows if (row.network, row.old_code) == (n.name, code)]
            assert sum(row.area_share for row in own) == pytest.approx(1)
            homes = [row.household_share for row in own]
            if None not in homes:
                assert sum(homes) == pytest.approx(1)
    first = sum(row.household_count for row in rows if row.network == "first")
    assert first == pytest.approx(built.households.sum(), abs=1e-3)


def test_the_same_input_in_another_order_gives_the_same_network():
    police = network("police", P1=(0, 0, 2.5, 2), P2=(2.5, 0, 4, 2))
    turned = Network.of("civil", CIVIL.codes[::-1], CIVIL.geometries[::-1])
    built = buildings((1.9, 0.5, 2.3, 0.9))
    one, two = (propose(overlay([n, police], ONE, built)).grids for n in (CIVIL, turned))
    assert [(g.code, g.geometry.wkb) for g in one] == [(g.code, g.geometry.wkb) for g in two]
    assert OUTSIDE not in propose(overlay([CIVIL], ONE)).grid
