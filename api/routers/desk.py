"""``/desk/editions``: the pages where boundaries are uploaded, looked at and published.

They are forms and lists of the server; the map on them is added by ``web/boundaries.js``.
"""

import shutil
import tempfile
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from api.dependencies import OpenServices, Services
from api.pages import choose_language, page, shortened
from api.problems import TABLE
from api.schemas.fields import LARGEST_EDITION, EditionNumber
from gis.errors import GisError
from layers.actions.check_edition import check_edition
from layers.actions.discard_edition import discard_edition
from layers.actions.list_editions import EditionSummary, list_editions, show_edition
from layers.actions.publish_edition import publish_edition
from layers.actions.refusals import Refusal, in_both_languages, row_in_both_languages
from layers.actions.restore_edition import restore_edition
from layers.actions.upload_grids import Upload, Uploaded, upload_grids
from layers.errors import EditionNotFound, LayersError
from layers.exchange.uploads import uploaded_name
from layers.vocabulary import UNPUBLISHED, CodeScheme, EditionStatus

router = APIRouter(prefix="/desk/editions", include_in_schema=False)

REJECTS_SHOWN: Final = 200

_NO_FILE: Final = Refusal("没有文件：请先选择文件。", "There is no file: choose one first.")
_NO_FORM: Final = Refusal(
    "表单有误，请重新填写。", "The form is not as it should be: fill it in again."
)
_NOT_SURE: Final = Refusal(
    "没有发布：请先勾选确认。",
    "Nothing was published: tick the box that says you have looked at it.",
)
_NOT_DISCARDED: Final = Refusal(
    "没有删除：请先勾选确认。", "Nothing was discarded: tick the box that says you are sure."
)


