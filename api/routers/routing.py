"""Who owns a point, and who owns each of many."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.dependencies import FromMemory, OpenServices, json_answer, json_body
from api.schemas.fields import DatumName
from api.schemas.placements import RoutedPlacementOut, RouteQuery, placement_json
from api.schemas.points import ANSWERS, BODY, Form, read_points, write_points
from api.schemas.problems import invalid, problems
from gis.routing import Rule
from layers.actions.place import Place, place, place_each

router = APIRouter(tags=["routing"], route_class=FromMemory)
many = APIRouter(tags=["routing"])


class ManyQuery(BaseModel):
    """The datum of every row that names none of its own."""

    model_config = ConfigDict(extra="forbid")

    datum: DatumName | None = None


@router.get(
    "/route",
    summary="Who owns a point · 点位归属",
    response_model=RoutedPlacementOut,
    responses=problems(422, 503),
)
async def route_one(query: Annotated[RouteQuery, Query()], services: OpenServices) -> Response:
    """Return the grid that owns a point, under the edition of the boundaries in force.

    Answered from memory. A point that no grid owns is answered too: `snapped` to a grid within
    50 m, else in the queue of the smallest area around it (`fallback`), else in the banner's
    (`outside`).
    """
    where = Place(query.lon, query.lat, query.datum, query.accuracy_m)
    found = place(await services.in_force(), where)
    if found.placement.rule is Rule.UNPLACED:
        raise invalid(
            f"lon and lat: {found.placement.reason}. Longitude comes first.",
            "query",
            str(found.placement.reason),
        )
    answer = placement_json(found)
    if query.category is not None:
        answer["department"] = await services.department(query.category)
    return json_answer(answer)


@many.post(
    "/route",
    summary="Who owns each of many points · 批量归属",
    openapi_extra={"requestBody": BODY},
    response_model=None,
    responses={200: ANSWERS, **problems(413, 415, 422, 503)},
)
def route_many(
    query: Annotated[ManyQuery, Query()],
    body: Annotated[Any, Depends(json_body)],
    services: OpenServices,
) -> Response:
    """Return the grid that owns each of many points, in the form and order in which they came.

    A row without a usable place keeps its position, with rule `unplaced` and the `reason`.
    """
    points = read_points(body, query.datum, rows_max=services.settings.route_rows_max)
    in_force = services.boundaries.in_force()
    placed = place_each(in_force, points.places)
    geojson = points.form is Form.FEATURES
    return json_answer(
        write_points(points, placed, in_force.edition_id),
        media_type="application/geo+json" if geojson else "application/json",
    )


router.routes.extend(many.routes)
