"""The audit: who did what, when and why, and whose reads were unusual."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.dependencies import OpenServices, json_answer
from api.schemas.audit import (
    AuditOut,
    AuditQuery,
    UnusualQuery,
    UnusualReportOut,
    act_json,
    unusual_json,
)
from api.schemas.problems import problems
from layers.actions.read_audit import list_audit
from layers.actions.unusual_reads import unusual_reads

router = APIRouter(prefix="/audit", tags=["audit"])

_PRIVATE = {"Cache-Control": "no-store"}


@router.get(
    "",
    summary="What was done · 审计记录",
    response_model=AuditOut,
    responses=problems(422, 503),
)
def find(
    query: Annotated[AuditQuery, Query()], request: Request, services: OpenServices
) -> Response:
    """List what was done, the latest first, page by page; only an auditor sees any of it."""
    page = list_audit(services.database, query.to_filter(), limit=query.limit, before=query.before)
    answer = {
        "acts": [act_json(row) for row in page.rows],
        "next": _next(request, page.next_before),
    }
    return json_answer(answer, headers=_PRIVATE)


@router.get(
    "/unusual",
    summary="Unusual reads · 异常查看",
    response_model=UnusualReportOut,
    responses=problems(422, 503),
)
def unusual(query: Annotated[UnusualQuery, Query()], services: OpenServices) -> Response:
    """Find who read far more people than others of the role, or than before, or elsewhere."""
    report = unusual_reads(
        services.database,
        until=query.until or datetime.now(UTC),
        zone=services.settings.timezone,
        period=timedelta(days=query.days),
    )
    return json_answer(unusual_json(report), headers=_PRIVATE)


def _next(request: Request, before: int | None) -> str | None:
    if before is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "before"]
    return f"{request.url.path}?{urlencode([*kept, ('before', before)])}"
