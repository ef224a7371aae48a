"""A chart's layers as they come: any CRS, missing columns, missing places."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from gis.crs import STORAGE_SRID
from gis.errors import MissingCrs
from gis.geometry import Geometries

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_ALREADY_DEGREES: Final = (STORAGE_SRID, 4326)
"""CRSs between which PROJ knows no difference: a round trip would only cost time."""


@dataclass(frozen=True)
class Layer:
    """One layer's rows, with their geometries in degrees."""

    frame: GeoDataFrame
    geometries: Geometries

    def __len__(self) -> int:
        return len(self.frame)

    def texts(self, column: str) -> list[str | None]:
        """Return a column as texts; None where it is missing, in a row or altogether."""
        if column not in self.frame:
            return [None] * len(self)
        values = self.frame[column]
        missing = values.isna().to_numpy().tolist()
        texts = values.astype(object).to_numpy().tolist()
        return [None if lost else str(text) for lost, text in zip(missing, texts, strict=True)]

    def flags(self, column: str) -> NDArray[np.bool_]:
        """Return where a column of yes, no and not known says yes."""
        if column not in self.frame:
            return np.zeros(len(self), dtype=bool)
        return np.array([not pd.isna(v) and bool(v) for v in self.frame[column]], dtype=bool)

    def knows(self, column: str) -> bool:
        """Say whether any row has a value in the column."""
        return column in self.frame and bool(self.frame[column].notna().any())

    def counts(self, column: str) -> NDArray[np.int64] | None:
        """Return a column of counts; None where the layer has no such column."""
        if column not in self.frame:
            return None
        numbers = pd.to_numeric(self.frame[column], errors="coerce").fillna(0)
        return np.asarray(numbers.clip(lower=0, upper=2**32 - 1), dtype=np.int64)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Layer":
        """Return the layer with only these rows, in this order."""
        return Layer(self.frame.iloc[rows], self.geometries[rows])

    def placed(self) -> NDArray[np.bool_]:
        """Return which points lie somewhere on the earth."""
        x, y = shapely.get_x(self.geometries), shapely.get_y(self.geometries)
        return np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)


def read_layers(frames: Mapping[str, GeoDataFrame | None]) -> dict[str, Layer]:
    """Bring layers into degrees, together on one side of the antimeridian.

    Raises
    ------
    MissingCrs
        A layer with rows does not say in which CRS it is.
    """
    layers = {name: _in_degrees(name, frame) for name, frame in frames.items()}
    bounds = bounds_of(layers.values())
    if bounds is None or bounds[2] - bounds[0] <= 180:
        return layers

    def shifted(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([np.where(xy[:, 0] < 0, xy[:, 0] + 360, xy[:, 0]), xy[:, 1]])

    moved = {
        name: replace(layer, geometries=shapely.transform(layer.geometries, shifted))
        for name, layer in layers.items()
    }
    after = bounds_of(moved.values())
    # A stray on the other side of the globe is no reason: only what then lies closer together.
    return moved if after and after[2] - after[0] < bounds[2] - bounds[0] else layers


def bounds_of(layers: Iterable[Layer]) -> Bounds | None:
    """Return the box around everything that has a place; None where nothing has."""
    boxes = shapely.bounds(np.concatenate([layer.geometries for layer in layers]))
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return None
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def _in_degrees(name: str, frame: GeoDataFrame | None) -> Layer:
    if frame is None or len(frame) == 0:
        return Layer(GeoDataFrame(), np.empty(0, dtype=object))
    if frame.crs is None:
        raise MissingCrs(
            f"the chart's {name} do not say in which CRS they are; "
            "say it where the layer is read (--datum), or with set_crs"
        )
    degrees = frame.geometry
    if frame.crs.to_epsg() not in _ALREADY_DEGREES:
        degrees = degrees.to_crs("OGC:CRS84")
    geometries = np.array(degrees.array, dtype=object)
    lost = ~np.isfinite(shapely.bounds(geometries)).all(axis=1)
    geometries[lost] = None
    return Layer(frame, geometries)
