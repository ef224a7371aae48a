"""Whether everything is there that the service needs, in words."""

from dataclasses import dataclass

from layers.actions.boundaries import Boundaries
from layers.database import check_server, require_schema
from layers.errors import LayersError, NoEditionInForce
from layers.session import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it if it isn't ok."""

    name: str
    ok: bool
    message: str
    message_zh: str


def readiness(database: Database, boundaries: Boundaries) -> list[Finding]:
    """Look at the database, its schema and the boundaries, each only if the one before is well.

    Parameters
    ----------
    database : Database
        Asked anew each time.
    boundaries : Boundaries
        As they are in memory.

    Returns
    -------
    list of Finding
        Database, schema and edition. A message says what to do, and never a password.
    """
    try:
        versions = check_server(database.engine)
    except LayersError as error:
        return [Finding("database", False, str(error), "数据库不可用")]
    told = f"PostgreSQL {versions.postgres}, PostGIS {versions.postgis}"
    found = [Finding("database", True, told, told)]
    try:
        require_schema(database.engine)
    except LayersError as error:
        return [*found, Finding("schema", False, str(error), "数据库结构与本版本不符")]
    found.append(Finding("schema", True, "up to date", "结构为最新"))
    try:
        edition = boundaries.in_force()
    except NoEditionInForce as error:
        return [*found, Finding("edition", False, str(error), "没有生效的网格版本")]
    number, grids = edition.edition_id, len(edition.grids.codes)
    words = f"edition {number} is in force, {grids} grids"
    words_zh = f"第 {number} 版网格生效，共 {grids} 个网格"
    return [*found, Finding("edition", True, words, words_zh)]
