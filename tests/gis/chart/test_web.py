import base64
import hashlib
import json
import re

import folium
import pytest

from gis.chart import web
from gis.chart.web import island, read_part, render
from gis.errors import InvalidChart
from tests.gis.chart.places import data, definition


def test_the_page_links_to_nothing() -> None:
    page = render(definition(), data())
    links = re.findall(r'<(?:script|link|img|iframe)[^>]*?(?:src|href)="([^"]*)"', page)
    assert links == ["data:,"]


def test_the_same_chart_is_the_same_page() -> None:
    assert render(definition(), data()) == render(definition(), data())


def test_folium_is_left_as_it_was() -> None:
    before = (list(folium.Map.default_js), list(folium.Map.default_css))
    render(definition(), data())
    assert (folium.Map.default_js, folium.Map.default_css) == before
    assert "https://" in folium.Map().get_root().render()


def test_a_link_without_a_copy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [*folium.Map.default_js, ("heat", "https://cdn.example/heat.js")]
    monkeypatch.setattr(folium.Map, "default_js", more)
    with pytest.raises(InvalidChart, match=r"cdn\.example/heat\.js"):
        render(definition(), data())


def test_a_missing_asset_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_VENDORED", web._VENDORED | {"leaflet": "vendor/gone.js"})
    with pytest.raises(InvalidChart, match=r"vendor/gone\.js.*set-up"):
        render(definition(), data())


def test_the_policy_knows_each_script_and_style_by_its_hash() -> None:
    page = render(definition(), data())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        texts = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert texts
        for text in texts:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy[1]


@pytest.mark.parametrize(
    "text", ["</script><b>", "<!--<script>", "&lt;", "a\u2028b\u2029c", '"\\', "\ud800", "{{7*7}}"]
)
def test_an_island_cannot_be_left(text: str) -> None:
    element = island("names", {"text": text})
    inner = element.removeprefix('<script type="application/json" id="names">')
    inner = inner.removesuffix("</script>")
    assert not re.search("[<>&\u2028\u2029\ud800]", inner)
    assert json.loads(inner) == {"text": text}


def test_titles_pass_no_template_and_leave_no_element() -> None:
    page = render(definition(title_zh="{{7*7}}</title><script>x</script>\ud800"), data())
    assert "<title>{{7*7}}&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;?</title>" in page


def test_language_and_theme_are_there_before_any_script() -> None:
    page = render(definition(language="en", theme="day"), data())
    assert '<html lang="en" data-theme="day">' in page
    assert "<title>Baiyun battle chart</title>" in page


def test_leaflet_is_the_one_that_was_vendored() -> None:
    assert read_part("vendor/leaflet.js") in render(definition(), data())
