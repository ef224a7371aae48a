from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from layers.actions.import_layer import ImportReport
from layers.actions.importing.instants import Calendar
from layers.actions.seed_reference import seed_reference
from layers.errors import NoEditionInForce
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer, read_layer
from layers.session import Database
from tests.layers.actions.made import FREE, grids, layer, load, middle, publish, read, rows_of

BALTIMORE = ColumnMapping(
    columns={
        "source_id": "SRRecordID",
        "description": "SRType",
        "address": "Address",
        "occurred_at": "CreatedDate",
        "state": "SRStatus",
    },
    constants={"category": "60099"},
    values={
        "state": {
            "Closed (Duplicate)": "duplicate",
            "Open (Duplicate)": "duplicate",
            "New (Duplicate)": "duplicate",
            "Closed (Transferred)": "closed",
        }
    },
)


@pytest.fixture
def town(database: Database) -> int:
    """Two grids in force, and the categories."""
    seed_reference(database)
    return publish(database, grids("AB"))


def cases(*rows: dict[str, Any], at: Sequence[shapely.Point | None] | None = None) -> SourceLayer:
    rows = tuple({"category": "54001", **row} for row in rows)
    return layer(rows, at or [middle(0)] * len(rows), name="reports")


def reasons(report: ImportReport) -> dict[int, str]:
    return {reject.row: reject.reason for reject in report.rejects}


def test_cases_find_their_grid_and_keep_how(database: Database, town: int) -> None:
    source = replace(
        cases({"source_id": "1", "accuracy_m": 12, "description": "垃圾"}),
        datum="gcj02",
    )
    # Sent in GCJ-02: half a kilometre east and north of where it happened.
    raw = np.array([middle(0).x + 0.0065]), np.array([middle(0).y + 0.0011])
    source = replace(source, raw_x=raw[0], raw_y=raw[1])

    report = load(database, "cases", source)

    assert (report.inserted, report.rules) == (1, {"inside": 1})
    query = (
        "SELECT c.rule, c.edition_id, c.grid_code, c.path, c.source, c.state, c.reporter_kind,"
        " p.reason, p.datum, p.raw_x, p.raw_y, p.accuracy_m, p.distance_to_boundary_m > 0"
        " FROM cases c JOIN case_placements p ON p.case_id = c.id"
    )
    assert read(database, query) == [
        ("inside", town, "A", "A/", "reports", "reported", "import", "imported from reports",
         "gcj02", raw[0][0], raw[1][0], 12.0, True)
    ]  # fmt: skip


@pytest.mark.usefixtures("town")
def test_no_case_is_refused_for_its_place(database: Database) -> None:
    nan = float("nan")
    source = cases(*({"source_id": f"{n}"} for n in range(4)))
    frame = source.frame.copy()
    frame["geometry"] = [middle(0), shapely.Point(100, 30), None, None]
    source = replace(
        source,
        frame=frame,
        raw_x=np.array([middle(0).x, 100.0, nan, 500.0]),
        raw_y=np.array([middle(0).y, 30.0, nan, 30.0]),
        problems={3: "lon “abc” is not a number", 4: "beyond ±180"},
    )

    report = load(database, "cases", source)

    assert report.rules == {"inside": 1, "outside": 1, "unplaced": 2}
    query = (
        "SELECT c.source_id, c.location IS NULL, p.raw_x, p.warnings FROM cases c"
        " JOIN case_placements p ON p.case_id = c.id WHERE c.rule = 'unplaced' ORDER BY 1"
    )
    assert read(database, query) == [
        ("2", True, None, ["lon “abc” is not a number"]),
        ("3", True, 500.0, ["beyond ±180"]),
    ]


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize("named", [True, False])
def test_the_same_cases_again_change_nothing(database: Database, named: bool) -> None:
    rows = [{"description": "noise", "state": "closed"} | ({"source_id": f"{n}"} if named else {})
            for n in range(3)]  # fmt: skip
    source = cases(*rows)
    assert load(database, "cases", source).inserted == 3
    before = rows_of(database, "cases", "case_placements")

    report = load(database, "cases", source)

    assert (report.inserted, report.updated, report.unchanged) == (0, 0, 3)
    assert rows_of(database, "cases", "case_placements") == before


