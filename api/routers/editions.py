"""``/editions``: the editions of the boundaries, and what the checks found in each."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from api.dependencies import OpenServices, json_answer
from api.pages import page, wants_page
from api.schemas.problems import problems
from layers.actions.list_editions import EditionSummary, list_editions, show_edition

router = APIRouter(prefix="/editions", tags=["editions"])


class FindingOut(BaseModel):
    """One thing that a coverage check found."""

    rule: str
    severity: str
    codes: list[str]
    measure: float | None = None
    unit: str | None = None
    message_zh: str
    message_en: str
    place: list[float] | None = None


class EditionOut(BaseModel):
    """One edition of the boundaries."""

    id: int
    name: str
    status: str
    source: str
    grid_count: int
    error_count: int
    finding_count: int
    created_at: datetime
    valid_from: datetime | None
    valid_until: datetime | None
    override_reason: str | None


class EditionSheet(EditionOut):
    """One edition with its findings."""

    findings: list[FindingOut]


class EditionList(BaseModel):
    """All editions, the newest first."""

    editions: list[EditionOut]


Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="number of the edition")]
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}


@router.get("", response_model=EditionList, responses=problems(503) | _PAGE, summary="All editions")
def list_all(request: Request, services: OpenServices) -> Response:
    """Return the editions, the newest first; to a browser as a page."""
    editions = list_editions(services.database)
    if wants_page(request):
        return page(request, "editions.html", services.settings.language, editions=editions)
    answer = EditionList(editions=[EditionOut(**_fields(edition)) for edition in editions])
    return json_answer(answer.model_dump(mode="json"), headers={"Vary": "Accept"})


@router.get(
    "/{number}",
    response_model=EditionSheet,
    responses=problems(404, 422, 503) | _PAGE,
    summary="One edition with its findings",
)
def show(number: Number, request: Request, services: OpenServices) -> Response:
    """Return an edition and what the checks found in it; to a browser as a page."""
    edition = show_edition(services.database, number)
    if wants_page(request):
        return page(request, "edition.html", services.settings.language, edition=edition)
    findings = [FindingOut.model_validate(finding) for finding in edition.findings]
    answer = EditionSheet(**_fields(edition), findings=findings)
    return json_answer(answer.model_dump(mode="json"), headers={"Vary": "Accept"})


def _fields(edition: EditionSummary) -> dict[str, Any]:
    return {
        "id": edition.edition_id,
        "name": edition.name,
        "status": str(edition.status),
        "source": edition.source,
        "grid_count": edition.grid_count,
        "error_count": edition.error_count,
        "finding_count": len(edition.findings),
        "created_at": edition.created_at,
        "valid_from": edition.valid_from,
        "valid_until": edition.valid_until,
        "override_reason": edition.override_reason,
    }
