"""What publishing an edition would change, found out without changing anything."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from gis import datum
from gis.geometry import OUTSIDE
from layers.actions.boundaries import InForce, load_edition
from layers.actions.publish_edition import draft_to_publish
from layers.exchange.progress import Progress, silent
from layers.session import Database
from layers.store import premises, territory

CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class PublicationPlan:
    """What would move if an edition came into force now.

    Counts are of buildings, households and open cases whose grid would be another one, or none
    where there was one, or one where there was none; ``findings`` are the errors that would need
    a reason.
    """

    edition_id: int
    in_force_id: int | None
    building_count: int
    household_count: int
    case_count: int
    findings: tuple[dict[str, Any], ...]

    @property
    def needs_reason(self) -> bool:
        """Whether somebody has to take responsibility for errors."""
        return bool(self.findings)


def plan_publication(
    database: Database, edition_id: int, *, progress: Progress = silent
) -> PublicationPlan:
    """Say what publishing a draft would move; nothing is put in force.

    Parameters
    ----------
    database : Database
        Where the edition is.
    edition_id : int
        Number of a draft; if it changed since it was checked, it is checked.
    progress : callable, optional
        Told the name of each step, how many rows are done, and of how many.

    Returns
    -------
    PublicationPlan
        What would move, and the errors that stand against it.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    EditionConflict
        It is no draft, or it has no grid.
    """
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        edition = draft_to_publish(session, edition_id)
        in_force_id = session.scalars(territory.edition_id_in_force()).one_or_none()
        planned = load_edition(session, edition, database.snapshots)
        progress("buildings", 0, None)
        buildings = _moving(session, planned, premises.building_owners())
        progress("households", 0, None)
        households = _moving(session, planned, premises.household_owners())
        progress("open cases", 0, None)
        cases = _moving_cases(session, planned)
        errors = tuple(f for f in edition.findings if f["severity"] == "error")
    return PublicationPlan(edition_id, in_force_id, buildings, households, cases, errors)


def _moving(session: Session, planned: InForce, places: Select[Any]) -> int:
    """Count the places whose grid would be another."""
    count = 0
    for rows in session.execute(places.execution_options(yield_per=CHUNK_ROWS)).partitions():
        lon, lat, now = zip(*rows, strict=True)
        count += _differing(planned, planned.grids.owners(np.array(lon), np.array(lat)), now)
    return count


def _moving_cases(session: Session, planned: InForce) -> int:
    rows = session.execute(territory.open_case_owners()).all()
    if not rows:
        return 0
    lon, lat, now = zip(*rows, strict=True)
    placed = planned.router.place_many(np.array(lon), np.array(lat), datum.STORAGE)
    return _differing(planned, np.asarray(placed.positions), now)


def _differing(planned: InForce, positions: NDArray[np.intp], now: tuple[str | None, ...]) -> int:
    owned = planned.positions
    before = np.array([OUTSIDE if code is None else owned.get(code, -2) for code in now])
    return int(np.count_nonzero(before != positions))
