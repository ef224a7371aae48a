"""``/editions/{id}/grids``: the outlines of an edition, in force or not."""

from dataclasses import asdict
from typing import Any, Final

import orjson
from fastapi import APIRouter, Response

from api.dependencies import OpenServices, json_answer
from api.schemas.fields import EditionNumber
from api.schemas.problems import problems
from layers.actions.edition_grids import edition_grids

GEOJSON: Final = "application/geo+json"

router = APIRouter(prefix="/editions", tags=["editions"])
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}


@router.get(
    "/{number}/grids",
    responses=problems(404, 422, 503) | _ANSWER,
    response_class=Response,
    summary="The grids of an edition as GeoJSON",
)
def grids(number: EditionNumber, services: OpenServices) -> Response:
    """Return the grids of an edition, longitude first in CGCS2000.

    Sent back as a file they are the same edition.
    """
    features = [
        {
            "type": "Feature",
            "geometry": orjson.Fragment(each.geometry),
            "properties": {name: value for name, value in given.items() if name != "geometry"},
        }
        for each in edition_grids(services.database, number)
        for given in [asdict(each)]
    ]
    return json_answer(
        {"type": "FeatureCollection", "features": features},
        media_type=GEOJSON,
        headers={"Cache-Control": "no-cache"},
    )