class UploadForm(BaseModel):
    """What the form says about the file beyond what it says itself."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    code: str = Field(default="", max_length=200)
    name: str = Field(default="", max_length=200)
    datum: str = Field(default="", max_length=32)
    codes: CodeScheme = CodeScheme.NATIONAL
    pieces: bool = False


Sure = Annotated[str, Form(max_length=10)]


@router.get("")
def editions(request: Request, services: OpenServices) -> Response:
    """Show all editions, and the form to upload one."""
    return _list(request, services)


@router.post("")
async def upload(request: Request, services: OpenServices) -> Response:
    """Take a file of grids; it becomes a draft, or the page says why not."""
    try:
        async with request.form(max_files=1, max_fields=20) as sent:
            file, fields = sent.get("file"), {k: v for k, v in sent.items() if isinstance(v, str)}
            if not isinstance(file, UploadFile) or not file.filename:
                return await run_in_threadpool(_list, request, services, _NO_FILE)
            form = UploadForm.model_validate(fields)
            return await run_in_threadpool(_take, request, services, file, form)
    except HTTPException as error:
        said = in_both_languages(error.detail) or _NO_FORM
        return await run_in_threadpool(_list, request, services, said, error.status_code)
    except ValidationError:
        return await run_in_threadpool(_list, request, services, _NO_FORM)


@router.get("/{number}")
def edition(number: EditionNumber, request: Request, services: OpenServices) -> Response:
    """Show one edition: its map, what the checks found, and what would move."""
    return _done(request, services, number, lambda: None)


@router.post("/{number}/publish")
def publish(
    number: EditionNumber,
    request: Request,
    services: OpenServices,
    sure: Sure = "",
    reason: Annotated[str, Form(max_length=20_000)] = "",
    against: Annotated[int | None, Form(ge=1, le=LARGEST_EDITION)] = None,
) -> Response:
    """Put a draft in force, if whoever asks is sure, and saw what it changes of that in force."""
    if sure != "yes":
        return _done(request, services, number, lambda: None, _NOT_SURE)

    def act() -> int:
        publish_edition(
            services.database, number,
            override_reason=reason.strip() or None, instead_of=against,
        )  # fmt: skip
        return number

    return _done(request, services, number, act)


@router.post("/{number}/check")
def check(number: EditionNumber, request: Request, services: OpenServices) -> Response:
    """Check a draft as its grids and the areas around them are now."""
    return _done(
        request, services, number, lambda: check_edition(services.database, number).edition_id
    )


@router.post("/{number}/restore")
def restore(number: EditionNumber, request: Request, services: OpenServices) -> Response:
    """Make a draft of the grids of an edition that has ended, and show it."""
    return _done(
        request, services, number, lambda: restore_edition(services.database, number).edition_id
    )


@router.post("/{number}/discard")
def discard(
    number: EditionNumber, request: Request, services: OpenServices, sure: Sure = ""
) -> Response:
    """Remove a draft and its grids."""
    if sure != "yes":
        return _done(request, services, number, lambda: None, _NOT_DISCARDED)

    def act() -> str:
        discard_edition(services.database, number)
        return ""

    return _done(request, services, number, act)


def _take(request: Request, services: Services, file: UploadFile, form: UploadForm) -> Response:
    with tempfile.TemporaryDirectory(
        prefix="lianxin-upload-", dir=services.settings.spool_dir
    ) as folder:
        try:
            path = Path(folder, uploaded_name(file.filename or ""))
            with path.open("wb") as kept:
                shutil.copyfileobj(file.file, kept)
            told = Upload(
                path, form.code or None, form.name or None, form.datum or None,
                scheme=form.codes, merge_pieces=form.pieces, source=path.name,
            )  # fmt: skip
            done = upload_grids(services.database, told)
        except (LayersError, GisError) as error:
            said, status = _refused(error, f"{folder}/")
            return _list(request, services, said, status)
    if done.report.rejects:
        return _uploaded(request, services, done)
    return _to(request, done.edition.edition_id)


def _uploaded(request: Request, services: Services, done: Uploaded) -> Response:
    """Say which rows did not become grids of the draft; nobody else would."""
    rejects = [
        (each.row, row_in_both_languages(each.reason))
        for each in done.report.rejects[:REJECTS_SHOWN]
    ]
    return page(
        request, "desk_uploaded.html", services.settings.language, HTTPStatus.CREATED,
        edition=done.edition, rejects=rejects, rejected_count=len(done.report.rejects),
    )  # fmt: skip


def _done(
    request: Request,
    services: Services,
    number: int,
    act: Callable[[], int | str | None],
    said: Refusal | None = None,
) -> Response:
    """Do what was asked and lead to what came of it; show the edition, and why not, otherwise."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    try:
        shown = show_edition(services.database, number)
        came_of_it = act()
        if came_of_it is not None:
            return _to(request, came_of_it)
    except EditionNotFound as error:
        return _list(request, services, *_refused(error))
    except LayersError as error:
        said, status = _refused(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        shown = show_edition(services.database, number)
    return _sheet(request, services, shown, said, status)


def _refused(error: LayersError | GisError, folder: str = "") -> tuple[Refusal, HTTPStatus]:
    """Return why something was refused, and its status; what nobody may read is raised again."""
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if row is None or row.private:
        raise error
    message = str(error).replace(folder, "") if folder else str(error)
    said = in_both_languages(message) or Refusal(f"{row.title_zh}：{message}", message)
    return said, row.status


def _list(
    request: Request,
    services: Services,
    said: Refusal | None = None,
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> Response:
    return page(
        request, "desk_editions.html", services.settings.language,
        status if said else HTTPStatus.OK,
        editions=list_editions(services.database), said=_words(request, services, said),
        bytes_max=services.settings.upload_bytes_max,
    )  # fmt: skip


def _sheet(
    request: Request,
    services: Services,
    shown: EditionSummary,
    said: Refusal | None,
    status: HTTPStatus,
) -> Response:
    against, changes = _before(list_editions(services.database), shown), None
    if against is not None:
        changes = services.comparisons.of(shown.edition_id, against).changes
    return page(
        request, "desk_edition.html", services.settings.language, status,
        edition=shown, said=_words(request, services, said), against=against,
        summary=None if changes is None else changes.summary(),
        moved=[] if changes is None else changes.others(),
        nobody_left=changes is not None and changes.staff is not None
        and any(changes.staff.old.values()) and not any(changes.staff.new.values()),
        may_publish=shown.status in UNPUBLISHED,
    )  # fmt: skip


def _before(editions: list[EditionSummary], shown: EditionSummary) -> int | None:
    """Return the edition to compare with: the one in force, or that which was before this one."""
    if shown.valid_from is None:
        in_force = [each for each in editions if each.status is EditionStatus.PUBLISHED]
        return in_force[0].edition_id if in_force else None
    ended = [each for each in editions if each.valid_until == shown.valid_from]
    return ended[0].edition_id if ended else None


def _to(request: Request, where: int | str) -> Response:
    language = request.query_params.get("lang", "")
    query = f"?lang={language}" if language in {"zh", "en"} else ""
    path = f"/desk/editions/{where}" if where != "" else "/desk/editions"
    return RedirectResponse(f"{path}{query}", HTTPStatus.SEE_OTHER)


def _words(request: Request, services: Services, said: Refusal | None) -> str | None:
    if said is None:
        return None
    chinese = choose_language(request, services.settings.language) == "zh"
    return shortened(said.message_zh if chinese else said.message_en)
