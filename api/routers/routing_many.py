"""Who owns each of many points, answered as they come."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import OpenServices
from api.forms.answering import Answering, Order
from api.problems import problem_of
from api.schemas.fields import DatumName, OneLine
from api.schemas.points import ANSWERS, BODY
from api.schemas.problems import problems
from api.streaming import Limits, StreamedAnswer

router = APIRouter(tags=["routing"])

Column = Annotated[OneLine, Field(min_length=1, max_length=200)]


class ManyQuery(BaseModel):
    """What holds for all rows."""

    model_config = ConfigDict(extra="forbid")

    datum: Annotated[
        DatumName | None, Field(description="the datum of every row that names none of its own")
    ] = None
    x: Annotated[
        Column | None,
        Field(
            description="CSV and Arrow: the column of longitudes or eastings, if not a usual one"
        ),
    ] = None
    y: Annotated[
        Column | None,
        Field(
            description="CSV and Arrow: the column of latitudes or northings, if not a usual one"
        ),
    ] = None
    progress: Annotated[
        bool,
        Field(description='NDJSON: add a line {"progress": {"rows": n}} after each batch of rows'),
    ] = False


@router.post(
    "/route",
    summary="Who owns each of many points · 批量归属",
    openapi_extra={"requestBody": BODY},
    response_model=None,
    responses={200: ANSWERS, **problems(408, 413, 415, 422, 503)},
)
async def route_many(
    query: Annotated[ManyQuery, Query()], request: Request, services: OpenServices
) -> StreamedAnswer:
    """Return the grid that owns each of many points, in the form and order in which they came.

    A row without a usable place keeps its position, with rule `unplaced` and the `reason`. Body and
    answer are streams: the answer begins while the body still comes, by the edition in force at the
    start (`X-Lianxin-Edition`). What goes wrong before the first row is a problem as everywhere;
    after it NDJSON ends with a line `{"error": …}`, and in the other forms the connection is cut
    before the end. An Arrow batch says in its metadata (`lianxin.rows`) how many rows are answered.
    """
    settings = services.settings
    in_force = await services.in_force()
    order = Order(
        request.headers.get("content-type", ""),
        query.datum,
        query.x,
        query.y,
        query.progress,
        settings.route_rows_max,
    )
    return StreamedAnswer(
        Answering(order, in_force),
        Limits(settings.route_seconds_max, settings.route_spool_bytes_max, settings.spool_dir),
        threads=services.streams,
        headers={"X-Lianxin-Edition": str(in_force.edition_id), "X-Accel-Buffering": "no"},
        problem_of=problem_of,
    )
