import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis import compiled
from gis.crs import STORAGE_CRS, crs, transformer
from gis.datum import EAST, NORTH, SOUTH, WEST, alternatives, convert, convert_point, parse
from gis.errors import InvalidPoints, UnknownDatum
from gis.measure import distances_m
from gis.testing import china

JUNGAR = (111.2, 39.9)
BANNER = (110.5, 39.2, 111.5, 40.2)


def one(x: float, y: float, source: str, target: str) -> tuple[float, float]:
    lon, lat = convert([x], [y], source, target)
    return float(lon[0]), float(lat[0])


@pytest.mark.parametrize(
    ("target", "expected", "tolerance"),
    [
        ("gcj02", (111.206573207, 39.901144155), 1e-9),
        ("bd09", (111.213093443, 39.907084211), 1e-9),
        ("EPSG:4546", (517103.6649, 4418444.8113), 1e-4),
        ("EPSG:4525", (37517103.6649, 4418444.8113), 1e-4),
    ],
)
def test_the_vector_of_jungar_banner(target, expected, tolerance):
    assert one(*JUNGAR, "wgs84", target) == pytest.approx(expected, abs=tolerance, rel=0)
    assert one(*expected, target, "cgcs2000") == pytest.approx(JUNGAR, abs=2e-9, rel=0)


def test_the_published_vectors(shared_data: Path):
    with (shared_data / "coords" / "gcj_bd_vectors.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    for row in rows:
        x, y = float(row["lon_in"]), float(row["lat_in"])
        there = one(x, y, row["from"], row["to"])
        published = float(row["lon_out"]), float(row["lat_out"])
        # inverses were published from the one-step formula: ours is compared by going back
        inverse = (row["from"], row["to"]) in {("BD09", "GCJ02"), ("GCJ02", "WGS84")}
        tolerance = 1e-6 if inverse else float(row["published_tolerance_deg"])
        assert there == pytest.approx(published, abs=tolerance, rel=0), row["source"]
        assert one(*there, row["to"], row["from"]) == pytest.approx((x, y), abs=1e-11, rel=0)


def test_the_zones_of_survey_coordinates(shared_data: Path):
    with (shared_data / "coords" / "cgcs2000_gk3_points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for row in rows:
        place = float(row["lon_epsg4490"]), float(row["lat_epsg4490"])
        surveyed = float(row["easting_m"]), float(row["northing_m"])
        name = f"EPSG:{row['epsg']}"
        assert one(*place, "cgcs2000", name) == pytest.approx(surveyed, abs=1e-4, rel=0)
        assert one(*surveyed, name, "cgcs2000") == pytest.approx(place, abs=1e-9, rel=0)


def published_gcj(lon: float, lat: float) -> tuple[float, float]:
    """Return GCJ-02 as it was published, with the library's sines."""
    x, y, pi, sin = lon - 105.0, lat - 35.0, math.pi, math.sin
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    a, ee, radians = 6378245.0, 0.00669342162296594323, lat / 180.0 * pi
    magic = 1.0 - ee * sin(radians) ** 2
    north = north * 180.0 / ((a * (1.0 - ee)) / (magic * math.sqrt(magic)) * pi)
    east = east * 180.0 / (a / math.sqrt(magic) * math.cos(radians) * pi)
    return lon + east, lat + north


def published_bd(lon: float, lat: float) -> tuple[float, float]:
    """Return BD-09 as it was published, with an arc tangent."""
    x_pi = math.pi * 3000.0 / 180.0
    radius = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * x_pi)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * x_pi)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


@settings(deadline=None)
@given(china())
def test_the_published_formulas_are_kept_to_the_last_digit(place):
    gcj = one(*place, "wgs84", "gcj02")
    assert gcj == pytest.approx(published_gcj(*place), abs=3e-14, rel=0)
    bd = one(*place, "wgs84", "bd09")
    assert bd == pytest.approx(published_bd(*published_gcj(*place)), abs=6e-14, rel=0)


@contextmanager
def everywhere() -> Iterator[None]:
    """Stand for what is installed: in the tests, compiled code."""
    assert compiled.twin("datum") is not None
    yield


