"""Geometry as the tables take it: multipolygons and points; what is invalid is mended and told."""

import numpy as np
import shapely

from gis.coverage import Finding
from gis.geometry import Geometries
from layers.actions.importing.batch import Batch, Mask

_POLYGONAL = (3, 6)


def settle_polygons(batch: Batch, *, required: bool, subject: str) -> Mask:
    """Make every geometry a valid multipolygon; return which had to be mended.

    A ring that crosses itself keeps the polygons that are left of it; what has no area, or is
    no polygon, falls out.
    """
    missing = shapely.is_missing(batch.geometry) | shapely.is_empty(batch.geometry)
    if required:
        batch.reject(missing, lambda position: _why_missing(batch, position))
    batch.geometry[missing] = None
    kinds = shapely.get_type_id(batch.geometry)
    batch.reject(
        ~missing & ~np.isin(kinds, _POLYGONAL),
        lambda position: f"{subject} is a polygon; this is a {batch.geometry[position].geom_type}",
    )
    batch.geometry[~batch.alive] = None
    present = ~shapely.is_missing(batch.geometry)
    invalid = present & ~shapely.is_valid(batch.geometry)
    batch.geometry[invalid] = [polygonal(shape) for shape in batch.geometry[invalid]]
    batch.reject(
        invalid & shapely.is_empty(batch.geometry), "its ring is invalid and encloses no area"
    )
    batch.geometry[~batch.alive] = None
    single = np.flatnonzero(shapely.get_type_id(batch.geometry) == 3)
    if len(single):
        alone = np.arange(len(single))
        batch.geometry[single] = shapely.multipolygons(batch.geometry[single], indices=alone)
    return invalid & batch.alive


def settle_points(batch: Batch, *, required: bool, subject: str) -> None:
    """Take single points; what is no point falls out."""
    missing = shapely.is_missing(batch.geometry) | shapely.is_empty(batch.geometry)
    if required:
        batch.reject(missing, lambda position: _why_missing(batch, position))
    batch.geometry[missing] = None
    lone = (shapely.get_type_id(batch.geometry) == 4) & (
        shapely.get_num_geometries(batch.geometry) == 1
    )
    batch.geometry[lone] = shapely.get_geometry(batch.geometry[lone], 0)
    batch.reject(
        ~missing & (shapely.get_type_id(batch.geometry) != 0),
        lambda position: f"{subject} is a point; this is a {batch.geometry[position].geom_type}",
    )


def polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the valid polygons that an invalid one stands for; empty when there are none."""
    valid = shapely.make_valid(shape)
    parts = shapely.get_parts(shapely.get_parts(valid))
    return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), _POLYGONAL)])


def mended_findings(codes: Geometries, shapes: Geometries, reasons: Geometries) -> list[Finding]:
    """Tell of each mended polygon what was wrong with it."""
    return [
        Finding(
            rule="invalid_geometry",
            severity="warning",
            codes=(str(code),),
            geometry=shapely.point_on_surface(shape),
            measure=None,
            unit=None,
            message_zh=f"{code} 的边界无效（{reason}），已自动修复入库，请核对。",
            message_en=f"The outline of {code} is invalid ({reason}). It was mended; check it.",
        )
        for code, shape, reason in zip(codes, shapes, reasons, strict=True)
    ]


def _why_missing(batch: Batch, position: int) -> str:
    why = batch.source.problems.get(int(batch.rows[position]))
    return f"has no geometry: {why}" if why else "has no geometry"
