from dataclasses import replace
from pathlib import Path

import pytest
import shapely

from layers.actions.import_layer import ImportReport
from layers.actions.seed_reference import seed_reference
from layers.errors import MappingInvalid
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import read_layer
from layers.session import Database
from tests.layers.actions.made import (
    FREE,
    NATIONAL,
    STEP,
    grids,
    layer,
    load,
    middle,
    publish,
    read,
    rows_of,
    square,
)

SMALL = STEP / 4
OWNERS = "SELECT code, grid_code, path FROM {} ORDER BY code"


def reasons(report: ImportReport) -> dict[int, str]:
    return {reject.row: reject.reason for reject in report.rejects}


def house(column: int) -> shapely.Polygon:
    return shapely.box(*square(column, size=SMALL).bounds)


def test_buildings_belong_to_the_grid_that_owns_their_anchor(database: Database) -> None:
    publish(database, grids("AB"))

    report = load(
        database,
        "buildings",
        layer([{"code": c} for c in ("b0", "b1", "b9")], [house(0), house(1), house(9)]),
    )

    assert (report.inserted, report.unowned) == (3, 1)
    assert read(database, OWNERS.format("buildings")) == [
        ("b0", "A", "A/"), ("b1", "B", "B/"), ("b9", None, None),
    ]  # fmt: skip
    assert read(database, "SELECT bool_and(ST_Covers(outline, anchor)) FROM buildings") == [(True,)]


def test_without_an_edition_premises_wait_for_their_owner(database: Database) -> None:
    load(database, "buildings", layer([{"code": "b0"}], [house(0)]))
    report = load(database, "households", layer([{"code": "h0"}], [middle(0)]))
    assert report.unowned == 1

    publish(database, grids("A"))

    for table in ("buildings", "households"):
        assert [row[1:] for row in read(database, OWNERS.format(table))] == [("A", "A/")]


def test_a_household_without_a_place_lives_at_its_building(database: Database) -> None:
    publish(database, grids("AB"))
    load(database, "buildings", layer([{"code": "b1"}], [house(1)]))
    rows = [
        {"code": "h1", "building_code": "b1"},
        {"code": "h2", "building_code": None},
        {"code": "h3", "building_code": "nowhere"},
    ]

    report = load(database, "households", layer(rows))

    assert report.inserted == 1
    assert "neither a place of its own" in reasons(report)[2]
    assert "its building nowhere is not loaded; import the buildings first" in reasons(report)[3]
    query = (
        "SELECT h.grid_code, ST_Equals(h.location, b.anchor)"
        " FROM households h JOIN buildings b ON b.code = h.building_code"
    )
    assert read(database, query) == [("B", True)]


def test_the_same_households_again_change_nothing(database: Database) -> None:
    seed_reference(database)
    publish(database, grids("A"))
    rows = [{"code": "h1", "room": "101", "resident_count": 3, "hazard": "minor", "floor": -1}]
    source = layer(rows, [middle(0)])
    load(database, "households", source)
    before = rows_of(database, "households", "statuses")

    report = load(database, "households", source)

    assert (report.inserted, report.updated, report.unchanged, report.notes) == (0, 0, 1, ())
    assert rows_of(database, "households", "statuses") == before


def test_a_column_that_the_file_lacks_leaves_what_is_stored(database: Database) -> None:
    load(database, "households", layer([{"code": "h", "room": "101"}], [middle(0)]))

    report = load(database, "households", layer([{"code": "h"}], [middle(1)]))

    assert report.updated == 1
    assert read(database, "SELECT room, ST_X(location) FROM households") == [("101", middle(1).x)]


