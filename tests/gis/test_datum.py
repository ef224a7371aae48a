import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

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


@settings(deadline=None)
@given(china())
def test_what_starts_in_china_comes_back(place):
    for datum in ("gcj02", "bd09"):
        assert one(*one(*place, "wgs84", datum), datum, "wgs84") == pytest.approx(
            place, abs=1e-11, rel=0
        )
    shifted = one(*place, "wgs84", "gcj02")
    assert one(*one(*shifted, "gcj02", "bd09"), "bd09", "gcj02") == pytest.approx(
        shifted, abs=1e-11, rel=0
    )


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_the_rectangle_s_very_corners_come_back(datum):
    corners = [(x, y) for x in (WEST, EAST) for y in (SOUTH, NORTH)]
    for place in corners:
        there = one(*place, "wgs84", datum)
        assert there != place
        assert one(*there, datum, "wgs84") == pytest.approx(place, abs=1e-11, rel=0)


@settings(deadline=None)
@given(china())
def test_one_point_converts_as_many_do(place):
    for source in ("gcj02", "bd09"):
        single = convert_point(*place, source, "wgs84")
        assert single == pytest.approx(one(*place, source, "wgs84"), abs=1e-12, rel=0)
    metres = one(*place, "wgs84", "EPSG:3857")
    assert convert_point(*metres, "EPSG:3857", "cgcs2000") == one(*metres, "EPSG:3857", "cgcs2000")


def test_one_point_that_is_nowhere_is_nan():
    for x, y in ((1e30, 1e30), (math.nan, 1.0)):
        assert all(math.isnan(each) for each in convert_point(x, y, "EPSG:4546", "cgcs2000"))


@pytest.mark.parametrize("place", [(-76.6, 39.3), (153.0, -27.5), (0.0, 0.0), (180.0, 90.0)])
@pytest.mark.parametrize("datum", ["gcj02", "bd09", "cgcs2000", "EPSG:4326"])
def test_nothing_moves_outside_china(place, datum):
    assert one(*place, "wgs84", datum) == place
    assert one(*place, datum, "wgs84") == place


def test_nan_and_infinity_become_nan_without_a_word():
    x, y = [math.nan, math.inf, 111.2, 111.2], [39.9, 39.9, -math.inf, 39.9]
    for source, target in [("wgs84", "gcj02"), ("bd09", "wgs84"), ("wgs84", "EPSG:4546"),
                           ("wgs84", "cgcs2000"), ("EPSG:4546", "gcj02")]:  # fmt: skip
        lon, lat = convert(x, y, source, target)
        assert np.isnan(lon[:3]).all()
        assert np.isnan(lat[:3]).all()
        assert np.isfinite(lon[3])


def test_what_a_projection_cannot_hold_is_nan():
    lon, lat = convert([1e12], [1e12], "EPSG:4546", "wgs84")
    assert np.isnan(lon[0])
    assert np.isnan(lat[0])


def test_the_input_is_left_alone_and_its_shape_kept():
    x, y = np.full((2, 3), 111, dtype=np.int32), np.full((2, 3), 39.5, dtype=np.float32)
    lon, lat = convert(x, y, "WGS-84", "GCJ02")
    assert lon.shape == lat.shape == (2, 3)
    assert lon.dtype == np.float64
    assert (x == 111).all()
    same, _ = convert(np.array([1.0]), np.array([2.0]), "wgs84", "wgs84")
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
