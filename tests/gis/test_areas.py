import numpy as np
import pytest
import shapely

from gis.areas import AreaIndex
from gis.errors import InvalidGrids
from gis.geometry import OUTSIDE

WEST, EAST = shapely.box(111.2, 39.9, 111.21, 39.91), shapely.box(111.21, 39.9, 111.22, 39.91)


def test_the_smallest_area_takes_a_point_and_equal_ones_the_longer_code():
    nested = AreaIndex(
        ["150622", "150622003", "150622003003"],
        np.array([shapely.box(111, 39, 112, 40), WEST, WEST]),
    )
    x, y = [111.205, 111.5, 0.0, np.nan], [39.905, 39.5, 0.0, 39.9]
    assert nested.smallest(x, y).tolist() == [2, 0, OUTSIDE, OUTSIDE]
    assert [nested.smallest_position(*at) for at in zip(x, y, strict=True)] == [2, 0, -1, -1]


def test_the_root_is_the_code_above_all_or_the_area_around_all():
    assert AreaIndex(["150622003", "150622"], np.array([WEST, EAST])).root == "150622"
    streets = AreaIndex(["1", "10"], np.array([WEST, EAST]))
    assert streets.root is None
    assert AreaIndex(["1", "10"], np.array([WEST, WEST.union(EAST)])).root == "10"
    assert AreaIndex([], np.array([], dtype=object)).root is None
    with pytest.raises(InvalidGrids, match="none of the areas"):
        AreaIndex(["1"], np.array([WEST]), root="2")
