"""Compare two editions of the boundaries, of the database or of two files; nothing is changed."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Select
from sqlalchemy.orm import Session

from gis.changes import EditionChanges, Places, Staff
from gis.editions import compare_editions
from gis.ownership import GridIndex
from layers.actions.boundaries import InForce, load_edition
from layers.actions.index_grids import index_grids
from layers.actions.kept_answers import KeptAnswers
from layers.errors import EditionNotFound, NoEditionInForce
from layers.exchange.mapping import find_column, written
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer, read_layer
from layers.exchange.writer import check_writable, write_layer
from layers.models import Edition
from layers.session import Database
from layers.store import changes as store
from layers.store import charts, premises, territory
from layers.viewer import viewer

COMPARISONS_MAX: Final = 4
"""So many comparisons are kept in memory: a page and its map ask for the same one."""


@dataclass(frozen=True)
class Compared:
    """One of two editions: its number in the database, if it has one, its name, and its grids."""

    edition_id: int | None
    name: str
    grids: GridIndex


@dataclass(frozen=True)
class Comparison:
    """Two editions and what changes between them; ``notes`` say what had to be decided."""

    old: Compared
    new: Compared
    changes: EditionChanges
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileOrder:
    """Two files of grids to compare, and perhaps files of buildings and households.

    Files are ``FILE`` or ``FILE:LAYER``. ``new_code`` is the column in the new file where it is
    another; ``datum`` is of files that declare none. ``place_code`` is the column of the codes of
    buildings and households, which are known by their row without it; ``responsible`` that of who
    answers for a grid, in both files.
    """

    old: str
    new: str
    code: str
    new_code: str | None = None
    datum: str | None = None
    buildings: str | None = None
    households: str | None = None
    place_code: str | None = None
    responsible: str | None = None


def compare_stored(
    database: Database,
    new_id: int | None = None,
    old_id: int | None = None,
    *,
    progress: Progress = silent,
) -> Comparison:
    """Return what changes between two editions of the database.

    Parameters
    ----------
    database : Database
        Where they are, with the buildings, households and open cases of today.
    new_id : int, optional
        The later one; the newest draft if not given.
    old_id : int, optional
        The earlier one; the edition in force if not given, or that before it where the later one
        is itself in force.
    progress : callable, optional
        Told the name of each step.

    Returns
    -------
    Comparison
        As if the old one were in force and the new one published now.

    Raises
    ------
    EditionNotFound
        There is no such edition, no draft, or none before the first.
    NoEditionInForce
        No earlier one is named and none is in force.
    """
    with database.transaction() as session:
        new = _edition(session, _newest_draft(session) if new_id is None else new_id)
        old = _edition(session, _standing_before(session, new) if old_id is None else old_id)
        progress("reading the grids", 0, None)
        later = load_edition(session, new, database.snapshots)
        earlier = load_edition(session, old, database.snapshots)
        progress("reading buildings, households and open cases", 0, None)
        buildings = _places(session, premises.building_places())
        households = _places(session, store.household_places())
        cases = _places(session, store.open_case_places())
    progress("comparing", 0, len(later.grids))
    changes = compare_editions(
        earlier.grids, later.grids, buildings=buildings, households=households, open_cases=cases,
        staff=Staff(_answering(earlier), _answering(later)),
    )  # fmt: skip
    return Comparison(
        Compared(old.id, old.name, earlier.grids), Compared(new.id, new.name, later.grids), changes
    )


class Comparisons:
    """Comparisons of a database's editions, each made once for as long as nothing is written.

    Parameters
    ----------
    database : Database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: KeptAnswers[Hashable, Comparison] = KeptAnswers(COMPARISONS_MAX)

    def of(self, new_id: int, old_id: int | None = None) -> Comparison:
        """Return what changes between two editions; arguments and errors as `compare_stored`.

        Whether anything was written since is asked before anything is read, so that an answer may
        be newer than it is taken to be, and never older.
        """
        who = viewer()  # what is counted is what that role sees there
        with self._database.transaction() as session:
            version = session.execute(charts.data_version()).one().version
        return self._kept.answer(
            (new_id, old_id, who and (who.role, who.area)),
            version,
            lambda: compare_stored(self._database, new_id, old_id),
        )


def compare_files(order: FileOrder, *, progress: Progress = silent) -> Comparison:
    """Return what changes between the grids of two files; no database is needed.

    Parameters
    ----------
    order : FileOrder
        Files and columns. A place without coordinates is left out, which a note says; of an area,
        as a building is, a point on it stands for it.
    progress : callable, optional
        Told the name of each step.

    Raises
    ------
    LayersError, GisError
        Where a file, a column or a datum cannot be used.
    """
    old, was, notes = _compared(order, order.old, order.code, progress)
    new, will_be, more = _compared(order, order.new, order.new_code or order.code, progress)
    buildings, unplaced = _read_places(order.buildings, order, progress)
    households, lost = _read_places(order.households, order, progress)
    progress("comparing", 0, len(new.grids))
    changes = compare_editions(
        old.grids, new.grids, buildings=buildings, households=households,
        staff=Staff(was, will_be) if order.responsible else None,
    )  # fmt: skip
    return Comparison(old, new, changes, (*notes, *more, *unplaced, *lost))


