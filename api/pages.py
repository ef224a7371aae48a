"""The desk's pages: which language, and templates that escape whatever they are given."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gis.chart.symbols import SHAPES
from layers.viewer import viewer

Language = Literal["zh", "en"]

SAID_MAX: Final = 2_000
"""Characters of a refusal: a list of columns or layers goes on for as long as its sender likes."""

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"

_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def choose_language(request: Request, otherwise: Language) -> Language:
    """Return the language asked for by ``?lang``, else the browser's first that we speak."""
    asked = request.query_params.get("lang", "").lower()
    if asked in ("zh", "en"):
        return asked  # type: ignore[return-value] # one of the two
    ranked = []
    for position, part in enumerate(request.headers.get("accept-language", "").split(",")):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower()[:2]
        if language in ("zh", "en"):
            ranked.append((-_weight(weight), position, language))
    return min(ranked)[2] if ranked else otherwise  # type: ignore[return-value] # one of the two


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks; a program that doesn't name text/html gets JSON."""
    return "text/html" in request.headers.get("accept", "")


def page(
    request: Request, template: str, otherwise: Language, status: int = 200, **contents: Any
) -> HTMLResponse:
    """Render a page in the reader's language."""
    language = choose_language(request, otherwise)
    state = request.scope.get("state", {})

    def link(path: str, **query: object) -> str:
        return f"{path}?{urlencode({**query, 'lang': language})}"

    def other_language() -> str:
        query = {**request.query_params, "lang": "en" if language == "zh" else "zh"}
        return f"?{urlencode(query)}"

    html = (
        _environment()
        .get_template(template)
        .render(
            {
                "csrf": state.get("csrf_token", ""),
                "who": state.get("viewer") or viewer(),
                **contents,
            },
            language=language,
            t=_chooser(language),
            moment=lambda instant: write_moment(instant, language),
            link=link,
            other_language=other_language,
        )
    )
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    return HTMLResponse(html, status, headers)


def shortened(text: str) -> str:
    """Return what is said of a request in bounded length: what it repeats may have no end."""
    return text if len(text) <= SAID_MAX else f"{text[:SAID_MAX]} …"


def write_moment(instant: datetime, language: Language) -> str:
    """Write an instant as people do.

    Examples
    --------
    >>> morning = datetime(2026, 5, 1, 8, 30)
    >>> write_moment(morning, "zh"), write_moment(morning, "en")
    ('2026年5月1日 08:30', '1 May 2026, 08:30')
    """
    local = instant.astimezone() if instant.tzinfo else instant
    if language == "zh":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"


def chart_address(name: str) -> str:
    """Return the path of a chart's page, whatever letters its name has.

    >>> chart_address("150622003"), chart_address("A/1?")
    ('/charts/150622003.html', '/charts/A%2F1%3F.html')
    """
    return f"/charts/{quote(name, safe='')}.html"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["shapes"] = SHAPES
    environment.globals["chart_address"] = chart_address
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment


def _chooser(language: Language) -> Callable[[str, str], str]:
    return lambda zh, en: zh if language == "zh" else en


def _weight(parameter: str) -> float:
    try:
        return float(parameter.partition("=")[2] or 1)
    except ValueError:
        return 0.0
