"""``lianxin chart`` as it is typed: from files with no database, and from the database."""

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from api.cli import charting
from gis.errors import MissingCrs
from layers.errors import ChartNotFound, FileUnreadable, LayerRefused, MappingInvalid
from layers.session import Database
from tests.layers.actions.stored import BAIYUN, store_case, store_place

HOSTILE = "{{7*7}}</script><img src=x onerror=alert(1)>"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    charting.register(app)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "chart.html"


@pytest.fixture
def grids(tmp_path: Path) -> Path:
    path = tmp_path / "grids.gpkg"
    squares = [shapely.box(111 + i / 100, 39, 111.01 + i / 100, 39.01) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"id": [1, 2, 3], "label_zh": ["东", "中", HOSTILE]}, geometry=squares, crs=4326
    )
    frame.to_file(path, layer="council")
    return path


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(
        "SRType,SRStatus,CreatedDate,Longitude,Latitude\n"
        "53001,Open,04/13/2018 11:11:26 AM,111.005,39.005\n"
        "Rubbish,Closed (Duplicate),04/14/2018 01:06:56 PM,111.005,39.006\n"
        "51002,New,04/14/2018 01:06:56 PM,111.005,39.007\n"
        "Rubbish,Pending,,111.015,39.005\n"
        "Rubbish,Strange,,,\n"
        "Rubbish,New,,0,0\n",
        encoding="utf-8",
    )
    return path


