"""Who owns a point."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import FromMemory, OpenServices, json_answer
from api.schemas.placements import RoutedPlacementOut, RouteQuery, placement_json
from api.schemas.problems import invalid, problems
from gis.routing import Rule
from layers.actions.place import Place, place

router = APIRouter(tags=["routing"], route_class=FromMemory)


@router.get(
    "/route",
    summary="Who owns a point · 点位归属",
    response_model=RoutedPlacementOut,
    responses=problems(404, 409, 422, 503),
)
async def route_one(query: Annotated[RouteQuery, Query()], services: OpenServices) -> Response:
    """Return the grid that owns a point, under the edition of the boundaries in force.

    Or under a former one: `at` a date or time, or of the number `edition`. Answered from memory.
    A point that no grid owns is answered too: `snapped` to a grid within 50 m, else in the queue of
    the smallest area around it (`fallback`), else in the banner's (`outside`).
    """
    where = Place(query.lon, query.lat, query.datum, query.accuracy_m)
    found = place(await services.boundaries_of(query.edition, query.at), where)
    if found.placement.rule is Rule.UNPLACED:
        reason = str(found.placement.reason)
        order = "" if "longitude comes first" in reason else " Longitude comes first."
        raise invalid(f"lon and lat: {reason}.{order}", "query", reason)
    answer = placement_json(found)
    if query.category is not None:
        answer["department"] = await services.department(query.category)
    return json_answer(answer)
