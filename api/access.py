"""Who may use which route: one row a route, and a service that doesn't start without one.

What somebody sees behind a door is the database's affair (its policies show the viewer's rows);
here is only which roles may open it. An act of a role upon the whole place, such as publishing,
is done by the service itself once the role was let in: those doors say ``as_service``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.identity import to_sign_in
from api.pages import wants_page
from layers.actions.audit import Act, AuditEntry, record_apart
from layers.errors import NotAllowed, SignInRefused
from layers.viewer import Viewer, in_service_of, seen_by, viewer
from layers.vocabulary import Role

W, C, S, B, D, N, K, U, A = (
    Role.WORKER,
    Role.COMMUNITY,
    Role.STREET,
    Role.BANNER,
    Role.DEPARTMENT,
    Role.ANALYST,
    Role.WALL,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
)


@dataclass(frozen=True)
class Door:
    """Which roles may use a route; None for everybody, signed in or not."""

    roles: frozenset[Role] | None
    as_service: bool = False
    kiosk: bool = False
    """Whether a token for one chart opens it whatever the chart."""


def _to(*roles: Role, as_service: bool = False) -> Door:
    return Door(frozenset(roles), as_service)


OPEN: Final = Door(None)
_SIGNED_IN = _to(*(role for role in Role if role is not Role.SYSTEM))
_ONESELF = replace(_SIGNED_IN, kiosk=True)
_AT_HOME = _to(W, C)
_READING_CASES = _to(W, C, S, B, D, N)
_LOOKING = _to(W, C, S, B, D, N, K)
_WEIGHING = _to(C, S, B, N, A, as_service=True)
_KEEPING = _to(A, as_service=True)

DOORS: Final[Mapping[str, Door]] = {
    # Signing in and out, and what one is.
    "POST /auth/token": OPEN,
    "POST /auth/revoke": OPEN,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "POST /sign-out": OPEN,
    "GET /auth/me": _ONESELF,
    "GET /account": _ONESELF,
    "POST /auth/kiosk": _to(C, S, B),
    # Residents: whoever knows the people of the area; each unmasking states its purpose.
    "GET /residents": _AT_HOME,
    "POST /residents/search": _AT_HOME,
    "GET /residents/{resident}": _AT_HOME,
    "POST /residents/{resident}/unmask": _AT_HOME,
    "GET /residents/{resident}/file": _to(C),
    # The audit is the auditor's alone.
    "GET /audit": _to(U),
    "GET /audit/unusual": _to(U),
    # Nothing about anybody: who owns a place and where the lines run is public.
    "GET /": OPEN,
    "GET /find": OPEN,
    "GET /docs": OPEN,
    "GET /openapi.json": OPEN,
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": OPEN,
    "GET /route": OPEN,
    "POST /route": OPEN,
    "GET /editions": OPEN,
    # Cases: whoever handles them; a report is stored wherever it lies.
    "POST /cases": _to(W, C, S, B, D, as_service=True),
    "GET /cases": _READING_CASES,
    "GET /cases/counts": _READING_CASES,
    "GET /cases/{case_id}": _READING_CASES,
    # Charts: one's own area, by symbols.
    "GET /charts": _LOOKING,
    "GET /charts/{name:path}.html": _LOOKING,
    "HEAD /charts/{name:path}.html": _LOOKING,
    # Boundaries: lines, those of drafts too, for whoever has signed in; counts of what moves for
    # those who decide; changes by the administrator.
    "GET /editions/{number}/grids": _SIGNED_IN,
    "GET /editions/{number}": _WEIGHING,
    "GET /editions/{number}/findings": _WEIGHING,
    "GET /editions/{number}/changes": _WEIGHING,
    "POST /editions": _KEEPING,
    "DELETE /editions/{number}": _KEEPING,
    "POST /editions/{number}/check": _KEEPING,
    "POST /editions/{number}/publish": _KEEPING,
    "POST /editions/{number}/restore": _KEEPING,
    "GET /desk/editions": _WEIGHING,
    "GET /desk/editions/{number}": _WEIGHING,
    "POST /desk/editions": _KEEPING,
    "POST /desk/editions/{number}/publish": _KEEPING,
    "POST /desk/editions/{number}/check": _KEEPING,
    "POST /desk/editions/{number}/restore": _KEEPING,
    "POST /desk/editions/{number}/discard": _KEEPING,
}


class Guard:
    """A route behind its door."""

    def __init__(self, app: ASGIApp, door: Door, name: str) -> None:
        self.app = app
        self.door = door
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not; a browser that nobody signed in at is led there."""
        who = viewer()
        if who is None:
            request = Request(scope)
            if request.method == "GET" and wants_page(request):
                await to_sign_in(request)(scope, receive, send)
                return
            raise SignInRefused(
                "Sign in first: POST /auth/token gives a token, to be sent as Authorization: "
                "Bearer …; in a browser open /sign-in."
            )
        if not may_open(self.door, who):
            refused = AuditEntry(Act.REFUSE, "route", self.name)
            await run_in_threadpool(record_apart, scope["app"].state.services.database, refused)
            raise NotAllowed(
                f"An account of the role {who.role} may not do this. "
                f"It is for: {', '.join(sorted(self.door.roles or ()))}."
            )
        if not self.door.kiosk:
            _keep_to_its_chart(scope)
        with seen_by(in_service_of(who) if self.door.as_service else who):
            await self.app(scope, receive, send)


def _keep_to_its_chart(scope: Scope) -> None:
    """Refuse a kiosk's token everywhere but at the one chart that it was given for."""
    chart = scope.get("state", {}).get("chart")
    if chart is not None and scope["path"] != f"{scope.get('root_path', '')}/charts/{chart}.html":
        raise NotAllowed(f"This token shows one chart only: /charts/{chart}.html.")


class TakenFor:
    """Every request is one viewer's: for tests, and for tools that serve within their process."""

    def __init__(self, app: ASGIApp, who: Viewer) -> None:
        self.app = app
        self.who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as the viewer's."""
        with seen_by(self.who):
            await self.app(scope, receive, send)


def may_open(door: Door, who: Viewer | None) -> bool:
    """Whether somebody may use a route; the service itself may use every one."""
    if door.roles is None:
        return True
    return who is not None and (who.role in door.roles or who.role is Role.SYSTEM)


def guard(routes: Iterable[BaseRoute]) -> None:
    """Put every route behind its door.

    Raises
    ------
    LookupError
        A route has no row above, or a row no route.
    """
    left = set(DOORS)
    for route in routes:
        if not isinstance(route, Route):
            continue  # the files of the pages
        names = [f"{method} {route.path}" for method in sorted(route.methods or ())]
        known = [name for name in names if name in DOORS]
        strange = [name for name in names if name not in DOORS and not _is_shadow(name, known)]
        if strange or not known:
            raise LookupError(f"no row in api.access says who may use {', '.join(strange)}")
        doors = {DOORS[name] for name in known}
        if len(doors) > 1:
            raise LookupError(f"{route.path} has several doors")
        left -= set(known)
        door = doors.pop()
        if door is not OPEN:
            route.app = Guard(route.app, door, known[0])
    if left:
        raise LookupError(f"api.access has rows of no route: {', '.join(sorted(left))}")


def _is_shadow(name: str, known: list[str]) -> bool:
    """Whether it is the HEAD that a plain route answers along with its GET."""
    return name.startswith("HEAD ") and f"GET {name[5:]}" in known
