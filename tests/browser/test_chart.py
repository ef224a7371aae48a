"""The battle chart as its readers meet it: a file, opened with the network off."""

import re
from collections.abc import Callable
from dataclasses import fields, replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from gis.chart.definition import ChartData, StatusScheme
from gis.chart.web import render
from tests.browser.conftest import Watched
from tests.gis.chart.places import (
    ESCALATED,
    MAJOR,
    NORMAL,
    data,
    definition,
    nothing,
)

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]

HOSTILE = [
    "{{7*7}}",
    "{% for x in ().__class__.__mro__ %}{{x}}{% endfor %}",
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "<!--<script>window.hacked=1</script>",
    '"><svg onload=window.hacked=1>',
    "'-window.hacked=1-'",
    "${7*7}`${window.hacked=1}`",
    "javascript:window.hacked=1",
    "a\u2028window.hacked=1\u2029b",
    "&lt;b&gt;&#x3c;i>",
    "\u202eمرحبا\u202c 😀👩‍👩‍👧 \x00\x07",
    "很长" * 3000,
    "__proto__",
]


def opened(open_page: Open, html: str, **options: object) -> Watched:
    watched = open_page(html, **options)
    watched.page.wait_for_selector("html[data-ready]")
    return watched


def popup(page: Page) -> str:
    return page.locator(".card").text_content() or ""


def go(page: Page, layer: str, i: int = 0) -> None:
    page.evaluate("([layer, i]) => lianxinChart.go({layer, i})", [layer, i])


def pixels(page: Page, colour: str) -> int:
    """Count the map's pixels of exactly this colour."""
    return int(
        page.evaluate(
            """(colour) => {
              const [r, g, b] = colour.match(/\\w\\w/g).map((part) => parseInt(part, 16));
              const canvas = document.querySelector('.chart-canvas');
              const pen = canvas.getContext('2d');
              const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
              let count = 0;
              for (let i = 0; i < data.length; i += 4) {
                if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count += 1;
              }
              return count;
            }""",
            colour,
        )
    )


def screen_place(page: Page, lon: float, lat: float) -> tuple[float, float]:
    x, y = page.evaluate(
        """([lon, lat]) => {
          const { map } = lianxinChart;
          const frame = map.getContainer().getBoundingClientRect();
          const { x, y } = map.latLngToContainerPoint([lat, lon]);
          return [x + frame.left, y + frame.top];
        }""",
        [lon, lat],
    )
    return x, y


def test_opens_from_a_file_with_the_network_off(open_page: Open) -> None:
    watched = opened(open_page, render(definition(), data()))
    page = watched.page
    expect(page.get_by_role("heading", name="白云社区作战图")).to_be_visible()
    expect(page.locator("#moment")).to_contain_text("2026年11月24日 09:05")
    expect(page.locator("#edition")).to_contain_text("7")
    assert page.title() == "白云社区作战图"
    page.wait_for_timeout(200)
    assert [url for url in watched.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in watched.requests if url.startswith("file:")]) == 1
    assert watched.complaints == []


