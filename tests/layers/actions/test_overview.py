"""What is loaded, in numbers, and a database that is away."""

from sqlalchemy import select

from layers.actions.overview import DatabaseState, overview
from layers.session import Database, open_database
from layers.settings import Settings
from layers.store import territory
from layers.vocabulary import CaseState
from tests.layers.actions.stored import BAIYUN, CONFIDENTIAL, store_case, store_place


def test_everything_that_is_loaded_is_counted(database: Database) -> None:
    number = store_place(database)
    store_case(database, 0)
    store_case(database, 1, state=CaseState.CLOSED)
    store_case(database, 0, category=CONFIDENTIAL)
    store_case(database, None)
    store_case(database, 1, grid_code=None, edition_id=None, queue_code=BAIYUN, rule="fallback")
    store_case(database, 1, grid_code=None, edition_id=None, path=None, rule="outside")
    found = overview(database)
    assert found.state is DatabaseState.READY
    loaded = found.loaded
    assert loaded is not None
    assert loaded.areas_by_level == {"banner": 1, "street": 1, "community": 2}
    assert (loaded.building_count, loaded.unowned_building_count) == (1, 0)
    assert (loaded.household_count, loaded.unowned_household_count) == (3, 1)
    assert loaded.cases_by_state == {"reported": 5, "closed": 1}
    assert loaded.case_count == 6
    assert (loaded.queued_case_count, loaded.unplaced_case_count) == (1, 1)
    assert (loaded.ownerless_case_count, loaded.confidential_case_count) == (1, 1)
    assert loaded.edition is not None
    assert (loaded.edition.edition_id, loaded.edition.grid_count) == (number, 3)
    assert loaded.read_at.utcoffset() is not None
    assert not loaded.empty
    assert not loaded.loading


def test_an_empty_database_is_no_failure(database: Database) -> None:
    loaded = overview(database).loaded
    assert loaded is not None
    assert loaded.empty
    assert loaded.edition is None
    assert loaded.category_count == 0


def test_a_load_under_way_is_noticed(fresh_database: Database) -> None:
    with fresh_database.transaction() as session:
        session.execute(territory.hold(territory.Hold.BULK))
        loaded = overview(fresh_database).loaded
        assert loaded is not None
        assert loaded.loading
    with fresh_database.transaction() as session:
        session.execute(select(1))
    after = overview(fresh_database).loaded
    assert after is not None
    assert not after.loading


def test_a_database_without_tables_says_what_to_do(empty_database_url: str) -> None:
    database = open_database(Settings(database_url=empty_database_url))
    found = overview(database)
    database.close()
    assert found.state is DatabaseState.SCHEMA_EMPTY
    assert found.loaded is None


def test_a_database_that_is_away_is_an_answer() -> None:
    database = open_database(Settings(database_url="postgresql://li:secret-word@127.0.0.1:1/grid"))
    found = overview(database)
    database.close()
    assert found.state is DatabaseState.UNREACHABLE
    assert found.loaded is None
    assert "127.0.0.1" in (found.problem or "")
    assert "secret-word" not in (found.problem or "")
