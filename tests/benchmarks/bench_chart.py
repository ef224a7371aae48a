"""Charts of 1,000, 10,000 and 100,000 households: time to build, size, first paint, panning.

The yardstick is folium with its own objects (``GeoJson`` and ``CircleMarker``) on the same
households, in the same run and the same browser, with the same vendored Leaflet in place of its
links: ``python -m tests.benchmarks.bench_chart [MOST]``. The times are of this machine at this
moment, the ratios are what to read.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import folium
import geopandas as gpd
import pandas as pd
from branca.element import CssLink, JavascriptLink
from playwright.sync_api import Browser, sync_playwright

from gis.chart.definition import ChartData, ChartDefinition, StatusScheme, StatusStyle
from gis.chart.web import read_part, render
from gis.town import Town, make_town

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

SIZES = (1_000, 10_000, 100_000)
MOST_STOCK = 10_000

STYLES = tuple(
    StatusStyle(code, code, code, shape, colour, colour, severity, severity, severity == 0, False)
    for severity, (code, shape, colour) in enumerate(
        [
            ("resident", "square", "#009DFF"),
            ("rented", "square_dot", "#CEFEFF"),
            ("business", "triangle", "#EF8E24"),
            ("vacant", "square_open", "#65717C"),
            ("unverified", "question", "#B2B3B4"),
        ]
    )
)
STATES = (StatusStyle("open", "open", "open", "circle", "#009DFF", "#009DFF", 1, 1, False, False),)

PAN = """(map) => new Promise((done) => {
  const frames = [];
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    map.panBy([frames.length % 60 < 30 ? 18 : -18, 6], { animate: false });
    if (frames.length < 90) requestAnimationFrame(step);
    else done(frames.slice(1));
  };
  requestAnimationFrame(step);
})"""

PAINTED = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
})"""


@dataclass(frozen=True)
class Measured:
    """One page: seconds to build, megabytes, milliseconds to the first paint, frames a second."""

    build_s: float
    size_mb: float
    paint_ms: float
    frames: float


def chart_data(town: Town) -> ChartData:
    """Make a chart of the town's occupancy, and of its cases all open."""
    cases = town.cases.copy()
    cases["state"] = "open"
    households = town.households.copy()
    households["status"] = households["occupancy"]
    return ChartData(
        datetime(2026, 11, 24, tzinfo=UTC), 1, town.grids, town.buildings, households, cases
    )


def chart_page(town: Town) -> str:
    """Render the product's page."""
    scheme = StatusScheme("occupancy", "居住", "Occupancy", STYLES)
    return render(ChartDefinition("bench", "作战图", "Chart", scheme, STATES), chart_data(town))


def stock_geojson(town: Town) -> str:
    """Render the same households by folium's GeoJson with a style function."""
    colours = {style.code: style.colour_night for style in STYLES}
    chart = _stock_map(town)
    folium.GeoJson(
        _plain(town),
        marker=folium.CircleMarker(radius=4),
        style_function=lambda feature: {
            "fillColor": colours.get(feature["properties"]["occupancy"], "#999999")
        },
        popup=folium.GeoJsonPopup(["code", "occupancy"]),
    ).add_to(chart)
    return _inlined(chart)


def stock_markers(town: Town) -> str:
    """Render the same households by folium's CircleMarker, one object each."""
    colours = {style.code: style.colour_night for style in STYLES}
    chart = _stock_map(town)
    plain = _plain(town)
    for point, code, status in zip(plain.geometry, plain["code"], plain["occupancy"], strict=True):
        folium.CircleMarker(
            [point.y, point.x], radius=4, color=colours.get(status, "#999999"), popup=code
        ).add_to(chart)
    return _inlined(chart)


def _plain(town: Town) -> gpd.GeoDataFrame:
    plain = town.households[["code", "occupancy", "geometry"]].to_crs("OGC:CRS84")
    return plain.assign(occupancy=plain["occupancy"].astype(str))


def _stock_map(town: Town) -> folium.Map:
    west, south, east, north = town.grids.total_bounds
    chart = folium.Map(tiles=None, prefer_canvas=True)
    chart.fit_bounds([[south, west], [north, east]])
    return chart


def _inlined(chart: folium.Map) -> str:
    """Render with Leaflet inside the page; what else folium links, the page never asks for."""
    root = chart.get_root()
    root.render()
    header = root.header
    kept = {"leaflet": ("script", "leaflet.js"), "leaflet_css": ("style", "leaflet.css")}
    parts = []
    for name, child in list(header._children.items()):
        if isinstance(child, JavascriptLink | CssLink):
            del header._children[name]
            if name in kept:
                tag, part = kept[name]
                parts.append(f"<{tag}>{read_part('vendor/' + part)}</{tag}>")
    page: str = root._template.render(this=root, kwargs={})
    return page.replace("</head>", "".join(parts) + "</head>", 1)


def measure(browser: Browser, folder: Path, build: Callable[[Town], str], town: Town) -> Measured:
    """Build a page, open it from a file with the network off, and pan it."""
    began = time.perf_counter()
    html = build(town)
    build_s = time.perf_counter() - began
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, offline=True)
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(path.as_uri(), wait_until="load")
    paint_ms = page.evaluate(PAINTED)
    mark = "performance.getEntriesByName('chart-painted')[0]?.startTime"
    if "startChart" in html:
        page.wait_for_selector("html[data-ready]")
        paint_ms = page.evaluate(mark)
    named = "Object.values(window).find((value) => value instanceof L.Map)"
    frames = page.evaluate(f"({PAN})({named})")
    context.close()
    size_mb = path.stat().st_size / 1e6
    return Measured(build_s, size_mb, paint_ms, 1000 * len(frames) / sum(frames))


def main() -> None:
    """Print one line a page, and ratios to the yardstick of the same size."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else max(SIZES)
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for households in (size for size in SIZES if size <= most):
            town = make_town(households=households, cases=max(50, households // 30))
            builds = {"chart": chart_page}
            if households <= MOST_STOCK:
                builds |= {"folium GeoJson": stock_geojson, "folium CircleMarker": stock_markers}
            for name, build in builds.items():
                measured = measure(browser, Path(folder), build, town)
                rows.append({"households": households, "page": name, **vars(measured)})
        browser.close()
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    columns = ["build_s", "size_mb", "paint_ms", "frames"]
    for households, group in table.groupby("households"):
        measured = group.set_index("page")[columns]
        ratios = measured.drop(index="chart") / measured.loc["chart"]
        if len(ratios):
            print(f"\n{households:,} households, times the chart's:")
            print(ratios.round(2).to_string())


if __name__ == "__main__":
    main()