@pytest.mark.usefixtures("town")
def test_a_case_that_moved_in_the_file_is_routed_anew(database: Database) -> None:
    load(database, "cases", cases({"source_id": "1"}, {"source_id": "2"}))

    report = load(
        database,
        "cases",
        cases({"source_id": "1"}, {"source_id": "2"}, at=[middle(1), middle(0)]),
    )

    assert (report.updated, report.unchanged) == (1, 1)
    assert read(database, "SELECT source_id, grid_code FROM cases ORDER BY 1") == [
        ("1", "B"), ("2", "A"),
    ]  # fmt: skip
    query = (
        "SELECT c.source_id, p.grid_code FROM case_placements p"
        " JOIN cases c ON c.id = p.case_id ORDER BY c.source_id, p.id"
    )
    assert read(database, query) == [("1", "A"), ("1", "B"), ("2", "A")]


@pytest.mark.usefixtures("town")
def test_a_changed_state_is_taken_and_an_empty_cell_says_nothing(database: Database) -> None:
    load(database, "cases", cases({"source_id": "1", "address": "Main St", "state": "open"}))

    report = load(database, "cases", cases({"source_id": "1", "address": None, "state": "已结案"}))

    assert report.updated == 1
    assert read(database, "SELECT address, state FROM cases") == [("Main St", "closed")]


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("here", "in_the_file", "then"),
    [
        ("reported", "dispatched", "dispatched"),
        ("in_progress", "open", "in_progress"),
        ("in_progress", "closed", "closed"),
        ("closed", "open", "closed"),
        ("void", "closed", "void"),
    ],
)
def test_a_file_ends_a_case_but_never_undoes_what_was_done_here(
    database: Database, here: str, in_the_file: str, then: str
) -> None:
    load(database, "cases", cases({"source_id": "1"}))
    with database.transaction() as session:
        session.execute(text("UPDATE cases SET state = :here"), {"here": here})

    load(database, "cases", cases({"source_id": "1", "state": in_the_file}))

    assert read(database, "SELECT state FROM cases") == [(then,)]


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"category": "99999"}, "99999 is no category; give its code"),
        ({"category": None}, "category is empty"),
        ({"state": "lost"}, "state is none of"),
        ({"occurred_at": "yesterday"}, "occurred_at is not a date or time"),
        ({"occurred_at": "2999-01-01"}, "occurred_at lies in the future"),
        ({"accuracy_m": "-1"}, "accuracy_m is not a number of at least 0"),
        ({"source_id": "1", "description": "other"}, "taken by row 1 with other content"),
    ],
)
def test_a_bad_case_falls_out_and_the_rest_is_loaded(
    database: Database, row: dict[str, str | None], reason: str
) -> None:
    report = load(database, "cases", cases({"source_id": "1"}, {"source_id": "2", **row}))

    assert report.inserted == 1
    assert list(reasons(report)) == [2]
    assert reason in reasons(report)[2]


@pytest.mark.usefixtures("town")
def test_a_category_may_be_named(database: Database) -> None:
    load(database, "cases", cases({"category": "暴露垃圾"}))

    assert read(database, "SELECT category FROM cases") == [("54001",)]


def test_cases_need_boundaries_first(database: Database) -> None:
    seed_reference(database)

    with pytest.raises(NoEditionInForce, match="lianxin import grids"):
        load(database, "cases", cases({}))


@pytest.mark.real
def test_baltimores_requests_all_stay(database: Database, shared_data: Path) -> None:
    seed_reference(database)
    districts = read_layer(f"{shared_data}/cases/baltimore_areas_epsg2804.gpkg:council_districts")
    options = replace(FREE, publish=True, accept_findings="as the city published them")
    load(database, "grids", districts, options, ColumnMapping.from_flags(["code=id"]))
    source = read_layer(shared_data / "cases" / "baltimore_311_2018.csv", datum="wgs84")
    options = replace(FREE, calendar=Calendar("America/New_York"))

    report = load(database, "cases", source, options, BALTIMORE)

    assert (report.inserted, report.rejects) == (10_000, ())
    assert report.rules["unplaced"] == 590
    assert report.rules["outside"] >= 885
    placeholder = (
        "SELECT count(*), count(grid_code) FROM cases"
        " WHERE ST_X(location) = -77 AND ST_Y(location) = 39"
    )
    assert read(database, placeholder) == [(885, 0)]
    first = "SELECT occurred_at AT TIME ZONE 'UTC' FROM cases WHERE source_id = '18-00269879'"
    assert str(read(database, first)[0][0]) == "2018-04-12 15:11:26"
    agreement = {
        row["SRRecordID"]: row["CouncilDistrict"] for row in source.frame.to_dict("records")
    }
    owners = read(database, "SELECT source_id, grid_code FROM cases WHERE rule = 'inside'")
    told = [(owner, agreement[case]) for case, owner in owners if agreement[case]]
    right = sum(owner == published for owner, published in told)
    assert right / len(told) > 0.995
    assert load(database, "cases", source, options, BALTIMORE).unchanged == 10_000
