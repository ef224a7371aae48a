"""A synthetic town of any size: streets, grids, buildings, households and cases, from a seed.

The areas bear the real names and codes of 准格尔旗; the ground plan, people, homes and cases are
invented.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import STORAGE_CRS, crs, transformer
from gis.town import matters, people, premises, territory
from gis.town.definition import CENTRE, METRIC_CRS

__all__ = ["NOW", "Town", "make_town"]

NOW: Final = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
"""The moment the town shows unless the caller says another: 09:00 in Beijing."""


@dataclass(frozen=True)
class Town:
    """A town's layers, each a GeoDataFrame in EPSG:4490.

    Attributes
    ----------
    areas : GeoDataFrame
        code, level (banner, street, community), name, name_en, parent_code, geometry.
    grids : GeoDataFrame
        code, name, name_en, kind (basic, dedicated), community_code, responsible, geometry;
        they cover every community exactly once.
    compounds : GeoDataFrame
        code, name, community_code, geometry.
    buildings : GeoDataFrame
        code, name, compound_code (None for public buildings), address, floors, units, geometry.
    households : GeoDataFrame
        code, building_code, unit, floor, room, resident_count (NA where not known), occupancy,
        party, hazard, care (codes of statuses, or None), geometry.
    cases : GeoDataFrame
        category, description, address, datum, x, y, accuracy_m, occurred_at, reporter_kind,
        state, geometry (the true place; x and y are what a device sent in its datum); oldest
        first.
    """

    areas: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    households: gpd.GeoDataFrame
    cases: gpd.GeoDataFrame


def make_town(
    *, households: int = 20_000, seed: int = 150622, cases: int = 600, now: datetime = NOW
) -> Town:
    """Return an invented town; equal arguments give an equal town.

    Parameters
    ----------
    households : int
        How many, at least 100. The number of communities grows with it up to 18, then the
        number of grids in each; a basic grid has 300 to 500 households once there are some
        thousands.
    seed : int
        Another seed, another town.
    cases : int
        How many reported matters.
    now : datetime
        The aware moment from which the cases' times count back.

    Returns
    -------
    Town
        Its layers, in EPSG:4490.

    Raises
    ------
    ValueError
        For fewer than 100 households, a negative number of cases, or a moment without a zone.

    Examples
    --------
    >>> town = make_town(households=600, cases=20)
    >>> len(town.households), len(town.cases), town.areas["name"].tolist()
    (600, 20, ['准格尔旗', '蓝天街道', '白云社区'])
    """
    if households < 100 or cases < 0 or now.tzinfo is None:
        raise ValueError("a town needs 100 households or more, no fewer than 0 cases, a zoned now")
    rng = np.random.default_rng(seed)
    land = territory.settle(households, rng)
    built = premises.build(land, rng)
    homes = premises.move_in(land, built, rng)
    compounds = premises.compound_table(built)
    buildings = premises.building_table(land, built)
    areas = land.areas()
    household_table = homes.table(buildings["code"])
    people_table = people.populate(land, built, homes, rng)
    ground = matters.Ground(
        homes=homes.xy,
        building_of_home=homes.building,
        doors=np.asarray(
            household_table["unit"] + "单元" + household_table["room"] + "室", dtype=object
        ),
        outlines=built.outlines(),
        addresses=np.asarray(buildings["address"], dtype=object),
        grids=land.grids,
        banner=areas["geometry"][0],
        degrees=_degrees,
    )
    happened = matters.happen(ground, cases, now, rng)
    household_columns = pd.concat([household_table, people_table], axis=1)
    return Town(
        areas=_frame(areas),
        grids=_frame(_grid_table(land)),
        compounds=_frame(compounds),
        buildings=_frame(buildings),
        households=_frame(
            {
                **{str(name): column for name, column in household_columns.items()},
                "geometry": shapely.points(homes.xy),
            }
        ),
        cases=gpd.GeoDataFrame(happened, crs=STORAGE_CRS).sort_values(
            "occurred_at", kind="stable", ignore_index=True
        ),
    )


def _grid_table(land: territory.Territory) -> dict[str, Any]:
    return {
        "code": land.codes,
        "name": land.names,
        "name_en": land.names_en,
        "kind": ["dedicated" if parcel.dedicated else "basic" for parcel in land.parcels],
        "community_code": [code[:12] for code in land.codes],
        "responsible": land.responsibles,
        "geometry": land.grids,
    }


def _frame(table: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return a table of metres as a layer of degrees; equal vertices stay equal."""
    geometry = shapely.transform(np.asarray(table.pop("geometry"), dtype=object), _degrees)
    return gpd.GeoDataFrame(table, geometry=geometry, crs=STORAGE_CRS)


def _degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes and latitudes of places given in metres from the town's centre."""
    to_plane = transformer(STORAGE_CRS, crs(METRIC_CRS))
    east, north = to_plane.transform(*CENTRE)
    lon, lat = to_plane.transform(east + xy[:, 0], north + xy[:, 1], direction="INVERSE")
    degrees: NDArray[np.float64] = np.c_[lon, lat]
    return degrees
