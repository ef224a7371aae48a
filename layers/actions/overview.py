"""Say what is loaded, and in which state the database is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import structlog

from layers.actions.list_editions import EditionSummary, show_edition
from layers.database import SchemaState, schema_status
from layers.errors import LayersError
from layers.session import Database
from layers.store import overview as store
from layers.store import territory

_LOG = structlog.get_logger(__name__)


class DatabaseState(StrEnum):
    """How the database is, as far as somebody at the desk needs to know."""

    READY = "ready"
    UNREACHABLE = "unreachable"
    SCHEMA_EMPTY = "schema_empty"
    SCHEMA_OUTDATED = "schema_outdated"
    SCHEMA_UNKNOWN = "schema_unknown"


_SCHEMA_STATES = MappingProxyType(
    {
        SchemaState.CURRENT: DatabaseState.READY,
        SchemaState.EMPTY: DatabaseState.SCHEMA_EMPTY,
        SchemaState.OUTDATED: DatabaseState.SCHEMA_OUTDATED,
        SchemaState.UNKNOWN: DatabaseState.SCHEMA_UNKNOWN,
    }
)


@dataclass(frozen=True)
class Loaded:
    """How much there is of everything, at one moment."""

    read_at: datetime
    areas_by_level: Mapping[str, int]
    compound_count: int
    building_count: int
    unowned_building_count: int
    household_count: int
    unowned_household_count: int
    cases_by_state: Mapping[str, int]
    queued_case_count: int
    unplaced_case_count: int
    ownerless_case_count: int
    confidential_case_count: int
    """Open ones, which no chart shows."""
    draft_count: int
    category_count: int
    edition: EditionSummary | None
    loading: bool
    postgres: str
    postgis: str

    @property
    def case_count(self) -> int:
        """All cases."""
        return sum(self.cases_by_state.values())

    @property
    def empty(self) -> bool:
        """Whether nothing at all was loaded yet."""
        return not (
            self.areas_by_level
            or self.edition
            or self.draft_count
            or self.compound_count
            or self.building_count
            or self.household_count
            or self.case_count
        )


@dataclass(frozen=True)
class Overview:
    """The state of the database, and what is loaded when it can be read.

    ``problem`` says in words what is wrong; it never repeats a password.
    """

    state: DatabaseState
    private: bool
    revision: str | None = None
    problem: str | None = None
    loaded: Loaded | None = None


def overview(database: Database) -> Overview:
    """Say what is loaded; a database that is away is an answer too, never an error.

    Parameters
    ----------
    database : Database
        Need not be there, nor have a schema.

    Returns
    -------
    Overview
        ``loaded`` is None unless the state is ready.
    """
    try:
        schema = schema_status(database.engine)
        state = _SCHEMA_STATES[schema.state]
        loaded = _loaded(database) if state is DatabaseState.READY else None
    except LayersError as error:
        _LOG.warning("overview_failed", problem=type(error).__name__)
        return Overview(DatabaseState.UNREACHABLE, database.private, problem=str(error))
    return Overview(state, database.private, schema.revision, loaded=loaded)


def _loaded(database: Database) -> Loaded:
    with database.transaction() as session:
        in_force = session.scalars(territory.edition_id_in_force()).one_or_none()
        row = session.execute(store.overview()).one()
    edition = None if in_force is None else show_edition(database, in_force)
    counts = {**row._mapping}
    counts["read_at"] = row.read_at.astimezone()
    counts["postgres"] = row.postgres.split()[0]
    return Loaded(edition=edition, **counts)
