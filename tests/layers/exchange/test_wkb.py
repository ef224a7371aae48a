"""Points as WKB: read without objects where they are plain, and all the same where not."""

import numpy as np
import pyarrow as pa
import pytest
import shapely

from layers.errors import LayerRefused
from layers.exchange.wkb import coordinates_of, point_column

POINTS = [shapely.Point(111.2, 39.9), None, shapely.Point(-1.5, 2.25), shapely.Point(0, 0)]


def column(geometries, kind: pa.DataType, **flags) -> pa.Array:
    return pa.array(shapely.to_wkb(np.array(geometries, dtype=object), **flags).tolist(), kind)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize(
    "flags",
    [{}, {"byte_order": 0}, {"include_srid": True}, {"flavor": "iso"}],
    ids=["plain", "big-endian", "with SRID", "ISO"],
)
def test_every_form_of_wkb_gives_the_same_points(kind: pa.DataType, flags: dict) -> None:
    geometries = shapely.set_srid(np.array(POINTS, dtype=object), 4490)
    points = column(geometries, kind, **flags)
    for start in (0, 1):  # also where the column is a part of a longer one
        x, y = coordinates_of(points[start:])
        assert x.tolist()[1 - start + 1 :] == [-1.5, 0.0]
        assert np.isnan(x[1 - start])
        assert np.isnan(y[1 - start])
        assert y.tolist()[1 - start + 1 :] == [2.25, 0.0]


def test_heights_are_left_out_and_an_empty_point_is_nowhere() -> None:
    x, y = coordinates_of(column([shapely.Point(1, 2, 3), shapely.Point()], pa.binary()))
    assert (x[0], y[0]) == (1, 2)
    assert np.isnan(x[1])


def test_what_is_written_is_what_shapely_reads() -> None:
    lon, lat = np.array([111.2, np.nan, -1.5, 0]), np.array([39.9, np.nan, 2.25, 0])
    points = point_column(lon, lat)
    assert points.null_count == 1
    assert shapely.from_wkb(points.to_pylist()).tolist() == POINTS
    again = coordinates_of(points)
    np.testing.assert_array_equal(again, (lon, lat))


def test_other_kinds_are_refused_with_their_row() -> None:
    line = shapely.LineString([(0, 0), (1, 1)])
    with pytest.raises(LayerRefused, match=r"holds no points but LineStrings \(row 2\)"):
        coordinates_of(column([POINTS[0], line], pa.binary()))


def test_no_rows_are_no_points() -> None:
    assert [len(axis) for axis in coordinates_of(pa.array([], pa.binary()))] == [0, 0]