# At 105° of longitude, where the published root has its corner; elsewhere it is 2e-13.
ROUNDING = 1e-11

BOTH = [everywhere, compiled.switched_off]


@settings(deadline=None)
@given(china())
def test_what_starts_in_china_comes_back(place):
    for code in BOTH:
        with code():
            for datum in ("gcj02", "bd09"):
                back = one(*one(*place, "wgs84", datum), datum, "wgs84")
                assert back == pytest.approx(place, abs=ROUNDING, rel=0)
            shifted = one(*place, "wgs84", "gcj02")
            back = one(*one(*shifted, "gcj02", "bd09"), "bd09", "gcj02")
            assert back == pytest.approx(shifted, abs=ROUNDING, rel=0)


@settings(deadline=None)
@given(china())
def test_an_inverse_is_shifted_to_where_it_came_from(place):
    for datum in ("gcj02", "bd09"):
        x, y = one(*place, "wgs84", datum)
        there = one(*one(x, y, datum, "wgs84"), "wgs84", datum)
        assert there == pytest.approx((x, y), abs=ROUNDING, rel=0)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_the_inverse_holds_all_over_china_and_at_the_corner_of_its_root(datum):
    random = np.random.default_rng(105)
    lon, lat = random.uniform(WEST, EAST, 200_000), random.uniform(SOUTH, NORTH, 200_000)
    x, y = convert(lon, lat, "wgs84", datum)
    back_lon, back_lat = convert(x, y, datum, "wgs84")
    assert max(abs(back_lon - lon).max(), abs(back_lat - lat).max()) < 2e-13
    # the published root of |lon - 105°| is steepest there: what one bit of lon moves is seen
    aside = np.concatenate([[0.0], 10.0 ** np.arange(-14, -1, 0.1)])
    lon = 105.0 + np.concatenate([-aside, aside])
    x, y = convert(lon, np.full(lon.size, 39.9), "wgs84", datum)
    back_lon, back_lat = convert(x, y, datum, "wgs84")
    assert max(abs(back_lon - lon).max(), abs(back_lat - 39.9).max()) < ROUNDING


WAYS = [
    ("wgs84", "gcj02"), ("wgs84", "bd09"), ("gcj02", "wgs84"), ("bd09", "wgs84"),
    ("gcj02", "bd09"), ("bd09", "gcj02"),
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(
    st.one_of(china(), st.tuples(st.floats(-180, 180), st.floats(-90, 90)), st.tuples(
        st.floats(WEST - 0.06, WEST + 0.06), st.floats(SOUTH - 0.06, SOUTH + 0.06)
    )), min_size=1, max_size=9,
))  # fmt: skip
def test_one_point_and_many_compiled_and_not_are_the_same_to_the_last_bit(places):
    x, y = np.array(places).T
    for source, target in WAYS:
        answers = []
        for code in BOTH:
            with code():
                answers.append(np.column_stack(convert(x, y, source, target)))
                answers.append(
                    np.array([convert_point(*place, source, target) for place in places])
                )
        for answer in answers[1:]:
            assert answer.tobytes() == answers[0].tobytes()


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_point_converts_alike_wherever_it_stands_in_an_array(source, target):
    random = np.random.default_rng(1)
    x, y = random.uniform(70, 140, 20_000), random.uniform(0, 57, 20_000)
    x[::997] = np.nan
    with compiled.switched_off():
        plain = np.column_stack(convert(x, y, source, target))
    swift = np.column_stack(convert(x, y, source, target))
    assert plain.tobytes() == swift.tobytes()
    order = random.permutation(x.size)
    moved = np.column_stack(convert(x[order], y[order], source, target))
    assert moved.tobytes() == swift[order].tobytes()


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_the_rectangle_s_very_corners_come_back(datum):
    corners = [(x, y) for x in (WEST, EAST) for y in (SOUTH, NORTH)]
    for place in corners:
        there = one(*place, "wgs84", datum)
        assert there != place
        assert one(*there, datum, "wgs84") == pytest.approx(place, abs=1e-11, rel=0)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize("code", BOTH)
