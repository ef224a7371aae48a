import numpy as np
import pytest
import shapely

from gis.chart.lattice import spread

L_SHAPE = shapely.union(
    shapely.box(111, 40, 111.001, 40.0002), shapely.box(111, 40, 111.0003, 40.001)
)
TURNED = shapely.Polygon([(111, 40), (111.0006, 40.0004), (111.0005, 40.0005), (110.9999, 40.0001)])


def one_spot(outline: shapely.Geometry | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    spot = shapely.Point(111.0001, 40.0001) if outline is None else outline.representative_point()
    return spread(
        np.full(count, spot.x),
        np.full(count, spot.y),
        np.full(count, -1 if outline is None else 0),
        np.array([outline], dtype=object),
    )


@pytest.mark.parametrize("outline", [L_SHAPE, TURNED], ids=["L", "turned"])
@pytest.mark.parametrize("count", [2, 7, 96, 500])
def test_each_household_has_a_place_of_its_own_inside_the_building(
    outline: shapely.Geometry, count: int
) -> None:
    lon, lat = one_spot(outline, count)
    assert shapely.contains_xy(outline, lon, lat).all()
    assert len({(round(x, 7), round(y, 7)) for x, y in zip(lon, lat, strict=True)}) == count


def test_without_an_outline_they_lie_around_the_spot() -> None:
    lon, lat = one_spot(None, 30)
    assert len(set(zip(lon.round(7), lat.round(7), strict=True))) == 30
    assert lon.mean() == pytest.approx(111.0001, abs=1e-5)
    assert np.ptp(lat) < 3e-4


def test_the_same_data_give_the_same_picture() -> None:
    assert np.array_equal(one_spot(L_SHAPE, 40), one_spot(L_SHAPE, 40))


def test_who_is_alone_stays_in_place() -> None:
    lon, lat = spread(
        np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([0, -1]), np.array([L_SHAPE])
    )
    assert (lon.tolist(), lat.tolist()) == ([1.0, 2.0], [3.0, 4.0])


@pytest.mark.parametrize(
    "outline",
    [None, shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)]), shapely.Point(111, 40)],
    ids=["none", "empty", "line", "point"],
)
def test_an_outline_without_area_is_no_obstacle(outline: shapely.Geometry | None) -> None:
    lon, lat = spread(
        np.full(9, 111.0),
        np.full(9, 40.0),
        np.zeros(9, dtype=int),
        np.array([outline], dtype=object),
    )
    assert len(set(zip(lon, lat, strict=True))) == 9
    assert np.isfinite(lon).all()


def test_at_the_pole_too() -> None:
    lon, lat = spread(np.zeros(4), np.full(4, 90.0), np.full(4, -1), np.empty(0, dtype=object))
    assert np.isfinite(lon).all()
    assert np.isfinite(lat).all()
