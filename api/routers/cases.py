"""Cases: reported, listed, read."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.dependencies import OpenServices, json_answer, json_body, malformed
from api.schemas.cases import (
    CaseCountsOut,
    CaseDetailOut,
    CaseListOut,
    CaseQuery,
    CountQuery,
    ReportedCaseOut,
    ReportIn,
    case_json,
    counts_json,
    feature_json,
    history_json,
    reported_json,
)
from api.schemas.placements import placement_json
from api.schemas.problems import problems
from layers.actions.cases_by_grid import count_cases, list_cases_today
from layers.actions.read_cases import CasePage, list_cases, read_case

router = APIRouter(prefix="/cases", tags=["cases"])

GEOJSON = "application/geo+json"
_PRIVATE = {"Cache-Control": "no-store"}
_REPORTED = "The case, who owns it, by which rule and edition."

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        description="Makes a repeated report one case: the same key and report give the same "
        "case, the same key with another report is refused.",
    ),
]


async def report_in(body: Annotated[Any, Depends(json_body)]) -> ReportIn:
    """Return the report in the body; async only so that it costs no change of threads."""
    try:
        return ReportIn.model_validate(body)
    except ValidationError as error:
        raise malformed(error, "body") from None


@router.post(
    "",
    summary="Report a case · 上报",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReportIn"}}},
        }
    },
    response_model=ReportedCaseOut,
    responses={
        200: {
            "model": ReportedCaseOut,
            "description": "The case that the same report became before.",
            "headers": {"Idempotent-Replay": {"schema": {"const": "true"}}},
        },
        201: {
            "description": _REPORTED,
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **problems(409, 413, 415, 422, 503),
    },
)
async def report(
    reported: Annotated[ReportIn, Depends(report_in)],
    services: OpenServices,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Report a case; wherever it is, it is stored and queued, and owned at once by its grid."""
    case = await services.take_in(reported.to_report(), idempotency_key)
    headers = {"Location": f"/cases/{case.id}", **_PRIVATE}
    if case.replayed:
        headers["Idempotent-Replay"] = "true"
    else:
        services.metrics.cases_reported.labels(case.placed.placement.rule.value).inc()
    answer = reported_json(case, placement_json(case.placed))
    return json_answer(answer, 200 if case.replayed else 201, headers=headers)


@router.get(
    "",
    summary="List cases · 案件列表",
    response_model=CaseListOut,
    responses={
        200: {
            "description": "A page of cases, the latest first.",
            "content": {GEOJSON: {"schema": {"type": "object"}}},
            "headers": {"Link": {"schema": {"type": "string"}}},
        },
        **problems(422, 503),
    },
)
def find(
    query: Annotated[CaseQuery, Query()], request: Request, services: OpenServices
) -> Response:
    """List cases, the latest first, page by page.

    Who reported them is not shown; of a confidential category neither words nor place are.
    """
    which = query.to_filter()
    if query.by == "today" and which.grid is not None:
        page = list_cases_today(
            services.database, services.boundaries.in_force(), which,
            limit=query.limit, cursor=query.cursor,
        )  # fmt: skip
    else:
        page = list_cases(services.database, which, limit=query.limit, cursor=query.cursor)
    return _page(page, _next(request, page.next_cursor), geojson=_wants_geojson(query, request))


@router.get(
    "/counts",
    summary="Cases counted by grid · 按网格统计",
    response_model=CaseCountsOut,
    responses=problems(422, 503),
)
def counts(query: Annotated[CountQuery, Query()], services: OpenServices) -> Response:
    """Count cases by the grid of their time, or by today's grids; what no grid owns by its queue.

    In a list or count by box no confidential case is found.
    """
    today = services.boundaries.in_force() if query.by == "today" else None
    found = count_cases(services.database, query.to_filter(), today)
    return json_answer(counts_json(query.by, found), headers=_PRIVATE)


@router.get(
    "/{case_id}",
    summary="One case and its placements · 案件详情",
    response_model=CaseDetailOut,
    responses=problems(404, 422, 503),
)
def one(case_id: int, services: OpenServices) -> Response:
    """Read one case with every placement that it ever had; the reporter is masked."""
    return json_answer(history_json(read_case(services.database, case_id)), headers=_PRIVATE)


def _wants_geojson(query: CaseQuery, request: Request) -> bool:
    if query.f is not None:
        return query.f == "geojson"
    return GEOJSON in request.headers.get("accept", "")


def _next(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _page(page: CasePage, link: str | None, *, geojson: bool) -> Response:
    kind = GEOJSON if geojson else "application/json"
    headers = {**_PRIVATE, "Vary": "Accept"}
    if link is not None:
        headers["Link"] = f'<{link}>; rel="next"; type="{kind}"'
    content: dict[str, Any] = {"cases": [case_json(case) for case in page.cases], "next": link}
    if geojson:
        links = [{"rel": "next", "href": link, "type": kind}] if link else []
        features = [feature_json(case) for case in page.cases]
        content = {"type": "FeatureCollection", "features": features, "links": links}
    return json_answer(content, media_type=kind, headers=headers)
