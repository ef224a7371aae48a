"""Residents: listed masked, found by a search, unmasked for a purpose, and their own file."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.dependencies import OpenServices, json_answer, json_body, malformed, signed_in
from api.pages import page, wants_page
from api.schemas.problems import problems
from api.schemas.residents import (
    FileQuery,
    FoundOut,
    ResidentFileOut,
    ResidentListOut,
    ResidentOut,
    ResidentQuery,
    SearchIn,
    UnmaskedOut,
    UnmaskIn,
    file_json,
    resident_json,
    unmasked_json,
)
from layers.actions.resident_file import make_file
from layers.actions.residents import find_residents, list_residents, show_resident
from layers.actions.unmask import unmask

router = APIRouter(prefix="/residents", tags=["residents"], dependencies=[Depends(signed_in)])

_PRIVATE = {"Cache-Control": "no-store"}


async def search_in(body: Annotated[Any, Depends(json_body)]) -> SearchIn:
    """Return the search in the body."""
    try:
        return SearchIn.model_validate(body)
    except ValidationError as error:
        raise malformed(error, "body") from None


async def unmask_in(body: Annotated[Any, Depends(json_body)]) -> UnmaskIn:
    """Return what is to be unmasked, and what for."""
    try:
        return UnmaskIn.model_validate(body)
    except ValidationError as error:
        raise malformed(error, "body") from None


def _body(model: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get(
    "",
    summary="List residents, masked · 居民列表",
    response_model=ResidentListOut,
    responses=problems(401, 403, 422, 503),
)
def find(
    query: Annotated[ResidentQuery, Query()], request: Request, services: OpenServices
) -> Response:
    """List the residents of the own area, home by home, masked."""
    found = list_residents(
        services.database, services.settings, query.wanted(),
        limit=query.limit, cursor=query.cursor,
    )  # fmt: skip
    content = {
        "residents": [resident_json(each) for each in found.residents],
        "next": _next(request, found.next_cursor),
    }
    return json_answer(content, headers=_PRIVATE)


@router.post(
    "/search",
    summary="Find a resident by name or ID number · 查找居民",
    response_model=FoundOut,
    openapi_extra=_body("SearchIn"),
    responses=problems(401, 403, 413, 415, 422, 429, 503),
)
def search(wanted: Annotated[SearchIn, Depends(search_in)], services: OpenServices) -> Response:
    """Find residents of the own area by the whole name or ID number; counted, limited, audited."""
    found = find_residents(
        services.database, services.settings, name=wanted.name, id_number=wanted.id_number
    )
    return json_answer({"residents": [resident_json(each) for each in found]}, headers=_PRIVATE)


@router.get(
    "/{resident}",
    summary="One resident, masked · 居民",
    response_model=ResidentOut,
    responses=problems(401, 403, 404, 422, 503),
)
def one(resident: UUID, services: OpenServices) -> Response:
    """Read one resident of the own area, masked."""
    shown = show_resident(services.database, services.settings, resident)
    return json_answer(resident_json(shown), headers=_PRIVATE)


@router.post(
    "/{resident}/unmask",
    summary="Read a resident's fields as they are · 查看未遮盖信息",
    response_model=UnmaskedOut,
    openapi_extra=_body("UnmaskIn"),
    responses=problems(401, 403, 404, 413, 415, 422, 429, 503),
)
def read_unmasked(
    resident: UUID, asked: Annotated[UnmaskIn, Depends(unmask_in)], services: OpenServices
) -> Response:
    """Read fields of a resident as they are, for a stated purpose; counted, limited, audited.

    A worker may in the own grid, a community in the own community.
    """
    fields = unmask(services.database, services.settings, asked.asked(resident))
    return json_answer(unmasked_json(resident, fields), headers=_PRIVATE)


@router.get(
    "/{resident}/file",
    summary="A resident's own file · 本人档案",
    response_model=ResidentFileOut,
    responses={
        200: {
            "description": "Everything held about the resident, and who read it.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        **problems(401, 403, 404, 422, 429, 503),
    },
)
def file(
    resident: UUID,
    query: Annotated[FileQuery, Query()],
    request: Request,
    services: OpenServices,
) -> Response:
    """Make the file of a resident, to be handed out; a browser gets a page to print."""
    made = make_file(services.database, services.settings, resident, query.purpose, query.words)
    content = file_json(made)
    if not wants_page(request):
        return json_answer(content, headers=_PRIVATE)
    answer = page(request, "resident_file.html", services.settings.language, file=content)
    answer.headers.update(_PRIVATE)
    return answer


def _next(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"
