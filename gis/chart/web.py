"""A battle chart as one self-contained web page, drawn in a folium map.

Nothing is asked of any network: what folium would link is put in its place. Nothing that people
typed passes through folium either, whose engine takes text for a template; it travels in a data
island that the browser does not execute, and is shown as text. See decision 0005.
"""

import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink

from gis.chart.contents import SHADES, contents
from gis.chart.definition import ChartData, ChartDefinition
from gis.chart.packing import Json
from gis.chart.symbols import css_tokens
from gis.errors import InvalidChart
from gis.sealing import POLICY, sealed

MOST_ZOOM: Final = 22

_SCRIPTS: Final = (
    "words.js",
    "unpack.js",
    "points.js",
    "canvas.js",
    "labels.js",
    "paint.js",
    "popups.js",
    "search.js",
    "panel.js",
    "page.js",
)

_VENDORED: Final[Mapping[str, str | None]] = {
    "leaflet": "vendor/leaflet.js",
    "leaflet_css": "vendor/leaflet.css",
    "jquery": None,
    "bootstrap": None,
    "awesome_markers": None,
    "bootstrap_css": None,
    "glyphicons_css": None,
    "awesome_markers_css": None,
    "awesome_markers_font_css": None,
    "awesome_rotate_css": None,
}
"""What stands in for each link that folium makes; None for what a chart has no use for."""

_BEFORE_MAP: Final = """
<header id="strip">
<div class="heading"><h1 id="title"></h1>
<p class="when"><span id="moment"></span><span id="edition"></span></p></div>
<div class="find">
<input id="search" type="search" role="combobox" aria-autocomplete="list" aria-controls="hits"
 aria-expanded="false" autocomplete="off" spellcheck="false" maxlength="200">
<kbd id="search-key" aria-hidden="true"></kbd>
<ul id="hits" role="listbox" hidden></ul></div>
<div class="switches"><button type="button" id="whole"></button>
<button type="button" id="language"></button><button type="button" id="theme"></button></div>
</header>
"""

_AFTER_MAP: Final = """
<p id="empty" role="status" hidden></p>
<aside id="side"><section id="figures"></section><section id="worst"></section>
<section id="layers"></section></aside>
<footer id="legend"></footer>
<div id="hint" hidden></div>
<noscript>本图需要浏览器执行脚本。This chart needs a browser that runs scripts.</noscript>
"""


class _Text(Element):
    """A piece of the page that is written as it is and never taken for a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_: Any) -> str:
        return self._text


class _SelfContained(Element):
    """The figure's last element: replaces links by their text and completes the page.

    It comes last because a map adds its links only when it is rendered.
    """

    def __init__(self, figure: Figure, chart: folium.Map, data: str) -> None:
        super().__init__()
        self._figure = figure
        self._chart = chart
        self._data = data

    def render(self, **_: Any) -> str:
        figure, header = self._figure, self._figure.header
        # folium's own head forbids zooming by hand and sizes a map that the page's grid sizes.
        header._children.pop(self._chart.get_name(), None)
        for name, child in list(header._children.items()):
            if isinstance(child, JavascriptLink | CssLink):
                del header._children[name]
                _put(header, name, child)
        styles = "\n".join([css_tokens(), _shade_tokens(), read_part("chart.css")])
        scripts = "\n".join(["'use strict';", *(read_part(name) for name in _SCRIPTS)])
        header.add_child(_Text(f"<style>\n{styles}\n</style>"), name="chart_css")
        header.add_child(_Text(f"<script>\n{scripts}\n</script>"), name="chart_js")
        figure.html.add_child(_Text(_AFTER_MAP + self._data), name="after_map")
        figure.script.add_child(_Text(f"startChart({self._chart.get_name()});"), name="start")
        return ""


def render(definition: ChartDefinition, data: ChartData) -> str:
    """Return the chart as one HTML page that works from a file with the network off.

    Parameters
    ----------
    definition
        Titles, vocabularies, and the language and theme in which the page opens.
    data
        The layers, in any CRS, anywhere on earth; any of them may be empty.

    Returns
    -------
    str
        The page. The same definition and data give the same page.

    Raises
    ------
    MissingCrs
        A layer with rows does not say in which CRS it is.
    InvalidChart
        A status occurs that the definition does not know, or the assets are not set up.
    """
    packed = contents(definition, data)
    figure = Figure()
    chart = _map(packed["head"]["bounds"])
    figure.add_child(chart)
    title = definition.title_zh if definition.language == "zh" else definition.title_en
    figure.header.add_child(_Text(_head(title or definition.name)), name="head", index=0)
    figure.html.add_child(_Text(_BEFORE_MAP), name="before_map")
    figure.add_child(_SelfContained(figure, chart, island("chart-data", packed)))
    language = "zh-CN" if definition.language == "zh" else "en"
    page: str = figure.render()
    page = page.replace("<html>", f'<html lang="{language}" data-theme="{definition.theme}">', 1)
    return sealed(page)


def island(name: str, value: Json) -> str:
    r"""Return a data island: JSON in an element that is neither executed nor can be left.

    Examples
    --------
    >>> print(island("names", {"name": "</script><b>"}))
    <script type="application/json" id="names">{"name":"\u003c/script\u003e\u003cb\u003e"}</script>
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'


def read_part(name: str) -> str:
    """Read a part of the page that is shipped with this package.

    Raises
    ------
    InvalidChart
        It is not there: the vendored ones are copied by the set-up.
    """
    try:
        return resources.files("gis.chart").joinpath(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidChart(
            f"the chart's asset {name} is missing; the set-up copies it from the npm packages: "
            "run make demo or make test"
        ) from None


def _map(bounds: list[float] | None) -> folium.Map:
    west, south, east, north = bounds or (0.0, 0.0, 0.0, 0.0)
    chart = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=14 if bounds else 2,
        tiles=None,
        prefer_canvas=True,
        zoom_control=False,
        attribution_control=False,
        max_zoom=MOST_ZOOM,
        min_zoom=2,
        zoom_snap=0.25,
    )
    chart._id = "chart"  # not a random one: the same chart is the same page
    return chart


def _head(title: str) -> str:
    clean = html.escape(title.encode("utf-8", "replace").decode("utf-8"))
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{clean}</title>"
    )


def _put(header: Element, name: str, link: JavascriptLink | CssLink) -> None:
    if name not in _VENDORED:
        raise InvalidChart(
            f"folium links {link.url}, for which a chart has no copy; "
            "a page that works without a network cannot hold it"
        )
    part = _VENDORED[name]
    if part is not None:
        tag = "script" if isinstance(link, JavascriptLink) else "style"
        header.add_child(_Text(f"<{tag}>\n{read_part(part)}\n</{tag}>"), name=name)


def _shade_tokens() -> str:
    return "\n".join(
        f':root[data-theme="{theme}"]{{'
        + "".join(f"--shade-{i}:{0.02 + step * i:.3f};" for i in range(1, SHADES + 1))
        + "}"
        for theme, step in (("night", 0.06), ("day", 0.055))
    )
