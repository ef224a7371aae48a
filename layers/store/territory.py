"""Areas, editions and grids: who is where, and which boundaries are in force."""

from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Text,
    TextClause,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)

from gis.crs import STORAGE_SRID
from layers.models import Area, Case, CasePlacement, Edition, Grid
from layers.vocabulary import ENDED_STATES

EDITION_CHANNEL = "lianxin_edition"
"""NOTIFY channel: the edition in force, or the areas around it, changed."""


class Hold(IntEnum):
    """Advisory locks of a transaction, by what they keep still."""

    BULK = 150_622_001
    """One import or publishing at a time: what a layer stands on doesn't move under it."""
    CASES = 150_622_002
    """Shared: a case is routed and stored now. Exclusive: the edition in force changes."""


def hold(what: Hold, *, exclusive: bool = False) -> Select[Any]:
    """Wait for the lock on ``what`` and keep it until the transaction ends."""
    lock = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
    return select(lock(int(what)))


def edition_in_force() -> Select[Edition]:
    """Select the edition whose validity has no end."""
    return select(Edition).where(func.upper_inf(Edition.valid), ~func.isempty(Edition.valid))


def edition_id_in_force() -> Select[int]:
    """Select only the number of the edition in force."""
    return select(Edition.id).where(func.upper_inf(Edition.valid), ~func.isempty(Edition.valid))


def editions() -> Select[Edition, int]:
    """Select all editions with the count of their grids, the newest first."""
    grid_count = (
        select(func.count())
        .where(Grid.edition_id == Edition.id)
        .correlate(Edition)
        .scalar_subquery()
    )
    return select(Edition, grid_count.label("grid_count")).order_by(Edition.id.desc())


def editions_with_content(content_hash: str) -> Select[int]:
    """Select the drafts and the edition in force that hold exactly this content."""
    return (
        select(Edition.id)
        .where(Edition.content_hash == content_hash, Edition.status != "superseded")
        .order_by(Edition.id)
    )


def outlines_of(edition_id: int) -> Select[Any]:
    """Select an edition's grids as a file brings them, the outline as GeoJSON text.

    Every digit is kept: what is taken from here and sent back is the same edition.
    """
    outline = func.ST_AsGeoJSON(Grid.boundary, 15, 0)
    return (
        select(
            Grid.code,
            Grid.name,
            Grid.name_en,
            Grid.kind,
            Grid.community_code,
            Grid.responsible,
            outline.label("geometry"),
        )
        .where(Grid.edition_id == edition_id)
        .order_by(Grid.code)
    )


def edition_at(instant: datetime) -> Select[int]:
    """Select the number of the edition that was in force at an instant."""
    return select(Edition.id).where(Edition.valid.contains(instant))


def first_edition_began() -> Select[datetime]:
    """Select the instant from which there was an edition in force."""
    return select(func.min(func.lower(Edition.valid)))


def grids_of(edition_id: int) -> Select[Any]:
    """Select the grids of an edition by code, without their boundaries.

    ``version`` is the transaction that wrote the row; it is another after any change.
    """
    version: ColumnElement[Any] = cast(literal_column("grids.xmin"), Text).label("version")
    columns = (Grid.code, Grid.name, Grid.kind, Grid.path, Grid.responsible, version)
    return select(*columns).where(Grid.edition_id == edition_id).order_by(Grid.code)


def grid_boundaries(edition_id: int) -> Select[bytes]:
    """Select the boundaries of an edition's grids as WKB, in the order of ``grids_of``."""
    return (
        select(func.ST_AsBinary(Grid.boundary))
        .where(Grid.edition_id == edition_id)
        .order_by(Grid.code)
    )


def checked_grids(edition_id: int) -> Select[Any]:
    """Select what the checks look at of an edition's grids, boundaries as WKB, by code."""
    return (
        select(
            Grid.code,
            Grid.code_scheme,
            Grid.kind,
            Grid.community_code,
            func.ST_AsBinary(Grid.boundary).label("wkb"),
        )
        .where(Grid.edition_id == edition_id)
        .order_by(Grid.code)
    )


def areas() -> Select[Any]:
    """Select every area by code, boundaries as WKB or null."""
    return select(
        Area.code,
        Area.level,
        Area.name,
        Area.name_en,
        Area.parent_code,
        Area.path,
        func.ST_AsBinary(Area.boundary).label("wkb"),
    ).order_by(Area.code)


def area_paths() -> Select[str, str, str, str]:
    """Select code, level, parent and path of every area, without its boundary."""
    parent = func.coalesce(Area.parent_code, "")
    return select(Area.code, Area.level, parent, Area.path).order_by(Area.code)


def owning_grid(lon: float, lat: float, *, edition_id: int) -> Select[str]:
    """Select the code of the grid that owns the point: dedicated first, then the lowest code.

    A grid covers the points it is not disjoint from. ``ST_Covers`` would say so more shortly and
    sooner, but it decides by a rounded determinant, ``ST_Disjoint`` by GEOS without rounding; the
    boxes are compared first, for only that uses the index (decision 0002).
    """
    here = func.ST_SetSRID(func.ST_MakePoint(lon, lat), STORAGE_SRID)
    return (
        select(Grid.code)
        .where(
            Grid.edition_id == edition_id,
            Grid.boundary.intersects(here),  # && in SQL
            ~func.ST_Disjoint(Grid.boundary, here),
        )
        .order_by(Grid.kind != "dedicated", Grid.code)
        .limit(1)
    )


def open_case_places() -> Select[Any]:
    """Select every open case that has a place: number, place, and accuracy as last sent."""
    accuracy = (
        select(CasePlacement.accuracy_m)
        .where(CasePlacement.case_id == Case.id)
        .order_by(CasePlacement.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(Case.id, func.ST_X(Case.location), func.ST_Y(Case.location), accuracy).where(
        Case.state.not_in(ENDED_STATES), Case.location.is_not(None)
    )


def open_case_owners() -> Select[Any]:
    """Select the place of every open case that has one, and the grid that owns it now."""
    return select(func.ST_X(Case.location), func.ST_Y(Case.location), Case.grid_code).where(
        Case.state.not_in(ENDED_STATES), Case.location.is_not(None)
    )


def copy_grids(from_id: int, to_id: int) -> Insert:
    """Give an edition the grids of another."""
    names = [column.name for column in Grid.__table__.columns if column.name != "edition_id"]
    same = select(literal(to_id), *(getattr(Grid, name) for name in names)).where(
        Grid.edition_id == from_id
    )
    return insert(Grid).from_select(["edition_id", *names], same)


def announce(what: str) -> TextClause:
    """Tell every running process, at commit, that boundaries changed."""
    return text("SELECT pg_notify(:channel, :what)").bindparams(channel=EDITION_CHANNEL, what=what)