def run(app: typer.Typer, *words: str) -> Any:
    result = CliRunner().invoke(app, ["chart", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def contents(page: Path) -> dict[str, Any]:
    """What the page shows, read back out of it."""
    found = re.search(
        r'<script type="application/json" id="chart-data">(.*?)</script>', page.read_text()
    )
    assert found is not None
    return json.loads(found.group(1))


def states(page: Path) -> dict[str, int]:
    return {
        each["code"]: each["count"] for each in contents(page)["head"]["states"] if each["count"]
    }


def test_grids_alone_make_a_chart(app: typer.Typer, grids: Path, out: Path) -> None:
    result = run(app, "--grids", f"{grids}:council", "--code", "id", "--out", str(out))
    assert result.exit_code == 0
    assert "3  网格 grids" in result.output
    head = contents(out)["head"]
    assert head["title"] == {"zh": "council作战图", "en": "council battle chart"}
    assert (head["totals"]["grids"], head["edition"]) == (3, None)


def test_the_settings_say_the_language_where_nobody_does(
    app: typer.Typer, grids: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--grids", str(grids), "--code", "id", "--out", str(out))
    run(app, *words)
    assert contents(out)["head"]["language"] == "zh"
    monkeypatch.setenv("LIANXIN_LANGUAGE", "en")
    run(app, *words)
    assert contents(out)["head"]["language"] == "en"
    run(app, *words, "--lang", "zh")
    assert contents(out)["head"]["language"] == "zh"


def test_cases_are_counted_into_their_grid(
    app: typer.Typer, grids: Path, cases: Path, out: Path
) -> None:
    result = run(
        app, "--grids", str(grids), "--code", "id", "--name", "label_zh", "--cases", str(cases),
        "--datum", "wgs84", "--title", "市区 & 近郊", "--lang", "en", "--out", str(out), "--json",
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert answer["counts"] == {"grids": 3, "cases": 5}
    assert answer["bytes"] == out.stat().st_size
    assert any("“Strange” is no known state" in note for note in answer["notes"])
    assert any("confidential" in note for note in answer["notes"])
    shown = contents(out)
    assert shown["head"]["title"] == {"zh": "市区 & 近郊", "en": "市区 & 近郊"}
    assert shown["head"]["language"] == "en"
    assert states(out) == {"reported": 3, "duplicate": 1, "in_progress": 1}
    assert shown["head"]["totals"]["open"] == 4
    assert shown["head"]["totals"]["unplaced_cases"] == 1


def test_a_result_of_route_needs_no_datum_and_keeps_its_owners(
    app: typer.Typer, grids: Path, cases: Path, out: Path, tmp_path: Path
) -> None:
    from layers.actions.route_file import RouteOrder, route_file  # noqa: PLC0415

    routed = tmp_path / "routed.csv"
    for path in (routed, routed.with_suffix(".gpkg")):
        route_file(RouteOrder(points=cases, grids=grids, code="id", out=path, datum="gcj02"))
        words = ("--grids", str(grids), "--code", "id", "--cases", str(path), "--out", str(out))
        assert run(app, *words).exit_code == 0
        shown = contents(out)
        assert shown["head"]["totals"]["unplaced_cases"] == 1
        # Its lon and lat are in the storage datum, whatever the raw coordinates are in.
        if path == routed:
            run(app, *words, "--datum", "gcj02")
            assert contents(out)["cases"] == shown["cases"]


def test_points_without_a_datum_are_refused(
    app: typer.Typer, grids: Path, cases: Path, out: Path
) -> None:
    with pytest.raises(MissingCrs, match="--datum"):
        run(app, "--grids", str(grids), "--code", "id", "--cases", str(cases), "--out", str(out))
    assert not out.exists()


def test_households_speak_in_a_known_scheme(
    app: typer.Typer, grids: Path, out: Path, tmp_path: Path
) -> None:
    homes = tmp_path / "homes.csv"
    homes.write_text(
        "户编号,住,lon,lat\nA,租住,111.001,39.001\nB,空户,111.002,39.002\nC,,111.003,39.003\n"
    )
    words = (
        "--grids", str(grids), "--code", "id", "--households", str(homes), "--status", "住",
        "--datum", "cgcs2000", "--out", str(out),
    )  # fmt: skip
    assert run(app, *words).exit_code == 0
    head = contents(out)["head"]
    assert head["scheme"]["zh"] == "居住状况"
    counts = {each["code"]: each["count"] for each in head["statuses"]}
    assert (counts["rented"], counts["vacant"], counts["unverified"]) == (1, 1, 1)
    with pytest.raises(MappingInvalid, match="occupancy"):
        run(app, *words, "--scheme", "health")


def test_words_of_a_files_own_get_symbols(
    app: typer.Typer, grids: Path, out: Path, tmp_path: Path
) -> None:
    homes = tmp_path / "homes.geojson"
    frame = gpd.GeoDataFrame(
        {"kind": [f"kind {i % 12}" for i in range(40)]},
        geometry=[shapely.Point(111.005, 39.005)] * 40,
        crs=4326,
    )
    frame.to_file(homes, driver="GeoJSON")
    result = run(
        app, "--grids", str(grids), "--code", "id", "--households", str(homes),
        "--status", "kind", "--out", str(out), "--json",
    )  # fmt: skip
    shown = contents(out)["head"]["statuses"]
    assert sum(each["count"] for each in shown) == 40
    assert len({(each["shape"], each["night"]) for each in shown}) == len(shown) == 9
    assert "4 share one" in json.loads(result.stdout)["notes"][0]


def test_messy_grids_still_make_a_page(app: typer.Typer, out: Path, tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)])
    shapes = [bow, shapely.Point(0, 0), None, shapely.box(1, 0, 2, 1), shapely.box(2, 0, 3, 1)]
    path = tmp_path / "messy.gpkg"
    frame = gpd.GeoDataFrame({"c": ["a", "b", "c", "a", None]}, geometry=shapes, crs=4326)
    frame.to_file(path)
    result = run(app, "--grids", str(path), "--code", "c", "--out", str(out), "--json")
    answer = json.loads(result.stdout)
    assert answer["counts"] == {"grids": 1}
    assert any("3 rows" in note and "left out" in note for note in answer["notes"])
    frame[1:3].to_file(path)
    with pytest.raises(LayerRefused, match="no row"):
        run(app, "--grids", str(path), "--code", "c", "--out", str(out))


def test_buildings_that_are_no_polygons_are_left_out(
    app: typer.Typer, grids: Path, out: Path, tmp_path: Path
) -> None:
    path = tmp_path / "buildings.gpkg"
    house = shapely.box(111.001, 39.001, 111.002, 39.002)
    frame = gpd.GeoDataFrame(
        {"osm_id": ["7", "8"], "addr:street": ["Main St", None], "addr:housenumber": ["5", None]},
        geometry=[house, house.centroid],
        crs=4326,
    )
    frame.to_file(path)
    result = run(
        app, "--grids", str(grids), "--code", "id", "--buildings", str(path), "--out", str(out),
        "--json",
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert answer["counts"]["buildings"] == 1
    assert any("is no polygon" in note for note in answer["notes"])
    assert "Main St 5" in out.read_text()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--grids", "{grids}", "--code", "ids"], MappingInvalid),
        (["--grids", "{grids}x", "--code", "id"], FileUnreadable),
        (["--grids", "{grids}", "--code", "id", "--map", "roads.name=x"], MappingInvalid),
    ],
)
def test_wrong_use_is_said_in_words(
    app: typer.Typer, grids: Path, out: Path, words: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(app, *(word.format(grids=grids) for word in words), "--out", str(out))
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["all", "--grids", "x.gpkg", "--code", "id"],
        ["--grids", "x.gpkg"],
        ["--cases", "x.csv"],
        ["--grids", "x.gpkg", "--code", "id", "--map", "nonsense"],
        ["--theme", "pink"],
    ],
)
def test_flags_that_do_not_go_together(app: typer.Typer, out: Path, words: list[str]) -> None:
    result = run(app, *words, "--out", str(out))
    assert result.exit_code == 2
    assert not out.exists()


