"""What coordinates look like, where they make no sense as declared."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import crs
from gis.datum import Datum, convert, parse
from gis.errors import InvalidPoints, UnknownDatum
from gis.survey import Reading, look, readings
from gis.testing import china

BANNER = (110.5, 39.2, 111.5, 40.2)
EASTING, NORTHING = 517103.6649, 4418444.8113
BALTIMORE = (-76.71, 39.19, -76.52, 39.38)


def vectors(shared_data: Path) -> list[tuple[int, float, float, int]]:
    """Return the zone of 3°, easting, northing and EPSG code of surveyed points."""
    with (shared_data / "coords" / "cgcs2000_gk3_points.csv").open(encoding="utf-8") as file:
        return [
            (int(row["zone"]), float(row["easting_m"]), float(row["northing_m"]), int(row["epsg"]))
            for row in csv.DictReader(file)
        ]


def test_surveyed_points_make_sense_as_they_are(shared_data: Path) -> None:
    for _, x, y, code in vectors(shared_data):
        assert look(x, y, f"EPSG:{code}") is None


def test_surveyed_points_north_first_are_seen(shared_data: Path) -> None:
    for _, x, y, code in vectors(shared_data):
        doubt = look(y, x, f"EPSG:{code}")
        assert doubt is not None
        assert (doubt.swapped, doubt.datum) == (True, None)
        assert "X points north" in doubt.message


def test_surveyed_points_of_the_other_kind_of_zone_are_named(shared_data: Path) -> None:
    for zone, x, y, code in vectors(shared_data):
        other = code - 21 if code >= 4534 else code + 21
        doubt = look(x, y, f"EPSG:{other}")
        assert doubt is not None
        assert (doubt.swapped, doubt.datum) == (False, f"EPSG:{code}")
        assert (f"zone number {zone}" in doubt.message) == (x > 1e6)
        assert f"EPSG:{code} rather than EPSG:{other}" in doubt.message
        both = look(y, x, f"EPSG:{other}")
        assert both is not None
        assert (both.swapped, both.datum) == (True, f"EPSG:{code}")


@pytest.mark.parametrize(
    ("x", "datum", "meant"),
    [
        (38_517_103.0, "EPSG:4546", "EPSG:4526"),  # a zone further east
        (38_517_103.0, "EPSG:4525", "EPSG:4526"),
        (19_517_103.0, "EPSG:4546", "EPSG:4497"),  # by 6°
        (517_103.0, "EPSG:4497", "EPSG:4508"),
        (37_517_103.0, "EPSG:2382", "EPSG:2361"),  # Xi'an 1980
        (517_103.0, "EPSG:2413", "EPSG:2434"),  # Beijing 1954
        (20_517_103.0, "EPSG:21459", "EPSG:21420"),
    ],
)
def test_a_zone_is_named_in_its_own_national_datum(x: float, datum: str, meant: str) -> None:
    doubt = look(x, NORTHING, datum)
    assert doubt is not None
    assert doubt.datum == meant
    assert doubt.message.endswith(f"{meant} rather than {datum}")


@settings(deadline=None)
@given(st.integers(25, 45), st.floats(-1.2, 1.2), st.floats(0, 1), st.booleans())
def test_a_zone_number_is_always_the_right_one(
    zone: int, aside: float, up: float, north_first: bool
) -> None:
    meant = f"EPSG:{4513 + zone - 25}"
    area = crs(meant).area_of_use
    assert area is not None
    lat = area.south + up * (area.north - area.south)
    x, y = convert([3 * zone + aside], [lat], "cgcs2000", meant)
    doubt = look(y, x, "cgcs2000") if north_first else look(x, y, "cgcs2000")
    assert doubt is not None
    assert (doubt.swapped, doubt.datum) == (north_first, meant)


@settings(deadline=None)
@given(china().filter(lambda place: place[0] > 90))
def test_latitude_before_longitude_is_seen_in_most_of_china(place: tuple[float, float]) -> None:
    lon, lat = place
    for datum in ("wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4490"):
        assert look(lon, lat, datum) is None
        doubt = look(lat, lon, datum)
        assert doubt is not None
        assert (doubt.swapped, doubt.datum) == (True, None)
        assert "longitude comes first" in doubt.message


def test_where_both_ways_are_on_earth_only_the_place_tells() -> None:
    assert look(39.3, -76.6, "wgs84") is None
    doubt = look(39.3, -76.6, "wgs84", bounds=BALTIMORE)
    assert doubt is not None
    assert doubt.swapped
    assert look(-76.6, 39.3, "wgs84", bounds=BALTIMORE) is None
    assert look(2.35, 48.86, "wgs84", bounds=BALTIMORE) is None  # elsewhere either way


def test_metres_for_degrees_are_told() -> None:
    doubt = look(EASTING, NORTHING, "wgs84")
    assert doubt is not None
    assert (doubt.swapped, doubt.datum) == (False, None)
    assert doubt.message == "they look like metres, but wgs84 is in degrees"
    for swapped in (False, True):
        x, y = (NORTHING, EASTING) if swapped else (EASTING, NORTHING)
        doubt = look(x, y, "gcj02", bounds=BANNER)
        assert doubt is not None
        assert (doubt.swapped, doubt.datum) == (swapped, "EPSG:4546")
    x, y = convert([111.2], [39.9], "wgs84", "EPSG:3857")
    doubt = look(x, y, "wgs84", bounds=BANNER)
    assert doubt is not None
    assert doubt.datum == "EPSG:3857"


def test_web_metres_are_not_taken_for_a_zone_of_6_degrees() -> None:
    x, y = convert([121.6], [38.9], "wgs84", "EPSG:3857")
    assert int(x[0] // 1e6) == 13
    doubt = look(x, y, "wgs84")
    assert doubt is not None
    assert doubt.datum is None


def test_degrees_for_metres_are_told() -> None:
    for datum in ("EPSG:4546", "EPSG:4525", "EPSG:2804", "EPSG:32618", "EPSG:3857"):
        doubt = look(111.2, 39.9, datum)
        assert doubt is not None
        assert (doubt.swapped, doubt.datum) == (False, None)
        assert doubt.message == f"they look like degrees, but {datum} has eastings and northings"
    doubt = look(39.9, 111.2, "EPSG:4546")
    assert doubt is not None
    assert doubt.swapped


def test_the_wrong_zone_is_told_by_the_place() -> None:
    doubt = look(EASTING, NORTHING, "EPSG:4547", bounds=BANNER)
    assert doubt is not None
    assert doubt.datum == "EPSG:4546"
    assert doubt.message == "they would lie where they should in EPSG:4546 rather than EPSG:4547"


def test_who_knows_better_than_bounds_is_asked() -> None:
    def here(lon, lat):
        return (np.abs(lon - 111.2) < 1e-3) & (np.abs(lat - 39.9) < 1e-3)

    x, y = convert([111.2], [39.9], "wgs84", "gcj02")
    doubt = look(x, y, "wgs84", bounds=BANNER, here=here)
    assert doubt is not None
    assert doubt.datum == "gcj02"
    assert look(x, y, "gcj02", bounds=BANNER, here=here) is None
    assert look(x + 1, y, "wgs84", bounds=BANNER, here=here) is None


def test_most_of_many_decide() -> None:
    x, y = np.full(100, 111.2), np.full(100, 39.9)
    x[:40], y[:40] = 39.9, 111.2
    assert look(x, y, "wgs84") is None
    x[:60], y[:60] = 39.9, 111.2
    assert look(x, y, "wgs84") is not None


def test_what_says_nothing_is_passed_over() -> None:
    nothing = [np.nan, np.inf, 0.0, 111.2], [39.9, 1.0, 0.0, -np.inf]
    assert look([], [], "wgs84") is None
    assert look(*nothing, "EPSG:4546") is None
    assert readings(*nothing, "wgs84") == []
    doubt = look([*nothing[0], 39.9], [*nothing[1], 111.2], "wgs84")
    assert doubt is not None
    assert doubt.swapped


def test_very_many_are_sampled_from_end_to_end() -> None:
    x, y = np.full(500_000, 39.9), np.full(500_000, 111.2)
    x[:150_000], y[:150_000] = 111.2, 39.9
    doubt = look(x, y, "wgs84")
    assert doubt is not None
    assert doubt.swapped


def test_a_place_across_the_date_line_is_one_place() -> None:
    doubt = look(-17.0, 179.5, "wgs84", bounds=(177.0, -20.0, -178.0, -12.0))
    assert doubt is not None
    assert doubt.swapped


def test_a_crs_that_is_in_no_register_is_looked_at_too() -> None:
    own = parse("EPSG:4546").crs
    assert own is not None
    doubt = look(NORTHING, EASTING, Datum("the town's own", own))
    assert doubt is not None
    assert doubt.swapped


def test_readings_are_the_ways_to_try_for_one_place() -> None:
    assert [reading.datum.name for reading in readings(111.2, 39.9, "bd09")] == [
        "bd09", "wgs84", "gcj02",
    ]  # fmt: skip
    assert Reading(parse("EPSG:4546"), swapped=True) in readings(NORTHING, EASTING, "wgs84", BANNER)
    for reading in readings(37e6 + EASTING, NORTHING, "EPSG:4546", BANNER):
        lon, lat = reading.convert(np.array([37e6 + EASTING]), np.array([NORTHING]))
        right = reading == Reading(parse("EPSG:4525"))
        assert right == bool(abs(lon[0] - 111.2) < 1e-6 and abs(lat[0] - 39.9) < 1e-6)


def test_an_unknown_datum_is_refused() -> None:
    with pytest.raises(UnknownDatum):
        look(1.0, 2.0, "mars")


def test_one_y_belongs_to_each_x() -> None:
    with pytest.raises(InvalidPoints, match="2 x and 1 y"):
        look([1.0, 2.0], [1.0], "wgs84")
