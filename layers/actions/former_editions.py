"""Editions that have ended, ready to route as they did; a few of them kept in memory."""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final

from layers.actions.boundaries import Boundaries, InForce, load_edition
from layers.actions.list_editions import find_edition
from layers.errors import EditionConflict, EditionNotFound, InstantInvalid
from layers.session import Database
from layers.store import territory
from layers.vocabulary import UNPUBLISHED

EDITIONS_MAX: Final = 8
GRIDS_MAX: Final = 500_000
"""So many grids of former editions are kept at most, but for one larger edition alone."""


class FormerEditions:
    """The editions of a database by number and by time.

    Parameters
    ----------
    database : Database
        Where they are.
    boundaries : Boundaries
        The edition in force, which is answered from there.

    Notes
    -----
    Grids are as they were. The areas around them have no editions: a place outside every grid
    waits in the queue of an area of today, and an edition is read again when areas changed.
    """

    def __init__(self, database: Database, boundaries: Boundaries) -> None:
        self._database = database
        self._boundaries = boundaries
        self._kept: OrderedDict[int, tuple[InForce, InForce]] = OrderedDict()
        self._guard = threading.Lock()
        self._loading = threading.Lock()

    def at(self, instant: datetime) -> InForce:
        """Return the edition that was in force at an instant.

        Raises
        ------
        InstantInvalid
            It lies in the future.
        EditionNotFound
            Nothing was in force yet.
        """
        if instant > datetime.now(UTC):
            raise InstantInvalid(
                f"{instant.isoformat()} lies in the future; nobody knows which edition will be in "
                "force then."
            )
        with self._database.transaction() as session:
            number = session.scalars(territory.edition_at(instant)).one_or_none()
            first = session.scalars(territory.first_edition_began()).one_or_none()
        if number is not None:
            return self.of(number)
        began = "" if first is None else f" The first one began at {first.isoformat()}."
        raise EditionNotFound(f"No edition was in force at {instant.isoformat()}.{began}")

    def of(self, edition_id: int) -> InForce:
        """Return a published edition by its number.

        Raises
        ------
        EditionNotFound
            No edition has that number.
        EditionConflict
            It was never in force.
        """
        today = self._boundaries.in_force()
        if today.edition_id == edition_id:
            return today
        kept = self._find(edition_id, today)
        if kept is not None:
            return kept
        with self._loading:
            return self._find(edition_id, today) or self._load(edition_id, today)

    def _find(self, edition_id: int, today: InForce) -> InForce | None:
        with self._guard:
            former, seen = self._kept.get(edition_id, (None, None))
            if former is None or seen is not today:
                return None
            self._kept.move_to_end(edition_id)
            return former

    def _load(self, edition_id: int, today: InForce) -> InForce:
        stale, _ = self._kept.get(edition_id, (None, None))
        with self._database.transaction() as session:
            edition = find_edition(session, edition_id)
            if edition.status in UNPUBLISHED:
                raise EditionConflict(f"Edition {edition_id} is a draft and was never in force.")
            previous = None if stale is None else stale.grids
            former = load_edition(session, edition, self._database.snapshots.former(), previous)
        with self._guard:
            self._kept[edition_id] = (former, today)
            self._kept.move_to_end(edition_id)
            while len(self._kept) > 1 and self._too_many():
                self._kept.popitem(last=False)
        return former

    def _too_many(self) -> bool:
        grids = sum(len(former.grids.codes) for former, _ in self._kept.values())
        return len(self._kept) > EDITIONS_MAX or grids > GRIDS_MAX
