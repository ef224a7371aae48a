"""The boundaries in force, kept in memory: who owns a place, answered without a query."""

import hashlib
import selectors
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import psycopg
import shapely
import structlog
from psycopg import sql
from sqlalchemy.orm import Session

from gis.ownership import GridIndex
from gis.routing import AreaIndex, Placement, Router
from layers.errors import NoEditionInForce
from layers.models import Edition
from layers.session import Database
from layers.snapshots import Snapshots
from layers.store import territory
from layers.vocabulary import AreaLevel, GridKind

POLL_S = 0.9
"""How often the listener asks by itself, in case a notification got lost."""

_RETRY_S = 0.5

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Owner:
    """Who answers for a place: a grid, or else the area in whose queue it waits."""

    grid_code: str | None = None
    grid_name: str | None = None
    queue_code: str | None = None
    path: str | None = None
    responsible: str | None = None


@dataclass(frozen=True)
class InForce:
    """The edition in force, ready to route; tuples follow the order of the router's grids.

    ``queue_codes`` are the areas with a boundary, in the order of the router's areas.
    ``banner_code`` is the banner whose queue takes what no smaller area holds; None where no
    banner is loaded, or several are.
    """

    edition_id: int
    edition_name: str
    router: Router
    grids: GridIndex
    grid_names: tuple[str, ...]
    grid_paths: tuple[str, ...]
    responsibles: tuple[str | None, ...]
    queue_codes: tuple[str, ...]
    area_names: Mapping[str, str]
    area_paths: Mapping[str, str]
    banner_code: str | None
    positions: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        positions = {code: position for position, code in enumerate(self.grids.codes)}
        object.__setattr__(self, "positions", MappingProxyType(positions))

    def owner_of(self, placement: Placement) -> Owner:
        """Return who answers for a placement made by this router.

        Parameters
        ----------
        placement : Placement
            Its grid, or the area that its rule names, must be of this edition.

        Returns
        -------
        Owner
            A grid with its path; else the queue of an area with the area's path; else, where
            no area is loaded, nobody: every field None.
        """
        if placement.grid_code is not None:
            return self.grid_owner(self.positions[placement.grid_code])
        return self.queue_owner(placement.area_code)

    def grid_owner(self, position: int) -> Owner:
        """Return the owner that the grid at ``position`` is."""
        return Owner(
            grid_code=self.grids.codes[position],
            grid_name=self.grid_names[position],
            path=self.grid_paths[position],
            responsible=self.responsibles[position],
        )

    @property
    def root_code(self) -> str | None:
        """The area whose queue takes what lies in none: the router's root, or the only banner."""
        root = None if self.router.areas is None else self.router.areas.root
        return root if root is not None else self.banner_code

    def queue_owner(self, area_code: str | None) -> Owner:
        """Return the queue of an area; of the root, where no area is named."""
        code = area_code if area_code is not None else self.root_code
        if code is None:
            return Owner()
        return Owner(queue_code=code, path=self.area_paths[code])


def load_in_force(
    session: Session, snapshots: Snapshots | None = None, previous: GridIndex | None = None
) -> InForce:
    """Read the edition in force and open or build its index; see ``load_edition``.

    Raises
    ------
    NoEditionInForce
        Nothing has been published yet.
    """
    edition = session.scalars(territory.edition_in_force()).one_or_none()
    if edition is None:
        raise NoEditionInForce(
            "No edition of the boundaries is in force. Import grids (lianxin import grids FILE) "
            "and publish them (lianxin edition publish N) first."
        )
    return load_edition(session, edition, snapshots, previous)


def load_edition(
    session: Session,
    edition: Edition,
    snapshots: Snapshots | None = None,
    previous: GridIndex | None = None,
) -> InForce:
    """Read an edition's grids and the areas around them, and open or build their index.

    Parameters
    ----------
    session : Session
        Its transaction decides what is seen.
    edition : Edition
        In force, or about to be.
    snapshots : Snapshots, optional
        Where the index is looked for first, and kept if it had to be built.
    previous : GridIndex, optional
        The index so far: taken again if it is of this very edition, else for what is the same.
    """
    grids = session.execute(territory.grids_of(edition.id)).all()
    areas = session.execute(territory.areas()).all()
    index = _grid_index(session, edition, grids, snapshots or Snapshots(), previous)
    drawn = [area for area in areas if area.wkb is not None]
    banners = [area.code for area in areas if area.level == AreaLevel.BANNER]
    return InForce(
        edition_id=edition.id,
        edition_name=edition.name,
        router=Router(index, _area_index(drawn, banners) if drawn else None),
        grids=index,
        grid_names=tuple(grid.name for grid in grids),
        grid_paths=tuple(grid.path for grid in grids),
        responsibles=tuple(grid.responsible for grid in grids),
        queue_codes=tuple(area.code for area in drawn),
        area_names=MappingProxyType({area.code: area.name for area in areas}),
        area_paths=MappingProxyType({area.code: area.path for area in areas}),
        banner_code=banners[0] if len(banners) == 1 else None,
    )


