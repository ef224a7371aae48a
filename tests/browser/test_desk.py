"""A messy shapefile from upload to a published edition, on /desk/editions alone."""

import json
import re
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import geopandas as gpd
import pytest
from playwright.sync_api import Browser, FileChooser, Page, TimeoutError, expect

from layers.cluster import PrivateCluster
from layers.exchange.reader import read_layer
from tests.browser.conftest import Watched
from tests.browser.service import running, stored

pytestmark = pytest.mark.browser

TOTTORI = "partitions/tottori_chome_2015_shp_cp932.zip"
CODE, NAME = "KEY_CODE", "MOJI"
NUMBERS = count()


@pytest.fixture
def desk(cluster: PrivateCluster, database_url: str) -> Iterator[str]:
    """The address of a service without any grids."""
    url, database = stored(cluster, f"browser_desk_{next(NUMBERS)}")
    database.close()
    with running(url) as address:
        yield address


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(90_000)
    yield Watched(context.new_page())
    context.close()


def reach(page: Page, wanted: str) -> None:
    """Walk to an element by the tab key, as whoever has no mouse does; its focus must be seen."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            outline = page.evaluate(
                "(({outlineStyle, outlineWidth}) => [outlineStyle, parseFloat(outlineWidth)])"
                "(getComputedStyle(document.activeElement))"
            )
            assert outline[0] != "none", wanted
            assert outline[1] >= 2, wanted
            return
    raise AssertionError(f"the tab key does not lead to {wanted}")


def open_dialog(page: Page) -> FileChooser:
    """Open the dialog of the focused file field; a busy Chromium may miss the first key."""
    for key in ("Enter", "Space", "Enter", "Space"):
        try:
            with page.expect_file_chooser(timeout=15_000) as chosen:
                page.keyboard.press(key)
        except TimeoutError:
            continue
        return chosen.value
    raise AssertionError("no key opens the dialog")


def upload(page: Page, address: str, file: Path, language: str) -> None:
    """Send a file by the form with keys alone, and go on to the draft that it became."""
    page.goto(f"{address}/desk/editions?lang={language}")
    reach(page, "#file")
    open_dialog(page).set_files(str(file))
    for field, words in (("#code", CODE), ("#name", NAME)):
        reach(page, field)
        page.keyboard.type(words)
    reach(page, "#codes")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#codes")).to_have_value("free")
    reach(page, "#upload button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    if page.locator("a.next").count():
        reach(page, "a.next")
        page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk/editions/\d+"))


def drawn(page: Page) -> None:
    expect(page.locator("#boundaries[data-drawn]")).to_be_visible(timeout=90_000)
    expect(page.locator("#map-note")).to_be_hidden()


def scale(page: Page) -> str:
    return page.locator(".leaflet-control-scale-line").inner_text()


def look_at_a_finding(page: Page) -> None:
    """Choose a finding in the list: the map shows its place, nearer than before."""
    before = scale(page)
    reach(page, "#findings button")
    page.keyboard.press("Enter")
    expect(page.locator("#findings li[aria-current]")).to_have_count(1)
    expect(page.locator(".leaflet-control-scale-line")).not_to_have_text(before)


def the_map_leads_to_the_list(page: Page) -> None:
    """Choose what stands in the middle of the map: the list marks the finding."""
    page.evaluate(
        "document.querySelector('#findings [aria-current]').removeAttribute('aria-current')"
    )
    page.locator("#boundaries").scroll_into_view_if_needed()
    page.wait_for_timeout(400)  # the map comes to rest
    area = page.locator("#boundaries").bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    expect(page.locator("#findings li[aria-current]")).to_have_count(1)


def swipe(page: Page) -> None:
    expect(page.locator("#swipe")).to_be_visible()
    clips = [
        page.locator(f".leaflet-{name}-pane").evaluate("pane => pane.style.clip")
        for name in ("before", "after")
    ]
    assert clips[0] != clips[1]
    reach(page, "#swipe")
    page.keyboard.press("ArrowRight")
    after = page.locator(".leaflet-after-pane")
    assert after.evaluate("pane => pane.style.clip") != clips[1]


def publish(page: Page, reason: str) -> None:
    if page.locator("#reason").count():
        reach(page, "#reason")
        page.keyboard.type(reason)
    reach(page, "#sure")
    page.keyboard.press("Space")
    reach(page, "#publish button")
    page.keyboard.press("Enter")
    expect(page.locator("#publish")).to_have_count(0, timeout=90_000)


def owner(address: str, lon: float, lat: float, **more: object) -> dict:
    query = "&".join(f"{name}={value}" for name, value in more.items())
    with urlopen(f"{address}/route?lon={lon}&lat={lat}&datum=cgcs2000&{query}") as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_a_messy_shapefile_to_an_edition_in_force_and_to_the_next(
    desk: str, watched: Watched, shared_data: Path, tmp_path: Path, language: str
) -> None:
    page = watched.page
    upload(page, desk, shared_data / TOTTORI, language)
    drawn(page)
    assert page.locator("#findings li").count() > 0
    look_at_a_finding(page)
    the_map_leads_to_the_list(page)
    publish(page, "as published by the prefecture")

    rows = read_layer(shared_data / TOTTORI).frame
    frame = gpd.GeoDataFrame(rows[[CODE, NAME]], geometry=rows.geometry, crs=4490)
    given_up, taking = _neighbours(frame)
    frame.loc[taking, "geometry"] = frame.geometry[[given_up, taking]].union_all()
    frame.drop(given_up).to_file(tmp_path / "next.gpkg")
    upload(page, desk, tmp_path / "next.gpkg", language)
    drawn(page)
    swipe(page)

    inside = rows.geometry[given_up].representative_point()
    assert owner(desk, inside.x, inside.y)["grid_code"] == rows[CODE][given_up]
    publish(page, "merged")
    assert owner(desk, inside.x, inside.y)["grid_code"] == rows[CODE][taking]
    assert owner(desk, inside.x, inside.y, edition=1)["grid_code"] == rows[CODE][given_up]
    assert watched.complaints == []
    assert all(request.startswith((desk, "data:")) for request in watched.requests)


def _neighbours(frame: gpd.GeoDataFrame) -> tuple[int, int]:
    """Return two valid grids of codes of their own that share an edge."""
    single = frame[~frame[CODE].duplicated(keep=False) & frame.is_valid]
    for row, shape in single.geometry.items():
        beside = single.index[single.touches(shape)]
        shared = [
            other for other in beside if single.geometry[other].intersection(shape).length > 0
        ]
        if shared:
            return int(row), int(shared[0])
    raise AssertionError("no two grids are neighbours")


def test_what_is_no_file_of_grids_is_refused_in_words(
    desk: str, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    for name, content in (("notes.txt", b"hello"), ("broken.geojson", b"{"), ("empty.zip", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        page.goto(f"{desk}/desk/editions?lang=en")
        page.locator("#file").set_input_files(str(path))
        page.locator("#code").press("Enter")
        words = page.locator("[role=alert]")
        expect(words).to_contain_text(name.split(".")[0])
        assert "Traceback" not in page.content()
        assert tempfile.gettempdir() not in words.inner_text()
    assert page.locator("tbody tr").count() == 0


def test_nothing_is_published_unless_somebody_says_that_they_are_sure(
    desk: str, watched: Watched, shared_data: Path
) -> None:
    page = watched.page
    upload(page, desk, shared_data / TOTTORI, "en")
    page.evaluate("document.querySelector('#publish form').noValidate = true")
    page.locator("#publish button").press("Enter")
    expect(page.locator("[role=alert]")).to_contain_text("Nothing was published")
    expect(page.locator("#publish")).to_have_count(1)
