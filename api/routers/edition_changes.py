"""``/editions/{number}/changes``: what an edition changes, before anything is published."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import OpenServices, json_answer
from api.schemas.changes import ChangedAreasOut, ChangesOut, changes_geojson, changes_json
from api.schemas.fields import LARGEST_EDITION, EditionNumber
from api.schemas.problems import problems

GEOJSON: Final = "application/geo+json"
_HEADERS: Final = {"Vary": "Accept"}

router = APIRouter(prefix="/editions", tags=["editions"])

Against = Annotated[
    int | None,
    Query(
        ge=1,
        le=LARGEST_EDITION,
        description="number of the earlier edition: the one in force if left out, or the one "
        "before it where the later one is itself in force",
    ),
]


@router.get(
    "/{number}/changes",
    response_model=ChangesOut,
    responses={
        200: {
            "description": "Grids and crosswalk; as GeoJSON, the ground that changes owners.",
            "content": {GEOJSON: {"schema": ChangedAreasOut.model_json_schema()}},
        },
        **problems(404, 422, 503),
    },
    summary="What an edition changes · 网格变化",
)
def changes(
    number: EditionNumber, request: Request, services: OpenServices, against: Against = None
) -> Response:
    """Compare an edition with an earlier one: grids, ground, premises and open cases that move."""
    found = services.comparisons.of(number, against)
    if GEOJSON in request.headers.get("accept", ""):
        return json_answer(changes_geojson(found), media_type=GEOJSON, headers=_HEADERS)
    return json_answer(changes_json(found), headers=_HEADERS)
