"""Cases by grid: as it was when they were last routed, or by the grids of today.

An open case is routed anew whenever an edition comes into force; one that has ended keeps the grid
that it had. So the two differ in ended cases only, and by today's grids these are placed again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gis import datum
from gis.geometry import OUTSIDE
from layers.actions.boundaries import InForce
from layers.actions.importing.placements import queues_of
from layers.actions.read_cases import CasePage, list_cases
from layers.policy import outside
from layers.session import Database
from layers.small_numbers import ShownCount, show_count
from layers.store import cases
from layers.store.cases import CaseFilter
from layers.viewer import viewer


class GridOwner(NamedTuple):
    """A grid of an edition, or the area in whose queue cases wait; nobody where all are None."""

    edition_id: int | None
    grid_code: str | None
    queue_code: str | None


@dataclass(frozen=True, slots=True)
class GridCount:
    """How many cases an owner has, and how many of them are open, as far as these are shown."""

    owner: GridOwner
    grid_name: str | None
    case_count: ShownCount
    open_count: ShownCount


def list_cases_today(
    database: Database,
    today: InForce,
    which: CaseFilter,
    *,
    limit: int,
    cursor: str | None = None,
) -> CasePage:
    """List the cases that lie in a grid of today, the latest first.

    Parameters
    ----------
    database : Database
        Read in two transactions.
    today : InForce
        The edition in force.
    which : CaseFilter
        Its ``grid`` is one of today's; without one it is a list like any other.
    limit : int
        At most so many.
    cursor : str, optional
        Where the page before ended.

    Returns
    -------
    CasePage
        Each case with the grid and edition that it has, which may be former ones.

    Raises
    ------
    CursorInvalid
        The cursor isn't one of ours.
    """
    if which.grid is not None:
        ids = _in_grid(database, today, which.grid)
        which = replace(which, grid=None, ids=ids)
    return list_cases(database, which, limit=limit, cursor=cursor)


def count_cases(
    database: Database, which: CaseFilter, today: InForce | None = None
) -> list[GridCount]:
    """Count cases by grid.

    Parameters
    ----------
    database : Database
        Read in one transaction.
    which : CaseFilter
        Which cases count.
    today : InForce, optional
        The edition in force, to count by its grids; without it cases count where they are stored.

    Returns
    -------
    list of GridCount
        By edition and code; what no grid owns comes by its queue. Outside the community that owns
        them, 1 to 4 open or ended cases are hidden, and in every sum of which they are a part.
    """
    totals: Counter[GridOwner] = Counter()
    still_open: Counter[GridOwner] = Counter()
    names: dict[GridOwner, str | None] = {}
    paths: dict[GridOwner, str | None] = {}
    with database.transaction() as session:
        for row in session.execute(cases.counts_by_owner(which, ended=today is None)):
            owner = GridOwner(row.edition_id, row.grid_code, row.queue_code)
            totals[owner] += row.case_count
            still_open[owner] += row.open_count
            names[owner], paths[owner] = row.grid_name, row.path
        if today is not None:
            rows = session.execute(cases.ended_places(which)).all()
            totals.update(_owners_today(today, rows))
            paths |= {owner: _path(today, owner) for owner in totals if owner not in paths}
            names |= {owner: _name(today, owner) for owner in totals if owner not in names}
    return [
        _shown(owner, names[owner], paths[owner], totals[owner], still_open[owner])
        for owner in sorted(totals, key=_order)
    ]


def _shown(
    owner: GridOwner, name: str | None, path: str | None, total: int, still_open: int
) -> GridCount:
    """Return the counts of an owner as the viewer may know them."""
    hidden = outside(viewer(), path)
    is_open = show_count(still_open, outside=hidden)
    return GridCount(owner, name, is_open + show_count(total - still_open, outside=hidden), is_open)


def _path(today: InForce, owner: GridOwner) -> str | None:
    if owner.grid_code is None or owner.edition_id != today.edition_id:
        return None if owner.queue_code is None else today.area_paths.get(owner.queue_code)
    return today.grid_paths[today.positions[owner.grid_code]]


def _in_grid(database: Database, today: InForce, code: str) -> list[int]:
    """Return the numbers of the cases that a grid of today owns or would own."""
    position = today.positions.get(code)
    if position is None:
        return []
    with database.transaction() as session:
        owned = session.scalars(cases.open_of_grid(today.edition_id, code)).all()
        near = session.execute(cases.ended_near_grid(today.edition_id, code)).all()
    if not near:
        return list(owned)
    ids, lon, lat = zip(*near, strict=True)
    placed = today.router.place_many(np.array(lon), np.array(lat), datum.STORAGE)
    mine = np.flatnonzero(np.asarray(placed.positions) == position)
    return [*owned, *(ids[row] for row in mine)]


def _owners_today(today: InForce, rows: Sequence[Any]) -> Counter[GridOwner]:
    """Count who would own ended cases today; one that is nowhere stays where it is stored."""
    owners = Counter(
        GridOwner(row.edition_id, row.grid_code, row.queue_code) for row in rows if row.lon is None
    )
    placed = [(row.lon, row.lat) for row in rows if row.lon is not None]
    if placed:
        lon, lat = np.array(placed).T
        found = today.router.place_many(lon, lat, datum.STORAGE)
        codes, queues = today.grids.codes, queues_of(today, found)
        owners.update(
            GridOwner(today.edition_id, None, queue)
            if position == OUTSIDE
            else GridOwner(today.edition_id, codes[position], None)
            for position, queue in zip(found.positions, queues, strict=True)
        )
    return owners


def _name(today: InForce, owner: GridOwner) -> str | None:
    if owner.grid_code is None or owner.edition_id != today.edition_id:
        return None
    return today.grid_names[today.positions[owner.grid_code]]


def _order(owner: GridOwner) -> tuple[int, str, str]:
    return owner.edition_id or 0, owner.grid_code or "", owner.queue_code or ""
