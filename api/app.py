"""The service: what is open while it runs, and which routes it serves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from api.access import TakenFor, guard
from api.dependencies import INTAKE_THREADS, Services
from api.gate import AccountGate, Gate
from api.identity import Identifier
from api.observability import BodyLimit, Metrics, Observer, configure_logging
from api.origin import Origins
from api.problems import MEDIA_TYPE, problem_of, register
from api.routers import (
    audit,
    auth,
    cases,
    charts,
    desk,
    edition_changes,
    edition_grids,
    editions,
    health,
    residents,
    routing,
    routing_many,
    signing_in,
    start,
)
from api.schemas.accounts import SECURITY_SCHEMES
from api.schemas.cases import ReportIn
from api.schemas.placements import PlacementOut
from api.schemas.problems import Problem, problems
from api.schemas.residents import SearchIn, UnmaskIn
from layers.actions.boundaries import Boundaries
from layers.actions.keep_sealed import keep_sealed
from layers.actions.place import warm
from layers.errors import NoEditionInForce
from layers.session import open_ready_database
from layers.settings import Settings, load_settings
from layers.viewer import Viewer

WEB = Path(str(files("api"))) / "web"
LEAFLET = Path(str(files("gis"))) / "chart" / "vendor"

DESCRIPTION = """
A place is cut into grids (网格); every point has exactly one owner. Ask who owns a place, report a
case, follow it.

Coordinates are longitude, latitude, and their `datum` is always declared. Refusals are
`application/problem+json` (RFC 9457). Times carry their zone.
"""

_TAGS = [
    {"name": "routing", "description": "网格归属 · who owns a place"},
    {"name": "cases", "description": "案件 · reported, listed, read"},
    {"name": "residents", "description": "居民 · masked, unmasked for a purpose, their own file"},
    {"name": "charts", "description": "作战图 · battle charts"},
    {"name": "editions", "description": "网格版本 · dated sets of boundaries"},
    {"name": "accounts", "description": "账号 · tokens to sign in with"},
    {"name": "audit", "description": "审计 · who did what, when and why"},
    {"name": "health", "description": "运行状态 · alive, ready, figures"},
]

_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Lianxin 连心 · API</title>
<link rel="stylesheet" href="{root}/assets/vendor/swagger-ui.css">
</head>
<body data-openapi="{root}/openapi.json">
<div id="docs"></div>
<script src="{root}/assets/vendor/swagger-ui-bundle.js"></script>
<script type="module" src="{root}/assets/docs.js"></script>
</body>
</html>
"""

_NAMED = (Problem, ReportIn, PlacementOut, SearchIn, UnmaskIn)

_LONG_BODIES = {("POST", "/route"), ("POST", "/editions"), ("POST", "/desk/editions")}
"""What brings many points, or a file of boundaries: it may be large, and may take its time."""

_LOG = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None, *, taken_for: Viewer | None = None) -> FastAPI:
    """Make the service; nothing is opened before it starts.

    Parameters
    ----------
    settings : Settings, optional
        Read from outside where they are not given.
    taken_for : Viewer, optional
        Whom every request is taken for; for tests and tools within this process alone.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings.log_level)  # again: the server has set up its own since
        services = await run_in_threadpool(_open_services, settings, metrics)
        app.state.services = services
        # The others leave the intake of cases its share of the connections.
        limiter = current_default_thread_limiter()
        limiter.total_tokens = max(2, settings.pool_size - INTAKE_THREADS)
        edition = await run_in_threadpool(services.edition_id)
        sealing = await run_in_threadpool(keep_sealed, services.database, settings)
        _LOG.info("serving", edition=edition)
        try:
            yield
        finally:
            await run_in_threadpool(sealing.close)
            await run_in_threadpool(services.close)

    app = FastAPI(
        title="Lianxin 连心",
        version=version("lianxin"),
        description=DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the figures are our own
    )
    register(app)
    _stand_before(app, settings, metrics, taken_for)
    for module in (
        routing,
        routing_many,
        health,
        cases,
        start,
        audit,
        charts,
        editions,
        edition_changes,
        edition_grids,
        desk,
        auth,
        signing_in,
        residents,
    ):
        # Not include_router: it looks for the route of a request twice, router by router.
        app.router.routes.extend(module.router.routes)
    app.add_api_route("/docs", _docs(app), include_in_schema=False, response_class=HTMLResponse)
    guard(app.router.routes)
    app.mount("/assets/leaflet", StaticFiles(directory=LEAFLET), name="leaflet")
    app.mount("/assets", StaticFiles(directory=WEB), name="assets")
    _complete_openapi(app)
    return app


def _stand_before(
    app: FastAPI, settings: Settings, metrics: Metrics, taken_for: Viewer | None
) -> None:
    """Add what every request passes, from the innermost outwards."""
    limit = BodyLimit(settings.body_bytes_max, "LIANXIN_BODY_BYTES_MAX")
    streamed = BodyLimit(settings.route_bytes_max, "LIANXIN_ROUTE_BYTES_MAX")
    uploaded = BodyLimit(settings.upload_bytes_max, "LIANXIN_UPLOAD_BYTES_MAX")
    app.add_middleware(AccountGate, settings=settings, answer=problem_of)
    app.add_middleware(Identifier)  # within the observer, which sees to every answer
    if taken_for is not None:
        app.add_middleware(TakenFor, who=taken_for)
    app.add_middleware(Origins)
    app.add_middleware(Gate, settings=settings, answer=problem_of, patient=_LONG_BODIES)
    app.add_middleware(
        Observer,
        metrics=metrics,
        body_limit=limit,
        body_limits={key: streamed if key[1] == "/route" else uploaded for key in _LONG_BODIES},
        answer=problem_of,
    )


def _open_services(settings: Settings, metrics: Metrics) -> Services:
    database = open_ready_database(settings, service=True)
    try:
        boundaries = Boundaries(
            database, told=lambda found: metrics.edition_in_force.set(found.edition_id)
        )
    except BaseException:
        database.close()
        raise
    warm()
    with suppress(NoEditionInForce):
        boundaries.in_force()
    return Services(settings, database, boundaries, metrics)


def _docs(app: FastAPI) -> Callable[[], Any]:
    page = _DOCS.format(root=app.root_path)

    async def docs() -> HTMLResponse:
        """Show the API's documentation; everything on the page is served from here."""
        return HTMLResponse(page)

    return docs


def _complete_openapi(app: FastAPI) -> None:
    """Add what routes name but FastAPI doesn't see, and say how refusals really look."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        schema = plain()
        _, definitions = models_json_schema(
            [(model, "validation") for model in _NAMED],
            ref_template="#/components/schemas/{model}",
        )
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        for name, definition in definitions["$defs"].items():
            components.setdefault(name, definition)
        for name in ("HTTPValidationError", "ValidationError"):
            components.pop(name, None)
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES
        schema["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
        for operations in schema["paths"].values():
            for operation in operations.values():
                _show_refusals(operation)
                operation["responses"].setdefault("429", problems(429)[429])
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it


def _show_refusals(operation: dict[str, Any]) -> None:
    for answer in operation.get("responses", {}).values():
        shown = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if shown.get("$ref", "").endswith("/HTTPValidationError"):
            reference = {"$ref": "#/components/schemas/Problem"}
            answer["content"] = {MEDIA_TYPE: {"schema": reference}}
