"""The page of findings as its readers meet it: a file, opened with the network off."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from gis.chart.findings import FindingsPage, render_findings
from gis.coverage import check_grids
from gis.findings import Finding
from tests.browser.conftest import Watched
from tests.browser.test_chart import HOSTILE

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
SIDE = 0.001


def cell(i: int, *, wide: float = 1.0) -> shapely.Polygon:
    x = 111.2 + i * SIDE
    return shapely.box(x, 39.9, x + wide * SIDE, 39.9 + SIDE)


def opened(open_page: Open, page: FindingsPage, **options: int) -> Watched:
    watched = open_page(render_findings(page), **options)
    watched.page.wait_for_selector("html[data-ready]")
    return watched


def flawed(language: str = "zh") -> FindingsPage:
    shapes = np.array([cell(0, wide=1.5), cell(1), cell(9), None], dtype=object)
    findings = check_grids(["A", "B", "C", "D"], shapes)
    return FindingsPage("网格", shapes, findings, language)  # type: ignore[arg-type]


def width_m(page: Page) -> str:
    return page.locator(".leaflet-control-scale-line").text_content() or ""


def test_list_and_map_lead_to_each_other(open_page: Open) -> None:
    watched = opened(open_page, flawed())
    page = watched.page
    before = width_m(page)
    overlap = page.locator("#list button", has_text="重叠")
    overlap.click()
    expect(overlap).to_have_attribute("aria-current", "true")
    near = width_m(page)
    assert near != before
    overlap.click()
    expect(overlap).to_have_attribute("aria-current", "false")
    assert width_m(page) == before

    overlap.focus()
    page.keyboard.press("Enter")
    assert width_m(page) == near
    page.keyboard.press("Escape")
    assert width_m(page) == before

    overlap.click()
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*middle)
    expect(overlap).to_have_attribute("aria-current", "false")
    assert watched.complaints == []
    assert len(watched.requests) == 1


def test_a_click_on_the_map_chooses_in_the_list(open_page: Open) -> None:
    shape = cell(0)
    gap = Finding("gap", "error", ("A",), shape, 1.0, "m²", "空白", "A gap")
    page = opened(open_page, FindingsPage("g", np.array([shape]), [gap])).page
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#list button")).to_have_attribute("aria-current", "true")
    expect(page.locator("#list button")).to_be_focused()


def test_both_languages_and_the_rules(open_page: Open) -> None:
    page = opened(open_page, flawed("en")).page
    expect(page.locator("#counts")).to_contain_text("4 grids · Error 2")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("#rules button", has_text="Overlap").click()
    expect(page.locator("#list button")).to_have_count(1)
    page.locator("#language").click()
    expect(page.locator("#counts")).to_contain_text("错误 2")
    expect(page.locator("#list button")).to_contain_text("相互重叠")


def test_a_clean_file_says_so(open_page: Open) -> None:
    for shapes in (np.array([cell(0)]), np.array([None], dtype=object)):
        watched = opened(open_page, FindingsPage("clean", shapes, []))
        expect(watched.page.locator("#clean")).to_have_text("没有发现问题。")
        assert watched.complaints == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_people_typed_is_shown_as_text(open_page: Open, text: str) -> None:
    shown = text.replace("\x00", "").replace("\x07", "")
    finding = Finding("gap", "error", (text,), cell(0), 1.0, "m²", shown, shown)
    page = FindingsPage(text, np.array([cell(0)]), [finding])
    watched = opened(open_page, page)
    assert watched.page.evaluate("window.hacked") is None
    assert watched.page.locator("#list .said").text_content() == shown
    assert watched.page.locator("#list .said *").count() == 0
    assert watched.complaints == []


def test_many_findings_are_limited_and_it_is_said(open_page: Open) -> None:
    findings = [
        Finding("gap", "error", (f"G{i}",), cell(i % 100), 1.0, "m²", f"空白 {i}", f"Gap {i}")
        for i in range(10_050)
    ]
    watched = opened(open_page, FindingsPage("many", np.array([cell(0)]), findings, "en"))
    limits = watched.page.locator("#limits")
    expect(limits).to_contain_text("There are 10,050 findings; the 10,000 worst are on this page.")
    expect(limits).to_contain_text("The first 2,000 are drawn with their shape")
    expect(watched.page.locator("#list button")).to_have_count(200)
    watched.page.locator("#more").click()
    expect(watched.page.locator("#list button")).to_have_count(400)
    assert watched.complaints == []


def test_on_a_telephone_nothing_sticks_out(open_page: Open) -> None:
    page = opened(open_page, flawed(), width=375, height=700).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
