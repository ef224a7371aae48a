"""Is it alive, is it ready, how does it do."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import Response

from api.dependencies import OpenServices, json_answer
from api.problems import problem
from api.schemas.problems import Row, problems
from layers.actions.readiness import Finding, readiness

router = APIRouter(tags=["health"])

_ALIVE = b'{"status":"alive"}'


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Check(BaseModel):
    """One thing that must be there before anything can be routed."""

    name: Literal["database", "schema", "edition"]
    ok: bool
    message: str
    message_zh: str


class Ready(BaseModel):
    """The service can do its work."""

    status: Literal["ready"]
    checks: list[Check]


def findings(services: OpenServices) -> list[Finding]:
    """Look at the database, its schema and the boundaries."""
    return readiness(services.database, services.boundaries)


@router.get("/livez", summary="Alive · 存活", response_model=Alive)
async def livez() -> Response:
    """Answer as long as the process runs."""
    return Response(_ALIVE, media_type="application/json")


@router.get(
    "/readyz",
    summary="Ready, or what is missing · 就绪",
    response_model=Ready,
    responses=problems(503),
)
def readyz(checks: Annotated[list[Finding], Depends(findings)]) -> Response:
    """Say whether cases can be routed, and if not, what is missing."""
    missing = [check for check in checks if not check.ok]
    if not missing:
        return json_answer({"status": "ready", "checks": checks})
    first = missing[0]
    row = Row(HTTPStatus.SERVICE_UNAVAILABLE, "Not ready", f"未就绪：{first.message_zh}")
    return problem(row, "not-ready", first.message, checks=checks)


@router.get(
    "/metrics",
    summary="Figures for Prometheus · 指标",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(services: OpenServices) -> Response:
    """Return the service's figures as Prometheus reads them."""
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
