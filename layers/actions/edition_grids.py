"""The grids of any edition, as they are drawn."""

from dataclasses import dataclass

from layers.errors import EditionNotFound
from layers.models import Edition
from layers.session import Database
from layers.store import territory


@dataclass(frozen=True)
class DrawnGrid:
    """One grid of an edition; ``geometry`` is GeoJSON in the storage CRS."""

    code: str
    name: str
    kind: str
    geometry: str


def edition_grids(database: Database, edition_id: int) -> list[DrawnGrid]:
    """Return the grids of an edition with their outlines, by code.

    Parameters
    ----------
    database : Database
        Where it is.
    edition_id : int
        Its number.

    Raises
    ------
    EditionNotFound
        No edition has that number.
    """
    with database.transaction() as session:
        if session.get(Edition, edition_id) is None:
            raise EditionNotFound(f"There is no edition {edition_id}; see: lianxin edition list")
        rows = session.execute(territory.outlines_of(edition_id))
        return [DrawnGrid(code, name, str(kind), geometry) for code, name, kind, geometry in rows]
