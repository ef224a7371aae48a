"""The demo town: equal for equal seeds, covered exactly, and as its rules promise."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.datum import convert
from gis.town import NOW, Town, make_town

LAYERS = ("areas", "grids", "compounds", "buildings", "households", "cases")


@pytest.fixture(scope="module")
def town() -> Town:
    return make_town()


@pytest.fixture(scope="module", params=[(2_500, 7), (20_000, 150622), (31_000, 5)])
def any_town(request: pytest.FixtureRequest) -> Town:
    households, seed = request.param
    began = perf_counter()
    town = make_town(households=households, seed=seed, cases=120)
    print(f"{households:,} households laid out in {perf_counter() - began:.2f} s")
    return town


def metric(frame: gpd.GeoDataFrame) -> np.ndarray:
    return np.asarray(frame.geometry.to_crs("EPSG:4546"))


def owners(points: np.ndarray, grids: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (point, grid) where the grid covers the point."""
    return shapely.STRtree(grids.geometry.values).query(points, predicate="covered_by")


def test_equal_seeds_give_equal_towns() -> None:
    first, second = (make_town(households=1_800, seed=3, cases=50) for _ in range(2))
    for layer in LAYERS:
        pd.testing.assert_frame_equal(getattr(first, layer), getattr(second, layer))
    other = make_town(households=1_800, seed=4, cases=50)
    assert not first.grids.geometry.equals(other.grids.geometry)


def test_layers_have_the_promised_columns(town: Town) -> None:
    expected = {
        "areas": "code level name name_en parent_code geometry",
        "grids": "code name name_en kind community_code responsible geometry",
        "compounds": "code name community_code geometry",
        "buildings": "code name compound_code address floors units geometry",
        "households": "code building_code unit floor room resident_count occupancy party hazard "
        "care geometry",
        "cases": "category description address datum x y accuracy_m occurred_at reporter_kind "
        "state geometry",
    }
    for layer, columns in expected.items():
        frame = getattr(town, layer)
        assert sorted(frame.columns) == sorted(columns.split()), layer
        assert frame.crs.to_epsg() == 4490
        assert frame.geometry.is_valid.all()
        assert not frame.geometry.is_empty.any()


def test_grids_cover_their_parents_exactly(any_town: Town) -> None:
    grids = np.asarray(any_town.grids.geometry)
    assert shapely.coverage_is_valid(grids)
    assert shapely.coverage_is_valid(metric(any_town.grids), gap_width=1.0)
    assert (any_town.grids.geom_type == "Polygon").all()
    areas = any_town.areas.set_index("code")
    for code, members in any_town.grids.groupby("community_code"):
        union = shapely.coverage_union_all(np.asarray(members.geometry))
        assert union.equals(areas.geometry[code])
        assert areas.geometry[code].geom_type == "Polygon"
        assert len(areas.geometry[code].interiors) == 0
    for level, above in (("community", "street"), ("street", "banner")):
        for code in areas.index[areas.level == above]:
            children = areas[(areas.level == level) & (areas.parent_code == code)]
            union = shapely.coverage_union_all(np.asarray(children.geometry))
            assert len(shapely.get_parts(union)) == 1
            covers = union.equals if above == "street" else areas.geometry[code].contains
            assert covers(areas.geometry[code] if above == "street" else union)


def test_neighbouring_grids_share_each_vertex_of_their_edge(any_town: Town) -> None:
    grids = np.asarray(any_town.grids.geometry)
    tree = shapely.STRtree(grids)
    left, right = tree.query(grids, predicate="touches")
    shared = shapely.intersection(shapely.boundary(grids[left]), shapely.boundary(grids[right]))
    assert len(left) > len(grids)
    for i, j, edge in zip(left, right, shared, strict=True):
        on_edge = {tuple(xy) for xy in shapely.get_coordinates(edge)}
        assert on_edge <= {tuple(xy) for xy in shapely.get_coordinates(grids[i])}
        assert on_edge <= {tuple(xy) for xy in shapely.get_coordinates(grids[j])}


