import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.datum import convert, convert_point
from gis.errors import InvalidPoints, UnknownDatum
from gis.measure import distances_m
from gis.ownership import GridIndex
from gis.routing import DATUM_SUSPECT, AreaIndex, Router, Rule
from gis.testing import partitions, points_of

WEST, EAST = shapely.box(111.2, 39.9, 111.21, 39.91), shapely.box(111.21, 39.9, 111.22, 39.91)
GRIDS = GridIndex(["150622003003001", "150622003003002"], np.array([WEST, EAST]))
AREAS = AreaIndex(
    ["150622", "150622003", "150622003003"],
    np.array([
        shapely.box(110, 39, 112, 41), shapely.box(111.1, 39.8, 111.3, 40.0),
        shapely.box(111.19, 39.89, 111.23, 39.92),
    ]),
)  # fmt: skip
ROUTER = Router(GRIDS, AREAS)


def place(x, y, datum="cgcs2000", accuracy_m=None):
    return ROUTER.place(x, y, datum, accuracy_m)


def test_inside():
    placement = place(111.205, 39.905)
    assert (placement.grid_code, placement.rule) == ("150622003003001", Rule.INSIDE)
    to_edge = distances_m(111.205, 39.905, 111.21, 39.905)[()]
    assert placement.distance_to_boundary_m == pytest.approx(to_edge, abs=0.01)
    assert (placement.area_code, placement.warnings, placement.candidates) == (None, (), ())


def test_boundary_goes_to_the_lowest_code():
    placement = place(111.21, 39.905)
    assert (placement.grid_code, placement.rule) == ("150622003003001", Rule.BOUNDARY)
    assert placement.distance_to_boundary_m == 0


def test_snapped_within_fifty_metres_only():
    near, far = 111.22 + 49 / 85_450, 111.22 + 51 / 85_450
    placement = place(near, 39.905)
    assert (placement.grid_code, placement.rule) == ("150622003003002", Rule.SNAPPED)
    assert placement.distance_to_boundary_m == pytest.approx(49, abs=0.1)
    assert place(far, 39.905).rule is Rule.FALLBACK
    assert Router(GRIDS, AREAS, snap_m=0).place(near, 39.905, "cgcs2000").rule is Rule.FALLBACK


def test_what_no_grid_owns_waits_in_the_smallest_queue():
    assert place(111.225, 39.915).area_code == "150622003003"
    assert place(111.25, 39.95).area_code == "150622003"
    assert place(111.5, 39.5).area_code == "150622"
    for placement in (place(111.225, 39.915), place(111.5, 39.5)):
        assert placement.rule is Rule.FALLBACK
        assert placement.grid_code is placement.distance_to_boundary_m is None


def test_outside_of_all_is_the_root_s_and_nobody_s_without_areas():
    placement = place(-77.0, 39.0)
    assert (placement.rule, placement.area_code) == (Rule.OUTSIDE, "150622")
    alone = Router(GRIDS).place(-77.0, 39.0, "wgs84")
    assert (alone.rule, alone.area_code) == (Rule.OUTSIDE, None)
    assert (alone.lon, alone.lat) == (-77.0, 39.0)


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (None, None, "no coordinates"),
        (math.nan, 39.9, "missing or not finite"),
        (111.2, math.inf, "missing or not finite"),
        (500.0, 39.9, "nowhere on earth"),
        ("abc", 39.9, "no numbers"),
        ("", "", "no coordinates"),
    ],
)
def test_unplaced_says_why(x, y, why):
    placement = place(x, y)
    assert (placement.rule, placement.grid_code) == (Rule.UNPLACED, None)
    assert placement.lon is placement.lat is None
    assert why in placement.reason


def test_text_that_is_a_number_is_one():
    assert place("111.205", "39.905").rule is Rule.INSIDE


def test_the_datum_decides_and_another_that_would_fit_is_told():
    shifted = [float(v[0]) for v in convert([111.2001], [39.905], "wgs84", "gcj02")]
    assert place(*shifted, "gcj02").grid_code == "150622003003001"
    assert place(*shifted, "gcj02").warnings == ()
    east = [float(v[0]) for v in convert([111.2195], [39.905], "wgs84", "gcj02")]
    suspect = place(*east, "wgs84")
    assert suspect.rule is Rule.FALLBACK
    assert suspect.warnings == ("datum_suspect",)
    assert suspect.raw == tuple(east)
    assert place(-77.0, 39.0).warnings == ()


def test_survey_coordinates_with_the_wrong_zone_are_suspect():
    x, y = convert([111.205], [39.905], "wgs84", "EPSG:4546")
    assert place(x[0], y[0], "EPSG:4546").rule is Rule.INSIDE
    wrong = place(x[0] + 37_000_000, y[0], "EPSG:4546")
    assert wrong.grid_code is None
    assert wrong.warnings == ("datum_suspect",)


def test_an_unknown_datum_and_uneven_columns_are_refused():
    with pytest.raises(UnknownDatum):
        place(111.2, 39.9, "wgs85")
    with pytest.raises(InvalidPoints):
        ROUTER.place_many([1, 2], [1], "wgs84")