def test_a_status_that_differs_ends_and_the_new_one_begins(database: Database) -> None:
    seed_reference(database)
    people = [{"code": c, "hazard": "minor", "care": "独居老人"} for c in ("h1", "h2", "h3")]
    places = [middle(0)] * 3
    load(database, "households", layer(people, places, name="first"))
    people[0]["hazard"] = "Major hazard"
    people[1]["hazard"] = None

    report = load(database, "households", layer(people, places, name="second"))

    assert report.notes == ("1 statuses begin, 1 end.",)
    query = (
        "SELECT subject_code, status_code, until IS NULL, source FROM statuses"
        " WHERE scheme_code = 'hazard' ORDER BY subject_code, since"
    )
    assert read(database, query) == [
        ("h1", "minor", False, "first"),
        ("h1", "major", True, "second"),
        ("h2", "minor", True, "first"),
        ("h3", "minor", True, "first"),
    ]
    assert read(
        database, "SELECT DISTINCT status_code FROM statuses WHERE scheme_code = 'care'"
    ) == [("elderly_alone",)]


def test_a_campaigns_statuses_never_come_by_import(database: Database) -> None:
    seed_reference(database)
    source = layer([{"code": "h", "health": "home_isolation"}], [middle(0)])

    with pytest.raises(MappingInvalid, match="health"):
        load(database, "households", source, FREE, ColumnMapping.from_flags(["health=health"]))
    load(database, "households", source)

    assert read(database, "SELECT count(*) FROM statuses") == [(0,)]


@pytest.mark.parametrize(
    ("row", "shape", "reason"),
    [
        ({"code": "h2", "resident_count": -1}, middle(0), "resident_count is not a whole number"),
        ({"code": "h2", "hazard": "volcano"}, middle(0), "hazard is none of: none, minor"),
        ({"code": "h2"}, square(0), "a household is a point; this is a Polygon"),
        ({"code": "h1", "room": "other"}, middle(0), "taken by row 1 with other content"),
    ],
)
def test_a_bad_household_falls_out_and_the_rest_is_loaded(
    database: Database, row: dict[str, object], shape: object, reason: str
) -> None:
    seed_reference(database)

    report = load(database, "households", layer([{"code": "h1"}, row], [middle(0), shape]))

    assert report.inserted == 1
    assert list(reasons(report)) == [2]
    assert reason in reasons(report)[2]


def test_national_codes_are_checked(database: Database) -> None:
    building = {"code": "15062200300300001"}

    right = load(database, "buildings", layer([building], [house(0)]), NATIONAL)
    wrong = load(database, "buildings", layer([{"code": "B-1"}], [house(1)]), NATIONAL)
    household = load(
        database, "households", layer([{"code": "15062200300300001-1-101"}], [middle(0)]), NATIONAL
    )

    assert (right.inserted, household.inserted) == (1, 1)
    assert "is not a building's 17 digits" in reasons(wrong)[1]


def test_compounds_know_their_community(database: Database) -> None:
    load(database, "areas", layer([{"code": "N", "name": "N", "level": "community"}]))
    rows = [{"code": "c1", "community_code": "N"}, {"code": "c2", "community_code": "M"}]

    report = load(database, "compounds", layer(rows, [square(0), None]))

    assert report.inserted == 1
    assert "its community M is not loaded" in reasons(report)[2]
    assert read(database, "SELECT code, name, community_code FROM compounds") == [("c1", "c1", "N")]


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "code", "rules"),
    [
        ("bayreuth_north_osm.gpkg:buildings", "osm_way_id", set()),
        ("baltimore_southeast_osm.gpkg:buildings", "osm_way_id", {"invalid_geometry"}),
        (
            "shanghai_osm_tiles_buildings.geojson",
            "id",
            {"duplicate_geometry", "cut_building"},
        ),
    ],
)
def test_real_buildings_come_in_with_what_is_wrong_reported(
    database: Database, shared_data: Path, file: str, code: str, rules: set[str]
) -> None:
    source = read_layer(f"{shared_data}/buildings/{file}")
    mapping = ColumnMapping.from_flags([f"code={code}"])

    report = load(database, "buildings", source, replace(FREE, merge_pieces=True), mapping)

    assert rules == {finding.rule for finding in report.findings}
    total = report.inserted + len(report.rejects)
    collapsed = sum(int(note.split()[0]) for note in report.notes if "rows" in note)
    assert total + collapsed == len(source)
    assert (
        load(database, "buildings", source, replace(FREE, merge_pieces=True), mapping).updated == 0
    )