def test_codes_follow_the_national_structure(any_town: Town) -> None:
    areas, grids = any_town.areas, any_town.grids
    lengths = areas.level.map({"banner": 6, "street": 9, "community": 12})
    assert (areas.code.str.len() == lengths).all()
    below = areas[areas.level != "banner"]
    assert all(code.startswith(p) for code, p in zip(below.code, below.parent_code, strict=True))
    assert set(below.parent_code) <= set(areas.code)
    assert grids.code.str.fullmatch("150622[0-9]{9}").all()
    assert (grids.code.str[:12] == grids.community_code).all()
    assert set(grids.community_code) == set(areas.code[areas.level == "community"])
    for _, members in grids.groupby("community_code"):
        sequence = members.code.str[12:].astype(int)
        assert sequence.tolist() == list(range(1, len(members) + 1))
    buildings = any_town.buildings
    assert buildings.code.str.fullmatch("150622[0-9]{11}").all()
    homes = any_town.households
    expected = homes.building_code + "-" + homes.unit + "-" + homes.room
    assert (homes.code == expected).all()
    for frame in (areas, grids, buildings, homes, any_town.compounds):
        assert frame.code.is_unique


def test_grid_numbers_run_from_the_north_west(town: Town) -> None:
    centres = town.grids.geometry.to_crs("EPSG:4546").centroid
    for _, members in town.grids.groupby("community_code"):
        own = centres[members.index]
        band_count = max(1, round(np.sqrt(len(own))))
        bands = pd.Series(np.arange(len(own)) * band_count // len(own), index=own.index)
        for band in range(band_count):
            row = own[bands == band]
            assert row.x.is_monotonic_increasing
            if band:
                assert own[bands == band - 1].y.min() > row.y.max()


def test_areas_bear_real_names() -> None:
    names = make_town(households=1_800, cases=0).areas.set_index("code").name
    assert names.to_dict() == {
        "150622": "准格尔旗",
        "150622001": "兴隆街道",
        "150622002": "迎泽街道",
        "150622003": "蓝天街道",
        "150622001003": "站北社区",
        "150622002005": "南苑社区",
        "150622003003": "白云社区",
    }


def test_real_areas_are_those_of_the_published_divisions(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "admin" / "jungar_150622_divisions.csv", dtype=str)
    published = dict(zip(table.code, table.name, strict=True))
    areas = make_town(households=40_000, cases=0).areas
    assert (areas.level == "community").sum() == 18
    for code, name in zip(areas.code, areas.name, strict=True):
        assert published[code] == name


def test_each_building_lies_in_one_grid(any_town: Town) -> None:
    buildings, grids = any_town.buildings, any_town.grids
    tree = shapely.STRtree(np.asarray(grids.geometry))
    outlines = np.asarray(buildings.geometry)
    building, grid = tree.query(outlines, predicate="intersects")
    assert building.tolist() == list(range(len(buildings)))
    inside = tree.query(outlines, predicate="within")
    assert inside[0].tolist() == building.tolist()
    assert (grids.community_code.to_numpy()[grid] == buildings.code.str[:12]).all()
    touching = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    assert (touching[0] == touching[1]).all()


def test_streets_stay_free(any_town: Town) -> None:
    outlines = metric(any_town.buildings)
    edges = shapely.STRtree(shapely.boundary(metric(any_town.grids)))
    assert len(edges.query(outlines, predicate="dwithin", distance=3.5)[0]) == 0


def test_each_building_stands_in_its_compound(any_town: Town) -> None:
    compounds = any_town.compounds.set_index("code")
    homes = any_town.buildings.dropna(subset="compound_code")
    inside = compounds.geometry[homes.compound_code].reset_index(drop=True)
    assert inside.contains(homes.geometry.reset_index(drop=True)).all()
    assert compounds.name.is_unique
    assert (homes.floors.between(3, 33) & homes.units.between(1, 4)).all()
    numbered = homes.groupby("compound_code").name
    for _, names in numbered:
        assert sorted(names, key=lambda n: int(n[:-2])) == [
            f"{i}号楼" for i in range(1, len(names) + 1)
        ]


def test_each_household_lies_in_its_building_and_in_one_grid(any_town: Town) -> None:
    homes = any_town.households
    points = np.asarray(homes.geometry)
    buildings = any_town.buildings.set_index("code")
    outlines = np.asarray(buildings.geometry[homes.building_code])
    assert shapely.contains_properly(outlines, points).all()
    point, grid = owners(points, any_town.grids)
    assert point.tolist() == list(range(len(homes)))
    kinds = any_town.grids.kind.to_numpy()[grid]
    assert (kinds == "basic").all()
    assert (homes.floor >= 1).all()
    assert (homes.floor.to_numpy() <= buildings.floors[homes.building_code].to_numpy()).all()
    units = homes.unit.astype(int).to_numpy()
    assert (units <= buildings.units[homes.building_code].to_numpy()).all()
    assert (homes.room.str[:-2].astype(int) == homes.floor).all()


def test_symbols_of_one_building_do_not_coincide(town: Town) -> None:
    points = metric(town.households)
    tree = shapely.STRtree(points)
    left, right = tree.query(points, predicate="dwithin", distance=0.4)
    assert (left == right).all()


@pytest.mark.parametrize("households", [100, 1_234, 6_001])
def test_the_size_is_as_asked(households: int) -> None:
    town = make_town(households=households, cases=17)
    assert len(town.households) == households
    assert len(town.cases) == 17


def test_basic_grids_have_three_to_five_hundred_households(any_town: Town) -> None:
    _, grid = owners(np.asarray(any_town.households.geometry), any_town.grids)
    counts = np.bincount(grid, minlength=len(any_town.grids))
    basic = (any_town.grids.kind == "basic").to_numpy()
    assert counts[basic].min() >= 300
    assert counts[basic].max() <= 500
    assert counts[~basic].max(initial=0) == 0


def test_places_for_everybody_are_dedicated_grids(town: Town) -> None:
    dedicated = town.grids[town.grids.kind == "dedicated"]
    for word in ("公园", "学校", "市场", "医院"):
        assert dedicated.name.str.contains(word).any(), word
    basic = town.grids[town.grids.kind == "basic"]
    assert basic.name.str.fullmatch("..第[一二三四五六七八九十]+网格|...第.+网格").all()
    assert town.grids.name.is_unique
    assert town.grids.name_en.is_unique
    assert town.grids.responsible.str.startswith("网格长 ").all()


def test_statuses_have_believable_shares(town: Town) -> None:
    homes = town.households
    shares = homes.occupancy.value_counts(normalize=True)
    assert set(shares.index) == {"resident", "rented", "vacant", "business", "unverified"}
    assert 0.7 < shares["resident"] < 0.9
    assert shares.drop("resident").between(0.003, 0.2).all()
    assert set(homes.party.dropna()) == {"member", "centre"}
    assert set(homes.hazard.dropna()) == {"none", "minor", "major", "being_fixed", "unchecked"}
    assert set(homes.care.dropna()) == {"elderly_alone", "disabled"}
    for scheme, most in (("party", 0.1), ("hazard", 0.95), ("care", 0.1)):
        assert 0.005 < homes[scheme].notna().mean() < most
        assert homes[scheme].dropna().map(type).eq(str).all()
        assert all(value is None or isinstance(value, str) for value in homes[scheme])


def test_resident_counts_agree_with_occupancy(town: Town) -> None:
    homes = town.households
    assert homes.resident_count[homes.occupancy == "unverified"].isna().all()
    known = homes[homes.occupancy != "unverified"]
    assert known.resident_count.notna().all()
    empty = known.occupancy.isin(["vacant", "business"])
    assert (known.resident_count[empty] == 0).all()
    assert known.resident_count[~empty].between(1, 6).all()
    assert (homes.resident_count[homes.care == "elderly_alone"] == 1).all()


def test_neighbours_are_alike(town: Town) -> None:
    vacant = (town.households.occupancy == "vacant").astype(float)
    by_building = vacant.groupby(town.households.building_code).agg(["mean", "size"])
    overall = vacant.mean()
    by_chance = np.sqrt(overall * (1 - overall) / by_building["size"].mean())
    assert by_building["mean"].std() > 1.5 * by_chance


def test_cases_are_of_every_state_and_of_known_kinds(town: Town) -> None:
    states = town.cases.state.value_counts(normalize=True)
    assert len(states) == 13
    assert 0.55 < states["closed"] < 0.75
    assert states[["escalated", "rework", "on_hold"]].between(0.005, 0.05).all()
    assert town.cases.category.nunique() > 40
    assert town.cases.category.str.fullmatch("(5[1-9]|60)[0-9]{3}").all()
    assert town.cases.accuracy_m.between(5, 60).all()
    assert town.cases.description.str.len().gt(5).all()
    assert not town.cases.description.str.contains("[{}]").any()
    assert set(town.cases.reporter_kind) == {"worker", "resident", "hotline", "sensor"}


def test_confidential_cases_do_not_tell(town: Town) -> None:
    secret = town.cases[town.cases.category.isin(["51002", "51003", "52002", "57004", "58001"])]
    assert len(secret) > 0
    assert set(secret.description) == {"请网格员上门了解情况。"}


def test_times_count_back_from_the_given_moment() -> None:
    now = datetime(2031, 3, 4, 5, 6, tzinfo=UTC)
    early, late = make_town(households=600), make_town(households=600, now=now)
    for town, moment in ((early, NOW), (late, now)):
        age = moment - town.cases.occurred_at
        assert age.min() > timedelta(0)
        assert age.max() < timedelta(days=61)
    assert (late.cases.occurred_at - early.cases.occurred_at == now - NOW).all()
    assert early.cases.occurred_at.is_monotonic_increasing
    waiting = early.cases[early.cases.state == "reported"]
    assert (NOW - waiting.occurred_at).max() < timedelta(hours=7)


def test_some_cases_lie_on_boundaries_and_some_beyond(town: Town) -> None:
    points = np.asarray(town.cases.geometry)
    case, _ = owners(points, town.grids)
    covering = np.bincount(case, minlength=len(points))
    assert (covering >= 3).sum() == 6
    on_corner = town.cases[covering >= 3]
    assert (on_corner.datum == "cgcs2000").all()
    assert (on_corner.x == on_corner.geometry.x).all()
    banner = town.areas.geometry[0]
    outside = points[covering == 0]
    within_banner = shapely.within(outside, banner)
    assert (~within_banner).sum() == 1
    to_town = shapely.distance(
        metric(town.cases)[covering == 0], shapely.union_all(metric(town.grids))
    )
    assert (to_town[within_banner] < 50).sum() == 3
    assert (to_town[within_banner] > 100).sum() == 4


def test_hot_spots_gather_cases(town: Town) -> None:
    points = metric(town.cases)
    tree = shapely.STRtree(points)
    pairs = tree.query(points, predicate="dwithin", distance=100.0)
    near = np.bincount(pairs[0], minlength=len(points))
    town_m2 = shapely.area(metric(town.grids)).sum()
    if_scattered = 1 + len(points) * np.pi * 100**2 / town_m2
    assert np.percentile(near, 90) > 2 * if_scattered


def test_coordinates_are_sent_in_their_datum(town: Town) -> None:
    shares = town.cases.datum.value_counts(normalize=True)
    assert set(shares.index) == {"gcj02", "wgs84", "bd09", "cgcs2000"}
    assert shares["gcj02"] > 0.5
    inside = shapely.within(np.asarray(town.cases.geometry), town.areas.geometry[0])
    for name, members in town.cases[inside].groupby("datum"):
        x, y = members.x.to_numpy(), members.y.to_numpy()
        lon, lat = convert(x, y, str(name), "cgcs2000")
        np.testing.assert_allclose(lon, members.geometry.x, rtol=0, atol=1e-9)
        np.testing.assert_allclose(lat, members.geometry.y, rtol=0, atol=1e-9)
        taken_plainly = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=4490).to_crs("EPSG:4546")
        off = shapely.distance(np.asarray(taken_plainly), metric(members))
        assert (off < 1e-3).all() if name in ("wgs84", "cgcs2000") else (off > 400).all()


@pytest.mark.parametrize(
    "wrong",
    [{"households": 99}, {"cases": -1}, {"now": datetime(2026, 1, 1)}],  # noqa: DTZ001
)
def test_impossible_towns_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a town needs"):
        make_town(**wrong)  # type: ignore[arg-type]


def test_names_are_of_both_languages(town: Town) -> None:
    for frame in (town.areas, town.grids):
        assert frame.name.map(lambda n: bool(re.search("[一-鿿]", n))).all()
        assert frame.name_en.str.fullmatch("[A-Za-z0-9 ]+").all()
