"""Who sends a request: read from its token, and known to everything that answers it.

A program sends ``Authorization: Bearer``; a browser has the cookie ``lianxin_session``. Who it is
is set for the whole request (``layers.viewer``, and ``scope["state"]["viewer"]``); what they may do
is said by the routes. A browser sends its cookie whoever made it ask, so that what changes anything
needs a second token, which only our own pages know.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote, unquote_plus, urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.pages import wants_page
from api.problems import failed_page, problem_of
from api.schemas.problems import Refusal
from layers.actions.identify import Identities, Identity
from layers.errors import DatabaseBusy, DatabaseUnreachable, IssuerUnreachable, SignInRefused
from layers.viewer import seen_by

COOKIE: Final = "lianxin_session"
CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = b"x-csrf-token"
SIGN_IN: Final = "/sign-in"

_BEARER: Final = b"bearer "
_COOKIE_BYTES: Final = COOKIE.encode("ascii")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ANYBODYS: Final = (
    "/assets/",
    "/livez",
    "/readyz",
    "/metrics",
    "/auth/token",
    "/auth/revoke",
    SIGN_IN,
)
"""Paths that say the same to everybody: a token that holds no longer is no reason to refuse."""

_ANSWERED: Final = (
    SignInRefused, Refusal, DatabaseBusy, DatabaseUnreachable, IssuerUnreachable, HTTPException,
)  # fmt: skip
_FORMS: Final = (b"application/x-www-form-urlencoded", b"multipart/form-data")
_SEARCHED: Final = 64 * 1024
"""The token is among a form's first bytes, so that no upload has to be held to find it."""

_PLAIN_FIELD = re.compile(rb"(?:^|&)" + CSRF_FIELD.encode() + rb"=([A-Za-z0-9_%-]+)")
_PART = re.compile(rb'name="' + CSRF_FIELD.encode() + rb'"\r\n\r\n([A-Za-z0-9_-]+)\r\n')


class Identifier:
    """ASGI middleware that says who sends a request; without a token it costs nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who it is, and pass the request on as theirs."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bearer = cookie = None
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == _BEARER:
                bearer = value[7:].strip().decode("latin-1")
            elif name == b"cookie" and _COOKIE_BYTES in value:
                cookie = session_of(value.decode("latin-1"))
        token = bearer or cookie
        if token is None or scope["path"].startswith(_ANYBODYS):
            await self.app(scope, receive, send)
            return
        try:
            found = await _identify(scope["app"].state.services.identities, token)
            if bearer is None:
                receive = await _made_here(scope, receive, token)
        except _ANSWERED as error:
            answer = _refused(Request(scope), error, by_cookie=bearer is None)
            await answer(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["viewer"], state["chart"] = found.viewer, found.chart
        if bearer is None:
            state[CSRF_FIELD] = csrf_token(token)
        with seen_by(found.viewer):
            await self.app(scope, receive, send)


def csrf_token(session: str) -> str:
    """Return the token that a form sends beside the cookie: made of it, and telling nothing of it.

    Nobody can make it who doesn't know the session's own token, which no script can read.
    """
    return hmac.new(session.encode("latin-1"), b"lianxin csrf", hashlib.sha256).hexdigest()


def session_of(cookies: str) -> str | None:
    """Return the session's token of a Cookie header."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return None if found is None or not found.value else found.value


def own_path(asked: str | None) -> str:
    r"""Return where to go after signing in: a path of ours, else the start page.

    Examples
    --------
    >>> own_path("/charts?lang=en"), own_path("//evil.example"), own_path("https://evil.example/")
    ('/charts?lang=en', '/', '/')
    >>> own_path("/\\evil.example"), own_path(None), own_path("/sign-in?next=/")
    ('/', '/', '/')
    """
    if not asked or not re.fullmatch(r"/(?![/\\])[!-\[\]-~]{0,1000}", asked):
        return "/"
    return "/" if urlsplit(asked).path == SIGN_IN else asked


def to_sign_in(request: Request) -> Response:
    """Send a browser to the sign-in page, and from there back."""
    url = request.url
    asked = url.path + (f"?{url.query}" if url.query else "")
    back = asked if request.method in _SAFE else "/"
    return RedirectResponse(f"{SIGN_IN}?next={quote(back, safe='/')}", HTTPStatus.SEE_OTHER)


def same_origin(headers: Mapping[bytes, bytes], *, unnamed: bool = False) -> bool:
    """Tell whether a page of ours asked, as far as the browser says; one too old to say may pass.

    A page that sends no referrer has its origin sent as ``null``, and so has an attacker's: whoever
    asks for a second token too may let it pass (``unnamed``). Over https, and on this machine,
    ``Sec-Fetch-Site`` says it all.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = headers.get(b"origin")
    if origin is None or origin == b"null":
        return unnamed or origin is None
    return urlsplit(origin.decode("latin-1")).netloc == headers.get(b"host", b"").decode("latin-1")


async def _identify(identities: Identities, token: str) -> Identity:
    found = identities.known(token)
    return await run_in_threadpool(identities.ask, token) if found is None else found


async def _made_here(scope: Scope, receive: Receive, token: str) -> Receive:
    """Make sure that a page of ours sent what changes something; return the body to be read."""
    if scope["method"] in _SAFE:
        return receive
    headers = dict(scope["headers"])
    if not same_origin(headers, unnamed=True):
        raise _forged("The request comes from another site's page.")
    sent, taken = headers.get(CSRF_HEADER), []
    if sent is None and headers.get(b"content-type", b"").lower().startswith(_FORMS):
        taken = await _first(receive)
        sent = _field(b"".join(message.get("body", b"") for message in taken))
    right = csrf_token(token).encode("ascii")
    if sent is None or not hmac.compare_digest(sent, right):
        raise _forged("The form is out of date. Load the page again, and send it again.")
    return _again(taken, receive)


def _forged(detail: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "Not sent by our own page", "请求并非来自本页面", detail)


async def _first(receive: Receive) -> list[Message]:
    """Read a body until the token must have come, or all of it."""
    taken: list[Message] = []
    size = 0
    while size < _SEARCHED:
        message = await receive()
        taken.append(message)
        body = message.get("body", b"")
        size += len(body)
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    return taken


def _field(body: bytes) -> bytes | None:
    found = _PART.search(body) or _PLAIN_FIELD.search(body)
    return None if found is None else unquote_plus(found[1].decode("ascii")).encode("latin-1")


def _again(taken: Iterable[Message], receive: Receive) -> Receive:
    """Give what was read already once more, and then the rest."""
    waiting = iter(list(taken))

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay


def _refused(request: Request, error: Exception, *, by_cookie: bool) -> Response:
    if isinstance(error, SignInRefused) and wants_page(request):
        answer = to_sign_in(request)
    elif wants_page(request) and isinstance(error, DatabaseBusy | DatabaseUnreachable):
        return failed_page(request, error)
    else:
        answer = problem_of(error)
    if by_cookie and isinstance(error, SignInRefused):
        answer.delete_cookie(COOKIE, path="/")
    return answer
