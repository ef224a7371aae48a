"""The grids of any edition, as they are drawn."""

from dataclasses import dataclass

from layers.actions.list_editions import find_edition
from layers.session import Database
from layers.store import territory


@dataclass(frozen=True)
class DrawnGrid:
    """One grid of an edition; ``geometry`` is GeoJSON in the storage CRS."""

    code: str
    name: str
    name_en: str | None
    kind: str
    community_code: str | None
    responsible: str | None
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
        find_edition(session, edition_id)
        rows = session.execute(territory.outlines_of(edition_id))
        return [DrawnGrid(**row._mapping) for row in rows]
