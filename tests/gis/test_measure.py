import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gis.crs import GEOD
from gis.measure import areas_m2, boundary_distances_m, distances_m, lengths_m, local_crs

PLACES = [(111.2, 39.9, 4546), (-76.6, 39.3, 26985)]


def projected(geometry, epsg):
    to = Transformer.from_crs(4490, epsg, always_xy=True)
    return shapely.transform(geometry, to.transform, interleaved=False)


def scale(lon, lat, epsg):
    """Metres on the plan for a metre on the ground, from a short geodesic."""
    ends = projected(shapely.linestrings([[lon, lat], [lon, lat + 1e-3]]), epsg)
    return shapely.length(ends) / distances_m(lon, lat, lon, lat + 1e-3)[()]


@pytest.mark.parametrize(("lon", "lat", "epsg"), PLACES)
def test_areas_agree_with_the_local_survey_zone(lon, lat, epsg):
    cell = shapely.box(lon, lat, lon + 0.005, lat + 0.004)
    dense = projected(shapely.segmentize(cell, 1e-4), epsg)
    truth = shapely.area(dense) / scale(lon, lat, epsg) ** 2
    assert areas_m2(np.array([cell]))[0] == pytest.approx(truth, rel=2e-5)


def polygon_about(lon, lat, half):
    """A polygon of few and long edges, about twice ``half`` degrees wide."""
    directions = np.radians([10, 80, 170, 215, 300])
    reach = half * np.array([1, 0.7, 1, 0.4, 0.9])
    return shapely.Polygon(
        np.column_stack([lon + reach * np.cos(directions), lat + reach * np.sin(directions)])
    )


@pytest.mark.parametrize("lat", [0.0, 39.9, -33.9, 66.0, 84.0])
def test_edges_are_straight_in_degrees(lat):
    shape = polygon_about(111.2, lat, 0.07)
    dense = shapely.segmentize(shape, 2e-5)  # so short that a geodesic differs by nothing
    area, around = GEOD.geometry_area_perimeter(shape)
    true_area, true_length = GEOD.geometry_area_perimeter(dense)
    assert areas_m2(np.array([shape]))[0] == pytest.approx(true_area, abs=0.01)
    assert lengths_m(np.array([shape]))[0] == pytest.approx(true_length, abs=1e-6)
    assert lat == 0 or abs(area - true_area) > 100
    assert around <= true_length + 1e-6


@pytest.mark.parametrize("half", [0.01, 0.1, 1, 10])
def test_areas_agree_with_an_equal_area_projection(half):
    shape = polygon_about(111.2, 39.9, half)
    flat = "+proj=cea +lat_ts=40 +lon_0=111 +a=6378137 +rf=298.257222101"
    truth = shapely.area(projected(shapely.segmentize(shape, half / 2000), flat))
    assert areas_m2(np.array([shape]))[0] == pytest.approx(truth, rel=1e-7)


@given(
    st.floats(-180, 180), st.floats(-80, 80), st.floats(1e-4, 5),
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=2),
)  # fmt: skip
def test_parts_add_up_to_their_whole_across_t_junctions(lon, lat, size, cuts):
    def south_edge(share):  # slanting
        return lon + share * 2 * size, lat + share * size / 3

    one, other = cuts[0], cuts[0] + cuts[1] * (1 - cuts[0])
    foot, vertex = south_edge(one), south_edge(other)  # the whole has neither
    top, ends = (foot[0], lat + size), (south_edge(0), south_edge(1))
    west, east = (lon, lat + size), (lon + 2 * size, lat + size)
    whole = [ends[0], ends[1], east, west]
    left, right = [ends[0], foot, top, west], [foot, vertex, ends[1], east, top]
    areas = areas_m2(np.array([shapely.Polygon(ring) for ring in (whole, left, right)]))
    assert areas[1] + areas[2] == pytest.approx(areas[0], rel=1e-9, abs=1e-6)


def test_geodesic_edges_would_not_add_up():
    whole = shapely.box(111, 39, 112, 40)
    parts = [shapely.box(111, 39, 111.3, 40), shapely.box(111.3, 39, 112, 40)]
    areas = areas_m2(np.array([whole, *parts]))
    assert areas[1:].sum() == pytest.approx(areas[0], rel=1e-12)
    geodesic = [abs(GEOD.geometry_area_perimeter(shape)[0]) for shape in (whole, *parts)]
    assert abs(sum(geodesic[1:]) - geodesic[0]) > 1e-6 * geodesic[0]


