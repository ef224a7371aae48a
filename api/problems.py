"""The only place where an error meets HTTP: every refusal is ``application/problem+json``."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.pages import page, shortened, wants_page
from api.schemas.problems import Refusal, Row
from gis import errors as gis
from layers import errors as layers

MEDIA_TYPE: Final = "application/problem+json"

_LOG = structlog.get_logger(__name__)


_BAD = HTTPStatus.UNPROCESSABLE_ENTITY
_AWAY = HTTPStatus.SERVICE_UNAVAILABLE
_OURS = HTTPStatus.INTERNAL_SERVER_ERROR
_BROKEN = Row(_OURS, "Internal error", "服务内部错误", private=True)
_DATABASE = Row(_AWAY, "The database is not available", "数据库暂不可用", private=True)
_BUSY = Row(_AWAY, "The database is busy", "数据库繁忙")
_PASSING: Final = (_DATABASE, _BUSY)
_RETRY: Final = {"Retry-After": "5"}
_PAGES: Final = {_AWAY: "failed.html", HTTPStatus.FORBIDDEN: "denied.html"}
"""What a person is shown as a page: what passes, and what is not for them."""

TABLE: Final[Mapping[type[Exception], Row]] = {
    gis.UnknownDatum: Row(_BAD, "Unknown datum", "坐标系未知"),
    gis.MissingCrs: Row(_BAD, "No coordinate system declared", "未声明坐标系"),
    gis.InvalidPoints: Row(_BAD, "Points that cannot be routed", "点位无法处理"),
    gis.InvalidGrids: _BROKEN,
    gis.InvalidChart: _BROKEN,
    gis.SnapshotInvalid: _BROKEN,
    layers.DatabaseUnreachable: _DATABASE,
    layers.DatabaseBusy: _BUSY,
    layers.ServerTooOld: _DATABASE,
    layers.ExtensionMissing: _DATABASE,
    layers.RightsMissing: _DATABASE,
    layers.SchemaUnknown: _DATABASE,
    layers.SchemaOutdated: _DATABASE,
    layers.ClusterFailed: _DATABASE,
    layers.SettingsInvalid: _BROKEN,
    layers.DataFolderTaken: _BROKEN,
    layers.FileUnreadable: Row(_BAD, "Unreadable file", "文件无法读取"),
    layers.ExtraMissing: _BROKEN,
    layers.WorkersUnreachable: Row(_AWAY, "No workers answer", "计算节点不可用", private=True),
    layers.MappingInvalid: Row(_BAD, "The columns do not fit", "字段对应有误"),
    layers.LayerRefused: Row(_BAD, "The layer was refused", "图层未被接受"),
    layers.EditionNotFound: Row(HTTPStatus.NOT_FOUND, "No such edition", "没有该网格版本"),
    layers.EditionConflict: Row(HTTPStatus.CONFLICT, "The edition's state", "网格版本状态冲突"),
    layers.EditionHasErrors: Row(HTTPStatus.CONFLICT, "The edition has errors", "网格版本有错误"),
    layers.NoEditionInForce: Row(_AWAY, "No edition in force", "没有生效的网格版本"),
    layers.InstantInvalid: Row(_BAD, "No date or time", "时间有误"),
    layers.CaseNotFound: Row(HTTPStatus.NOT_FOUND, "No such case", "没有该案件"),
    layers.CategoryUnknown: Row(_BAD, "Unknown category", "类别未知"),
    layers.ReportInvalid: Row(_BAD, "The report cannot be right", "上报内容有误"),
    layers.IdempotencyConflict: Row(_BAD, "The key stands for another report", "幂等键已被使用"),
    layers.CursorInvalid: Row(_BAD, "Unknown paging cursor", "分页游标无效"),
    layers.PasswordRefused: Row(_BAD, "The password is not taken", "密码不符合要求"),
    layers.AccountNotFound: Row(HTTPStatus.NOT_FOUND, "No such account", "没有该账号"),
    layers.AccountConflict: Row(HTTPStatus.CONFLICT, "The name is taken", "账号名已被使用"),
    layers.AccountInvalid: Row(_BAD, "The account does not fit", "账号内容有误"),
    layers.SignInRefused: Row(HTTPStatus.UNAUTHORIZED, "Not signed in", "未登录或登录无效"),
    layers.SignInTooSoon: Row(HTTPStatus.TOO_MANY_REQUESTS, "Too many attempts", "尝试次数过多"),
    layers.IssuerUnreachable: Row(_AWAY, "The issuer does not answer", "统一认证服务暂不可用"),
    layers.NotAllowed: Row(HTTPStatus.FORBIDDEN, "Not allowed", "无权操作"),
    layers.SecretUnusable: _BROKEN,
    layers.AuditBroken: _BROKEN,
    layers.ChartNotFound: Row(HTTPStatus.NOT_FOUND, "No such chart", "没有该图"),
    layers.ResidentNotFound: Row(HTTPStatus.NOT_FOUND, "No such resident", "没有该居民"),
    layers.ReadingRefused: Row(HTTPStatus.FORBIDDEN, "Not yours to read", "无权查看"),
    layers.TooManyReadings: Row(HTTPStatus.TOO_MANY_REQUESTS, "Too many readings", "查看次数过多"),
    layers.KeyMissing: _BROKEN,
    layers.SealBroken: _BROKEN,
}
"""Every leaf error of the core and the layers (a test compares)."""

# What a validator says, in a clerk's words; the value itself is never repeated.
_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "timezone_aware": "must say its time zone, such as +08:00 or Z",
    "datetime_from_date_parsing": "must be a date and time such as 2026-05-01T08:30:00+08:00",
    "datetime_parsing": "must be a date and time such as 2026-05-01T08:30:00+08:00",
    "datetime_type": "must be a date and time such as 2026-05-01T08:30:00+08:00",
    "datetime_object_invalid": "must be a date and time such as 2026-05-01T08:30:00+08:00",
}


_HTTP_TITLES: Final = {
    404: ("Not found", "未找到", "Nothing is served at this path; /docs lists what is."),
    405: ("Method not allowed", "方法不允许", "This path does not take this method."),
    408: ("Request too slow", "请求过慢", ""),
    413: ("Request too large", "请求过大", ""),
}


def problem(
    row: Row,
    kind: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """Return an RFC 9457 answer; ``more`` are its extension members."""
    body = {
        "type": f"urn:lianxin:problem:{kind}",
        "title": row.title,
        "title_zh": row.title_zh,
        "status": int(row.status),
        "detail": shortened(detail),
        **more,
    }
    return Response(
        orjson.dumps(body), int(row.status), headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def validation_problem(errors: Sequence[Any]) -> Response:
    """Answer what a validator found, in words, each with its place in the request."""
    messages: dict[str, list[str]] = {}
    for error in errors:
        messages.setdefault(_location(error), []).append(_in_words(error))
    found = [
        {"location": location, "message": " or ".join(dict.fromkeys(said))}
        for location, said in messages.items()
    ]
    detail = "; ".join(f"{each['location']} {each['message']}" for each in found[:3])
    if len(found) > 3:
        detail += f"; and {len(found) - 3} more"
    row = Row(_BAD, "Malformed request", "请求有误")
    return problem(row, "malformed-request", f"{detail}.", errors=found)


def problem_of(error: Exception) -> Response:
    """Answer any error; one that isn't in the table is an internal one."""
    if isinstance(error, HTTPException):
        return _http_problem(error)
    if isinstance(error, Refusal):
        more: dict[str, Any] = {"errors": list(error.errors)} if error.errors else {}
        return problem(
            error.row, _kebab(error.row.title), str(error), headers=error.headers, **more
        )
    row, kind, detail = _told(error)
    return problem(row, kind, detail, headers=_headers_of(error, row))


