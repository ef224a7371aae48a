"""What a route may ask for: the open services, and a body read as JSON."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, get_type_hints
from urllib.parse import parse_qsl

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.observability import Metrics
from api.schemas.problems import Refusal, invalid
from layers.actions.boundaries import Boundaries, InForce
from layers.actions.compare_editions import Comparisons
from layers.actions.former_editions import FormerEditions
from layers.actions.identify import Identities, identities_of
from layers.actions.importing.instants import read_instant
from layers.actions.place import current
from layers.actions.read_cases import categories
from layers.actions.report_case import Report, ReportedCase, report_case
from layers.errors import CategoryUnknown, SignInRefused
from layers.session import Database
from layers.settings import Settings
from layers.viewer import Viewer, viewer

INTAKE_THREADS = 4
"""Reports stored at once, on threads and connections of their own: intake never waits for a chart
that is being drawn."""

STREAM_THREADS = max(1, (os.cpu_count() or 1) // 2)
"""Batches of streamed points worked on at once, however many streams there are: they take turns."""


@dataclass
class Services:
    """What is open while the service runs."""

    settings: Settings
    database: Database
    boundaries: Boundaries
    metrics: Metrics = field(default_factory=Metrics)
    intake: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(INTAKE_THREADS))
    streams: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(STREAM_THREADS))
    former: FormerEditions = field(init=False)
    comparisons: Comparisons = field(init=False)
    identities: Identities = field(init=False)
    _in_memory: bool = field(default=False, init=False, repr=False)
    _categories: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        self.former = FormerEditions(self.database, self.boundaries)
        self.comparisons = Comparisons(self.database)
        self.identities = identities_of(self.settings, self.database)

    async def take_in(self, report: Report, idempotency_key: str | None) -> ReportedCase:
        """Store a report, on one of the few threads that do nothing else."""
        act = partial(report_case, self.database, self.boundaries, report, idempotency_key)
        return await to_thread.run_sync(act, limiter=self.intake)

    def close(self) -> None:
        """Close what is open."""
        self.boundaries.close()
        self.database.close()

    async def in_force(self) -> InForce:
        """Return the boundaries in force without ever holding up the event loop."""
        if self._in_memory:
            return self.boundaries.in_force()
        found = await run_in_threadpool(self.boundaries.in_force)
        self._in_memory = True
        return found

    async def boundaries_of(self, edition: int | None, at: str | None) -> InForce:
        """Return the boundaries of an edition or of a time; those in force, where neither is given.

        A time without a zone is the place's own; a date is its first instant.
        """
        if edition is not None:
            return await run_in_threadpool(self.former.of, edition)
        if at is not None:
            return await run_in_threadpool(self.former.at, read_instant(at, self.settings.timezone))
        return await self.in_force()

    def edition_id(self) -> int | None:
        """Return the number of the edition in force, or None before the first."""
        found = current(self.boundaries)
        return None if found is None else found.edition_id

    async def department(self, category: str) -> dict[str, str]:
        """Return who leads for a category; asked of the database once."""
        if category not in self._categories:
            self._categories = await run_in_threadpool(categories, self.database)
        found = self._categories.get(category)
        if found is None:
            raise CategoryUnknown(f"There is no category {category}.")
        return {"zh": found["department_zh"], "en": found["department_en"]}


async def services(request: Request) -> Services:
    """Return the open services; async only so that it costs no change of threads."""
    found: Services = request.app.state.services
    return found


OpenServices = Annotated[Services, Depends(services)]


def signed_in() -> Viewer:
    """Return who sends the request; without anybody it is refused."""
    who = viewer()
    if who is None:
        raise SignInRefused("Sign in first: send a token as Authorization: Bearer.")
    return who


SignedIn = Annotated[Viewer, Depends(signed_in)]


class FromMemory(APIRoute):
    """A route that memory answers in less time than FastAPI takes to see what its endpoint wants.

    The endpoint is an ``async def`` of a ``query`` model and the services, documented as any other.
    It is called with just these; the model refuses a query in the same words as everywhere.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        self._query: type[BaseModel] = get_type_hints(endpoint)["query"]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, unless its method is another."""
        if scope["method"] not in (self.methods or ()):
            return await super().handle(scope, receive, send)
        sent = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        try:
            query = self._query.model_validate(dict(sent))
        except ValidationError as error:
            raise malformed(error, "query") from None
        answer: Response = await self.endpoint(query, scope["app"].state.services)
        return await answer(scope, receive, send)


def malformed(error: ValidationError, part: str) -> RequestValidationError:
    """Return the refusal of a part of a request: what a model found, each with its place."""
    faults = error.errors(include_input=False, include_url=False)
    return RequestValidationError([{**fault, "loc": (part, *fault["loc"])} for fault in faults])


async def json_body(request: Request) -> Any:
    """Return the body as JSON; strictly, so that NaN and 1e999 are no numbers."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Unsupported media type",
            "不支持的类型",
            "The body must be JSON (Content-Type: application/json or application/geo+json).",
        )
    body = await request.body()
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Its message names the place in the text, and repeats nothing of it.
        reason = str(error) if body else "it is empty"
        raise invalid(f"The body is not valid JSON: {reason}.", "body", "is not JSON") from None


def json_answer(
    content: Any,
    status: int = 200,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer as JSON, made at once from plain values."""
    return Response(orjson.dumps(content), status, headers=headers, media_type=media_type)
