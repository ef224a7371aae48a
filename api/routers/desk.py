"""``/desk/editions``: the pages where boundaries are uploaded, looked at and published.

They are forms and lists of the server; the map on them is added by ``web/boundaries.js``.
"""

import shutil
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from starlette.responses import RedirectResponse

from api.dependencies import OpenServices
from api.pages import choose_language, page
from api.schemas.fields import LARGEST_EDITION, EditionNumber
from gis.errors import GisError
from layers.actions.list_editions import EditionSummary, list_editions, show_edition
from layers.actions.publish_edition import publish_edition
from layers.actions.upload_grids import Upload, upload_grids
from layers.errors import EditionConflict, EditionHasErrors, LayersError
from layers.exchange.uploads import uploaded_name
from layers.vocabulary import UNPUBLISHED, CodeScheme, EditionStatus

router = APIRouter(prefix="/desk/editions", include_in_schema=False)


@router.get("")
def editions(request: Request, services: OpenServices) -> Response:
    """Show all editions, and the form to upload one."""
    return _list(request, services)


@router.post("")
def upload(  # noqa: PLR0913, PLR0917 - each parameter is a field of the form
    request: Request,
    services: OpenServices,
    file: Annotated[UploadFile, File()],
    code: Annotated[str, Form(max_length=200)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    datum: Annotated[str, Form(max_length=32)] = "",
    codes: Annotated[CodeScheme, Form()] = CodeScheme.NATIONAL,
) -> Response:
    """Take a file of grids; it becomes a draft, or the page says why not."""
    spool = services.settings.spool_dir
    with tempfile.TemporaryDirectory(prefix="lianxin-upload-", dir=spool) as folder:
        try:
            path = Path(folder, uploaded_name(file.filename or ""))
            with path.open("wb") as kept:
                shutil.copyfileobj(file.file, kept)
            told = Upload(path, code.strip() or None, name.strip() or None, datum or None,
                          scheme=codes, source=path.name)  # fmt: skip
            done = upload_grids(services.database, told)
        except (LayersError, GisError) as error:
            return _list(request, services, str(error).replace(f"{folder}/", ""))
    return _to(request, done.edition.edition_id)


@router.get("/{number}")
def edition(number: EditionNumber, request: Request, services: OpenServices) -> Response:
    """Show one edition: its map, what the checks found, and what would move."""
    return _sheet(request, services, show_edition(services.database, number))


@router.post("/{number}/publish")
def publish(
    number: EditionNumber,
    request: Request,
    services: OpenServices,
    sure: Annotated[str, Form(max_length=10)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    against: Annotated[int | None, Form(ge=1, le=LARGEST_EDITION)] = None,
) -> Response:
    """Put a draft in force, if whoever asks is sure, and saw what it changes of that in force."""
    shown = show_edition(services.database, number)
    if sure != "yes":
        said = _words(request, services, *_NOT_SURE)
        return _sheet(request, services, shown, said, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        publish_edition(
            services.database, number,
            override_reason=reason.strip() or None, instead_of=against,
        )  # fmt: skip
    except (EditionConflict, EditionHasErrors) as error:
        shown = show_edition(services.database, number)
        return _sheet(request, services, shown, str(error), HTTPStatus.CONFLICT)
    return _to(request, number)


_NOT_SURE = (
    "没有发布：请先勾选确认。",
    "Nothing was published: tick the box that says you have looked at it.",
)


def _list(request: Request, services: OpenServices, said: str | None = None) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return page(
        request, "desk_editions.html", services.settings.language, status,
        editions=list_editions(services.database), said=said,
    )  # fmt: skip


def _sheet(
    request: Request,
    services: OpenServices,
    shown: EditionSummary,
    said: str | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    against, changes = _before(list_editions(services.database), shown), None
    if against is not None:
        changes = services.comparisons.of(shown.edition_id, against).changes
    return page(
        request, "desk_edition.html", services.settings.language, status,
        edition=shown, said=said, against=against,
        summary=None if changes is None else changes.summary(),
        moved=[] if changes is None else changes.others(),
        may_publish=shown.status in UNPUBLISHED,
    )  # fmt: skip


def _before(editions: list[EditionSummary], shown: EditionSummary) -> int | None:
    """Return the edition to compare with: the one in force, or that which was before this one."""
    if shown.valid_from is None:
        in_force = [each for each in editions if each.status is EditionStatus.PUBLISHED]
        return in_force[0].edition_id if in_force else None
    ended = [each for each in editions if each.valid_until == shown.valid_from]
    return ended[0].edition_id if ended else None


def _to(request: Request, number: int) -> Response:
    language = request.query_params.get("lang", "")
    query = f"?lang={language}" if language in {"zh", "en"} else ""
    return RedirectResponse(f"/desk/editions/{number}{query}", HTTPStatus.SEE_OTHER)


def _words(request: Request, services: OpenServices, zh: str, en: str) -> str:
    return zh if choose_language(request, services.settings.language) == "zh" else en
