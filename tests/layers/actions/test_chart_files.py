"""A chart of files: what is on its page, and what had to be decided on the way."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.errors import MissingCrs
from layers.actions.chart_files import draw_chart_from_files
from layers.actions.chart_sources import ChartOrder
from layers.actions.route_file import RouteOrder, route_file
from layers.errors import FileUnreadable, LayerRefused, MappingInvalid
from tests.layers.actions.chart_inputs import HOSTILE, contents, states, write_cases, write_grids


@pytest.fixture
def order(tmp_path: Path) -> ChartOrder:
    return ChartOrder(grids=str(write_grids(tmp_path)), code="id")


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    return write_cases(tmp_path)


def test_the_title_is_the_layers_name_or_the_one_that_is_given(order: ChartOrder) -> None:
    head = contents(draw_chart_from_files(order).page)["head"]
    assert head["title"] == {"zh": "council作战图", "en": "council battle chart"}
    assert (head["totals"]["grids"], head["edition"]) == (3, None)
    named = draw_chart_from_files(replace(order, title="市区 & 近郊")).page
    assert contents(named)["head"]["title"] == {"zh": "市区 & 近郊", "en": "市区 & 近郊"}


def test_names_are_text_however_hostile(order: ChartOrder) -> None:
    page = draw_chart_from_files(replace(order, name="label_zh")).page
    assert HOSTILE not in page
    assert "onerror" in page


def test_cases_are_counted_into_their_grid(order: ChartOrder, cases: Path) -> None:
    drawn = draw_chart_from_files(replace(order, cases=str(cases), datum="wgs84"))
    assert drawn.counts == {"grids": 3, "cases": 5}
    assert any("“Strange” is no known state" in note for note in drawn.notes)
    assert any("confidential" in note for note in drawn.notes)
    assert states(drawn.page) == {"reported": 3, "duplicate": 1, "in_progress": 1}
    totals = contents(drawn.page)["head"]["totals"]
    assert (totals["open"], totals["unplaced_cases"]) == (4, 1)


def test_columns_of_unusual_names_are_mapped(order: ChartOrder, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("阶段,lon,lat\nClosed,111.005,39.005\n", encoding="utf-8")
    odd = replace(order, cases=str(path), datum="wgs84", columns={"cases.state": "阶段"})
    assert states(draw_chart_from_files(odd).page) == {"closed": 1}
    with pytest.raises(MappingInvalid, match=r"cases\.state=COLUMN"):
        draw_chart_from_files(replace(odd, columns={"roads.name": "x"}))


@pytest.mark.parametrize("ending", ["csv", "gpkg"])
def test_a_result_of_route_needs_no_datum_and_keeps_its_owners(
    order: ChartOrder, cases: Path, tmp_path: Path, ending: str
) -> None:
    routed = tmp_path / f"routed.{ending}"
    route_file(RouteOrder(points=cases, grids=order.grids, code="id", out=routed, datum="gcj02"))
    shown = contents(draw_chart_from_files(replace(order, cases=str(routed))).page)
    assert shown["head"]["totals"]["unplaced_cases"] == 1
    if ending == "csv":
        # Its lon and lat are in the storage datum, whatever the raw coordinates are in.
        again = draw_chart_from_files(replace(order, cases=str(routed), datum="gcj02"))
        assert contents(again.page)["cases"] == shown["cases"]


def test_owners_of_other_grids_are_said(order: ChartOrder, cases: Path, tmp_path: Path) -> None:
    routed = tmp_path / "routed.csv"
    route_file(RouteOrder(points=cases, grids=order.grids, code="id", out=routed, datum="wgs84"))
    drawn = draw_chart_from_files(replace(order, code="label_zh", cases=str(routed)))
    assert any("not in the file of grids" in note for note in drawn.notes)


def test_points_without_a_datum_are_refused(order: ChartOrder, cases: Path) -> None:
    with pytest.raises(MissingCrs, match="--datum"):
        draw_chart_from_files(replace(order, cases=str(cases)))


def test_times_that_cannot_be_read_are_left_out_and_said(order: ChartOrder, tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text(
        "id,created_at,lon,lat\na,2026-05-01T08:30:00+08:00,111.005,39.005\n"
        "b,yesterday,111.005,39.005\n"
    )
    drawn = draw_chart_from_files(replace(order, cases=str(path), datum="wgs84"))
    assert any(note.startswith("times") and "1 row" in note for note in drawn.notes)
    assert drawn.counts["cases"] == 2


def test_households_speak_in_a_known_scheme(order: ChartOrder, tmp_path: Path) -> None:
    homes = tmp_path / "homes.csv"
    homes.write_text(
        "户编号,住,lon,lat\nA,租住,111.001,39.001\nB,空户,111.002,39.002\nC,,111.003,39.003\n"
    )
    lived_in = replace(order, households=str(homes), status="住", datum="cgcs2000")
    head = contents(draw_chart_from_files(lived_in).page)["head"]
    assert head["scheme"]["zh"] == "居住状况"
    counts = {each["code"]: each["count"] for each in head["statuses"]}
    assert (counts["rented"], counts["vacant"], counts["unverified"]) == (1, 1, 1)
    with pytest.raises(MappingInvalid, match="occupancy"):
        draw_chart_from_files(replace(lived_in, scheme="health"))


def test_messy_grids_still_make_a_page(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)])
    shapes = [bow, shapely.Point(0, 0), None, shapely.box(1, 0, 2, 1), shapely.box(2, 0, 3, 1)]
    path = tmp_path / "messy.gpkg"
    frame = gpd.GeoDataFrame({"c": ["a", "b", "c", "a", None]}, geometry=shapes, crs=4326)
    frame.to_file(path)
    order = ChartOrder(grids=str(path), code="c")
    drawn = draw_chart_from_files(order)
    assert drawn.counts == {"grids": 1}
    assert any("3 rows" in note and "left out" in note for note in drawn.notes)
    frame[1:3].to_file(path)
    with pytest.raises(LayerRefused, match="no row"):
        draw_chart_from_files(order)
    with pytest.raises(FileUnreadable):
        draw_chart_from_files(replace(order, grids=f"{path}x"))


def test_buildings_that_are_no_polygons_are_left_out(order: ChartOrder, tmp_path: Path) -> None:
    path = tmp_path / "buildings.gpkg"
    house = shapely.box(111.001, 39.001, 111.002, 39.002)
    frame = gpd.GeoDataFrame(
        {"osm_id": ["7", "8"], "addr:street": ["Main St", None], "addr:housenumber": ["5", None]},
        geometry=[house, house.centroid],
        crs=4326,
    )
    frame.to_file(path)
    drawn = draw_chart_from_files(replace(order, buildings=str(path)))
    assert drawn.counts["buildings"] == 1
    assert any("is no polygon" in note for note in drawn.notes)
    assert "Main St 5" in drawn.page


@pytest.mark.real
def test_ten_thousand_requests_in_council_districts(shared_data: Path) -> None:
    folder = shared_data / "cases"
    drawn = draw_chart_from_files(
        ChartOrder(
            grids=f"{folder}/baltimore_areas_epsg2804.gpkg:council_districts",
            code="id",
            cases=f"{folder}/baltimore_311_2018.csv",
            datum="wgs84",
            timezone="America/New_York",
        )
    )
    assert drawn.counts == {"grids": 14, "cases": 10_000}
    assert contents(drawn.page)["head"]["totals"]["unplaced_cases"] == 590
    assert states(drawn.page) == {
        "reported": 180, "in_progress": 18, "closed": 9585, "duplicate": 217,
    }  # fmt: skip


@pytest.mark.real
def test_a_zipped_legacy_shapefile(shared_data: Path) -> None:
    archive = shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip"
    order = ChartOrder(grids=str(archive), code="KEY_CODE", name="MOJI")
    page = draw_chart_from_files(order).page
    assert contents(page)["head"]["totals"]["grids"] == 2487
    # Daisen, as it is written there; the page holds JSON in ASCII.
    assert "\\u5927\\u5c71" in page
