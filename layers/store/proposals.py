"""What a proposal of grids is made from: a community, what stands in it, and its grids so far."""

from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Select, func, select

from gis.crs import STORAGE_SRID
from layers.models import Area, Building, Compound, Edition, Grid, Household
from layers.store.territory import edition_id_in_force
from layers.vocabulary import CodeScheme


def area(code: str) -> Select[Any]:
    """Select an area by its code, its boundary as WKB or null."""
    return select(
        Area.level,
        Area.name,
        Area.name_en,
        Area.code_scheme,
        func.ST_AsBinary(Area.boundary).label("wkb"),
    ).where(Area.code == code)


def buildings_around(outline: shapely.Geometry) -> Select[Any]:
    """Select the outlines of the buildings in a shape's box, with their households counted."""
    homes = (
        select(func.count())
        .where(Household.building_code == Building.code)
        .correlate(Building)
        .scalar_subquery()
    )
    return (
        select(func.ST_AsBinary(Building.outline).label("wkb"), homes.label("household_count"))
        .where(Building.outline.intersects(_box(outline)))  # && in SQL
        .order_by(Building.code)
    )


def households_without_building(outline: shapely.Geometry) -> Select[Any]:
    """Select the places in a shape's box where households live in no known building."""
    return (
        select(
            func.ST_AsBinary(Household.location).label("wkb"),
            func.count().label("household_count"),
        )
        .where(Household.building_code.is_(None), Household.location.intersects(_box(outline)))
        .group_by(Household.location)
        .order_by(func.min(Household.code))
    )


def compounds_around(outline: shapely.Geometry) -> Select[bytes]:
    """Select the boundaries of the compounds in a shape's box."""
    return (
        select(func.ST_AsBinary(Compound.boundary))
        .where(Compound.boundary.intersects(_box(outline)))
        .order_by(Compound.code)
    )


def grids_in_force() -> Select[Any]:
    """Select every grid of the edition in force."""
    return (
        select(
            Grid.code,
            Grid.name,
            Grid.name_en,
            Grid.kind,
            Grid.community_code,
            Grid.responsible,
            func.ST_AsBinary(Grid.boundary).label("wkb"),
        )
        .where(Grid.edition_id == edition_id_in_force().scalar_subquery())
        .order_by(Grid.code)
    )


def last_grid_code(community: str) -> Select[str | None]:
    """Select the highest code that a grid of a community ever had in force."""
    return (
        select(func.max(Grid.code))
        .join(Edition, Edition.id == Grid.edition_id)
        .where(
            Edition.valid.is_not(None),
            Grid.code_scheme == CodeScheme.NATIONAL,
            func.starts_with(Grid.code, community),
        )
    )


def _box(shape: shapely.Geometry) -> Any:
    return from_shape(shapely.envelope(shape), srid=STORAGE_SRID, extended=True)
