"""Placements, wherever they appear: always these members, in this order."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gis.routing import Placement, Rule
from layers.actions.boundaries import Owner
from layers.actions.place import Placed
from layers.paths import codes_of_path

LARGEST_COORDINATE: Final = 1e9
LARGEST_ACCURACY_M: Final = 100_000.0

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _one_line(value: str) -> str:
    if _CONTROL.search(value) or _SURROGATE.search(value):
        raise ValueError("must not contain control characters")
    return value.strip()


def _some_lines(value: str) -> str:
    if _CONTROL_BUT_LINES.search(value) or _SURROGATE.search(value):
        raise ValueError("must not contain control characters other than line breaks and tabs")
    return value.strip()


OneLine = Annotated[str, AfterValidator(_one_line)]
SomeLines = Annotated[str, AfterValidator(_some_lines)]

DatumName = Annotated[
    OneLine,
    Field(
        min_length=1,
        max_length=32,
        description="in which datum lon and lat are: wgs84, cgcs2000, gcj02, bd09, EPSG:n or "
        "ESRI:n. It is never guessed: GCJ-02 taken for WGS 84 is half a kilometre off.",
        examples=["wgs84", "gcj02"],
    ),
]
CategoryCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{5}$",
        description="five digits: major (大类) and minor (小类)",
        examples=["53001"],
    ),
]


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


class Label(BaseModel):
    """A label in both languages."""

    zh: str
    en: str


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
    """Return a placement as it is sent."""
    placement, owner = placed.placement, placed.owner
    return members(placement, owner, placed.edition_id)


def members(placement: Placement, owner: Owner, edition_id: int | None) -> dict[str, Any]:
    """Return the members of a placement, in the order in which they are documented."""
    distance = placement.distance_to_boundary_m
    return {
        "grid_code": owner.grid_code,
        "grid_name": owner.grid_name,
        "area_path": codes_of_path(owner.path),
        "rule": placement.rule.value,
        "edition": edition_id,
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