def write_changes(comparison: Comparison, path: Path | str) -> tuple[str, ...]:
    """Write the table of the grids (CSV), or the ground that changes owners (any map format).

    Returns what had to be done to the columns' names, in words.
    """
    path = Path(path)
    if check_writable(path) in (".csv", ".tsv", ".txt"):
        return write_layer(pd.DataFrame(comparison.changes.grid_rows()), path)
    return write_layer(comparison.changes.changed_areas(), path)


def write_crosswalk(comparison: Comparison, path: Path | str) -> tuple[str, ...]:
    """Write the crosswalk as a table; returns what had to be done to its columns' names."""
    return write_layer(pd.DataFrame(comparison.changes.crosswalk_rows()), Path(path))


def _edition(session: Session, edition_id: int) -> Edition:
    edition = session.get(Edition, edition_id)
    if edition is None:
        raise EditionNotFound(f"There is no edition {edition_id}; see: lianxin edition list")
    return edition


def _newest_draft(session: Session) -> int:
    found = session.scalars(store.newest_draft_id()).one_or_none()
    if found is None:
        raise EditionNotFound(
            "There is no draft to compare with the edition in force. Import grids first "
            "(lianxin import grids FILE), or name two editions; see: lianxin edition list"
        )
    return found


def _standing_before(session: Session, new: Edition) -> int:
    """Return the edition in force, or where ``new`` is that, the one before it."""
    in_force = session.scalars(territory.edition_id_in_force()).one_or_none()
    if in_force is None:
        raise NoEditionInForce(
            "No edition is in force to compare with. Name two editions, the earlier one first; "
            "see: lianxin edition list"
        )
    if in_force != new.id:
        return in_force
    before = session.scalars(store.edition_id_before(new)).one_or_none()
    if before is None:
        raise EditionNotFound(
            f"Edition {new.id} is in force and the first: there is none before it to compare with."
        )
    return before


def _places(session: Session, statement: Select[Any]) -> Places:
    rows = session.execute(statement).all()
    codes, lon, lat = zip(*rows, strict=True) if rows else ((), (), ())
    return Places([str(code) for code in codes], np.array(lon, float), np.array(lat, float))


def _answering(edition: InForce) -> Mapping[str, str | None]:
    return dict(zip(edition.grids.codes, edition.responsibles, strict=True))


def _compared(
    order: FileOrder, source: str, code: str, progress: Progress
) -> tuple[Compared, Mapping[str, str | None], tuple[str, ...]]:
    progress(f"reading {source}", 0, None)
    layer = read_layer(source, datum=order.datum)
    grids, notes = index_grids(layer, code)
    staff = _staff(layer, code, order.responsible) if order.responsible else {}
    said = tuple(f"{layer.name}: {note}" for note in (*layer.notes, *notes))
    return Compared(None, layer.name, grids), staff, said


def _staff(layer: SourceLayer, code: str, responsible: str) -> dict[str, str | None]:
    """Return who answers for each grid of a file; of several rows of one code, the first says."""
    names = [str(column) for column in layer.frame.columns]
    columns = (find_column(names, each, file=layer.name) for each in (code, responsible))
    staff: dict[str, str | None] = {}
    for grid, person in zip(*(layer.frame[column] for column in columns), strict=True):
        named = None if pd.isna(person) else written(person).strip() or None
        staff[written(grid).strip()] = staff.get(written(grid).strip()) or named
    return staff


def _read_places(
    source: str | None, order: FileOrder, progress: Progress
) -> tuple[Places | None, tuple[str, ...]]:
    if source is None:
        return None, ()
    progress(f"reading {source}", 0, None)
    layer = read_layer(source, datum=order.datum)
    shapes = layer.frame.geometry.to_numpy()
    there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    points = shapely.point_on_surface(shapes[there])
    codes = [str(row) for row in layer.rows[there]]
    if order.place_code is not None:
        names = [str(column) for column in layer.frame.columns]
        column = find_column(names, order.place_code, file=layer.name)
        codes = [str(code) for code in layer.frame[column].iloc[there]]
    lost = len(layer) - len(there)
    notes = (f"{layer.name}: {lost} rows have no place and were left out.",) if lost else ()
    return Places(codes, shapely.get_x(points), shapely.get_y(points)), (*layer.notes, *notes)