def test_the_page_must_be_a_page_in_a_folder(app: typer.Typer, grids: Path, tmp_path: Path) -> None:
    for wrong in ("chart.png", "nowhere/chart.html"):
        with pytest.raises(MappingInvalid):
            run(app, "--grids", str(grids), "--code", "id", "--out", str(tmp_path / wrong))


def test_the_database_is_drawn_by_name(
    app: typer.Typer,
    fresh_database: Database,
    fresh_database_url: str,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_place(fresh_database)
    store_case(fresh_database, 1)
    monkeypatch.setenv("LIANXIN_DATABASE_URL", fresh_database_url)
    assert run(app, BAIYUN, "--theme", "day", "--out", str(out)).exit_code == 0
    head = contents(out)["head"]
    assert head["title"]["zh"] == "白云社区作战图"
    assert (head["theme"], head["totals"]["open"], head["totals"]["grids"]) == ("day", 1, 2)
    assert run(app, "--out", str(out)).exit_code == 0
    assert contents(out)["head"]["totals"]["grids"] == 3
    with pytest.raises(ChartNotFound):
        run(app, "nowhere", "--out", str(out))


@pytest.mark.real
def test_ten_thousand_requests_in_council_districts(
    app: typer.Typer, shared_data: Path, out: Path
) -> None:
    result = run(
        app, "--grids", f"{shared_data}/cases/baltimore_areas_epsg2804.gpkg:council_districts",
        "--code", "id", "--cases", f"{shared_data}/cases/baltimore_311_2018.csv", "--datum",
        "wgs84", "--timezone", "America/New_York", "--out", str(out), "--json",
    )  # fmt: skip
    assert json.loads(result.stdout)["counts"] == {"grids": 14, "cases": 10_000}
    totals = contents(out)["head"]["totals"]
    assert totals["unplaced_cases"] == 590
    assert states(out) == {"reported": 180, "in_progress": 18, "closed": 9585, "duplicate": 217}


@pytest.mark.real
def test_a_zipped_legacy_shapefile(app: typer.Typer, shared_data: Path, out: Path) -> None:
    archive = shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip"
    run(app, "--grids", str(archive), "--code", "KEY_CODE", "--name", "MOJI", "--out", str(out))
    assert contents(out)["head"]["totals"]["grids"] == 2487
    # Daisen, as it is written there; the page holds JSON in ASCII.
    assert "\\u5927\\u5c71" in out.read_text()