def test_half_the_earth_lies_north_of_the_equator():
    earth = 510_065_621_718_491.1  # m², from the axes in closed form
    shapes = np.array([shapely.box(-180, 0, 180, 90), shapely.box(-180, -90, 180, 90)])
    assert areas_m2(shapes).tolist() == pytest.approx([earth / 2, earth], rel=1e-12)


def test_a_hole_is_left_out_whichever_way_the_rings_turn():
    whole, hole = shapely.box(0, 0, 0.01, 0.01), shapely.box(0.004, 0.004, 0.006, 0.006)
    cut = shapely.difference(whole, hole)
    areas = areas_m2(np.array([whole, hole, cut, shapely.reverse(cut)]))
    assert areas[2] == pytest.approx(areas[0] - areas[1], rel=1e-9)
    assert areas[3] == areas[2]


def test_what_has_no_area_has_none():
    shapes = [None, shapely.Polygon(), shapely.Point(1, 1), shapely.box(0, 0, 1, 1)]
    assert (areas_m2(np.array(shapes, dtype=object))[:3] == 0).all()
    assert areas_m2(np.array([], dtype=object)).shape == (0,)
    both = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)])
    assert areas_m2(np.array([both]))[0] == pytest.approx(2 * areas_m2(np.array([shapes[3]]))[0])


def test_a_quarter_of_the_meridian_is_ten_thousand_kilometres():
    assert distances_m(0, 0, 0, 90)[()] == pytest.approx(10_001_965.7, abs=0.1)
    assert np.isnan(distances_m([0, np.nan, np.inf], 0, 1, 1)).tolist() == [False, True, True]


def test_lengths_are_of_lines_and_of_all_rings():
    line = shapely.linestrings([[0, 0], [0, 0.01]])
    ring = shapely.box(0, 0, 0.01, 0.01)
    lengths = lengths_m(np.array([line, ring, None], dtype=object))
    assert lengths[0] == pytest.approx(1105.7, abs=0.1)
    assert lengths[1] == pytest.approx(2 * 1105.7 + 2 * 1113.2, abs=0.3)
    assert lengths[2] == 0


@pytest.mark.parametrize(("lon", "lat", "epsg"), PLACES)
def test_boundary_distances_are_right_to_millimetres_within_a_kilometre(lon, lat, epsg):
    random = np.random.default_rng(7)
    angles = np.sort(random.uniform(0, 2 * np.pi, 60))
    radii = random.uniform(0.003, 0.009, 60)
    outer = np.column_stack([lon + radii * np.cos(angles), lat + radii * np.sin(angles)])
    shape = shapely.Polygon(outer, [shapely.box(lon, lat, lon + 1e-3, lat + 1e-3).exterior.coords])
    x, y = lon + random.uniform(-0.01, 0.01, 300), lat + random.uniform(-0.008, 0.008, 300)
    found = boundary_distances_m(x, y, np.full(300, shape))
    dense = projected(shapely.segmentize(shapely.boundary(shape), 1e-5), epsg)
    flat = shapely.distance(projected(shapely.points(x, y), epsg), dense)
    truth = flat / scale(lon, lat, epsg)
    near = truth < 1000
    assert near.sum() > 200
    assert np.abs(found - truth)[near].max() < 0.005


def test_a_far_boundary_is_measured_on_the_geodesic():
    block = shapely.box(111.2, 39.9, 111.3, 40.0)
    found = boundary_distances_m(np.array([110.2]), np.array([39.9]), np.array([block]))
    assert found[0] <= distances_m(110.2, 39.9, 111.2, 39.9)[()] + 1e-6
    assert found[0] == pytest.approx(85_494, abs=60)


def test_no_boundary_no_distance():
    shapes = np.array([None, shapely.Polygon(), shapely.box(0, 0, 1, 1)], dtype=object)
    found = boundary_distances_m(np.array([0.5, 0.5, np.nan]), np.full(3, 0.5), shapes)
    assert np.isnan(found).all()


def test_a_point_on_a_vertex_is_at_distance_zero():
    shape = shapely.Polygon([(111.2, 39.9), (111.21, 39.91), (111.2, 39.93)])
    found = boundary_distances_m(np.array([111.21]), np.array([39.91]), np.array([shape]))
    assert found[0] == 0


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [(111.2, 39.9, 4546), (75.0, 39.5, 4534), (134.7, 48.0, 4554), (112.6, 30.0, 4547),
     (-76.6, 39.3, 32618), (2.35, 48.85, 32631), (151.2, -33.9, 32756)],
)  # fmt: skip
def test_the_local_crs(lon, lat, epsg):
    assert local_crs(lon, lat).to_epsg() == epsg
