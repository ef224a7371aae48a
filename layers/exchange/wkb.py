"""Points as Arrow columns of WKB, to coordinates and back without an object a point."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.geometry import Degrees
from layers.errors import LayerRefused
from layers.exchange.placing import Floats

_POINT: Final = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""A flat point in little-endian WKB: what nearly every writer writes."""
_LITTLE_ENDIAN, _FLAT_POINT = 1, 1


def coordinates_of(column: pa.Array) -> tuple[Floats, Floats]:
    """Return x and y of a column of WKB points; NaN where a point is missing or empty.

    Raises
    ------
    LayerRefused
        Where it holds something else than points.
    """
    flat = _flat_points(column)
    if flat is not None:
        return flat
    return coordinates_of_geometries(geometries_of(column))


def coordinates_of_geometries(geometries: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Return x and y of points; see :func:`coordinates_of`."""
    kinds = shapely.get_type_id(geometries)
    other = np.flatnonzero((kinds != shapely.GeometryType.POINT) & (kinds != -1))
    if len(other):
        raise LayerRefused(
            f"It holds no points but {geometries[other[0]].geom_type}s "
            f"({listed(other + 1)}). Only points can be routed."
        )
    somewhere = geometries.copy()
    somewhere[shapely.is_empty(geometries)] = None
    return shapely.get_x(somewhere), shapely.get_y(somewhere)


def geometries_of(column: pa.Array) -> NDArray[np.object_]:
    """Return the geometries of a column of WKB; None where one is missing or cannot be read."""
    values = np.array(column.to_pylist(), dtype=object)
    return np.asarray(shapely.from_wkb(values, on_invalid="ignore"), dtype=object)


def point_column(lon: Degrees, lat: Degrees) -> pa.Array:
    """Return points as a column of WKB; null where a coordinate is NaN.

    >>> point_column(np.array([111.2, np.nan]), np.array([39.9, np.nan])).null_count
    1
    """
    there = np.isfinite(lon) & np.isfinite(lat)
    points = np.empty(int(there.sum()), dtype=_POINT)
    points["order"], points["kind"] = _LITTLE_ENDIAN, _FLAT_POINT
    points["x"], points["y"] = lon[there], lat[there]
    ends = np.zeros(len(there) + 1, dtype=np.int32)
    np.cumsum(there, out=ends[1:])
    ends *= _POINT.itemsize
    known: pa.Buffer | None = None
    if not there.all():
        known = pa.py_buffer(np.packbits(there, bitorder="little"))
    buffers = [known, pa.py_buffer(ends), pa.py_buffer(points)]
    return pa.Array.from_buffers(pa.binary(), len(there), buffers)


def listed(rows: NDArray[np.intp]) -> str:
    """Return numbers of rows as one says them.

    >>> listed(np.array([3])), listed(np.arange(1, 9))
    ('row 3', '8 rows (1, 2, 3, 4, 5, …)')
    """
    shown = ", ".join(str(row) for row in rows[:5])
    return (
        f"row {shown}" if len(rows) == 1 else f"{len(rows)} rows ({shown}{', …' * (len(rows) > 5)})"
    )


def _flat_points(column: pa.Array) -> tuple[Floats, Floats] | None:
    """Look at the column's bytes as flat little-endian points; None unless all of them are."""
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return None
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    _, offsets, data = column.buffers()
    if not len(column) or data is None:
        return np.full(len(column), np.nan), np.full(len(column), np.nan)
    start = column.offset
    ends = np.frombuffer(offsets, dtype=width)[start : start + len(column) + 1]
    sizes = np.diff(ends)
    there = np.ones(len(column), dtype=bool)
    if column.null_count:
        there = column.is_valid().to_numpy(zero_copy_only=False)
    if not (sizes == np.where(there, _POINT.itemsize, 0)).all():
        return None
    points: NDArray[Any] = np.frombuffer(
        data, dtype=_POINT, count=int(there.sum()), offset=int(ends[0])
    )
    if not ((points["order"] == _LITTLE_ENDIAN) & (points["kind"] == _FLAT_POINT)).all():
        return None
    x, y = np.full(len(column), np.nan), np.full(len(column), np.nan)
    x[there], y[there] = points["x"], points["y"]
    return x, y
