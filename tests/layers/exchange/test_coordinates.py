"""Coordinates in columns: found by name, read as numbers, and not the wrong way round."""

import numpy as np
import pandas as pd
import pytest

from layers.errors import FileUnreadable, LayerRefused
from layers.exchange.coordinates import CoordinateColumns, check_plausible, find_columns
from layers.exchange.placing import settle_datum

EASTING, NORTHING = 517103.6649, 4418444.8113


def check(x: float, y: float, datum: str) -> None:
    check_plausible(
        np.array([x] * 3 + [np.nan]), np.array([y] * 3 + [1.0]),
        settle_datum(None, datum, file="points.csv"), ("X", "Y"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["id", "lon", "lat"], ("lon", "lat")),
        (["Latitude", "Longitude"], ("Longitude", "Latitude")),
        (["LNG", "LAT"], ("LNG", "LAT")),
        (["经度", "纬度"], ("经度", "纬度")),
        (["x", "y", "lon", "lat"], ("lon", "lat")),
        (["Easting", "Northing"], ("Easting", "Northing")),
        (["lat", "name"], None),
    ],
)
def test_well_known_names_are_found(columns: list[str], found: tuple[str, str] | None) -> None:
    assert find_columns(columns, None, None, file="points.csv") == found


def test_columns_asked_for_must_exist() -> None:
    assert find_columns(["A", "b"], "a", "B", file="points.csv") == ("A", "b")
    with pytest.raises(FileUnreadable, match=r"points.csv has no column “q”. Its columns: A, b."):
        find_columns(["A", "b"], "q", "b", file="points.csv")
    with pytest.raises(FileUnreadable, match="both --x and --y"):
        find_columns(["A", "b"], "A", None, file="points.csv")


def test_columns_whose_names_contradict_the_flags_are_refused() -> None:
    with pytest.raises(LayerRefused, match="Use --x lon --y lat"):
        find_columns(["lon", "lat"], "lat", "lon", file="points.csv")


def test_what_is_no_number_is_told_from_what_is_not_there() -> None:
    frame = pd.DataFrame({
        "lon": ["111.2", " 1e2 ", "", "nan", "111°12′", "１１１.２", "111,2"],
        "lat": ["39.9", "-.5", "", "39.9", "39.9", "39.9", "39.9"],
    })  # fmt: skip
    x, y, problems = CoordinateColumns("lon", "lat").numbers(frame)
    assert x[[0, 1, 5]].tolist() == [111.2, 100.0, 111.2]
    assert y[1] == -0.5
    assert problems == {
        3: "no usable coordinates: lon is empty, lat is empty",
        4: "no usable coordinates: lon is “nan”, no number",
        5: "no usable coordinates: lon is “111°12′”, no number",
        7: "no usable coordinates: lon is “111,2”, no number",
    }


def test_a_decimal_comma_is_read_where_semicolons_separate() -> None:
    frame = pd.DataFrame({"x": ["11,58"], "y": ["49,94"]})
    x, y, problems = CoordinateColumns("x", "y", decimal_comma=True).numbers(frame)
    assert (x[0], y[0], problems) == (11.58, 49.94, {})


def test_numbers_keep_every_digit() -> None:
    frame = pd.DataFrame({"x": ["-76.6692365628603"], "y": ["39.3470107281118"]})
    x, y, _ = CoordinateColumns("x", "y").numbers(frame)
    assert (repr(float(x[0])), repr(float(y[0]))) == ("-76.6692365628603", "39.3470107281118")


def test_columns_of_numbers_are_taken_as_they_are() -> None:
    frame = pd.DataFrame({"x": [1.5, np.nan, np.inf], "y": [2, 3, 4]})
    x, _, problems = CoordinateColumns("x", "y").numbers(frame)
    assert x[0] == 1.5
    assert sorted(problems) == [2, 3]


@pytest.mark.parametrize(
    ("x", "y", "datum"),
    [
        (111.2, 39.9, "wgs84"), (EASTING, NORTHING, "EPSG:4546"),
        (37_000_000 + EASTING, NORTHING, "EPSG:4525"), (-76.6, 39.3, "wgs84"),
        (433000.0, 180000.0, "EPSG:2804"),
    ],
)  # fmt: skip
def test_what_makes_sense_passes(x: float, y: float, datum: str) -> None:
    check(x, y, datum)


def test_latitude_for_longitude_is_refused_with_the_remedy() -> None:
    with pytest.raises(LayerRefused, match=r"exchanged.*Use --x Y --y X"):
        check(39.9, 111.2, "wgs84")


def test_northing_for_easting_is_refused_with_the_reason() -> None:
    with pytest.raises(LayerRefused, match=r"X points north and Y points east. Use --x Y --y X"):
        check(NORTHING, EASTING, "EPSG:4546")


@pytest.mark.parametrize(
    ("prefix", "datum", "right"),
    [(37_000_000, "EPSG:4546", "EPSG:4525"), (0, "EPSG:4525", "EPSG:4546"),
     (37_000_000, "EPSG:2382", "EPSG:2361"), (0, "EPSG:2413", "EPSG:2434")],
)  # fmt: skip
def test_a_zone_number_too_much_or_too_little_names_the_right_code(
    prefix: int, datum: str, right: str
) -> None:
    with pytest.raises(LayerRefused, match=f"Use --datum {right}"):
        check(prefix + EASTING, NORTHING, datum)


def test_both_mistakes_at_once_are_both_told() -> None:
    with pytest.raises(
        LayerRefused, match=r"X points north.* zone number 37.*Use --x Y --y X --datum EPSG:4525"
    ):
        check(NORTHING, 37_000_000 + EASTING, "EPSG:4546")


def test_metres_for_degrees_are_refused() -> None:
    said = r"near 517104, .* near 4418445, .*look like metres, but wgs84 .* --datum EPSG:4546"
    with pytest.raises(LayerRefused, match=said):
        check(EASTING, NORTHING, "wgs84")


def test_degrees_for_metres_are_refused() -> None:
    with pytest.raises(LayerRefused, match=r"look like degrees, but EPSG:4546 .* --datum gcj02"):
        check(111.2, 39.9, "EPSG:4546")
