import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.errors import EditionConflict, EditionHasErrors, EditionNotFound
from layers.session import Database
from layers.store import territory
from tests.layers.actions.made import grids, layer, load, middle, publish, read, rows_of, square


def town(database: Database) -> int:
    """Two grids in force with a building, two households, an open and an ended case."""
    seed_reference(database)
    edition = publish(database, grids("AB"))
    load(database, "buildings", layer([{"code": "b"}], [square(0)]))
    load(database, "households", layer([{"code": c} for c in "hi"], [middle(0), middle(9)]))
    rows = [
        {"source_id": s, "category": "54001", "state": s, "accuracy_m": 20}
        for s in ("open", "closed")
    ]
    load(database, "cases", layer(rows, [middle(0), middle(0)]))
    return edition


def draft(database: Database, *codes: str) -> int:
    """The same squares under other codes, not in force."""
    report = load(database, "grids", grids(codes))
    assert report.edition_id is not None
    return report.edition_id


def state(database: Database) -> list[list[Any]]:
    """Everything that publishing may touch."""
    return rows_of(database, "editions", "buildings", "households", "cases", "case_placements")


def test_everything_gets_its_owner_under_the_new_edition(database: Database) -> None:
    old = town(database)
    new = draft(database, "X", "Y")

    report = publish_edition(database, new)

    assert (report.edition_id, report.superseded_id) == (new, old)
    assert (report.building_count, report.household_count, report.case_count) == (1, 1, 1)
    owners = "SELECT grid_code, path FROM {} WHERE grid_code IS NOT NULL"
    assert read(database, owners.format("buildings")) == [("X", "X/")]
    assert read(database, owners.format("households")) == [("X", "X/")]
    assert read(database, "SELECT source_id, edition_id, grid_code FROM cases ORDER BY 1") == [
        ("closed", old, "A"), ("open", new, "X"),
    ]  # fmt: skip
    history = (
        "SELECT p.reason, p.grid_code, p.raw_x, p.datum, p.accuracy_m FROM case_placements p"
        " JOIN cases c ON c.id = p.case_id WHERE c.source_id = 'open' ORDER BY p.id"
    )
    sent = (middle(0).x, "cgcs2000", 20.0)
    assert read(database, history) == [
        ("imported from made", "A", *sent), (f"edition {new} published", "X", *sent),
    ]  # fmt: skip


def test_only_places_whose_grid_became_another_are_written(database: Database) -> None:
    town(database)
    load(database, "households", layer([{"code": "kept"}], [middle(1)]))
    written = "SELECT code, xmin::text FROM households ORDER BY code"
    before = dict(read(database, written))
    new = draft(database, "X", "B")  # the second grid keeps its code and its lines

    assert publish_edition(database, new).household_count == 1

    after = dict(read(database, written))
    assert [code for code in after if after[code] == before[code]] == ["i", "kept"]


def test_one_edition_ends_at_the_instant_at_which_the_next_begins(database: Database) -> None:
    first = publish(database, grids("AB"))
    second = publish(database, grids("XY"))

    rows = read(database, "SELECT id, status, lower(valid), upper(valid) FROM editions ORDER BY id")
    assert [(row[0], row[1]) for row in rows] == [(first, "superseded"), (second, "published")]
    assert rows[0][3] == rows[1][2]
    assert rows[1][3] is None


def test_a_place_that_the_new_edition_leaves_out_has_no_owner(database: Database) -> None:
    town(database)

    report = load(database, "grids", layer([{"code": "Z"}], [square(5)]))
    assert [(f.rule, f.severity) for f in report.findings if "b" in f.codes] == [
        ("unowned_building", "error")
    ]
    assert report.edition_id is not None
    publish_edition(database, report.edition_id, override_reason="the town has moved")

    owned = "SELECT count(grid_code), count(path) FROM {}"
    assert read(database, owned.format("buildings")) == [(0, 0)]
    assert read(database, owned.format("households")) == [(0, 0)]
    assert read(database, "SELECT rule, grid_code FROM cases WHERE state = 'reported'") == [
        ("outside", None)
    ]


def test_errors_stand_against_publishing_until_somebody_takes_responsibility(
    database: Database,
) -> None:
    report = load(
        database,
        "grids",
        layer([{"code": "A"}, {"code": "A", "name": "2"}], [square(0), square(1)]),
    )
    assert report.edition_id is not None

    with pytest.raises(
        EditionHasErrors, match=r"found 1 errors in edition(.|\n)*--accept-findings"
    ):
        publish_edition(database, report.edition_id)
    with pytest.raises(EditionHasErrors):
        publish_edition(database, report.edition_id, override_reason="  ")
    publish_edition(database, report.edition_id, override_reason="known")

    assert read(database, "SELECT status, override_reason FROM editions") == [
        ("published", "known")
    ]


def test_only_a_draft_can_be_published(database: Database) -> None:
    first = publish(database, grids("A"))
    with pytest.raises(EditionConflict, match="in force already"):
        publish_edition(database, first)
    publish(database, grids("B"))
    with pytest.raises(EditionConflict, match="edition restore"):
        publish_edition(database, first)
    with pytest.raises(EditionNotFound, match="no edition 999999"):
        publish_edition(database, 999_999)


def test_going_back_is_a_new_edition_of_the_same_grids(database: Database) -> None:
    first = publish(database, grids("A"))
    publish(database, grids("B"))

    again = publish(database, grids("A"))

    assert again != first
    assert read(database, "SELECT count(*) FROM editions WHERE upper_inf(valid)") == [(1,)]