def test_candidates_share_the_circle():
    on_edge = place(111.21, 39.905, accuracy_m=30)
    assert [c.share for c in on_edge.candidates] == [0.5, 0.5]
    assert place(111.205, 39.905, accuracy_m=30).candidates == ()
    beside = place(111.21 - 15 / 85_450, 39.905, accuracy_m=30)
    # a circle cut at half its radius: 80.45 % remain
    assert [c.grid_code[-1] for c in beside.candidates] == ["1", "2"]
    assert beside.candidates[0].share == pytest.approx(0.8045, abs=0.001)
    outer = place(111.22, 39.905, accuracy_m=30)
    assert [c.share for c in outer.candidates] == [pytest.approx(0.5, abs=0.001)]


def test_a_dedicated_grid_takes_its_share_first():
    market = shapely.box(111.2049, 39.9049, 111.2051, 39.9051)
    grids = GridIndex(["A", "M"], np.array([WEST, market]), dedicated=np.array([False, True]))
    placement = Router(grids).place(111.205, 39.905, "cgcs2000", 30)
    assert placement.grid_code == "M"
    assert sum(c.share for c in placement.candidates) == pytest.approx(1, abs=1e-3)
    assert {c.grid_code for c in placement.candidates} == {"A", "M"}


@settings(deadline=None, max_examples=40)  # other work on the machine is no failure
@given(st.data())
def test_many_are_placed_as_one_by_one(data):
    partition = data.draw(partitions(most=6))
    points = [*data.draw(points_of(partition, most=8)), (math.nan, 1.0), (200.0, 0.0)]
    router = Router(GridIndex(partition.codes, partition.geometries))
    x, y = np.array(points).T
    many = router.place_many(x, y, "wgs84", 25.0)
    assert len(many) == len(points)
    for i, (lon, lat) in enumerate(points):
        one = router.place(lon, lat, "wgs84", 25.0)
        assert repr(many[i]) == repr(one)
    placed = many.rules != Rule.UNPLACED
    assert np.array_equal(many.lon[placed], x[placed])


def test_without_any_grid_all_waits_in_a_queue():
    none = GridIndex([], np.array([], dtype=object))
    x, y = [111.205, -77.0, 111.205, None, 37517103.0], [39.905, 39.0, 39.905, None, 4418444.0]
    kinds = ["wgs84", "wgs84", "gcj02", "wgs84", "EPSG:4546"]
    placed = [Router(none, AREAS).place(*at) for at in zip(x, y, kinds, strict=True)]
    assert [p.rule.value for p in placed] == [
        "fallback", "outside", "fallback", "unplaced", "unplaced",
    ]  # fmt: skip
    assert [p.area_code for p in placed][:2] == ["150622003003", "150622"]
    assert all(p.grid_code is None and p.warnings == () for p in placed)
    assert Router(none).place(111.2, 39.9, "wgs84", 30).rule is Rule.OUTSIDE
    many = Router(none, AREAS).place_many(x[:2], y[:2], "wgs84")
    assert [repr(p) for p in many] == [repr(p) for p in placed[:2]]


@settings(deadline=None, max_examples=40)  # other work on the machine is no failure
@given(st.data())
def test_candidates_are_those_of_cutting_the_circle_by_every_grid(data):
    partition = data.draw(partitions(most=8))
    count = len(partition.codes)
    dedicated = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    router = Router(GridIndex(partition.codes, partition.geometries, dedicated=dedicated))
    radius = data.draw(st.floats(1, 5000))
    for x, y in data.draw(points_of(partition, most=8)):
        placement = router.place(x, y, "cgcs2000", radius)
        rest = circle(x, y, radius)
        whole, shares = rest.area, {}
        for i in sorted(range(count), key=lambda i: (not dedicated[i], partition.codes[i])):
            shares[partition.codes[i]] = rest.intersection(partition.geometries[i]).area / whole
            rest = rest.difference(partition.geometries[i])
        given = {c.grid_code: c.share for c in placement.candidates}
        if not given and placement.rule is not Rule.SNAPPED:
            given = {placement.grid_code: 1.0}  # a snapped one's circle may touch no grid at all
        for code, share in shares.items():
            alone = 0.0 if placement.grid_code else share
            assert given.get(code, alone) == pytest.approx(share, abs=2e-3)


def circle(x, y, radius):
    east, north = (distances_m(x, y, x + dx, y + dy)[()] * 1e3 for dx, dy in ((1e-3, 0), (0, 1e-3)))
    ring = shapely.get_coordinates(shapely.Point(0, 0).buffer(radius, quad_segs=64))
    return shapely.Polygon(ring / (east, north) + (x, y))


def test_nothing_in_nothing_out():
    assert len(ROUTER.place_many([], [], "gcj02")) == 0


def test_coordinates_that_lie_nowhere_are_told_what_they_look_like():
    router = Router(GridIndex(["G"], np.array([shapely.box(111.2, 39.9, 111.3, 40.0)])))
    swapped = router.place(39.95, 111.25, "wgs84")
    assert swapped.rule is Rule.UNPLACED
    assert "exchanged" in swapped.reason
    x, y = convert_point(111.25, 39.95, "cgcs2000", "EPSG:4546")
    north_first = router.place(y, x, "EPSG:4546")
    assert north_first.rule is Rule.OUTSIDE
    assert north_first.warnings[0] == DATUM_SUSPECT
    assert "exchanged" in north_first.warnings[1]
    assert router.place(x, y, "EPSG:4546").warnings == ()
    numbered = router.place_many([37517103.7, 517103.7], [4418444.8, 4418444.8], "EPSG:4546")
    assert "EPSG:4525" in numbered[0].reason
    assert numbered[1].rule is not Rule.UNPLACED
