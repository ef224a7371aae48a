"""The database itself lets nobody change what was published."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from layers.actions.check_edition import check_edition
from layers.actions.publish_edition import publish_edition
from layers.errors import EditionConflict, EditionHasErrors
from layers.session import Database
from tests.layers.actions.made import grids, layer, load, publish, read, square

CHANGES = {
    "a boundary": "UPDATE grids SET boundary = ST_Translate(boundary, 1, 0)",
    "a name": "UPDATE grids SET name = 'other' WHERE code = 'A'",
    "a grid less": "DELETE FROM grids WHERE code = 'A'",
    "a grid more": "INSERT INTO grids SELECT edition_id, 'C', code_scheme, kind, name, name_en,"
    " community_code, responsible, path, boundary FROM grids WHERE code = 'A'",
    "a grid from elsewhere": "UPDATE grids SET edition_id = (SELECT min(id) FROM editions),"
    " code = 'M' WHERE edition_id = (SELECT max(id) FROM editions) AND code = 'X'",
    "a grid to elsewhere": "UPDATE grids SET edition_id = (SELECT max(id) FROM editions)"
    " WHERE edition_id = (SELECT min(id) FROM editions)",
    "no grid at all": "TRUNCATE grids CASCADE",
    "no edition": "DELETE FROM editions WHERE status IN ('published', 'superseded')",
    "other findings": "UPDATE editions SET findings = '[1]' WHERE valid IS NOT NULL",
    "another reason": "UPDATE editions SET override_reason = 'x' WHERE valid IS NOT NULL",
    "back to draft": "UPDATE editions SET status = 'draft', valid = NULL WHERE valid IS NOT NULL",
    "another past": "UPDATE editions SET valid = tstzrange('1999-01-01', upper(valid))"
    " WHERE id = (SELECT min(id) FROM editions)",
}


@pytest.mark.parametrize("ended", [False, True], ids=["in force", "ended"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_published_edition_refuses(database: Database, change: str, ended: bool) -> None:
    publish(database, grids("AB"))
    if ended:
        publish(database, grids("PQ"))
    load(database, "grids", grids("XY"))
    before = read(database, "SELECT edition_id, code, name, boundary FROM grids ORDER BY 1, 2")
    editions = read(database, "SELECT * FROM editions ORDER BY id")

    with pytest.raises(DBAPIError, match="published"), database.transaction() as session:
        session.execute(text(CHANGES[change]))

    assert (
        read(database, "SELECT edition_id, code, name, boundary FROM grids ORDER BY 1, 2") == before
    )
    assert read(database, "SELECT * FROM editions ORDER BY id") == editions


def test_nothing_is_published_unchecked_even_by_sql(database: Database) -> None:
    load(database, "grids", grids("AB"))
    with database.transaction() as session:
        session.execute(text("UPDATE grids SET name = 'Alpha' WHERE code = 'A'"))
    assert read(database, "SELECT status FROM editions") == [("draft",)]
    for status in ("published", "superseded"):
        with pytest.raises(DBAPIError, match="does not become"), database.transaction() as session:
            session.execute(
                text("UPDATE editions SET status = :status, valid = '[2020-01-01,)'"),
                {"status": status},
            )


def test_a_change_of_its_grids_makes_a_checked_edition_a_draft_again(database: Database) -> None:
    edition = load(database, "grids", grids("AB")).edition_id
    assert edition is not None
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE grids SET boundary = ST_Multi(ST_Expand(boundary, 0.001)) WHERE code = 'A'"
            )
        )

    with pytest.raises(EditionHasErrors, match="overlap"):
        publish_edition(database, edition)
    checked = check_edition(database, edition)

    assert (checked.status, checked.error_count) == ("checked", 1)
    assert read(database, "SELECT count(*) FROM editions WHERE valid IS NOT NULL") == [(0,)]


def test_so_does_another_outline_of_their_community(database: Database) -> None:
    town = {"code": "T", "name": "Town", "level": "community"}
    load(database, "areas", layer([town, {**town, "code": "U"}], [square(0), square(5)]))
    edition = load(database, "grids", grids("A", community_code="T")).edition_id
    assert edition is not None

    load(database, "areas", layer([{**town, "code": "U"}], [square(6)]))
    assert read(database, "SELECT status FROM editions") == [("checked",)]
    load(database, "areas", layer([town], [square(0).union(square(1))]))
    assert read(database, "SELECT status FROM editions") == [("draft",)]

    found = check_edition(database, edition)
    assert [finding["rule"] for finding in found.findings] == ["gap"]


def test_what_the_file_had_wrong_stays_when_the_rest_is_checked_again(database: Database) -> None:
    rows = [{"code": "A"}, {"code": "A", "name": "other"}]
    edition = load(database, "grids", layer(rows, [square(0), square(1)])).edition_id
    assert edition is not None
    for _ in range(2):
        again = check_edition(database, edition)
    assert [finding["rule"] for finding in again.findings] == ["duplicate_code"]


def test_what_was_published_is_checked_no_more(database: Database) -> None:
    with pytest.raises(EditionConflict, match="checked no more"):
        check_edition(database, publish(database, grids("A")))
