import pytest

from gis.crs import GEOD, STORAGE_CRS, STORAGE_SRID, crs, transformer
from gis.errors import UnknownDatum


def test_storage_is_cgcs2000_and_measured_on_its_ellipsoid():
    assert STORAGE_CRS.to_epsg() == STORAGE_SRID == 4490
    ellipsoid = STORAGE_CRS.ellipsoid
    assert ellipsoid is not None
    assert ellipsoid.semi_major_metre == GEOD.a
    assert ellipsoid.inverse_flattening == pytest.approx(1 / GEOD.f)


def test_east_comes_first_though_the_zone_s_axes_point_north():
    x, y = transformer(STORAGE_CRS, crs("EPSG:4546")).transform(111.2, 39.9)
    assert 500_000 < x < 600_000
    assert y > 4_000_000


def test_ways_are_made_once():
    assert transformer(STORAGE_CRS, crs("EPSG:4546")) is transformer(STORAGE_CRS, crs("EPSG:4546"))


def test_an_unknown_code_says_where_to_look():
    with pytest.raises(UnknownDatum, match=r"EPSG:1.*epsg\.io"):
        crs("EPSG:1")
