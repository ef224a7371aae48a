"""The start page in headless Chromium, served as it is: quiet, in both languages, at any width."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from layers.cluster import PrivateCluster
from tests.browser.conftest import Watched
from tests.browser.service import running, stored
from tests.layers.actions.stored import FIRST, store_case, store_place

pytestmark = pytest.mark.browser

HOSTILE = "{{7*7}}</script><img src=x onerror=\"document.title='hit'\">'\"&"

Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def town(cluster: PrivateCluster, database_url: str) -> Iterator[str]:
    """The address of a service with a small place."""
    url, database = stored(cluster, "browser_start")
    store_place(database)
    store_case(database, 0)
    store_case(database, None)
    database.close()
    with running(url) as address:
        yield address


@pytest.fixture(scope="module")
def hostile(cluster: PrivateCluster, database_url: str) -> Iterator[str]:
    """The address of a service in which everything that people type is an attack."""
    url, database = stored(cluster, "browser_hostile")
    fields = ("area", "grid", "responsible", "building", "address", "room")
    store_place(database, **dict.fromkeys(fields, HOSTILE))
    store_case(database, 0, description=HOSTILE, address=HOSTILE)
    database.close()
    with running(url) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    contexts = []

    def open_address(address: str, *, width: int = 1366, scripts: bool = True) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts
        )
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.goto(address)
        return watched

    yield open_address
    for context in contexts:
        context.close()


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/", "/charts", "/desk/editions", "/desk/editions/1", "/find"])
def test_pages_are_quiet_and_fit_a_phone(town: str, visit: Open, path: str, language: str) -> None:
    for width in (390, 1366):
        watched = visit(f"{town}{path}?lang={language}", width=width)
        assert watched.complaints == []
        assert all(request.startswith((town, "data:")) for request in watched.requests)
        assert overflow(watched.page) <= 0
        assert watched.page.locator("h1").count() == 1


def test_two_columns_only_where_there_is_room(town: str, visit: Open) -> None:
    def beside(width: int) -> bool:
        page = visit(f"{town}/?lang=en", width=width).page
        left = page.locator("#find").bounding_box()
        right = page.locator("#state").bounding_box()
        assert left is not None
        assert right is not None
        return bool(right["x"] > left["x"] + left["width"])

    assert [beside(width) for width in (390, 1099, 1100, 1920)] == [False, False, True, True]


def test_it_works_without_scripts(town: str, visit: Open) -> None:
    page = visit(f"{town}/?lang=en", scripts=False).page
    page.get_by_label("Longitude").fill("111.205")
    page.get_by_label("Latitude").fill("39.805")
    page.get_by_label("Datum").select_option("cgcs2000")
    page.get_by_role("button", name="Find the owner").click()
    expect(page.locator("#answer")).to_contain_text(FIRST)
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#answer")).to_contain_text("在网格里面")
    expect(page.get_by_label("经度")).to_have_value("111.205")


def test_the_keyboard_reaches_everything_with_visible_focus(town: str, visit: Open) -> None:
    page = visit(f"{town}/?lang=en").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    for _ in range(8):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px"


def test_the_list_of_charts_filters(town: str, visit: Open) -> None:
    page = visit(f"{town}/charts?lang=zh").page
    page.get_by_label("按名称或编码筛选").fill("南苑")
    expect(page.locator("#places li:visible")).to_have_count(1)
    page.get_by_label("按名称或编码筛选").fill("没有这个")
    expect(page.locator("#places li:visible")).to_have_count(0)
    expect(page.locator("#no-match")).to_be_visible()


def test_a_served_chart_opens_under_its_own_policy(town: str, visit: Open) -> None:
    watched = visit(f"{town}/?lang=zh")
    watched.page.locator("a.main-chart").click()
    watched.page.wait_for_selector("html[data-ready]", timeout=60_000)
    assert watched.complaints == []
    expect(watched.page.locator("#title")).to_have_text("准格尔旗作战图")
    watched.page.go_back()
    assert watched.page.locator("[aria-busy]").count() == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_hostile_names_are_only_ever_text(hostile: str, visit: Open, language: str) -> None:
    for path in ("/", "/charts", "/desk/editions/1"):
        watched = visit(f"{hostile}{path}?lang={language}")
        assert watched.complaints == []
        assert watched.page.locator("img[src='x']").count() == 0
    assert HOSTILE in visit(f"{hostile}/charts?lang={language}").page.inner_text("main")
    found = visit(f"{hostile}/find?lon=111.205&lat=39.805&datum=wgs84&lang={language}").page
    assert HOSTILE in found.inner_text("#answer")
    for name in ("all", FIRST):
        watched = visit(f"{hostile}/charts/{name}.html?lang={language}")
        watched.page.wait_for_selector("html[data-ready]", timeout=60_000)
        assert watched.complaints == []
        assert watched.page.locator("img[src='x']").count() == 0
        assert watched.page.title() != "hit"
        assert "49" not in watched.page.title()
    assert HOSTILE in watched.page.inner_text("#title")