def test_in_the_strip_outside_the_rectangle_what_can_stem_from_inside_does(datum, code):
    with code():
        x, y = one(EAST, 39.9, "wgs84", datum)
        assert x > EAST
        assert one(x, y, datum, "wgs84") == pytest.approx((EAST, 39.9), abs=2e-13, rel=0)
        for lon in (x + 1e-9, EAST + 0.04, EAST + 0.2):  # nothing inside is shifted there
            assert one(lon, y, datum, "wgs84") == (lon, y)
            assert convert_point(lon, y, datum, "wgs84") == (lon, y)


@settings(deadline=None)
@given(china())
def test_one_projected_point_converts_as_many_do(place):
    metres = one(*place, "wgs84", "EPSG:3857")
    assert convert_point(*metres, "EPSG:3857", "cgcs2000") == one(*metres, "EPSG:3857", "cgcs2000")


def test_one_point_that_is_nowhere_is_nan():
    for x, y in ((1e30, 1e30), (math.nan, 1.0)):
        assert all(math.isnan(each) for each in convert_point(x, y, "EPSG:4546", "cgcs2000"))


@pytest.mark.parametrize("code", BOTH)
@pytest.mark.parametrize("place", [(-76.6, 39.3), (153.0, -27.5), (0.0, 0.0), (180.0, 90.0)])
@pytest.mark.parametrize("datum", ["gcj02", "bd09", "cgcs2000", "EPSG:4326"])
def test_nothing_moves_outside_china(place, datum, code):
    with code():
        assert one(*place, "wgs84", datum) == place
        assert one(*place, datum, "wgs84") == place
        assert convert_point(*place, datum, "wgs84") == place


def test_nan_and_infinity_become_nan_without_a_word():
    x, y = [math.nan, math.inf, 111.2, 111.2], [39.9, 39.9, -math.inf, 39.9]
    for source, target in [*WAYS, ("wgs84", "EPSG:4546"), ("wgs84", "cgcs2000"),
                           ("EPSG:4546", "gcj02")]:  # fmt: skip
        for code in BOTH:
            with code():
                lon, lat = convert(x, y, source, target)
                nowhere = [convert_point(*each, source, target) for each in zip(x, y, strict=True)]
            assert np.isnan(lon[:3]).all()
            assert np.isnan(lat[:3]).all()
            assert np.isfinite(lon[3])
            assert np.isnan(nowhere[:3]).all()


def test_what_a_projection_cannot_hold_is_nan():
    lon, lat = convert([1e12], [1e12], "EPSG:4546", "wgs84")
    assert np.isnan(lon[0])
    assert np.isnan(lat[0])


@pytest.mark.parametrize("code", BOTH)
@pytest.mark.parametrize(("source", "target"), [*WAYS, ("wgs84", "EPSG:4546")])
def test_arrays_of_any_kind_convert_alike(code, source, target):
    lon, lat = np.linspace(110, 112, 12), np.linspace(39, 40, 12)
    if target == "EPSG:4546":
        expected = np.array([one(x, y, source, target) for x, y in zip(lon, lat, strict=True)])
    else:
        expected = np.array([convert_point(x, y, source, target)
                             for x, y in zip(lon.tolist(), lat.tolist(), strict=True)])  # fmt: skip
    frozen, twofold = lon.copy(), np.repeat(lat, 2)
    frozen.flags.writeable = False
    big_endian = lon.astype(">f8")
    with code():
        for x, y in [
            (lon, lat), (lon.tolist(), tuple(lat)), (frozen, twofold[::2]), (big_endian, lat),
            (lon.astype(object), lat),
        ]:  # fmt: skip
            assert np.column_stack(convert(x, y, source, target)).tobytes() == expected.tobytes()
        for shape in ((3, 4), (2, 2, 3), (12, 1)):
            for order in ("C", "F"):
                shaped = (np.asarray(a.reshape(shape), order=order) for a in (lon, lat))
                x, y = convert(*shaped, source, target)
                assert x.shape == y.shape == shape
                assert np.column_stack([x.ravel(), y.ravel()]).tobytes() == expected.tobytes()
        x, y = convert(lon[::-1], lat[::-1], source, target)
        assert np.column_stack([x, y])[::-1].tobytes() == expected.tobytes()
        x, y = convert(np.array(lon[3]), lat[3], source, target)
        assert x.shape == y.shape == ()
        assert (float(x), float(y)) == tuple(expected[3])
        for empty in ([], np.empty((0, 3))):
            x, y = convert(empty, empty, source, target)
            assert x.shape == y.shape == np.shape(empty)
            assert x.dtype == y.dtype == np.float64
    assert (frozen == np.linspace(110, 112, 12)).all()
    assert (twofold[::2] == np.linspace(39, 40, 12)).all()


