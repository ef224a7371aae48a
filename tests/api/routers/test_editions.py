"""Editions over HTTP, as JSON and as pages."""

import io
import json
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from layers.models import Edition
from layers.session import Database
from layers.store import territory
from tests.api.conftest import COMMUNITY, INSIDE, Report, Serve, a_report, serve_with, square
from tests.layers.actions.made import read

PAGE = {"Accept": "text/html"}
FINDING = {
    "rule": "overlap",
    "severity": "error",
    "codes": ["150622003003001", "150622003003002"],
    "measure": 12.5,
    "unit": "m²",
    "message_zh": "两个网格重叠 <b>12.5</b> 平方米",
    "message_en": "Two grids overlap by 12.5 m²",
    "place": [111.2, 39.8],
    "geometry": None,
}


@pytest.fixture
def flawed(serve: Serve, town_database: Database, town_url: str) -> TestClient:
    """A service whose edition was published in spite of a finding."""
    with town_database.transaction() as session:
        session.execute(text("ALTER TABLE editions DISABLE TRIGGER USER"))
        session.execute(
            update(Edition).values(findings=[FINDING], override_reason="测绘中<script>")
        )
    return serve(town_url)


def test_the_editions_are_listed(shared_client: TestClient) -> None:
    (edition,) = shared_client.get("/editions").json()["editions"]
    assert (edition["id"], edition["status"], edition["grid_count"]) == (1, "published", 2)
    assert edition["valid_until"] is None
    page = shared_client.get("/editions?lang=en", headers=PAGE).text
    assert "in force" in page
    assert 'href="/desk/editions/1?lang=en"' in page


def test_one_edition_comes_with_its_findings(flawed: TestClient) -> None:
    edition = flawed.get("/editions/1").json()
    assert edition["error_count"] == 1
    assert edition["findings"][0]["codes"] == FINDING["codes"]
    assert edition["findings"][0]["measure"] == 12.5
    page = flawed.get("/editions/1?lang=zh", headers=PAGE).text
    assert "错误" in page
    assert "两个网格重叠 &lt;b&gt;12.5&lt;/b&gt; 平方米" in page
    assert "测绘中&lt;script&gt;" in page
    assert "overlap by 12.5" in flawed.get("/editions/1?lang=en", headers=PAGE).text


def test_an_edition_without_findings_says_so(shared_client: TestClient) -> None:
    assert "没有发现问题" in shared_client.get("/editions/1?lang=zh", headers=PAGE).text