def test_of_two_that_publish_at_once_one_wins_and_the_other_is_told(
    fresh_database: Database,
) -> None:
    town(fresh_database)
    drafts = [draft(fresh_database, *codes) for codes in ("PQ", "RS")]
    refused: list[EditionConflict] = []

    def publish_it(number: int) -> None:
        try:
            publish_edition(fresh_database, number)
        except EditionConflict as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=publish_it, args=(number,)) for number in drafts]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with fresh_database.transaction() as session:
        session.execute(territory.hold(territory.Hold.BULK, exclusive=True))
        for thread in threads:
            thread.start()
        while read(fresh_database, waiting) != [(2,)]:  # both have seen which one is in force
            time.sleep(0.01)
    for thread in threads:
        thread.join(30)

    (conflict,) = refused
    in_force = read(fresh_database, "SELECT id FROM editions WHERE upper_inf(valid)")
    assert in_force[0][0] in drafts
    assert f"Edition {in_force[0][0]} is in force now" in str(conflict)
    assert read(fresh_database, "SELECT status FROM editions ORDER BY status") == [
        ("checked",), ("published",), ("superseded",),
    ]  # fmt: skip
    owners = (
        "SELECT DISTINCT g.edition_id FROM households AS h JOIN grids AS g ON g.code = h.grid_code"
    )
    assert read(fresh_database, owners) == in_force


def test_whoever_looked_at_another_edition_in_force_is_told(database: Database) -> None:
    first, second = publish(database, grids("A")), publish(database, grids("B"))
    number = draft(database, "C")
    with pytest.raises(EditionConflict, match=f"Edition {second} is in force now, not {first}"):
        publish_edition(database, number, instead_of=first)
    assert publish_edition(database, number, instead_of=second).superseded_id == second


def test_only_owners_change_and_only_of_open_cases(database: Database) -> None:
    town(database)
    owners = "rule,edition_id,grid_code,queue_code,path"
    rest = "SELECT id, to_jsonb(c) - string_to_array(:owners, ',') FROM cases AS c ORDER BY id"
    ended = "SELECT * FROM cases WHERE state = 'closed'"
    history = "SELECT case_id, count(*) FROM case_placements GROUP BY 1 ORDER BY 1"
    before = read(database, rest, owners=owners), read(database, ended)
    counts = read(database, history)

    publish_edition(database, draft(database, "X", "Y"))

    assert (read(database, rest, owners=owners), read(database, ended)) == before
    open_case = read(database, "SELECT id FROM cases WHERE state <> 'closed'")[0][0]
    assert read(database, history) == [(i, n + (i == open_case)) for i, n in counts]


def test_history_is_loaded_with_the_time_since_when_it_held(database: Database) -> None:
    first, second, third = (draft(database, code) for code in "ABC")
    begin, change = datetime(1959, 1, 1, tzinfo=UTC), datetime(2023, 7, 9, tzinfo=UTC)

    publish_edition(database, first, valid_from=begin)
    publish_edition(database, second, valid_from=change)

    assert read(database, "SELECT id, lower(valid), upper(valid) FROM editions ORDER BY id") == [
        (first, begin, change), (second, change, None), (third, None, None),
    ]  # fmt: skip
    for wrong, told in ((change, "only begin later"), (begin, "only begin later")):
        with pytest.raises(EditionConflict, match=told):
            publish_edition(database, third, valid_from=wrong)
    with pytest.raises(EditionConflict, match="lies in the future"):
        publish_edition(database, third, valid_from=datetime(2999, 1, 1, tzinfo=UTC))


def test_a_report_under_way_is_waited_for_and_then_routed_anew(fresh_database: Database) -> None:
    town(fresh_database)
    new = draft(fresh_database, "X", "Y")
    done = threading.Event()

    def publish_it() -> None:
        publish_edition(fresh_database, new)
        done.set()

    with fresh_database.transaction() as session:
        session.execute(territory.hold(territory.Hold.CASES))
        thread = threading.Thread(target=publish_it)
        thread.start()
        assert not done.wait(0.5)
        session.execute(
            text(
                "INSERT INTO cases (category, reporter_kind, location, rule, edition_id, grid_code,"
                " path, source_id) SELECT category, reporter_kind, location, rule, edition_id,"
                " grid_code, path, 'late' FROM cases WHERE source_id = 'open'"
            )
        )
    thread.join(10)

    late = "SELECT edition_id, grid_code FROM cases WHERE source_id = 'late'"
    assert read(fresh_database, late) == [(new, "X")]


_CHILD = """
import sys
from layers.actions.publish_edition import publish_edition
from layers.session import open_database
from layers.settings import Settings
def progress(step, done, total):
    step += ": done" if total and done == total else ""
    print(step, flush=True)
    if step == sys.argv[3]:
        sys.stdin.readline()
database = open_database(Settings(database_url=sys.argv[1]))
publish_edition(database, int(sys.argv[2]), progress=progress)
print("published", flush=True)
"""


@pytest.mark.parametrize(
    "step",
    [
        "owners of buildings",
        "storing owners of households",
        "routing open cases",
        "routing open cases: done",
    ],
)
def test_killed_in_the_middle_the_old_edition_stands_whole(
    fresh_database: Database, fresh_database_url: str, step: str
) -> None:
    town(fresh_database)
    new = draft(fresh_database, "X", "Y")
    before = state(fresh_database)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, fresh_database_url, str(new), step],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        assert any(line.strip() == step for line in child.stdout)
        os.kill(child.pid, signal.SIGKILL)

    assert child.returncode == -signal.SIGKILL
    assert state(fresh_database) == before
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # the server notices the dead client and lets its locks go
        if publish_edition(fresh_database, new).edition_id == new:
            break
    assert read(fresh_database, "SELECT count(*) FROM editions WHERE upper_inf(valid)") == [(1,)]
