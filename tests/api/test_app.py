import json
import logging
import re
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from layers.cluster import PrivateCluster
from layers.session import Database
from tests.api.conftest import INSIDE, Serve, a_report, serve_with

NUMBERS = ("request_id", "timestamp", "ms")
WEB = Path(__file__).resolve().parents[2] / "api" / "web"


def test_alive_ready_and_figures(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert [check["name"] for check in ready.json()["checks"]] == ["database", "schema", "edition"]
    client.post("/cases", json=a_report())
    client.get("/route", params=INSIDE)
    client.get("/cases/1")
    figures = client.get("/metrics").text
    assert 'lianxin_cases_reported_total{rule="inside"} 1.0' in figures
    assert "lianxin_edition_in_force 1.0" in figures
    assert 'lianxin_requests_total{method="GET",route="/cases/{case_id}",status="200"}' in figures
    assert 'lianxin_request_seconds_count{method="GET",route="/route"} 1.0' in figures


def test_figures_have_no_label_that_a_stranger_can_make_up(client: TestClient) -> None:
    for path in ("/wp-admin", "/x/13812345678", "/assets/none"):
        client.get(path)
    client.request("BREW", "/livez")
    figures = client.get("/metrics").text
    # the values are left aside: the digits of a time of day may be anybody's number
    labels = [
        sample.labels
        for family in text_string_to_metric_families(figures)
        for sample in family.samples
    ]
    assert {each["route"] for each in labels if "route" in each} == {
        "unmatched", "/assets", "/livez",
    }  # fmt: skip
    assert {each["method"] for each in labels if "method" in each} == {"GET", "OTHER"}


def test_not_ready_says_what_is_missing(empty_service: TestClient) -> None:
    answer = empty_service.get("/readyz")
    assert answer.status_code == 503
    checks = {check["name"]: check for check in answer.json()["checks"]}
    assert checks["database"]["ok"]
    assert checks["schema"]["ok"]
    assert not checks["edition"]["ok"]
    assert "lianxin import grids" in checks["edition"]["message"]


def test_not_ready_on_a_schema_that_changed_under_it(
    serve: Serve, fresh_database: Database, fresh_database_url: str
) -> None:
    client = serve(fresh_database_url)
    with fresh_database.raw() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "9999" in answer.json()["checks"][-1]["message"]
    assert client.get("/livez").status_code == 200


def test_every_answer_has_safe_headers_and_a_number(client: TestClient) -> None:
    for path in ("/livez", "/nowhere", "/docs", "/openapi.json", "/cases?limit=0"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(("given", "kept"), [("wall-7.2", True), ("a b", False), ("x" * 65, False)])
def test_a_sane_request_number_is_kept(client: TestClient, given: str, kept: bool) -> None:
    headers = client.get("/livez", headers={"x-request-id": given}).headers
    assert (headers["x-request-id"] == given) is kept


def test_the_documentation_is_served_from_here(client: TestClient) -> None:
    page = client.get("/docs").text
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.replace('href="data:,"', ""))
    assert linked
    assert all(link.startswith("/assets/") for link in linked)
    assert "<script>" not in page
    for link in linked:
        if (WEB / link.removeprefix("/assets/")).exists():
            assert client.get(link).status_code == 200
    assert client.get("/assets/docs.js").headers["content-type"].startswith("text/javascript")


def test_a_body_that_is_too_large_is_refused(town_url: str) -> None:
    with serve_with(town_url, body_bytes_max=1000) as client:
        announced = client.post("/cases", json=a_report(description="字" * 900))
        chunks = iter([b'{"a":"' + b"x" * 600, b"x" * 600 + b'"}'])
        streamed = client.post("/cases", content=chunks)
        fits = client.post("/cases", json=a_report())
    assert (announced.status_code, streamed.status_code, fits.status_code) == (413, 413, 201)
    assert announced.json()["type"] == "urn:lianxin:problem:request-too-large"
    assert "1,000 bytes" in announced.json()["detail"]


def test_what_breaks_is_a_problem_and_in_the_log_without_its_message(
    client: TestClient, town_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with town_database.raw() as connection:
        connection.execute("DROP TABLE case_placements CASCADE")
    answer = client.post("/cases", json=a_report(description="王家的事"))
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:lianxin:problem:internal-error"
    assert answer.headers["x-request-id"]
    log = capsys.readouterr().err
    [line] = [line for line in log.splitlines() if "request_failed" in line]
    entry = json.loads(line)
    assert entry["error"] == "UndefinedTable"
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert "王" not in log


def test_the_log_has_a_line_a_request_and_nobody_in_it(
    town_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_with(town_url, log_level="info") as client:
        client.post("/cases", json=a_report(), headers={"Idempotency-Key": "secret-key"})
        client.get("/route", params=INSIDE)
        logging.getLogger("uvicorn.access").info("GET /route?lon=111.205")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    answered = [(line["route"], line["status"]) for line in requests]
    assert answered == [("/cases", 201), ("/route", 200)]
    for line in lines:
        told = {key: value for key, value in line.items() if key not in NUMBERS}
        for secret in ("王", "138", "111.2", "消防", "secret-key"):
            assert secret not in json.dumps(told, ensure_ascii=False)


def test_while_the_database_is_away_points_are_still_routed(
    client: TestClient, cluster: PrivateCluster, town_url: str
) -> None:
    assert client.get("/cases").status_code == 200
    name = make_url(town_url).database
    host = str(cluster.socket_dir)
    with psycopg.connect(host=host, user="lianxin", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            routed = client.get("/route", params=INSIDE)
            listed, reported = client.get("/cases"), client.post("/cases", json=a_report())
            ready, alive = client.get("/readyz"), client.get("/livez")
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert (routed.status_code, alive.status_code, ready.status_code) == (200, 200, 503)
    for answer in (listed, reported):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:lianxin:problem:database-unavailable"
        assert answer.headers["retry-after"]
    assert client.post("/cases", json=a_report()).status_code == 201


def test_a_query_that_takes_too_long_is_given_up_in_words(
    town_url: str, town_database: Database
) -> None:
    with serve_with(town_url, statement_timeout_s=1) as client:
        with town_database.raw() as blocking:
            blocking.execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
            refused = client.get("/cases")
            shown = client.get("/charts", headers={"Accept": "text/html", "Accept-Language": "en"})
        assert client.get("/cases").status_code == 200
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:lianxin:problem:database-busy"
    assert "longer than one answer may take" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "5"
    assert shown.status_code == 503
    assert "The database is busy" in shown.text
