import json
from dataclasses import replace
from pathlib import Path

import pytest
import shapely

from layers.actions.publish_edition import publish_edition
from layers.errors import EditionHasErrors
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.paths import codes_of_path
from layers.session import Database
from tests.layers.actions.made import (
    FREE,
    NATIONAL,
    grids,
    layer,
    load,
    middle,
    publish,
    read,
    square,
)

AREAS = [
    {"code": "150622", "name": "准格尔旗"},
    {"code": "150622003", "name": "蓝天街道"},
    {"code": "150622003003", "name": "白云社区"},
]
G1, G2 = "150622003003001", "150622003003002"


@pytest.fixture
def areas(database: Database) -> None:
    load(database, "areas", layer(AREAS), NATIONAL)


def codes_stored(database: Database) -> list[str]:
    return [row[0] for row in read(database, "SELECT code FROM grids ORDER BY edition_id, code")]


@pytest.mark.usefixtures("areas")
def test_grids_become_a_draft_under_their_community(database: Database) -> None:
    report = load(database, "grids", grids([G1, G2], kind="专属网格"), NATIONAL)

    assert (report.inserted, report.findings, report.published) == (2, (), None)
    assert read(database, "SELECT id, status, name FROM editions") == [
        (report.edition_id, "checked", "grids")
    ]
    assert read(
        database, "SELECT code, name, kind, community_code, path FROM grids ORDER BY code"
    )[0] == (
        G1, G1, "dedicated", "150622003003", f"150622/150622003/150622003003/{G1}/",
    )  # fmt: skip


def test_the_same_content_is_the_same_edition_in_whatever_order(database: Database) -> None:
    first = load(database, "grids", layer([{"code": c} for c in "AB"], [square(0), square(1)]))

    again = load(database, "grids", layer([{"code": c} for c in "BA"], [square(1), square(0)]))

    assert (again.inserted, again.unchanged, again.edition_id) == (0, 2, first.edition_id)
    assert codes_stored(database) == ["A", "B"]


def test_other_content_is_another_edition(database: Database) -> None:
    first = load(database, "grids", grids("AB"))

    assert load(database, "grids", grids("AB", responsible="王")).edition_id != first.edition_id


def test_overlap_and_duplicate_are_found_named_and_kept_with_the_edition(
    database: Database,
) -> None:
    rows = [{"code": "A"}, {"code": "B"}, {"code": "B", "name": "other"}]
    shapes = [square(0, size=0.015), square(1), square(2)]

    report = load(database, "grids", layer(rows, shapes), replace(FREE, publish=True))

    assert {"overlap", "duplicate_code"} <= {finding.rule for finding in report.errors}
    assert report.published is None
    assert [reject.row for reject in report.rejects] == [3]
    (kept,) = read(database, "SELECT findings FROM editions")[0]
    overlap = next(finding for finding in kept if finding["rule"] == "overlap")
    assert overlap["codes"] == ["A", "B"]
    assert shapely.from_geojson(json.dumps(overlap["geometry"])).intersects(square(1))
    assert overlap["place"][0] == pytest.approx(111.2125, abs=0.01)
    assert overlap["message_zh"]
    assert overlap["message_en"]
    assert codes_stored(database) == ["A", "B"]


@pytest.mark.usefixtures("areas")
def test_a_draft_keeps_what_the_checks_find_today(database: Database) -> None:
    source = grids([G1, G2])
    first = load(database, "grids", source, NATIONAL)
    whole = shapely.union_all([square(column) for column in range(3)])
    outline = layer([{"code": "150622003003", "name": "白云社区"}], [whole])
    load(database, "areas", outline, NATIONAL)

    again = load(database, "grids", source, NATIONAL)

    assert (again.edition_id, again.unchanged) == (first.edition_id, 2)
    assert [finding.rule for finding in again.errors] == ["gap"]
    with pytest.raises(EditionHasErrors):
        publish_edition(database, again.edition_id)


def test_a_mended_row_clears_the_draft_s_finding(database: Database) -> None:
    rows = [{"code": "A"}, {"code": "B"}, {"code": "B", "name": "other"}]
    first = load(database, "grids", layer(rows, [square(0), square(1), square(2)]))
    assert [finding.rule for finding in first.errors] == ["duplicate_code"]

    again = load(database, "grids", layer(rows[:2], [square(0), square(1)]))

    assert (again.edition_id, again.errors) == (first.edition_id, ())
    publish_edition(database, again.edition_id)


def test_errors_may_be_accepted_with_a_reason_that_is_kept(database: Database) -> None:
    source = layer([{"code": "A"}, {"code": "B"}], [square(0, size=0.015), square(1)])

    report = load(
        database, "grids", source, replace(FREE, publish=True, accept_findings="as surveyed")
    )

    assert report.published is not None
    assert read(database, "SELECT status, override_reason FROM editions") == [
        ("published", "as surveyed")
    ]


def test_published_grids_again_change_nothing(database: Database) -> None:
    options = replace(FREE, publish=True)
    first = load(database, "grids", grids("AB"), options)
    before = read(database, "SELECT * FROM editions")

    again = load(database, "grids", grids("AB"), options)

    assert (again.edition_id, again.published) == (first.edition_id, None)
    assert read(database, "SELECT * FROM editions") == before


def test_a_crossed_ring_is_stored_mended_and_stays_a_finding(database: Database) -> None:
    bow = shapely.Polygon([(111.2, 39.8), (111.21, 39.81), (111.21, 39.8), (111.2, 39.81)])

    report = load(database, "grids", layer([{"code": "A"}], [bow]))

    assert "invalid_geometry" in {finding.rule for finding in report.findings}
    assert read(database, "SELECT ST_IsValid(boundary) FROM grids") == [(True,)]