def test_nothing_that_is_put_into_the_page_can_run(open_page: Open) -> None:
    watched = opened(open_page, render(definition(), data()))
    watched.page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.hacked = 1';
          const image = document.createElement('div');
          image.innerHTML = '<img src="https://example.com/x.png" onerror="window.hacked = 1">';
          document.body.append(script, image);
          return fetch('https://example.com/').catch(() => null);
        }"""
    )
    assert watched.page.evaluate("window.hacked") is None
    assert len([text for text in watched.complaints if "Content Security Policy" in text]) >= 3


def test_the_legend_counts_beside_each_symbol(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    entries = page.locator(".legend-entry").all_inner_texts()
    told = [re.sub(r"\s+", " ", entry).strip() for entry in entries]
    assert told == [
        *("无隐患 18", "一般隐患 2", "重大隐患 1", "未检查 3"),
        *("已上报 3", "已升级 1", "已结案 1"),
    ]
    assert page.locator(".legend-entry svg path").count() == 2 * len(told)


def test_the_worst_grid_stands_first_and_leads_to_its_place(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    first = page.locator(".worst li button").first
    expect(first).to_contain_text("白云第一网格")
    expect(first).to_contain_text("在办 3 件，超期 1 件")
    expect(page.locator(".worst")).to_contain_text("1 件在办案件不在任何网格内")
    first.click()
    assert "白云第一网格" in popup(page)
    assert "网格员一号" in popup(page)


def test_speaks_both_languages(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    go(page, "cases", 1)
    assert "占用消防通道" in popup(page)
    page.get_by_role("button", name="Switch to English").click()
    expect(page.get_by_role("heading", name="Baiyun battle chart")).to_be_visible()
    expect(page.locator("#moment")).to_contain_text("24 November 2026, 09:05")
    expect(page.locator("#legend")).to_contain_text("Major hazard")
    assert "Fire lane" in popup(page)
    assert "24 November 2026, 01:30" in popup(page)
    assert page.evaluate("document.documentElement.lang") == "en"
    # Nothing Chinese is left but what the data bring and the name of the other language.
    left = page.evaluate("document.body.innerText")
    own = [line for line in left.splitlines() if re.search("[一-鿿]", line)]
    assert all(re.fullmatch("白云第.网格|中文", line.strip()) for line in own), own


def test_opens_in_the_language_and_theme_of_its_definition(open_page: Open) -> None:
    page = opened(open_page, render(definition(language="en", theme="day"), data())).page
    expect(page.get_by_role("heading", name="Baiyun battle chart")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert pixels(page, ESCALATED.colour_day) > 0
    page.get_by_role("button", name="Night").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(11, 22, 34)"
    assert pixels(page, ESCALATED.colour_day) == 0
    assert pixels(page, ESCALATED.colour_night) > 0


def test_search_by_keyboard_alone(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    page.keyboard.press("/")
    page.keyboard.type("1号楼 2-1")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("1号楼 2单元101室")
    page.keyboard.press("Enter")
    assert "B1-2-101" in popup(page)
    page.keyboard.press("/")
    page.keyboard.type("网格")
    expect(options).to_have_count(4)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    chosen = options.nth(1).locator("b").inner_text()
    page.keyboard.press("Enter")
    assert chosen in popup(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("150622003003004", "农贸市场网格"),
        ("白云第二", "白云第二网格"),
        ("b3", "3号楼"),
        ("迎泽街4号", "4号楼"),
        ("B2-1-201", "2号楼 1单元201室"),
        ("c2", "占用消防通道"),
        ("manhole", "井盖缺失"),
    ],
)
def test_search_by_name_or_code(open_page: Open, query: str, found: str) -> None:
    page = opened(open_page, render(definition(), data())).page
    page.locator("#search").fill(query)
    expect(page.get_by_role("option").first.locator("b")).to_have_text(found)


def test_search_says_when_nothing_matches(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    page.locator("#search").fill("没有这样的地方")
    expect(page.get_by_role("listbox")).to_contain_text("没有找到")


def test_a_click_on_a_symbol_tells_of_it(open_page: Open) -> None:
    place = data()
    page = opened(open_page, render(definition(), place)).page
    case = place.cases.geometry.iloc[1]
    page.mouse.click(*screen_place(page, case.x, case.y))
    assert "占用消防通道" in popup(page)
    assert "已超期" in popup(page)
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_have_count(0)


def test_the_pointer_learns_what_is_under_it(open_page: Open) -> None:
    place = data()
    page = opened(open_page, render(definition(), place)).page
    case = place.cases.geometry.iloc[1]
    page.mouse.move(*screen_place(page, case.x, case.y))
    expect(page.locator("#hint")).to_contain_text("占用消防通道")


def test_a_building_tells_counts_and_the_share_unknown(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    go(page, "buildings", 1)
    rows = [re.sub(r"\s+", " ", row) for row in page.locator(".statuses li").all_inner_texts()]
    assert rows == ["一般隐患 1", "未检查 2", "无隐患 3", "状态不明 33%"]


def test_layers_can_be_hidden_and_shown(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    for label, colour in [
        ("案件", ESCALATED.colour_night),
        ("户", MAJOR.colour_night),
        ("网格", "#d6409f"),
    ]:
        before = pixels(page, colour)
        assert before > 0, label
        box = page.locator("#layers").get_by_label(label, exact=True)
        box.uncheck()
        assert pixels(page, colour) == 0, label
        box.check()
        assert pixels(page, colour) == before, label


def test_a_status_can_be_hidden_from_the_legend(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    assert pixels(page, MAJOR.colour_night) > 0
    entry = page.get_by_role("button", name=re.compile("重大隐患"))
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    assert pixels(page, MAJOR.colour_night) == 0


def test_the_worst_is_drawn_larger_than_the_normal(open_page: Open) -> None:
    place = data(buildings=nothing(), cases=nothing())
    page = opened(open_page, render(definition(), place)).page
    normal = pixels(page, NORMAL.colour_night) / 18
    assert pixels(page, MAJOR.colour_night) > 2 * normal


def test_where_a_crowd_is_thinned_out_the_worst_is_still_drawn(open_page: Open) -> None:
    rng = np.random.default_rng(1)
    points = shapely.points(111.2 + rng.random(5000) * 0.004, 39.86 + rng.random(5000) * 0.004)
    crowd = gpd.GeoDataFrame(
        {"status": ["major", *["minor"] * 2500, *["normal"] * 2499]},
        geometry=points,
        crs="EPSG:4490",
    )
    place = data(households=crowd, buildings=nothing(), cases=nothing())
    page = opened(open_page, render(definition(), place)).page
    page.evaluate("lianxinChart.map.setZoom(13, {animate: false})")
    assert pixels(page, MAJOR.colour_night) > 10
    assert pixels(page, NORMAL.colour_night) == 0


def test_nothing_to_draw_is_said_in_words(open_page: Open) -> None:
    empty = {name: nothing() for name in ("grids", "buildings", "households", "cases")}
    watched = opened(open_page, render(definition(), data(**empty, areas=None)))
    expect(watched.page.get_by_role("status")).to_contain_text("没有可画的数据")
    assert watched.complaints == []


def test_only_grids_and_cases_anywhere(open_page: Open) -> None:
    place = data(-76.61, 39.29, households=nothing(), buildings=nothing(), areas=None)
    place.grids["household_count"] = 0
    watched = opened(open_page, render(definition(language="en"), place))
    assert pixels(watched.page, ESCALATED.colour_night) > 0
    expect(watched.page.locator("#legend")).to_contain_text("Open cases per km²")
    expect(watched.page.locator("#side")).not_to_contain_text("Households")
    assert watched.complaints == []


@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text)[:24] for text in HOSTILE])
def test_hostile_text_is_shown_as_text_in_every_field(open_page: Open, text: str) -> None:
    watched = opened(open_page, render(*hostile(text)))
    page = watched.page
    assert page.locator("#title").text_content() == text
    assert (page.locator("#legend").text_content() or "").count(text) == 3
    assert text in (page.locator("#worst").text_content() or "")
    # name, kind, responsible, code · name, address, grid, code · name, building, unit, floor,
    # room, grid, code · category, grid, number; each with the names of its statuses
    for layer, times in {"grids": 5, "buildings": 5, "households": 8, "cases": 4}.items():
        for other in ("en", "zh"):
            page.evaluate("(language) => lianxinChart.speak(language)", other)
            go(page, layer)
            assert popup(page).count(text) >= times, (layer, other)
    found = page.evaluate(
        "(text) => lianxinChart.search.finder.find(text).map((spot) => spot.layer)", text
    )
    assert {"grids", "buildings", "households", "cases"} <= set(found)
    page.locator("#search").fill(text[:100])
    page.wait_for_timeout(50)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("({}).polluted") is None
    assert page.locator("img, svg[onload], #legend script, .card script").count() == 0
    assert watched.complaints == []


def hostile(text: str) -> tuple[object, ChartData]:
    """Put the text into every text of the definition and every text column of every layer."""

    def styled(style: object) -> object:
        return replace(style, name_zh=text, name_en=text, code=text)  # type: ignore[type-var]

    scheme = StatusScheme(text, text, text, (styled(MAJOR),))  # type: ignore[arg-type]
    chart = definition(
        name=text, title_zh=text, title_en=text, scheme=scheme, case_states=(styled(ESCALATED),)
    )
    place = data()
    layers = {}
    for field in fields(ChartData)[2:]:
        frame = getattr(place, field.name).iloc[:1].copy()
        for column in frame.columns.difference(["geometry", "open_cases", "household_count"]):
            if column not in ("reported_at", "overdue"):
                frame[column] = text
        layers[field.name] = frame
    return chart, replace(place, **layers)


def test_arithmetic_in_a_name_is_not_done(open_page: Open) -> None:
    page = opened(open_page, render(*hostile("{{7*7}} ${7*7} <%= 7*7 %> #{7*7}"))).page
    for layer in ("grids", "buildings", "households", "cases"):
        go(page, layer)
        assert "49" not in popup(page)
    assert "49" not in page.locator("#title").inner_text()
    assert "49" not in page.locator("#legend").inner_text().replace("490", "")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (3840, 2160), (390, 844)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_lies_over_anything_else(
    open_page: Open, width: int, height: int, language: str
) -> None:
    place = data()
    page = opened(
        open_page, render(definition(language=language), place), width=width, height=height
    ).page
    boxes = page.evaluate(
        """(parts) => parts.map((part) => {
          const { left, top, right, bottom } = document.querySelector(part).getBoundingClientRect();
          return [part, left, top, right, bottom];
        })""",
        [".heading", ".find", ".switches", ".folium-map", "#side", "#legend"],
    )
    for i, (one, left, top, right, bottom) in enumerate(boxes):
        assert left >= 0, one
        assert right <= width + 1, one
        assert right - left > 50, one
        assert bottom - top > 15, one
        for other, l2, t2, r2, b2 in boxes[i + 1 :]:
            apart = right <= l2 + 1 or r2 <= left + 1 or bottom <= t2 + 1 or b2 <= top + 1
            assert apart, (one, other)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_in_reach_of_the_keyboard(open_page: Open) -> None:
    page = opened(open_page, render(definition(), data())).page
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className.split(' ')[0]"
                " || document.activeElement.type"
            )
        )
    assert {"search", "whole", "language", "theme", "worst-grid", "legend-entry"} <= reached
    assert {"checkbox", "map_chart", "leaflet-control-zoom-in"} <= reached


def test_texts_of_every_household_are_decoded_as_they_were(open_page: Open) -> None:
    place = data()
    page = opened(open_page, render(definition(), place)).page
    told = page.evaluate(
        """() => {
          const { households: h } = lianxinChart.model;
          return [...Array(h.n).keys()].map((i) => [h.code.at(i), h.unit.at(i), h.room.at(i)]);
        }"""
    )
    expected = place.households[["code", "unit", "room"]].to_numpy().tolist()
    assert sorted(told) == sorted(expected)


def test_a_hundred_thousand_households_open_and_pan(
    open_page: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    page = opened(open_page, render(definition(), crowded(100_000)), width=1920, height=1080).page
    first = page.evaluate("performance.getEntriesByName('chart-painted')[0].startTime")
    frames = page.evaluate(PAN)
    with capsys.disabled():
        print(
            f"\n100,000 households: first paint {first:.0f} ms; panning "
            f"{1000 * len(frames) / sum(frames):.0f} frames/s, "
            f"longest frame {max(frames):.0f} ms"
        )
    page.locator("#search").fill("H099999")
    expect(page.get_by_role("option").first).to_contain_text("H099999")
    page.keyboard.press("Enter")
    assert "H099999" in popup(page)
    assert pixels(page, MAJOR.colour_night) > 0


PAN = """() => new Promise((done) => {
  const { map } = lianxinChart;
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


def crowded(count: int) -> ChartData:
    """Fill the four grids with households, sixty to a point."""
    rng = np.random.default_rng(7)
    spots = rng.random((count // 60 + 1, 2)) * 0.04 + [111.2, 39.86]
    at = np.arange(count) // 60
    statuses = rng.choice(
        ["normal", "minor", "major", "unchecked"], count, p=[0.93, 0.03, 0.01, 0.03]
    )
    households = gpd.GeoDataFrame(
        {
            "code": [f"H{i:06d}" for i in range(count)],
            "building_code": [f"B{i}" for i in at],
            "unit": [str(i % 3 + 1) for i in range(count)],
            "room": [str(i % 20 * 100 + 101) for i in range(count)],
            "status": statuses,
        },
        geometry=shapely.points(spots[at]),
        crs="EPSG:4490",
    )
    return data(households=households)
