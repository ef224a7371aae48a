"""Compounds, buildings and households: their places, and the owners that an edition gives them."""

from typing import Any

from sqlalchemy import Select, func, select

from layers.models import Building, Compound, Household, StatusScheme, StatusValue


def compound_codes() -> Select[str]:
    """Select every compound's code."""
    return select(Compound.code)


def building_places() -> Select[Any]:
    """Select every building's code and anchor."""
    return select(
        Building.code,
        func.ST_X(Building.anchor).label("lon"),
        func.ST_Y(Building.anchor).label("lat"),
    )


def building_owners() -> Select[Any]:
    """Select the anchor of every building, and the grid that owns it now."""
    return select(func.ST_X(Building.anchor), func.ST_Y(Building.anchor), Building.grid_code)


def building_outlines() -> Select[Any]:
    """Select every building's code, the grid that owns it now, and its outline as WKB."""
    return select(Building.code, Building.grid_code, func.ST_AsBinary(Building.outline))


def household_owners() -> Select[Any]:
    """Select the place of every household, and the grid that owns it now."""
    place = Household.location
    return select(func.ST_X(place), func.ST_Y(place), Household.grid_code)


def unowned_counts() -> Select[int, int]:
    """Count the buildings and households that no grid owns."""
    return select(
        select(func.count()).where(Building.grid_code.is_(None)).scalar_subquery(),
        select(func.count()).where(Household.grid_code.is_(None)).scalar_subquery(),
    )


def status_words() -> Select[str, str, str, str]:
    """Select the values of the schemes that need no campaign, with their names."""
    return (
        select(StatusValue.scheme_code, StatusValue.code, StatusValue.name_zh, StatusValue.name_en)
        .join(StatusScheme, StatusScheme.code == StatusValue.scheme_code)
        .where(~StatusScheme.campaign_only)
        .order_by(StatusValue.scheme_code, StatusValue.order)
    )
