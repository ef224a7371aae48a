"""``/editions``: upload, check, look through, publish and restore the boundaries."""

import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.dependencies import OpenServices, json_answer, json_body, malformed
from api.pages import wants_page
from api.schemas.editions import (
    DraftOut,
    EditionList,
    EditionOut,
    EditionSheet,
    FindingsOut,
    FindingsQuery,
    PublicationOut,
    PublishIn,
    UploadQuery,
    draft_json,
    edition_json,
    finding_feature,
    finding_json,
    plan_json,
    published_json,
    sheet_json,
)
from api.schemas.fields import EditionNumber
from api.schemas.problems import problems
from layers.actions.check_edition import check_edition
from layers.actions.discard_edition import discard_edition
from layers.actions.importing.instants import read_instant
from layers.actions.list_editions import list_editions, show_edition
from layers.actions.plan_publication import plan_publication
from layers.actions.publish_edition import publish_edition
from layers.actions.restore_edition import restore_edition
from layers.actions.upload_grids import Upload, upload_grids
from layers.exchange.uploads import uploaded_name
from layers.vocabulary import CodeScheme

router = APIRouter(prefix="/editions", tags=["editions"])

GEOJSON = "application/geo+json"

_PAGE: dict[int | str, dict[str, Any]] = {303: {"description": "Where a browser is sent."}}
_VARY = {"Vary": "Accept"}
_MADE: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"schema": {"type": "string"}}}}
}
_FILE = {
    "requestBody": {
        "required": True,
        "description": "The file itself. LIANXIN_UPLOAD_BYTES_MAX says how large it may be.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


_ORDER = {
    "requestBody": {"content": {"application/json": {"schema": PublishIn.model_json_schema()}}}
}


async def publish_in(request: Request) -> PublishIn:
    """Return what the body orders; without a body a dry run."""
    if not await request.body():
        return PublishIn()
    try:
        return PublishIn.model_validate(await json_body(request))
    except ValidationError as error:
        raise malformed(error, "body") from None


@router.get("", response_model=EditionList, responses=problems(503) | _PAGE, summary="All editions")
def list_all(request: Request, services: OpenServices) -> Response:
    """Return the editions, the newest first; a browser is sent to the desk's page."""
    if wants_page(request):
        return _desk(request)
    editions = list_editions(services.database)
    return json_answer({"editions": [edition_json(each) for each in editions]}, headers=_VARY)


@router.post(
    "",
    status_code=201,
    response_model=DraftOut,
    openapi_extra=_FILE,
    responses={
        200: {"model": DraftOut, "description": "The edition that held just these grids before."},
        **_MADE,
        **problems(413, 422, 503),
    },
    summary="Upload grids as a draft · 上传网格",
)
async def upload(
    query: Annotated[UploadQuery, Query()], request: Request, services: OpenServices
) -> Response:
    """Make a draft of a file of grids, with what the checks find in it; nothing is in force yet.

    A row that cannot be taken is listed with its reason. The same grids again are the same edition.
    """
    name = uploaded_name(query.file)
    with tempfile.TemporaryDirectory(
        prefix="lianxin-upload-", dir=services.settings.spool_dir
    ) as folder:
        file = FilePath(folder, name)
        await _receive(request, file)
        told = Upload(
            file,
            scheme=CodeScheme(query.codes),
            **query.model_dump(exclude={"file", "codes"}),
        )
        done = await run_in_threadpool(upload_grids, services.database, told)
    status = HTTPStatus.CREATED if done.is_new else HTTPStatus.OK
    answer = draft_json(done.edition, done.report, done.notes)
    return json_answer(answer, status, headers=_at(done.edition.edition_id))


@router.get(
    "/{number}",
    response_model=EditionSheet,
    responses=problems(404, 422, 503) | _PAGE,
    summary="One edition with its findings",
)
def show(number: EditionNumber, request: Request, services: OpenServices) -> Response:
    """Return an edition and what the checks found in it; a browser is sent to the desk's page."""
    if wants_page(request):
        return _desk(request)
    return json_answer(sheet_json(show_edition(services.database, number)), headers=_VARY)


@router.delete(
    "/{number}",
    status_code=204,
    responses=problems(404, 409, 422, 503),
    summary="Remove a draft · 删除草案",
)
def discard(number: EditionNumber, services: OpenServices) -> Response:
    """Remove a draft and its grids; what was published stays for ever."""
    discard_edition(services.database, number)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/{number}/findings",
    response_model=FindingsOut,
    responses={
        200: {"content": {GEOJSON: {"schema": {"type": "object"}}}},
        **problems(404, 422, 503),
    },
    summary="What the checks found · 检查发现",
)
def findings(
    number: EditionNumber,
    query: Annotated[FindingsQuery, Query()],
    request: Request,
    services: OpenServices,
) -> Response:
    """Return what the checks found in an edition; as GeoJSON with the offending geometries."""
    edition = show_edition(services.database, number)
    found = [
        (number_of, each)
        for number_of, each in enumerate(edition.findings, start=1)
        if _asked_for(each, query)
    ]
    if query.f == "geojson" or (query.f is None and GEOJSON in request.headers.get("accept", "")):
        features = [finding_feature(*each) for each in found]
        collection = {"type": "FeatureCollection", "features": features}
        return json_answer(collection, media_type=GEOJSON, headers=_VARY)
    answer = {
        "edition": number,
        "status": str(edition.status),
        "findings": [finding_json(each) for _, each in found],
    }
    return json_answer(answer, headers=_VARY)


@router.post(
    "/{number}/check",
    response_model=EditionSheet,
    responses=problems(404, 409, 422, 503),
    summary="Check a draft again · 重新检查",
)
def check(number: EditionNumber, services: OpenServices) -> Response:
    """Check a draft as its grids and the areas around them are now."""
    return json_answer(sheet_json(check_edition(services.database, number)))


@router.post(
    "/{number}/publish",
    response_model=PublicationOut,
    openapi_extra=_ORDER,
    responses=problems(404, 409, 413, 415, 422, 503),
    summary="Publish a draft · 发布",
)
def publish(
    number: EditionNumber, services: OpenServices, order: Annotated[PublishIn, Depends(publish_in)]
) -> Response:
    """Say what publishing a draft would move; with `"dry_run": false`, put it in force.

    Errors that the checks found stand against it until a `reason` is given. Of two that publish at
    once one wins, and the other is refused (409).
    """
    if order.dry_run:
        return json_answer(plan_json(plan_publication(services.database, number)))
    zone = services.settings.timezone
    done = publish_edition(
        services.database,
        number,
        override_reason=order.reason,
        valid_from=None if order.valid_from is None else read_instant(order.valid_from, zone),
        instead_of=order.in_force,
    )
    errors = show_edition(services.database, number).error_count
    return json_answer(published_json(done, errors))


@router.post(
    "/{number}/restore",
    status_code=201,
    response_model=EditionOut,
    responses={**_MADE, **problems(404, 409, 422, 503)},
    summary="A former edition as a draft · 恢复旧版",
)
def restore(number: EditionNumber, services: OpenServices) -> Response:
    """Make a draft of the grids of an edition that has ended, to be published anew."""
    draft = restore_edition(services.database, number)
    return json_answer(edition_json(draft), HTTPStatus.CREATED, headers=_at(draft.edition_id))


def _desk(request: Request) -> Response:
    """Send a browser to the same on the desk."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/desk{request.url.path}{query}", HTTPStatus.SEE_OTHER, _VARY)


async def _receive(request: Request, file: FilePath) -> None:
    with file.open("wb") as opened:
        async for piece in request.stream():
            await run_in_threadpool(opened.write, piece)


def _asked_for(finding: Mapping[str, Any], query: FindingsQuery) -> bool:
    return (not query.rule or finding["rule"] in query.rule) and (
        not query.severity or finding["severity"] in query.severity
    )


def _at(number: int) -> dict[str, str]:
    return {"Location": f"/editions/{number}"}