@pytest.mark.usefixtures("areas")
@pytest.mark.parametrize(
    ("row", "shape", "reason"),
    [
        ({"code": G2}, None, "has no geometry"),
        ({"code": G2}, shapely.Point(111.2, 39.8), "a grid is a polygon; this is a Point"),
        ({"code": "12"}, square(1), "is not a grid's 15 digits (for codes of your own: --codes"),
        ({"code": None}, square(1), "code is empty"),
        ({"code": "150622003004001"}, square(1), "community 150622003004 is not loaded"),
        ({"code": G2, "community_code": "150622003004"}, square(1), "its code"),
        ({"code": G2, "kind": "round"}, square(1), "kind is none of"),
    ],
)
def test_a_row_that_cannot_be_a_grid_falls_out(
    database: Database, row: dict[str, str], shape: object, reason: str
) -> None:
    report = load(database, "grids", layer([{"code": G1}, row], [square(0), shape]), NATIONAL)

    assert [reject.row for reject in report.rejects] == [2]
    assert reason in report.rejects[0].reason
    assert codes_stored(database) == [G1]


@pytest.mark.usefixtures("areas")
def test_a_merged_grid_may_belong_to_the_street_alone(database: Database) -> None:
    load(database, "grids", grids(["150622003601001"]), NATIONAL)

    assert read(database, "SELECT community_code, path FROM grids") == [
        (None, "150622/150622003/150622003601001/")
    ]


def test_pieces_make_one_grid_when_asked(database: Database) -> None:
    source = layer([{"code": "A"}, {"code": "A"}], [square(0), square(5)])

    report = load(database, "grids", source, replace(FREE, merge_pieces=True))

    assert (report.inserted, report.rejects) == (1, ())
    assert "duplicate_code" not in {finding.rule for finding in report.findings}
    assert read(database, "SELECT ST_NumGeometries(boundary) FROM grids") == [(2,)]


def test_a_slash_in_a_code_is_no_separator_of_its_path(database: Database) -> None:
    load(database, "areas", layer([{"code": "a/b", "name": "x", "level": "community"}]))

    load(database, "grids", grids(["way/1"], community_code="a/b"))

    ((code, path),) = read(database, "SELECT code, path FROM grids")
    assert (code, path) == ("way/1", "a%2Fb/way%2F1/")
    assert codes_of_path(path) == ("a/b", "way/1")


def test_a_rejected_row_keeps_the_edition_from_being_published_at_once(database: Database) -> None:
    source = layer([{"code": "A"}, {"code": None}], [square(0), square(1)])

    held = load(database, "grids", source, replace(FREE, publish=True))
    done = load(database, "grids", source, replace(FREE, publish=True, accept_findings="spare"))

    assert held.published is None
    assert done.published is not None
    assert done.edition_id == held.edition_id


def test_a_dedicated_grid_may_lie_on_a_basic_one(database: Database) -> None:
    rows = [{"code": "A"}, {"code": "P", "kind": "专属"}]
    publish(database, layer(rows, [square(0), square(0, size=0.002)]))
    point = square(0, size=0.002).centroid

    load(database, "households", layer([{"code": "h"}, {"code": "i"}], [point, middle(0)]))

    assert read(database, "SELECT code, grid_code FROM households ORDER BY 1") == [
        ("h", "P"), ("i", "A"),
    ]  # fmt: skip


def test_what_the_grids_leave_of_their_community_is_a_gap(database: Database) -> None:
    areas = [dict(row) for row in AREAS]
    load(database, "areas", layer(areas, [None, None, square(0, size=0.02)]), NATIONAL)

    report = load(database, "grids", grids([G1, G2]), NATIONAL)

    assert "gap" in {finding.rule for finding in report.errors}


def test_findings_name_the_row_of_the_file(database: Database) -> None:
    bow = shapely.Polygon([(111.2, 39.8), (111.21, 39.81), (111.21, 39.8), (111.2, 39.81)])
    rows = [{"code": None}, {"code": "A"}, {"code": "B"}]

    report = load(database, "grids", layer(rows, [square(3), square(4), bow]))

    assert [f.message_en.split(" (")[0] for f in report.errors] == ["Row 3"]


@pytest.mark.real
def test_tottori_comes_in_with_its_names_and_its_one_bad_ring(
    database: Database, shared_data: Path
) -> None:
    file = shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip"
    mapping = ColumnMapping.from_flags(["code=KEY_CODE", "name=MOJI"])

    report = load(database, "grids", read_layer(file), replace(FREE, merge_pieces=True), mapping)

    bad = [finding for finding in report.findings if finding.rule == "invalid_geometry"]
    assert len(bad) == 1
    names = dict(read(database, "SELECT code, name FROM grids"))
    assert any(name.endswith("丁目") for name in names.values())
    assert not any("�" in name for name in names.values())
    assert report.inserted == len(names) > 1_000
    assert all("other content" in reject.reason for reject in report.rejects)


@pytest.mark.real
def test_the_census_blocks_come_in_clean(database: Database, shared_data: Path) -> None:
    file = shared_data / "partitions" / "baltimore_census_blocks_2020.gpkg"
    mapping = ColumnMapping.from_flags(["code=geoid20"])

    report = load(database, "grids", read_layer(file), replace(FREE, publish=True), mapping)

    assert (report.inserted, report.rejects, report.errors) == (10_025, (), ())
    assert report.published is not None