def _grid_index(
    session: Session,
    edition: Edition,
    grids: Sequence[Any],
    snapshots: Snapshots,
    previous: GridIndex | None,
) -> GridIndex:
    name = _content_name(edition, grids)
    if previous is not None and previous.edition == name:
        return previous  # only the areas changed, or a name

    def build(latest: GridIndex | None) -> GridIndex:
        wkb = session.scalars(territory.grid_boundaries(edition.id)).all()
        return GridIndex(
            [grid.code for grid in grids],
            shapely.from_wkb(np.array([bytes(each) for each in wkb], dtype=object)),
            dedicated=np.array([grid.kind == GridKind.DEDICATED for grid in grids], dtype=bool),
            edition=name,
            previous=previous if latest is None else latest,
        )

    return snapshots.index(name, build)


def _content_name(edition: Edition, grids: Sequence[Any]) -> str:
    """Name an edition by its number and by what the database holds of it.

    Another database, or one that was restored to another state, has other rows: their codes, or
    else the transactions that wrote them. So boundaries need not be read to know which they are.
    """
    digest = hashlib.sha256(f"{edition.content_hash} {edition.created_at.isoformat()}".encode())
    for grid in grids:
        digest.update(f"\n{grid.code} {grid.kind.value} {grid.version}".encode())
    return f"{edition.id}-{digest.hexdigest()[:32]}"


def _area_index(drawn: Sequence[Any], banners: Sequence[str]) -> AreaIndex:
    codes = [area.code for area in drawn]
    root = banners[0] if len(banners) == 1 and banners[0] in codes else None
    outlines = shapely.from_wkb(np.array([bytes(area.wkb) for area in drawn], dtype=object))
    return AreaIndex(codes, outlines, root=root)


class Boundaries:
    """The boundaries in force, reloaded within a second after any process changed them.

    Parameters
    ----------
    database : Database
        A thread of its own listens there until ``close``; it ends with the process, and
        takes up again by itself after the server was away.
    told : callable, optional
        Called with the boundaries each time that they have been read.

    Notes
    -----
    Readers take no lock: ``in_force`` hands out one immutable object, and a reload puts
    another in its place.
    """

    def __init__(
        self, database: Database, told: Callable[[InForce], object] = lambda _: None
    ) -> None:
        self._database = database
        self._told = told
        self._current: InForce | None = None
        self._loading = threading.Lock()
        self._closing = threading.Event()
        # closing one end wakes the listener, which waits at the other as well as at the database
        self._bell, self._ear = socket.socketpair()
        self._listener = threading.Thread(
            target=self._listen, name="lianxin-boundaries", daemon=True
        )
        self._listener.start()

    def in_force(self) -> InForce:
        """Return the boundaries in force.

        Raises
        ------
        NoEditionInForce
            Nothing has been published yet.
        """
        current = self._current
        if current is not None:
            return current
        with self._loading:
            return self._current or self._load()

    def refresh(self) -> InForce:
        """Read the boundaries again now, and return them.

        Raises
        ------
        NoEditionInForce
            Nothing has been published yet.
        """
        with self._loading:
            return self._load()

    def close(self) -> None:
        """Stop listening, at once."""
        self._closing.set()
        self._bell.close()
        self._listener.join(timeout=10)

    def _load(self) -> InForce:
        previous = None if self._current is None else self._current.grids
        with self._database.transaction() as session:
            found = load_in_force(session, self._database.snapshots, previous)
        self._current = found
        self._told(found)
        return found

    def _listen(self) -> None:
        """Follow the database until closed; whatever goes wrong, say so and begin anew.

        Readers keep the last boundaries meanwhile: an old answer is better than none.
        """
        with self._ear:
            while not self._closing.is_set():
                try:
                    self._follow()
                except Exception as problem:
                    _LOG.warning("boundaries_not_followed", problem=type(problem).__name__)
                    self._closing.wait(_RETRY_S)

    def _follow(self) -> None:
        """Reload on every notification, and whenever the edition's number turns out different."""
        with (
            self._database.raw(autocommit=True) as connection,
            selectors.DefaultSelector() as either,
        ):
            either.register(connection.fileno(), selectors.EVENT_READ)
            either.register(self._ear, selectors.EVENT_READ)
            connection.execute(
                sql.SQL("LISTEN {}").format(sql.Identifier(territory.EDITION_CHANNEL))
            )
            seen = _edition_id(connection)
            if self._current is not None and seen is not None:
                self.refresh()  # what was announced while nobody listened
            while not self._closing.is_set():
                heard = list(connection.notifies(timeout=0))
                if not heard:
                    either.select(POLL_S)
                    heard = list(connection.notifies(timeout=0))
                before, seen = seen, _edition_id(connection)
                if seen is not None and (heard or seen != before):
                    self.refresh()


def _edition_id(connection: psycopg.Connection[Any]) -> int | None:
    row = connection.execute("SELECT id FROM editions WHERE upper_inf(valid)").fetchone()
    return None if row is None else int(row[0])
