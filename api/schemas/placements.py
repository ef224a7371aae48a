"""Placements, wherever they appear: always these members, in this order."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api.schemas.fields import (
    LARGEST_ACCURACY_M,
    LARGEST_COORDINATE,
    LARGEST_EDITION,
    CategoryCode,
    DatumName,
    Label,
    OneLine,
    with_plus,
)
from gis.routing import Rule
from layers.actions.place import Placed
from layers.paths import codes_of_path


class RouteQuery(BaseModel):
    """Where, and in which datum."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[
        float,
        Field(
            allow_inf_nan=False,
            ge=-LARGEST_COORDINATE,
            le=LARGEST_COORDINATE,
            description="longitude, or easting where the datum is projected",
            examples=[111.2],
        ),
    ]
    lat: Annotated[
        float,
        Field(
            allow_inf_nan=False,
            ge=-LARGEST_COORDINATE,
            le=LARGEST_COORDINATE,
            description="latitude, or northing where the datum is projected",
            examples=[39.9],
        ),
    ]
    datum: DatumName
    accuracy_m: Annotated[
        float | None,
        Field(
            allow_inf_nan=False,
            ge=0,
            le=LARGEST_ACCURACY_M,
            description="radius of the position's accuracy; the answer then lists candidates",
        ),
    ] = None
    category: CategoryCode | None = None
    at: Annotated[
        OneLine | None,
        BeforeValidator(with_plus),
        Field(
            max_length=40,
            description="as it was: by the edition in force on a date (at its beginning) or at a "
            "time; without a zone in that of the place (LIANXIN_TIMEZONE)",
            examples=["2026-03-01", "2026-03-01T08:30:00+08:00"],
        ),
    ] = None
    edition: Annotated[
        int | None, Field(ge=1, le=LARGEST_EDITION, description="or by the edition of a number")
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "RouteQuery":
        if self.at is not None and self.edition is not None:
            raise ValueError("at and edition exclude one another")
        return self


class CandidateOut(BaseModel):
    """A grid that may own the place, given the position's accuracy."""

    grid_code: str
    share: float = Field(description="of the circle of accuracy, 0 to 1")


class PlacementOut(BaseModel):
    """Who owns a place, by which rule, under which edition of the boundaries."""

    grid_code: str | None
    grid_name: str | None
    area_path: list[str] = Field(description="codes from the banner (旗) down to the owner itself")
    rule: Rule
    edition: int | None = Field(description="null before the first edition")
    distance_to_boundary_m: float | None
    candidates: list[CandidateOut]
    datum: str | None = Field(description="as declared")
    lon: float | None = Field(description="in the storage CRS, EPSG:4490")
    lat: float | None
    warnings: list[str]
    queue_code: str | None = Field(description="the area whose queue holds what no grid owns")
    responsible: str | None = Field(description="who answers for the grid")


class RoutedPlacementOut(PlacementOut):
    """One placement, and who leads for the category if one was given."""

    department: Label | None = Field(default=None, description="leads for the category")


def placement_json(placed: Placed) -> dict[str, Any]:
    """Return a placement as it is sent, its members in the order in which they are documented."""
    placement, owner = placed.placement, placed.owner
    distance = placement.distance_to_boundary_m
    return {
        "grid_code": owner.grid_code,
        "grid_name": owner.grid_name,
        "area_path": codes_of_path(owner.path),
        "rule": placement.rule.value,
        "edition": placed.edition_id,
        "distance_to_boundary_m": None if distance is None else round(distance, 3),
        "candidates": [
            {"grid_code": each.grid_code, "share": round(each.share, 4)}
            for each in placement.candidates
        ],
        "datum": placement.datum or None,
        "lon": placement.lon,
        "lat": placement.lat,
        "warnings": placement.warnings,
        "queue_code": owner.queue_code,
        "responsible": owner.responsible,
    }