@pytest.mark.parametrize("code", BOTH)
def test_the_input_is_left_alone_and_its_shape_kept(code):
    x, y = np.full((2, 3), 111, dtype=np.int32), np.full((2, 3), 39.5, dtype=np.float32)
    with code():
        lon, lat = convert(x, y, "WGS-84", "GCJ02")
        assert (lon[0, 0], lat[0, 0]) == one(111.0, 39.5, "wgs84", "gcj02")
        same, _ = convert(np.array([1.0]), np.array([2.0]), "wgs84", "wgs84")
    assert lon.shape == lat.shape == (2, 3)
    assert lon.dtype == np.float64
    assert (x == 111).all()
    assert same.tolist() == [1.0]


def test_a_name_nobody_knows_is_answered_with_the_names():
    for name in ("mars", "", "EPSG:", "EPSG:x", "EPSG:999999", "4326", "EPSG:5773", "EPSG:4978"):
        with pytest.raises(UnknownDatum) as caught:
            parse(name)
        assert len(str(caught.value)) > 40
    with pytest.raises(UnknownDatum, match="wgs84, cgcs2000, gcj02, bd09"):
        convert([1], [1], "wgs85", "wgs84")


def test_shapes_that_differ_are_refused():
    with pytest.raises(InvalidPoints, match="one y for each x"):
        convert([1, 2], [1], "wgs84", "gcj02")
    with pytest.raises(InvalidPoints, match="numbers"):
        convert(["a"], ["b"], "wgs84", "gcj02")


def test_a_survey_file_may_have_zone_numbers_or_not():
    assert alternatives("EPSG:4546", BANNER, in_degrees=False) == ["EPSG:4525", "EPSG:3857"]
    assert alternatives("epsg:4525", BANNER, in_degrees=False) == ["EPSG:4546", "EPSG:3857"]
    with_number = convert_point(37517103.6649, 4418444.8113, "EPSG:4525", "cgcs2000")
    assert with_number == pytest.approx((111.2, 39.9), abs=1e-8)
    without = convert_point(517103.6649, 4418444.8113, "EPSG:4546", "cgcs2000")
    assert without == pytest.approx((111.2, 39.9), abs=1e-8)


def test_degrees_may_be_shifted_or_not():
    for plain in ("wgs84", "cgcs2000", "EPSG:4326"):
        assert alternatives(plain, BANNER, in_degrees=True) == ["gcj02", "bd09"]
    assert alternatives("bd09", BANNER, in_degrees=True) == ["wgs84", "gcj02"]


def test_where_there_is_no_zone_only_web_metres_are_left():
    for bounds in ((-77.0, 39.0, -76.0, 40.0), (math.nan,) * 4):
        assert alternatives("EPSG:26985", bounds, in_degrees=False) == ["EPSG:3857"]


@pytest.mark.parametrize(
    ("name", "x", "y", "least_m"),
    [("EPSG:27700", 530_000.0, 180_000.0, 90.0), ("EPSG:4301", 139.7, 35.7, 400.0)],
    ids=["Britain", "Tokyo"],
)
def test_a_national_datum_is_not_taken_for_ours(
    name: str, x: float, y: float, least_m: float
) -> None:
    lon, lat = convert([x], [y], name, "cgcs2000")
    straight = transformer(crs(name), STORAGE_CRS).transform(x, y)
    assert distances_m(lon, lat, straight[0], straight[1])[0] > least_m
    back_x, back_y = convert(lon, lat, "cgcs2000", name)
    assert back_x[0] == pytest.approx(x, abs=1e-3)
    assert back_y[0] == pytest.approx(y, abs=1e-3)
