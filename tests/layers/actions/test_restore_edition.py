import pytest

from layers.actions.discard_edition import discard_edition
from layers.actions.plan_publication import plan_publication
from layers.actions.publish_edition import publish_edition
from layers.actions.restore_edition import restore_edition
from layers.errors import EditionConflict, EditionNotFound
from layers.session import Database
from tests.layers.actions.made import grids, layer, load, publish, read, square
from tests.layers.actions.test_publish_edition import draft, state, town

CONTENT = (
    "SELECT code, code_scheme, kind, name, name_en, community_code, responsible, path, boundary"
    " FROM grids WHERE edition_id = :edition ORDER BY code"
)


def test_going_back_is_publishing_the_same_grids_anew(database: Database) -> None:
    first = publish(database, grids("AB", responsible="王"))
    second = publish(database, grids("XY"))

    draft = restore_edition(database, first)

    assert draft.edition_id not in (first, second)
    assert (draft.status, draft.grid_count, draft.valid_from) == ("checked", 2, None)
    assert read(database, CONTENT, edition=draft.edition_id) == read(
        database, CONTENT, edition=first
    )
    assert restore_edition(database, first).edition_id == draft.edition_id
    assert publish_edition(database, draft.edition_id).superseded_id == second
    with pytest.raises(EditionConflict, match=f"already, as edition {draft.edition_id}"):
        restore_edition(database, first)
    assert read(database, "SELECT status FROM editions ORDER BY id") == [
        ("superseded",), ("superseded",), ("published",),
    ]  # fmt: skip


def test_what_is_restored_is_checked_as_things_are_now(database: Database) -> None:
    town = {"code": "T", "name": "Town", "level": "community"}
    load(database, "areas", layer([town], [square(0)]))
    first = publish(database, grids("A", community_code="T"))
    publish(database, grids("B", community_code="T"))
    load(database, "areas", layer([town], [square(0).union(square(1))]))
    found = restore_edition(database, first).findings
    assert [finding["rule"] for finding in found] == ["gap"]


def test_only_what_has_ended_can_be_restored(database: Database) -> None:
    first = publish(database, grids("A"))
    with pytest.raises(EditionConflict, match="in force already"):
        restore_edition(database, first)
    with pytest.raises(EditionConflict, match="is a draft"):
        restore_edition(database, draft(database, "B"))
    with pytest.raises(EditionNotFound, match="no edition 99"):
        restore_edition(database, 99)


def test_a_draft_can_be_discarded_and_nothing_else(database: Database) -> None:
    first = publish(database, grids("A"))
    second = draft(database, "B")

    discard_edition(database, second)

    assert read(database, "SELECT DISTINCT edition_id FROM grids") == [(first,)]
    with pytest.raises(EditionNotFound):
        discard_edition(database, second)
    with pytest.raises(EditionConflict, match="stays for ever"):
        discard_edition(database, first)


def test_a_plan_says_what_would_move_and_changes_nothing(database: Database) -> None:
    old = town(database)
    same, other = draft(database, "A", "C"), draft(database, "X", "Y")
    before = state(database)

    plan = plan_publication(database, other)
    assert (plan.in_force_id, plan.needs_reason) == (old, False)
    assert (plan.building_count, plan.household_count, plan.case_count) == (1, 1, 1)
    plan = plan_publication(database, same)
    assert (plan.building_count, plan.household_count, plan.case_count) == (0, 0, 0)

    assert state(database) == before
    with pytest.raises(EditionConflict, match="in force already"):
        plan_publication(database, old)


def test_a_plan_names_the_errors_that_need_a_reason(database: Database) -> None:
    rows = [{"code": "A"}, {"code": "B"}]
    edition = load(database, "grids", layer(rows, [square(0, size=0.015), square(1)])).edition_id
    assert edition is not None
    plan = plan_publication(database, edition)
    assert plan.needs_reason
    assert [finding["rule"] for finding in plan.findings] == ["overlap"]
