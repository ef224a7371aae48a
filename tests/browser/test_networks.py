"""The page of compared networks as its readers meet it: a file, opened with the network off."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gis.networks import Shown, compare, overlay, propose, render_page
from tests.browser.conftest import Watched
from tests.gis.networks.made import buildings, communities, network

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
HOSTILE = "<img src=x onerror=window.hacked=1>{{7*7}}</script>"
COMMUNITY = "150622003001"


@pytest.fixture
def page_text() -> str:
    civil = network("民政", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    police = network(HOSTILE, P1=(0, 0, 3, 2))
    laid = overlay([civil, police], communities(c3001=(0, 0, 4, 2)), buildings((1.9, 1, 2.2, 1.2)))
    return render_page(Shown(compare(laid), propose(laid)))


def opened(open_page: Open, text: str) -> Watched:
    watched = open_page(text, width=1400, height=900)
    watched.page.wait_for_selector("html[data-ready]")
    return watched


def test_it_shows_everything_and_asks_for_nothing(open_page: Open, page_text: str) -> None:
    watched = opened(open_page, page_text)
    page = watched.page
    expect(page.locator("#layers label")).to_have_count(9)
    expect(page.locator("#layers")).to_contain_text(f"{HOSTILE} (1)")
    expect(page.locator("#grids li")).to_have_count(2)
    expect(page.locator("#findings")).to_contain_text("的边界交叉")
    expect(page.locator(".leaflet-tooltip.number")).to_have_text(["001", "002"])
    page.locator("#language").click()
    expect(page.locator("#findings")).to_contain_text("The borders of")
    assert page.evaluate("window.hacked") is None
    assert len(watched.requests) == 1
    assert watched.complaints == []


def test_a_layer_is_switched_off_and_on(open_page: Open, page_text: str) -> None:
    page = opened(open_page, page_text).page
    box_ = page.locator("input[data-layer=proposal]")
    box_.uncheck()
    expect(page.locator(".leaflet-tooltip.number")).to_have_count(0)
    box_.check()
    expect(page.locator(".leaflet-tooltip.number")).to_have_count(2)


def saved(page, tmp_path: Path) -> dict[str, list[str]]:
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "decision.json")
    return json.loads((tmp_path / "decision.json").read_text())


def test_grids_are_decided_one_by_one_or_all_at_once(
    open_page: Open, page_text: str, tmp_path: Path
) -> None:
    page = opened(open_page, page_text).page
    first, second = page.locator("#grids li").all()
    first.locator(".accept").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#decision h2")).to_contain_text("1 / 2")
    second.locator("select").select_option(f"{HOSTILE}:P1")
    assert saved(page, tmp_path) == {"accept": [f"{COMMUNITY}001"], "keep": [f"{HOSTILE}:P1"]}
    page.locator("#accept-all").click()
    assert saved(page, tmp_path) == {"accept": ["all"], "keep": []}


def test_a_kept_cell_stays_kept_when_all_is_accepted(open_page: Open, tmp_path: Path) -> None:
    civil = network("civil", C1=(0, 0, 2, 2), C2=(2, 0, 4, 2))
    police = network("police", P1=(1, 0, 3, 2))
    laid = overlay([civil, police], communities(c3001=(0, 0, 4, 2)))
    proposal = propose(laid, keep=[("police", "P1")])
    page = opened(open_page, render_page(Shown(compare(laid), proposal))).page
    page.locator("#accept-all").click()
    assert saved(page, tmp_path) == {"accept": ["all"], "keep": ["police:P1"]}
