from dataclasses import replace
from pathlib import Path

import pytest
import shapely

from layers.actions.import_layer import ImportReport
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.session import Database
from tests.layers.actions.made import FREE, NATIONAL, layer, load, read, square

BANNER = {"code": "150622", "name": "准格尔旗", "level": "county", "parent_code": "1506"}
STREET = {"code": "150622003", "name": "蓝天街道", "level": "街道", "parent_code": "150622"}
COMMUNITY = {"code": "150622003003", "name": "白云社区", "level": "community"}


def reasons(report: ImportReport) -> dict[int, str]:
    return {reject.row: reject.reason for reject in report.rejects}


def test_parents_come_first_whatever_the_order_of_the_file(database: Database) -> None:
    report = load(database, "areas", layer([COMMUNITY, STREET, BANNER]), NATIONAL)

    assert (report.inserted, report.rejects) == (3, ())
    assert read(database, "SELECT code, level, parent_code, path FROM areas ORDER BY code") == [
        ("150622", "banner", None, "150622/"),
        ("150622003", "street", "150622", "150622/150622003/"),
        ("150622003003", "community", "150622003", "150622/150622003/150622003003/"),
    ]


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    source = layer([BANNER, STREET], [square(0), square(0)])
    load(database, "areas", source, NATIONAL)

    report = load(database, "areas", source, NATIONAL)

    assert (report.inserted, report.updated, report.unchanged) == (0, 0, 2)


def test_a_new_name_is_an_update_of_that_row_alone(database: Database) -> None:
    load(database, "areas", layer([BANNER, STREET]), NATIONAL)

    report = load(database, "areas", layer([BANNER, {**STREET, "name": "蓝天"}]), NATIONAL)

    assert (report.inserted, report.updated, report.unchanged) == (0, 1, 1)
    assert read(database, "SELECT name FROM areas WHERE code = '150622003'") == [("蓝天",)]


def test_a_boundary_outlives_a_later_file_without_geometry(database: Database) -> None:
    load(database, "areas", layer([BANNER], [square(0)]), NATIONAL)

    report = load(database, "areas", layer([BANNER]), NATIONAL)

    assert report.unchanged == 1
    assert read(database, "SELECT ST_AsText(ST_Envelope(boundary)) IS NOT NULL FROM areas") == [
        (True,)
    ]


def test_rows_above_the_banner_fall_out_and_say_why(database: Database) -> None:
    province = {"code": "15", "name": "内蒙古自治区", "level": "province"}
    city = {"code": "1506", "name": "鄂尔多斯市", "level": "city", "parent_code": "15"}

    report = load(database, "areas", layer([province, city, BANNER]), NATIONAL)

    assert report.inserted == 1
    above = "above the banner: Lianxin starts at the banner (县/旗)"
    assert reasons(report) == {1: above, 2: above}
    assert report.rejects[1].record == city


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"code": "1506", "name": "x"}, "above the banner"),
        ({"code": "1506220031", "name": "x"}, "6, 9 or 12 digits"),
        ({"code": "", "name": "x"}, "code is empty"),
        ({"code": "150622004", "name": ""}, "name is empty"),
        ({"code": "150622004", "name": "x", "level": "community"}, "called a community"),
        ({"code": "150622004", "name": "x", "level": "planet"}, "level is none of"),
        ({"code": "150622004", "name": "x", "parent_code": "150623"}, "lies under 150622"),
        ({"code": "150623001", "name": "x"}, "150623 is neither in the file nor loaded"),
    ],
)
def test_a_bad_row_falls_out_and_the_rest_is_loaded(
    database: Database, row: dict[str, str], reason: str
) -> None:
    report = load(database, "areas", layer([BANNER, row, STREET]), NATIONAL)

    assert report.inserted == 2
    assert list(reasons(report)) == [2]
    assert reason in reasons(report)[2]


def test_children_of_a_row_that_fell_out_fall_out_with_it(database: Database) -> None:
    report = load(database, "areas", layer([BANNER, {**STREET, "name": ""}, COMMUNITY]), NATIONAL)

    assert report.inserted == 1
    assert "its parent 150622003 is neither in the file nor loaded" in reasons(report)[3]


