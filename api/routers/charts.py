"""``/charts``: every place that has a chart, and each chart as a page that stands alone."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from api.dependencies import OpenServices, json_answer
from api.pages import Language, chart_address, choose_language, page, wants_page
from api.schemas.problems import problems
from gis.chart.definition import Theme
from layers.actions.draw_chart import (
    DEFAULT_SCHEME,
    ChartPlace,
    ChartRequest,
    chart_version,
    draw_chart,
    list_charts,
)

router = APIRouter(prefix="/charts", tags=["charts"])

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')

Name = Annotated[
    str,
    Path(
        description="`all` for the whole place, or the code (or path) of an area or of a grid in "
        "force",
        examples=["all", "150622003003"],
    ),
]
LanguageQuery = Annotated[
    Language | None, Query(alias="lang", description="in which the page opens")
]
ThemeQuery = Annotated[Theme, Query(description="night for walls, day for desks and paper")]
SchemeQuery = Annotated[
    str,
    Query(
        max_length=64,
        description="the status scheme of the households: occupancy, party, hazard or care",
    ),
]


class ChartScheme(BaseModel):
    """A status scheme by which a chart can show the households."""

    code: str
    name_zh: str
    name_en: str


class ChartEntry(BaseModel):
    """One chart that can be opened."""

    name: str
    level: str
    code: str | None
    title_zh: str
    title_en: str
    grid_count: int
    open_case_count: int
    links: dict[str, str]


class ChartList(BaseModel):
    """Every chart there is."""

    charts: list[ChartEntry]
    schemes: list[ChartScheme]


@router.get(
    "",
    response_model=ChartList,
    responses=problems(503) | {200: {"content": {"text/html": {}}}},
    summary="Every place that has a chart",
)
def list_all(request: Request, services: OpenServices) -> Response:
    """Return the charts, the whole place first; to a browser as a page."""
    places, schemes = list_charts(services.database)
    if wants_page(request):
        return page(
            request, "charts.html", services.settings.language, places=places, schemes=schemes
        )
    answer = ChartList(
        charts=[_entry(place) for place in places],
        schemes=[ChartScheme(code=s.code, name_zh=s.name_zh, name_en=s.name_en) for s in schemes],
    )
    return json_answer(answer.model_dump(), headers={"Vary": "Accept"})


@router.get(
    "/{name:path}.html",
    response_class=HTMLResponse,
    responses=problems(404, 422, 503) | {304: {"description": "Nothing was changed since"}},
    summary="The chart of a place, as a page that works from a file",
)
def chart(
    name: Name,
    request: Request,
    services: OpenServices,
    lang: LanguageQuery = None,
    theme: ThemeQuery = "night",
    scheme: SchemeQuery = DEFAULT_SCHEME,
) -> Response:
    """Draw the chart as it is now; nothing of it comes from elsewhere."""
    language = lang or choose_language(request, services.settings.language)
    wanted = ChartRequest(name, language, theme, scheme)
    headers = _headers(f'W/"{chart_version(services.database, wanted).tag}"')
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        answer = Response(headers=headers, media_type="text/html; charset=utf-8")
        del answer.headers["content-length"]  # it would be that of no page at all
        return answer
    drawn = draw_chart(services.database, wanted)
    return HTMLResponse(drawn, headers=headers | {"Content-Security-Policy": _policy(drawn)})


router.add_api_route("/{name:path}.html", chart, methods=["HEAD"], include_in_schema=False)


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language"}


def _policy(drawn: str) -> str:
    """Return the chart's own policy, which knows its scripts; only a header can forbid framing."""
    found = _POLICY.search(drawn)
    own = found.group(1) if found else "default-src 'none'"
    return f"{own}; frame-ancestors 'none'"


def _entry(place: ChartPlace) -> ChartEntry:
    return ChartEntry(
        name=place.name,
        level=place.level,
        code=place.code,
        title_zh=place.title_zh,
        title_en=place.title_en,
        grid_count=place.grid_count,
        open_case_count=place.open_case_count,
        links={"html": chart_address(place.name)},
    )
