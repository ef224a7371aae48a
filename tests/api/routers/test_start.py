"""The start page and the point finder: what a person reads there, in every state."""

import html
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
import typer
from fastapi.testclient import TestClient

from api.cli import app as cli
from api.routers import start
from gis.chart.symbols import TOKENS
from layers.actions.overview import DatabaseState, Overview
from layers.errors import DatabaseUnreachable
from tests.api.conftest import IN_THE_STREET, INSIDE, SHARED_EDGE, WEST_GRID, Serve, a_report

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Links(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.found += [named[key] or "" for key in ("href", "src", "action") if key in named]
        if "style" in named or tag == "style" or any(key.startswith("on") for key in named):
            self.inline.append(tag)
        if tag == "script" and "src" not in named:
            self.inline.append(tag)


def links(page: str) -> Links:
    parser = Links()
    parser.feed(page)
    return parser


def words(page: str) -> str:
    """The page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_it_says_what_runs_what_is_loaded_and_why_only_here(client: TestClient) -> None:
    client.post("/cases", json=a_report())
    zh = words(client.get("/", params={"lang": "zh"}).text)
    assert "准格尔旗" in zh
    assert "第 1 版" in zh
    assert "起生效" in zh
    assert "对网络开放须经 https 代理" in zh
    assert "已上报" in zh
    en = words(client.get("/", params={"lang": "en"}).text)
    assert "This machine only" in en
    assert "An https proxy opens it to the network" in en
    assert "Reported" in en
    assert "in force since" in en


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("fr;q=0.9, en;q=0.3, zh;q=0.2", "en"),
        ("fr", "zh-CN"),
        (";;q=x,,", "zh-CN"),
        ("", "zh-CN"),
    ],
)
def test_the_browsers_language_is_taken(
    shared_client: TestClient, header: str, language: str
) -> None:
    answer = shared_client.get("/", headers={"Accept-Language": header})
    assert f'<html lang="{language}"' in answer.text
    assert "Accept-Language" in answer.headers["vary"]


def test_the_address_beats_the_browser_and_nonsense_is_no_error(shared_client: TestClient) -> None:
    english = {"Accept-Language": "en"}
    assert 'lang="zh-CN"' in shared_client.get("/?lang=zh", headers=english).text[:200]
    answer = shared_client.get("/?lang=klingon", headers=english)
    assert answer.status_code == 200
    assert 'lang="en"' in answer.text[:200]


def test_nothing_is_loaded_yet(empty_service: TestClient) -> None:
    page = words(empty_service.get("/?lang=zh").text)
    assert "还没有数据，先做这三步" in page
    assert "lianxin import grids" in page
    assert "还没有生效的版本" in page
    assert "Nothing is loaded yet" in words(empty_service.get("/?lang=en").text)


@pytest.mark.parametrize("state", [each for each in DatabaseState if each != DatabaseState.READY])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_with_the_database_away_the_page_says_so(
    shared_client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    state: DatabaseState,
    language: str,
) -> None:
    away = Overview(state, private=False, problem="The database grid on db: <b>nothing</b> listens")
    monkeypatch.setattr(start, "overview", lambda _database: away)
    answer = shared_client.get("/", params={"lang": language})
    assert answer.status_code == 200
    alert = answer.text.partition('role="alert"')[2].partition("</section>")[0]
    told = {
        DatabaseState.UNREACHABLE: ("连不上", "cannot be reached"),
    }.get(state, ("lianxin db", "lianxin db"))
    assert told[language == "en"] in alert
    assert "<b>nothing" not in answer.text


def test_a_database_that_really_goes_away(serve: Serve, town_url: str, cluster, clone) -> None:
    from sqlalchemy import make_url  # noqa: PLC0415

    from tests.postgis import _administer  # noqa: PLC0415

    client = serve(town_url)
    assert "准格尔旗" in client.get("/?lang=zh").text
    name = make_url(town_url).database
    _administer(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    _administer(cluster, f"{ending}'{name}'")
    try:
        answer = client.get("/?lang=zh")
        assert answer.status_code == 200
        assert "数据库现在连不上" in answer.text
        found = client.get("/find", params={**INSIDE, "lang": "zh"})
        assert found.status_code == 200
        assert "白云第一网格" in found.text
        for path in ("/charts", "/charts/all.html", "/editions", "/editions/1", "/cases"):
            failed = client.get(path, headers=PAGE)
            assert failed.status_code == 503
            assert "现在读不到数据" in failed.text
            assert failed.headers["retry-after"] == "5"
            refused = client.get(path)
            assert refused.status_code == 503
            assert refused.json()["type"] == "urn:lianxin:problem:database-unavailable"
    finally:
        _administer(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert "数据库现在连不上" not in client.get("/?lang=zh").text


def test_every_link_leads_somewhere_and_nothing_is_inline(client: TestClient) -> None:
    client.post("/cases", json=a_report())
    waiting, seen = ["/?lang=zh", "/?lang=en"], set()
    while waiting:
        address = waiting.pop()
        if address in seen or not address.startswith("/"):
            continue
        seen.add(address)
        if urlsplit(address).path == "/sign-out":
            continue  # a form posts to it
        answer = client.get(address, headers=PAGE)
        assert answer.status_code == 200, address
        is_chart = urlsplit(address).path.endswith(".html")
        if not answer.headers["content-type"].startswith("text/html") or is_chart:
            continue
        found = links(answer.text)
        if urlsplit(address).path != "/docs":
            assert found.inline == [], address
        for link in found.found:
            assert not urlsplit(link).netloc, f"{address} leads out to {link}"
            waiting.append(urljoin(address, link).partition("#")[0])
    paths = {urlsplit(address).path for address in seen}
    assert {"/", "/charts", "/desk/editions", "/desk/editions/1", "/find", "/docs"} <= paths
    assert {"/charts/all.html", f"/charts/{WEST_GRID}.html", "/assets/desk.css"} <= paths


def test_the_pages_policy_allows_no_inline_scripts(shared_client: TestClient) -> None:
    policy = shared_client.get("/").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_colours_are_the_charts_own(shared_client: TestClient) -> None:
    styles = shared_client.get("/assets/tokens.css").text
    for theme, block in re.findall(r'data-theme="(\w+)"\] \{(.*?)\}', styles, re.DOTALL):
        colours = dict(re.findall(r"--([\w-]+): (#\w+);", block))
        assert colours
        assert colours.items() <= TOKENS[theme].items()


def find(client: TestClient, **query: object) -> str:
    answer = client.get("/find", params={"lang": "en", **query})
    assert answer.headers["content-type"].startswith("text/html")
    return words(answer.text)


def test_a_point_has_an_owner_in_words(shared_client: TestClient) -> None:
    page = find(shared_client, **INSIDE)
    assert "白云第一网格" in page
    assert WEST_GRID in page
    assert "It lies inside the grid" in page
    assert "准格尔旗 › 蓝天街道 › 白云社区 › 白云第一网格" in page
    assert re.search(r"4\d\d\.\d m to the boundary", page)
    zh = words(shared_client.get("/find", params={**INSIDE, "lang": "zh"}).text)
    assert "在网格里面" in zh


@pytest.mark.parametrize(
    ("lon", "lat", "told"),
    [
        (SHARED_EDGE["lon"], SHARED_EDGE["lat"], "lowest code"),
        (111.205, 39.7997, "within 50 m"),
        (111.245, 39.805, "The queue of 蓝天街道"),
        (100, 30, "The queue of 准格尔旗"),
    ],
)
def test_each_rule_is_explained(
    shared_client: TestClient, lon: float, lat: float, told: str
) -> None:
    assert told in find(shared_client, lon=lon, lat=lat, datum="cgcs2000")


def test_a_pasted_pair_is_taken_apart(shared_client: TestClient) -> None:
    for pasted in ("111.205, 39.805", "111.205，39.805", " 111.205 39.805 "):
        assert "白云第一网格" in find(shared_client, lon=pasted, datum="wgs84")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"lon": 111.2, "lat": 39.8}, "never guessed"),
        ({"lon": "abc", "lat": 39.8, "datum": "wgs84"}, "The longitude is a number"),
        ({"lat": 39.8, "datum": "wgs84"}, "Enter the longitude"),
        ({"lon": "nan", "lat": "inf", "datum": "wgs84"}, "The latitude is a number"),
        ({"lon": 39.8, "lat": 111.2, "datum": "wgs84"}, "longitude comes first"),
        ({"lon": 1, "lat": 1, "datum": "moon"}, "no such datum"),
        ({"lon": 1, "lat": 1, "datum": "EPSG:999999"}, "no such datum"),
        ({"lon": "9" * 5000, "lat": 1, "datum": "wgs84"}, "no place on the earth"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    shared_client: TestClient, query: dict[str, object], told: str
) -> None:
    answer = shared_client.get("/find", params={**query, "lang": "en"})
    assert answer.status_code == 422
    assert told in words(answer.text)
    assert 'aria-invalid="true"' in answer.text


def test_what_was_typed_comes_back_escaped(shared_client: TestClient) -> None:
    hostile = '"><script>alert(1)</script>{{7*7}}'
    answer = shared_client.get("/find", params={"lon": hostile, "lat": "1", "datum": hostile})
    assert "<script>alert" not in answer.text
    assert "{{7*7}}" in answer.text


def test_the_finder_says_when_it_cannot_know(
    shared_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_boundaries: object) -> None:
        raise DatabaseUnreachable("nothing listens on <db>")

    monkeypatch.setattr(start, "current", away)
    answer = shared_client.get("/find", params={**INSIDE, "lang": "en"})
    assert answer.status_code == 503
    assert "This cannot be answered now" in answer.text
    assert "nothing listens on &lt;db&gt;" in answer.text


def test_one_is_no_more_than_one(client: TestClient) -> None:
    client.post("/cases", json=a_report(place=IN_THE_STREET))
    client.post("/cases", json=a_report(category="51002"))
    page = words(client.get("/", params={"lang": "en"}).text)
    assert "1 open case in an area's own queue" in html.unescape(page)
    assert "1 of the open cases is confidential" in page
    client.post("/cases", json=a_report(place=IN_THE_STREET))
    client.post("/cases", json=a_report(category="51002"))
    page = words(client.get("/", params={"lang": "en"}).text)
    assert "2 open cases in the areas' own queues" in html.unescape(page)
    assert "2 of the open cases are confidential" in page


def test_every_command_that_it_names_exists(client: TestClient, empty_service: TestClient) -> None:
    group = typer.main.get_command(cli)
    for service in (client, empty_service):
        named = re.findall(r"lianxin ([a-z]+)(?: [a-z./]|\s*<)", service.get("/?lang=en").text)
        assert "import" in named
        assert set(named) <= set(group.commands)


def test_before_the_first_edition_the_finder_says_so(empty_service: TestClient) -> None:
    assert "No grids are in force yet" in find(empty_service, **INSIDE)