def _headers_of(error: Exception, row: Row) -> Mapping[str, str] | None:
    """Return what a client needs beside the words: when to try again, or how to sign in."""
    if isinstance(error, layers.SignInTooSoon):
        return {"Retry-After": str(error.wait_s)}
    if isinstance(error, layers.SignInRefused):
        return {"WWW-Authenticate": "Bearer"}
    return _RETRY if row in _PASSING else None


def failed_page(request: Request, error: Exception) -> Response:
    """Answer the same to a browser, as a page."""
    row, _, detail = _told(error)
    language = request.app.state.services.settings.language
    answer = page(
        request,
        _PAGES[row.status],
        language,
        row.status,
        title=row.title,
        title_zh=row.title_zh,
        detail=detail,
    )
    answer.headers.update(_RETRY if row in _PASSING else {})
    return answer


def _told(error: Exception) -> tuple[Row, str, str]:
    """Return how an error is answered: its row, the name of its kind, and the words."""
    for kind in type(error).__mro__:
        if kind in TABLE:
            row = TABLE[kind]
            break
    else:
        row = _BROKEN
    if row in _PASSING:
        _LOG.error("database_unavailable", problem=type(error).__name__)
    if not row.private:
        return row, _kebab(kind.__name__), str(error)
    if row == _DATABASE:
        detail = "The database does not answer as it should. Try again shortly; /readyz says why."
        return row, "database-unavailable", detail
    if kind in TABLE:  # what else comes here was logged with its place
        _LOG.error("internal_error", problem=type(error).__name__)
    return row, "internal-error", "Something went wrong on our side; it has been logged."


def register(app: FastAPI) -> None:
    """Let the app answer every error as a problem, and to a browser what passes as a page."""

    async def refuse(_request: Request, error: Exception) -> Response:
        return problem_of(error)

    async def refuse_in_person(request: Request, error: Exception) -> Response:
        return failed_page(request, error) if wants_page(request) else problem_of(error)

    async def malformed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        return validation_problem(error.errors())

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        return _http_problem(error)

    for root in (gis.GisError, layers.LayersError, Refusal):
        app.add_exception_handler(root, refuse)
    for kind, row in TABLE.items():
        if row.status in _PAGES:
            app.add_exception_handler(kind, refuse_in_person)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, http)


def _http_problem(error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    title, title_zh, detail = _HTTP_TITLES.get(status, (status.phrase, status.phrase, ""))
    if error.detail != status.phrase:
        detail = error.detail
    row = Row(status, title, title_zh)
    return problem(row, _kebab(title), detail or status.description, headers=error.headers)


def _location(error: Mapping[str, Any]) -> str:
    """Return where in the request an error is, without which branch of a union was tried.

    Examples
    --------
    >>> _location({"loc": ("query", "state", 0, "literal['open']")})
    'query.state.0'
    """
    return ".".join(str(part) for part in error["loc"] if "[" not in str(part))


def _in_words(error: Mapping[str, Any]) -> str:
    words = _WORDS.get(error["type"])
    if words is not None:
        return words
    text = str(error["msg"]).removeprefix("Value error, ")
    # pydantic calls the characters of a text that was stripped its items
    text = re.sub(r"^(Value should .*) items? after validation", r"\1 characters", text)
    text = re.sub(r"^(Input|String|Value|List|Number) should (be|have|match)", r"should \2", text)
    return text[:1].lower() + text[1:]


def _kebab(name: str) -> str:
    """Return a class name or title in small words with hyphens between.

    Examples
    --------
    >>> _kebab("NoEditionInForce"), _kebab("Request too large")
    ('no-edition-in-force', 'request-too-large')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
