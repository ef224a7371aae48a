"""The page of what changes between two editions, opened from a file with the network off."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import shapely
from playwright.sync_api import expect

from gis.chart import changes as page_module
from gis.chart.changes import ChangeMap, render_changes
from gis.editions import Places, Staff, compare_editions
from gis.ownership import GridIndex
from tests.browser.conftest import Watched
from tests.browser.test_chart import HOSTILE

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


def box(west: float, width: float = 1) -> shapely.Polygon:
    return shapely.box(111.2 + west / 100, 39.8, 111.2 + (west + width) / 100, 39.81)


def drawn(old: Mapping[str, shapely.Geometry], new: Mapping[str, shapely.Geometry],
          name: str = "草案 draft", staff: Staff | None = None,
          **places: Places) -> str:  # fmt: skip
    one, two = (GridIndex(list(g), np.array(list(g.values()), dtype=object)) for g in (old, new))
    changes = compare_editions(one, two, staff=staff, **places)
    return render_changes(ChangeMap("现行 now", name, 1, 2, one, two, changes))


def opened(open_page: Open, html: str) -> Watched:
    watched = open_page(html)
    watched.page.wait_for_selector("html[data-ready]")
    return watched


OLD = {"甲": box(0), "乙": box(1), "丙": box(2)}
NEW = {"甲": box(0, 1.5), "乙": box(1.5, 0.5), "丁": box(4)}
HOMES = Places(["h"], np.array([111.2122]), np.array([39.805]))


def test_the_table_and_the_map_show_what_changes(open_page: Open) -> None:
    watched = opened(open_page, drawn(OLD, NEW, households=HOMES))
    page = watched.page
    rows = page.locator("#grids tr")
    expect(rows).to_have_count(4)
    expect(page.locator("#editions")).to_have_text("第 1 版 (现行 now) → 第 2 版 (草案 draft)")
    expect(page.locator('tr[data-code="甲"]')).to_contain_text("← 乙")
    expect(page.locator('tr[data-code="甲"]')).to_contain_text("+1 −0")
    page.locator("#language").click()
    expect(page.locator('tr[data-code="丙"]')).to_contain_text("gone")
    expect(page.locator("#title")).to_have_text("What changes")
    page.get_by_role("button", name="丁").click()
    expect(page.locator('tr[data-code="丁"]')).to_have_attribute("aria-current", "true")
    assert [url for url in watched.requests if not url.startswith(("file:", "data:"))] == []
    assert watched.complaints == []


def test_the_table_says_who_answers_for_a_grid(open_page: Open) -> None:
    staff = Staff({"甲": "张三", "乙": "李四"}, {"甲": "王五", "乙": "李四"})
    page = opened(open_page, drawn(OLD, NEW, staff=staff)).page
    expect(page.locator('tr[data-code="甲"]')).to_contain_text("张三 → 王五")
    expect(page.locator('tr[data-code="乙"] td').last).to_have_text("李四")
    page.locator("#language").click()
    expect(page.locator('tr[data-code="丁"] td').last).to_have_text("nobody")


def test_a_click_on_moved_ground_says_whose_it_was_and_will_be(open_page: Open) -> None:
    page = opened(open_page, drawn(OLD, {**OLD, "甲": box(0, 1.5), "乙": box(1.5, 0.5)})).page
    area = page.locator("#map").bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 3)
    expect(page.locator(".leaflet-popup-content strong")).to_have_text("乙 → 甲")
    expect(page.locator('tr[data-code="甲"]')).to_have_attribute("aria-current", "true")


def test_outlines_and_ground_can_be_switched_off(open_page: Open) -> None:
    page = opened(open_page, drawn(OLD, NEW)).page

    def painted() -> int:
        return int(page.evaluate(
            """() => {
              const canvas = document.querySelector('#map canvas');
              const { data } = canvas.getContext('2d').getImageData(
                0, 0, canvas.width, canvas.height);
              let count = 0;
              for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count += 1;
              return count;
            }"""
        ))  # fmt: skip

    before = painted()
    assert before > 1000
    for name in ("areas", "before", "after"):
        page.locator(f"#show-{name}").uncheck()
    page.wait_for_timeout(100)
    assert painted() == 0


def test_hostile_codes_and_names_are_only_shown(open_page: Open) -> None:
    codes = [f"{text[:200]} {i}" for i, text in enumerate(HOSTILE)]
    old = {code: box(i) for i, code in enumerate(codes)}
    new = {code: box(i + 0.3) for i, code in enumerate(codes)}
    for name in HOSTILE[:4]:
        watched = opened(open_page, drawn(old, new, name=name))
        assert watched.page.evaluate("window.hacked") is None
        assert "49" not in (watched.page.locator("#editions").text_content() or "")
        expect(watched.page.locator("#grids tr")).to_have_count(len(codes))
        assert watched.complaints == []


def test_editions_that_are_the_same_or_empty_are_drawn_too(open_page: Open) -> None:
    same = opened(open_page, drawn(OLD, OLD)).page
    expect(same.locator("#note")).to_have_text("两版网格相同，没有变化。")
    opened(open_page, drawn({}, {}))


def test_a_page_of_too_many_grids_says_what_it_leaves_out(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MOST_OUTLINES", 1)
    monkeypatch.setattr(page_module, "MOST_ROWS", 2)
    page = opened(open_page, drawn(OLD, NEW)).page
    expect(page.locator("#grids tr")).to_have_count(2)
    expect(page.locator("#note")).to_contain_text("2 个网格，共 4 个")
    expect(page.locator("#note")).to_contain_text("只画有变化的网格")
