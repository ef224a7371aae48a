"""In which datum a file is, and that every vertex arrives where it should."""

import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis.errors import GisError, MissingCrs
from layers.errors import LayerRefused
from layers.exchange.placing import convert_geometries, settle_datum

WGS84 = CRS.from_epsg(4326)


def test_a_file_that_says_nothing_needs_a_flag() -> None:
    with pytest.raises(MissingCrs, match=r"grids.shp does not say.*Add --datum with wgs84"):
        settle_datum(None, None, file="grids.shp")


@pytest.mark.parametrize(
    ("declared", "asked", "name"),
    [
        (WGS84, None, "EPSG:4326"), (None, "WGS84", "wgs84"), (None, "epsg:4546", "EPSG:4546"),
        (WGS84, "wgs84", "wgs84"), (WGS84, "cgcs2000", "cgcs2000"),
        (CRS.from_epsg(2804), "EPSG:2804", "EPSG:2804"), (None, "gcj02", "gcj02"),
        (None, "ESRI:102100", "ESRI:102100"),
    ],
)  # fmt: skip
def test_what_agrees_is_taken(declared: CRS | None, asked: str | None, name: str) -> None:
    assert settle_datum(declared, asked, file="f").name == name


def test_what_contradicts_is_refused() -> None:
    with pytest.raises(LayerRefused, match=r"declares EPSG:2804 .*but --datum says wgs84"):
        settle_datum(CRS.from_epsg(2804), "wgs84", file="areas.gpkg")
    with pytest.raises(LayerRefused, match=r"in metres.*gcj02, which is in degrees"):
        settle_datum(CRS.from_epsg(4546), "gcj02", file="areas.gpkg")


def test_gcj02_wins_over_the_file_and_says_so() -> None:
    datum = settle_datum(WGS84, "gcj02", file="areas.geojson")
    assert datum.crs is None
    assert datum.note is not None
    assert "no file can declare gcj02" in datum.note


def test_an_unknown_datum_is_refused() -> None:
    with pytest.raises(GisError):
        settle_datum(None, "mars2000", file="f")


def test_polygons_in_gcj02_move_vertex_by_vertex() -> None:
    ring = shapely.Polygon([
        (111.206573207, 39.901144155), (111.216573207, 39.901144155), (111.206573207, 39.911144155),
    ])  # fmt: skip
    (placed,), problems = convert_geometries(
        np.array([ring]), settle_datum(None, "gcj02", file="f")
    )
    assert problems == {}
    first = shapely.get_coordinates(placed)[0]
    assert first == pytest.approx([111.2, 39.9], abs=2e-9)
    assert shapely.get_num_coordinates(placed) == 4


def test_the_survey_vector_arrives() -> None:
    point = shapely.Point(517103.6649, 4418444.8113, 1200.0)
    (placed,), _ = convert_geometries(np.array([point]), settle_datum(None, "EPSG:4546", file="f"))
    assert not shapely.has_z(placed)
    assert (placed.x, placed.y) == pytest.approx((111.2, 39.9), abs=1e-9)


def test_none_and_empty_stay_and_what_cannot_be_is_told() -> None:
    geometries = np.array(
        [None, shapely.Polygon(), shapely.Point(200, 10), shapely.Point(111, 39)], dtype=object
    )
    placed, problems = convert_geometries(geometries, settle_datum(WGS84, None, file="f"))
    assert placed[0] is None
    assert placed[1].is_empty
    assert placed[2] is None
    assert list(problems) == [3]
    assert geometries[2] is not None


@pytest.mark.parametrize(
    ("crs", "x", "y", "lon", "lat"),
    [
        # The Ordnance Survey's own worked example, Caister water tower.
        ("EPSG:27700", 651409.903, 313177.270, 1.716073973, 52.658007833),
        ("EPSG:2804", 433000.0, 180000.0, -76.61749224178625, 39.28758113326425),
    ],
)
def test_datums_that_are_shifted_against_wgs84_are_shifted_back(
    crs: str, x: float, y: float, lon: float, lat: float
) -> None:
    (placed,), _ = convert_geometries(
        np.array([shapely.Point(x, y)]), settle_datum(None, crs, file="f")
    )
    assert (placed.x, placed.y) == pytest.approx((lon, lat), abs=5e-5)
    assert abs(placed.x - lon) < 3e-5


def test_a_datum_whose_shift_is_unknown_is_doubted() -> None:
    note = settle_datum(None, "EPSG:2434", file="f").note
    assert note is not None
    assert "Beijing 1954" in note
    for known in ("EPSG:4546", "EPSG:2804", "EPSG:4612", "EPSG:27700", "wgs84", "EPSG:3857"):
        assert settle_datum(None, known, file="f").note is None


def test_heights_of_a_compound_crs_do_not_matter() -> None:
    assert settle_datum(CRS("EPSG:2804+5703"), None, file="f").name == "EPSG:2804"