def test_a_places_own_codes_hang_where_the_file_says(database: Database) -> None:
    rows = [
        {"code": "BC", "name": "Baltimore", "level": "banner"},
        {"code": "N1", "name": "Canton", "level": "community", "parent_code": "BC"},
        {"code": "N2", "name": "Alone", "level": "community"},
        {"code": "N3", "name": "Astray", "level": "community", "parent_code": "N1"},
    ]

    report = load(database, "areas", layer(rows))

    assert read(database, "SELECT code, path FROM areas ORDER BY code") == [
        ("BC", "BC/"), ("N1", "BC/N1/"), ("N2", "N2/"),
    ]  # fmt: skip
    assert "is a community, which cannot hold a community" in reasons(report)[4]


def test_an_import_does_not_move_an_area(database: Database) -> None:
    rows = [{"code": c, "name": c, "level": "banner"} for c in "AB"]
    child = {"code": "C", "name": "C", "level": "street", "parent_code": "A"}
    load(database, "areas", layer([*rows, child]))

    report = load(database, "areas", layer([{**child, "parent_code": "B"}]))

    assert "does not move" in reasons(report)[1]
    assert read(database, "SELECT path FROM areas WHERE code = 'C'") == [("A/C/",)]


def test_equal_rows_collapse_and_differing_ones_fall_out(database: Database) -> None:
    other = {**STREET, "name": "another"}

    report = load(database, "areas", layer([BANNER, STREET, STREET, other]), NATIONAL)

    assert report.inserted == 2
    assert any("1 rows repeat another row exactly" in note for note in report.notes)
    assert "taken by row 2 with other content" in reasons(report)[4]


def test_pieces_are_joined_only_when_asked(database: Database) -> None:
    row = {"code": "P", "name": "P", "level": "community"}
    source = layer([row, row], [square(0), square(1)])

    apart = load(database, "areas", source)
    joined = load(database, "areas", source, replace(FREE, merge_pieces=True))

    assert "--merge-pieces" in reasons(apart)[2]
    assert (joined.updated, joined.rejects) == (1, ())
    query = "SELECT ST_Area(boundary) FROM areas"
    assert read(database, query)[0][0] == pytest.approx(2e-4)


def test_a_crossed_ring_is_mended_and_told(database: Database) -> None:
    bow = shapely.Polygon([(111.2, 39.8), (111.21, 39.81), (111.21, 39.8), (111.2, 39.81)])

    report = load(database, "areas", layer([BANNER], [bow]), NATIONAL)

    assert [finding.rule for finding in report.findings] == ["invalid_geometry"]
    assert read(database, "SELECT ST_IsValid(boundary), ST_NumGeometries(boundary) FROM areas") == [
        (True, 2)
    ]


def test_what_is_no_polygon_falls_out(database: Database) -> None:
    report = load(database, "areas", layer([BANNER], [shapely.Point(111, 39)]), NATIONAL)

    assert "an area is a polygon; this is a Point" in reasons(report)[1]


@pytest.mark.real
def test_the_divisions_of_jungar_banner(database: Database, shared_data: Path) -> None:
    file = shared_data / "admin" / "jungar_150622_divisions.csv"
    source = read_layer(file, geometry_required=False)

    report = load(database, "areas", source, NATIONAL)

    assert (report.inserted, len(report.rejects)) == (217, 2)
    assert read(database, "SELECT path FROM areas WHERE name LIKE '白云社区%'") == [
        ("150622/150622003/150622003003/",)
    ]
    assert load(database, "areas", source, NATIONAL).unchanged == 217


def test_a_column_may_be_named_or_set_for_all(database: Database) -> None:
    source = layer([{"Nr": "7", "Viertel": "Alt"}])
    mapping = ColumnMapping.from_flags(["code=Nr", "name=Viertel"], ["level=community"])

    report = load(database, "areas", source, FREE, mapping)

    assert report.inserted == 1
