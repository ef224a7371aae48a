"""``/sign-in``, ``/account``, ``/sign-out``: how people come in and go, without any script."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from api.dependencies import OpenServices, Services
from api.identity import (
    COOKIE,
    CSRF_FIELD,
    SIGN_IN,
    own_path,
    same_origin,
    session_of,
    to_sign_in,
)
from api.pages import chart_address, choose_language, page
from layers.actions.sign_in import Credentials, sign_in
from layers.actions.tokens import KIOSK_LIFE, SESSION_LIFE, give_session, revoke_token
from layers.errors import SignInRefused, SignInTooSoon
from layers.paths import codes_of_path
from layers.viewer import viewer
from layers.vocabulary import Role

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=4096)]

_WRONG = (
    "账号或密码不对，或账号已停用。",
    "Name and password don't match an account that may sign in.",
)
_WRONG_KIOSK = (
    "大屏令牌无效，或已注销。",
    "The wall's token is not valid, or was revoked.",
)
_FOREIGN = (
    "请从本页面登录。",
    "Sign in from this page itself.",
)
_WAIT = (
    "刚才多次失败，请在 {wait_s} 秒后再试。",
    "Too many attempts have failed just now: try again in {wait_s} s.",
)
_ROLES = {
    Role.WORKER: ("网格员", "grid worker"),
    Role.COMMUNITY: ("社区", "community"),
    Role.STREET: ("街道、苏木镇", "street"),
    Role.BANNER: ("旗县", "banner"),
    Role.DEPARTMENT: ("部门", "department"),
    Role.ANALYST: ("分析员", "analyst"),
    Role.WALL: ("大屏", "wall"),
    Role.AUDITOR: ("审计员", "auditor"),
    Role.ADMINISTRATOR: ("管理员", "administrator"),
}


@router.get(SIGN_IN)
def show(request: Request, services: OpenServices) -> Response:
    """Show the form."""
    return _form(request, services, request.query_params.get("next"))


@router.post(SIGN_IN)
def enter(  # an unsent field is empty  # nosec B107
    request: Request,
    services: OpenServices,
    account: Text = "",
    password: Text = "",
    kiosk: Text = "",
    back: Annotated[str, Form(alias="next", max_length=4096)] = "",
) -> Response:
    """Let somebody in by name and password, or a wall by its token."""
    if not same_origin(dict(request.scope["headers"])):
        return _form(request, services, back, _FOREIGN, HTTPStatus.FORBIDDEN)
    try:
        if kiosk:
            return _kiosk(request, services, kiosk.strip())
        return _person(request, services, account, password, back)
    except SignInTooSoon as error:
        said = tuple(words.format(wait_s=error.wait_s) for words in _WAIT)
        answer = _form(request, services, back, said, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    except SignInRefused:
        said = _WRONG_KIOSK if kiosk else _WRONG
        return _form(request, services, back, said, HTTPStatus.UNAUTHORIZED)


@router.get("/account")
def account(request: Request, services: OpenServices) -> Response:
    """Show who is signed in, and the way out."""
    state = request.scope["state"]
    who = viewer()
    if who is None:
        return to_sign_in(request)
    return page(
        request, "account.html", services.settings.language,
        who=who, role=_ROLES.get(who.role, (who.role, who.role)), area=codes_of_path(who.area),
        chart=state.get("chart"), csrf=state.get(CSRF_FIELD, ""),
    )  # fmt: skip


@router.post("/sign-out")
def leave(request: Request, services: OpenServices) -> Response:
    """End the session; the cookie is worth nothing any more, wherever a copy of it is."""
    token = session_of(request.headers.get("cookie", ""))
    if token is not None:
        revoke_token(services.database, services.identities.keys, token, datetime.now(UTC))
        services.identities.forget()
    answer = RedirectResponse(_with_language(request, SIGN_IN), HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _person(
    request: Request, services: Services, account: str, password: str, back: str
) -> Response:
    now = datetime.now(UTC)
    address = request.client.host if request.client else "unknown"
    who = sign_in(services.database, Credentials(account, password, address), now)
    token = give_session(services.database, who, now)
    answer = RedirectResponse(own_path(back), HTTPStatus.SEE_OTHER)
    return _with_cookie(request, answer, token, int(SESSION_LIFE.total_seconds()))


def _kiosk(request: Request, services: Services, token: str) -> Response:
    found = services.identities.ask(token)
    if found.chart is None:
        raise SignInRefused("That is no kiosk token.")
    answer = RedirectResponse(chart_address(found.chart), HTTPStatus.SEE_OTHER)
    return _with_cookie(request, answer, token, int(KIOSK_LIFE.total_seconds()))


def _with_cookie(request: Request, answer: Response, token: str, life_s: int) -> Response:
    answer.set_cookie(
        COOKIE, token, max_age=life_s, path="/", httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _form(
    request: Request,
    services: Services,
    back: str | None,
    said: tuple[str, ...] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    shown = page(
        request, "sign_in.html", services.settings.language, status, back=own_path(back), said=said
    )
    # Without it a browser would say "null" of where its form is from, as it would of a stranger's.
    shown.headers["Referrer-Policy"] = "same-origin"
    return shown


def _with_language(request: Request, path: str) -> str:
    asked = request.query_params.get("lang", "")
    if asked not in {"zh", "en"}:
        return path
    return f"{path}?{urlencode({'lang': choose_language(request, 'zh')})}"
