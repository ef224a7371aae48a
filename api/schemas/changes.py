"""What changes between two editions, as the API tells it."""

from typing import Any, Literal

import orjson
import shapely
from pydantic import BaseModel, Field

from gis.changes import GridChange, Kind, Tally
from layers.actions.compare_editions import Compared, Comparison


class ComparedOut(BaseModel):
    """One of the two editions."""

    id: int
    name: str


class TallyOut(BaseModel):
    """Places of a grid: how many it had, has, and how many come and go."""

    old_count: int
    new_count: int
    in_count: int
    out_count: int


class GridChangeOut(BaseModel):
    """What becomes of one grid code; areas in m²."""

    code: str
    kind: Kind
    old_area_m2: float
    new_area_m2: float
    gained_m2: float
    lost_m2: float
    comes_from: list[str] = Field(description="old grids whose ground it has now")
    goes_to: list[str] = Field(description="new grids that have its old ground")
    old_responsible: str | None = Field(description="who answers for it; null where nobody does")
    new_responsible: str | None
    buildings: TallyOut
    households: TallyOut
    open_cases: TallyOut


class PassageOut(BaseModel):
    """A row of the crosswalk; `new` is null for what no grid will own, `old` for what none did."""

    old: str | None
    new: str | None
    area_m2: float
    area_share: float | None = Field(description="of the old grid; these sum to 1")
    building_count: int
    household_count: int
    household_share: float | None = Field(description="of the old grid; null where it has none")
    open_case_count: int
    old_responsible: str | None = Field(description="who answers for the old grid")
    new_responsible: str | None = Field(description="who answers for the new one")


class SummaryOut(BaseModel):
    """How many grids of each kind, and how much changes owners."""

    kinds: dict[Kind, int]
    changed_area_m2: float
    moved_building_count: int
    moved_household_count: int
    moved_open_case_count: int
    changed_staff_count: int = Field(description="grids for which another answers than before")


class ChangesOut(BaseModel):
    """Two editions compared."""

    old: ComparedOut
    new: ComparedOut
    summary: SummaryOut
    grids: list[GridChangeOut]
    crosswalk: list[PassageOut]


class ChangedAreasOut(BaseModel):
    """The ground that changes owners, as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[dict[str, Any]]


def changes_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as the body of :class:`ChangesOut`."""
    changes = found.changes
    return {
        "old": _edition(found.old),
        "new": _edition(found.new),
        "summary": changes.summary(),
        "grids": [_grid(grid) for grid in changes.grids],
        "crosswalk": changes.crosswalk_rows(),
    }


def changes_geojson(found: Comparison) -> dict[str, Any]:
    """Return the ground that changes owners as a FeatureCollection."""
    moving = found.changes.moving()
    outlines = shapely.to_geojson([row.geometry for row in moving])
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": row.flat(), "geometry": orjson.Fragment(outline)}
            for row, outline in zip(moving, outlines, strict=True)
        ],
    }


def _edition(edition: Compared) -> dict[str, Any]:
    return {"id": edition.edition_id, "name": edition.name}


def _grid(grid: GridChange) -> dict[str, Any]:
    return {
        "code": grid.code,
        "kind": grid.kind,
        "old_area_m2": grid.old_area_m2,
        "new_area_m2": grid.new_area_m2,
        "gained_m2": grid.gained_m2,
        "lost_m2": grid.lost_m2,
        "comes_from": grid.comes_from,
        "goes_to": grid.goes_to,
        "old_responsible": grid.old_responsible,
        "new_responsible": grid.new_responsible,
        "buildings": _tally(grid.buildings),
        "households": _tally(grid.households),
        "open_cases": _tally(grid.open_cases),
    }


def _tally(tally: Tally | None) -> dict[str, int] | None:
    return None if tally is None else vars(tally)