@pytest.mark.parametrize(("number", "status"), [("2", 404), ("0", 422), ("x", 422), (9**20, 422)])
def test_an_edition_that_is_not_there(
    shared_client: TestClient, number: object, status: int
) -> None:
    answer = shared_client.get(f"/editions/{number}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_before_the_first_edition(empty_service: TestClient) -> None:
    assert empty_service.get("/editions").json() == {"editions": []}
    page = empty_service.get("/editions?lang=en", headers=PAGE).text
    assert "There are no grids yet: upload them below" in page


GRID_A, GRID_B = f"{COMMUNITY}011", f"{COMMUNITY}012"


def frame(*columns: float) -> gpd.GeoDataFrame:
    """Grids side by side, as a department may send them."""
    shapes = [square(column) for column in (0, 1, *columns)]  # type: ignore[arg-type]
    codes = [f"{COMMUNITY}{11 + number:03d}" for number in range(len(shapes))]
    names = [f"网格{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"CODE": codes, "MC": names}, geometry=shapes, crs="EPSG:4490")


def geojson(made: gpd.GeoDataFrame) -> bytes:
    return made.to_json().encode()


def zipped(made: gpd.GeoDataFrame, folder: Path) -> bytes:
    made.to_file(folder / "wangge.shp", encoding="utf-8")
    return packed_shapefile(folder)


def packed_shapefile(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.glob("wangge.*"):
            archive.write(file, file.name)
    return packed.getvalue()


def upload(client: TestClient, content: bytes, file: str = "grids.geojson", **query: Any) -> Any:
    given = {"file": file, "code": "CODE", "name": "MC", **query}
    return client.post("/editions", params=given, content=content)


def test_a_zipped_shapefile_goes_from_upload_to_published_and_back(
    client: TestClient, tmp_path: Path
) -> None:
    sent = zipped(frame(), tmp_path)
    answer = upload(client, sent, "wangge.zip")
    assert answer.status_code == 201, answer.text
    draft = answer.json()
    assert answer.headers["location"] == "/editions/2"
    assert (draft["id"], draft["status"], draft["name"]) == (2, "checked", "wangge")
    assert (draft["grid_count"], draft["findings"], draft["rejected_count"]) == (2, [], 0)
    again = upload(client, sent, "wangge.zip")
    assert (again.status_code, again.json()["id"]) == (200, 2)

    client.post("/cases", json=a_report())
    plan = client.post("/editions/2/publish").json()
    assert plan == {
        "dry_run": True, "edition": 2, "in_force": 1, "building_count": 0, "household_count": 0,
        "case_count": 1, "error_count": 0,
    }  # fmt: skip
    assert client.get("/editions/2").json()["status"] == "checked"
    done = client.post("/editions/2/publish", json={"dry_run": False, "in_force": 1}).json()
    assert done == plan | {"dry_run": False}
    client.app.state.services.boundaries.refresh()  # type: ignore[attr-defined]
    assert client.get("/route", params=INSIDE).json()["grid_code"] == GRID_A

    restored = client.post("/editions/1/restore")
    assert (restored.status_code, restored.headers["location"]) == (201, "/editions/3")
    assert client.post("/editions/3/publish", json={"dry_run": False}).json()["in_force"] == 2


def test_errors_need_a_reason_that_is_kept(client: TestClient) -> None:
    draft = upload(client, geojson(frame(0.9))).json()
    assert {finding["rule"] for finding in draft["findings"]} >= {"overlap"}
    plan = client.post("/editions/2/publish", json={"dry_run": True}).json()
    assert plan["error_count"] == draft["error_count"] > 0
    refused = client.post("/editions/2/publish", json={"dry_run": False})
    assert refused.status_code == 409
    assert "with a reason" in refused.json()["detail"]
    done = client.post("/editions/2/publish", json={"dry_run": False, "reason": "测绘中"})
    assert done.json()["error_count"] == draft["error_count"]
    assert client.get("/editions/2").json()["override_reason"] == "测绘中"


def test_findings_are_filtered_and_come_as_geojson(client: TestClient) -> None:
    upload(client, geojson(frame(0.9).drop(1)))
    every = client.get("/editions/2/findings").json()["findings"]
    rules = [finding["rule"] for finding in every]
    assert len(set(rules)) > 1
    only = client.get("/editions/2/findings", params={"rule": "overlap"}).json()["findings"]
    assert [finding["rule"] for finding in only] == ["overlap"] * rules.count("overlap")
    assert client.get("/editions/2/findings?severity=info&severity=warning").json()["findings"] == [
        finding for finding in every if finding["severity"] != "error"
    ]
    answer = client.get(
        "/editions/2/findings?rule=overlap", headers={"Accept": "application/geo+json"}
    )
    assert answer.headers["content-type"] == "application/geo+json"
    feature = answer.json()["features"][0]
    shape = shapely.from_geojson(json.dumps(feature["geometry"]))
    overlap = square(0).intersection(square(0.9))  # type: ignore[arg-type]
    assert overlap.buffer(1e-9).contains(shape)
    assert feature["properties"]["message_zh"]
    assert client.get("/editions/2/findings?severity=bad").status_code == 422


def test_a_draft_is_checked_again_and_discarded(client: TestClient) -> None:
    upload(client, geojson(frame()))
    assert client.post("/editions/2/check").json()["status"] == "checked"
    assert client.delete("/editions/2").status_code == 204
    assert client.get("/editions/2").status_code == 404
    for method, path in (
        ("DELETE", "/editions/1"), ("POST", "/editions/1/check"), ("POST", "/editions/1/publish"),
        ("POST", "/editions/1/restore"),
    ):  # fmt: skip
        assert client.request(method, path).status_code == 409, path


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("grids.shp", b"x", "in one zip"),
        ("grids.exe", b"x", "none that can be read"),
        ("../../etc/passwd", b"x", "none that can be read"),
        ("grids.zip", b"PK no", "damaged"),
        ("grids.geojson", b"", "is empty"),
        ("grids.geojson", b"<OGRVRTDataSource></OGRVRTDataSource>", "not what its ending says"),
        ("grids.gpkg", b"<OGRVRTDataSource></OGRVRTDataSource>", "not what its ending says"),
        ("grids.geojson", b'{"type": "FeatureCollection", "features": []}', "field code"),
    ],
)
def test_what_is_no_file_of_grids_is_refused_in_words(
    shared_client: TestClient, file: str, content: bytes, told: str
) -> None:
    answer = shared_client.post("/editions", params={"file": file}, content=content)
    assert answer.status_code == 422, answer.text
    assert told in answer.json()["detail"]
    assert "lianxin-upload" not in answer.text
    assert len(shared_client.get("/editions").json()["editions"]) == 1


def test_a_shapefile_in_name_only_is_not_opened(shared_client: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for ending in ("shp", "shx", "dbf"):
            archive.writestr(f"g.{ending}", "<OGRVRTDataSource></OGRVRTDataSource>")
    answer = upload(shared_client, packed.getvalue(), "g.zip")
    assert answer.status_code == 422
    assert "not what its ending says" in answer.json()["detail"]


def test_a_zip_that_unpacks_into_a_flood_is_refused(
    shared_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.exchange.uploads.UNPACKED_MAX", 1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("g.shp", b"\0" * 100_000)
    answer = upload(shared_client, packed.getvalue(), "g.zip")
    assert answer.status_code == 422
    assert "unpacks into 100,000 bytes" in answer.json()["detail"]


def test_an_upload_that_is_too_large_is_refused(town_url: str) -> None:
    with serve_with(town_url, upload_bytes_max=1000) as client:
        answer = upload(client, geojson(frame()) + b" " * 1000)
    assert answer.status_code == 413
    assert "LIANXIN_UPLOAD_BYTES_MAX" in answer.json()["detail"]


def test_columns_and_datum_are_the_sender_s_to_name(client: TestClient, tmp_path: Path) -> None:
    zipped(frame(), tmp_path)
    (tmp_path / "wangge.prj").unlink()
    sent = packed_shapefile(tmp_path)
    assert "datum" in upload(client, sent, "wangge.zip").json()["detail"].lower()
    assert upload(client, sent, "wangge.zip", datum="cgcs2000").status_code == 201
    wrong = upload(client, geojson(frame()), code="KODE")
    assert (wrong.status_code, "CODE" in wrong.json()["detail"]) == (422, True)


def test_rows_that_cannot_be_taken_are_listed(client: TestClient) -> None:
    made = frame(5)
    made.loc[2, "CODE"] = "7"
    answer = upload(client, geojson(made))
    assert answer.status_code == 201
    (reject,) = answer.json()["rejects"]
    assert reject["row"] == 3
    assert "15 digits" in reject["reason"]


def test_of_two_that_publish_at_once_one_is_refused(
    client: TestClient, town_database: Database
) -> None:
    upload(client, geojson(frame()))
    upload(client, geojson(frame().assign(MC="x")))
    statuses: list[int] = []

    def send(number: int) -> None:
        answer = client.post(f"/editions/{number}/publish", json={"dry_run": False})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in (2, 3)]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with town_database.transaction() as session:
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        for thread in threads:
            thread.start()
        while read(town_database, waiting) != [(2,)]:
            time.sleep(0.01)
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [200, 409]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"dry_run": "no"}, "body.dry_run"),
        ({"dry_run": False, "reason": ""}, "body.reason"),
        ({"publish": True}, "body.publish"),
    ],
)
def test_an_order_that_cannot_be_meant_publishes_nothing(
    shared_client: TestClient, body: Report, location: str
) -> None:
    answer = shared_client.post("/editions/1/publish", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == location
