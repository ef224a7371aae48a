"""The service, and beside its routes those that it is measured against; for the benchmark only.

``/nothing`` does nothing on an ordinary route of FastAPI's, ``/nothing-from-memory`` on one such as
``GET /route`` is: both answer ready bytes of a placement's size, through the same middleware. The
``-by-sql`` routes ask PostGIS for the owner, and nothing more: no distance, no candidates.
"""

from dataclasses import replace
from typing import Annotated, cast

from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.app import create_app
from api.dependencies import FromMemory, OpenServices, Services, json_answer
from api.routers.cases import report_in
from api.schemas.cases import ReportIn, reported_json
from api.schemas.placements import RouteQuery, placement_json
from gis.routing import Placement, Router, Rule
from layers.actions.boundaries import Boundaries, InForce
from layers.actions.place import Place, place
from layers.session import Database
from layers.store import territory
from layers.viewer import SYSTEM

READY = (
    b'{"grid_code":"G0412","grid_name":"G0412","area_path":["G0412"],"rule":"inside","edition":1,'
    b'"distance_to_boundary_m":41.253,"candidates":[],"datum":"wgs84","lon":111.21634567891234,'
    b'"lat":39.85012345678912,"warnings":[],"queue_code":null,"responsible":null}'
)


class Anything(BaseModel):
    """A query that is not looked at."""


class SqlRouter:
    """Finds the owner by a query, and nothing else."""

    areas = None

    def __init__(self, database: Database, edition_id: int) -> None:
        self.database, self.edition_id = database, edition_id

    def place(self, x: float, y: float, datum: str, accuracy_m: float | None) -> Placement:
        with self.database.transaction() as session:
            query = territory.owning_grid(x, y, edition_id=self.edition_id)
            code = session.scalars(query).one_or_none()
        return Placement(
            grid_code=code,
            area_code=None,
            rule=Rule.INSIDE if code else Rule.OUTSIDE,
            distance_to_boundary_m=None,
            candidates=(),
            datum=datum,
            lon=x,
            lat=y,
            accuracy_m=accuracy_m,
            raw=(x, y),
            warnings=(),
        )


def create() -> FastAPI:
    """Make the service with the routes beside it."""
    app = create_app(taken_for=SYSTEM)
    ordinary, router = APIRouter(), APIRouter(route_class=FromMemory)
    kept: dict[str, InForce] = {}

    def by_sql(services: Services) -> InForce:
        if "sql" not in kept:
            found = services.boundaries.in_force()
            router = cast("Router", SqlRouter(services.database, found.edition_id))
            kept["sql"] = replace(found, router=router)
        return kept["sql"]

    @ordinary.get("/nothing")
    async def nothing() -> Response:
        return Response(READY, media_type="application/json")

    @router.get("/nothing-from-memory")
    async def quick(query: Annotated[Anything, Query()], services: OpenServices) -> Response:
        return Response(READY, media_type="application/json")

    @router.get("/route-by-sql")
    async def route(query: Annotated[RouteQuery, Query()], services: OpenServices) -> Response:
        where = Place(query.lon, query.lat, query.datum, query.accuracy_m)
        found = await run_in_threadpool(place, by_sql(services), where)
        return json_answer(placement_json(found))

    @ordinary.post("/cases-by-sql", status_code=201)
    async def report(
        reported: Annotated[ReportIn, Depends(report_in)], services: OpenServices
    ) -> Response:
        class Asking:
            in_force = staticmethod(lambda: by_sql(services))

        boundaries = cast("Boundaries", Asking)
        asking = Services(
            services.settings, services.database, boundaries, services.metrics, services.intake
        )
        case = await asking.take_in(reported.to_report(), None)
        return json_answer(reported_json(case, placement_json(case.placed)), 201)

    # Beside GET /route, which is the first: to be found takes time too.
    routes = app.router.routes
    beside = 1 + [getattr(route, "path", None) for route in routes].index("/route")
    routes[beside:beside] = [*ordinary.routes, *router.routes]
    return app
