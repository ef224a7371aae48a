"""Charts over HTTP: the list, the page, its policy, and what is refused."""

import re
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from layers.session import Database
from tests.api.conftest import COMMUNITY, EAST_GRID, WEST_GRID, Serve, a_report

PAGE = {"Accept": "text/html"}


def test_the_list_is_json_to_a_program_and_a_page_to_a_browser(shared_client: TestClient) -> None:
    answer = shared_client.get("/charts")
    charts = answer.json()["charts"]
    assert charts[0]["name"] == "all"
    assert {each["name"] for each in charts} >= {COMMUNITY, WEST_GRID, EAST_GRID}
    assert {each["code"] for each in answer.json()["schemes"]} == {
        "occupancy", "party", "hazard", "care",
    }  # fmt: skip
    for each in charts:
        assert shared_client.get(each["links"]["html"]).status_code == 200
    page = shared_client.get("/charts", headers=PAGE)
    assert page.headers["content-type"].startswith("text/html")
    assert "白云社区" in page.text


def test_a_chart_is_a_page_with_a_policy_of_its_own(shared_client: TestClient) -> None:
    answer = shared_client.get(f"/charts/{COMMUNITY}.html?lang=zh")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "白云社区作战图" in answer.text
    policy = answer.headers["content-security-policy"]
    meta = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', answer.text)
    assert meta is not None
    assert policy == f"{meta.group(1)}; frame-ancestors 'none'"
    assert "unsafe" not in policy


def test_language_theme_and_scheme_are_the_readers(shared_client: TestClient) -> None:
    page = shared_client.get("/charts/all.html?lang=en&theme=day&scheme=hazard").text
    assert '<html lang="en" data-theme="day">' in page
    assert "Safety hazards" in page
    spoken = shared_client.get("/charts/all.html", headers={"Accept-Language": "en"}).text
    assert '<html lang="en" data-theme="night">' in spoken


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/charts/150622999.html", 404, "/charts lists them"),
        ("/charts/all.html?scheme=health", 404, "care, hazard, occupancy, party"),
        ("/charts/all.html?theme=pink", 422, "theme"),
        ("/charts/all.html?lang=fr", 422, "lang"),
        ("/charts/all", 404, ""),
    ],
)
def test_what_is_not_there_is_refused_in_words(
    shared_client: TestClient, address: str, status: int, told: str
) -> None:
    answer = shared_client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_an_unchanged_chart_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/charts/all.html")
    tag = first.headers["etag"]
    again = client.get("/charts/all.html", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    client.post("/cases", json=a_report())
    changed = client.get("/charts/all.html", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_head_answers_without_drawing(client: TestClient) -> None:
    head = client.head("/charts/all.html")
    assert head.status_code == 200
    assert head.content == b""
    assert "content-length" not in head.headers
    assert head.headers["etag"] == client.get("/charts/all.html").headers["etag"]
    assert client.head("/charts/nowhere.html").status_code == 404


def test_a_place_may_be_called_anything(
    serve: Serve, fresh_database: Database, fresh_database_url: str
) -> None:
    from layers.actions.import_layer import ImportOptions, LayerName  # noqa: PLC0415
    from layers.actions.publish_edition import publish_edition  # noqa: PLC0415
    from layers.actions.seed_reference import seed_reference  # noqa: PLC0415
    from layers.vocabulary import CodeScheme  # noqa: PLC0415
    from tests.layers.actions.made import layer, load, square  # noqa: PLC0415

    codes = ["1&2", "50% ?", "a#b", "..", "网格一", "all"]
    seed_reference(fresh_database)
    grids = layer([{"code": code} for code in codes], [square(i) for i in range(len(codes))])
    report = load(fresh_database, LayerName.GRIDS, grids, ImportOptions(scheme=CodeScheme.FREE))
    publish_edition(fresh_database, report.edition_id)
    client = serve(fresh_database_url)
    listed = client.get("/charts").json()["charts"]
    assert {each["code"] for each in listed} == {None, *codes}
    for each in listed:
        assert client.get(each["links"]["html"]).status_code == 200, each["name"]
    one = client.get(f"/charts/{quote('50% ?', safe='')}.html?lang=zh").text
    assert "<title>50% ?作战图</title>" in one
