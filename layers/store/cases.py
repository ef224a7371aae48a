"""Cases: storing a report, the lists by place, state, kind and time, and one case's history."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gis.crs import STORAGE_SRID
from layers.models import Area, Case, CasePlacement, Category, Grid, IdempotencyKey
from layers.vocabulary import ENDED_STATES, CaseState

REPORT_CASE: Final = files("layers.store").joinpath("report_case.sql").read_text("utf-8")
"""Store a case, its placement and its key; says itself what it does."""

REPORTED: Final = "reported"
"""The reason of a case's first placement."""


_SNAP_DEGREES: Final = 0.003
"""More than 50 m in every direction, as far north as 80°."""


Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are asked for; what is None doesn't matter.

    ``category`` is a code or a major; ``bbox`` is west, south, east, north in the storage CRS;
    ``since`` is included, ``until`` is not; ``ids`` are the only ones that come into question.
    """

    grid: str | None = None
    area: str | None = None
    states: Collection[CaseState] | None = None
    category: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    ids: Collection[int] | None = None


def listed_cases(
    which: CaseFilter, *, limit: int, after: tuple[datetime, int] | None = None
) -> Rows:
    """Select cases for a list, the latest first; who reported them is not among the columns."""
    statement = _cases().where(*_conditions(which)).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Case.reported_at, Case.id) < tuple_(*after))
    return statement.order_by(Case.reported_at.desc(), Case.id.desc())


def one_case(case_id: int) -> Rows:
    """Select one case as a list shows it, and who reported it, to be masked."""
    return _cases().add_columns(Case.reporter).where(Case.id == case_id)


def counts_by_owner(which: CaseFilter, *, ended: bool) -> Rows:
    """Count cases by edition and grid, or queue, as they are stored; only open ones if asked."""
    is_open = Case.state.not_in(ENDED_STATES)
    conditions = _conditions(which) + ([] if ended else [is_open])
    owner = (Case.edition_id, Case.grid_code, Case.queue_code)
    return (
        select(
            *owner,
            func.max(Grid.name).label("grid_name"),
            func.max(Case.path).label("path"),
            func.count().label("case_count"),
            func.count().filter(is_open).label("open_count"),
        )
        .join(Category, Category.code == Case.category)
        .outerjoin(Grid, and_(Grid.edition_id == Case.edition_id, Grid.code == Case.grid_code))
        .where(*conditions)
        .group_by(*owner)
    )


def ended_places(which: CaseFilter) -> Rows:
    """Select the place and owner of the cases that have ended."""
    return (
        select(
            func.ST_X(Case.location).label("lon"),
            func.ST_Y(Case.location).label("lat"),
            Case.edition_id,
            Case.grid_code,
            Case.queue_code,
            Case.path,
        )
        .join(Category, Category.code == Case.category)
        .where(Case.state.in_(ENDED_STATES), *_conditions(which))
    )


def open_of_grid(edition_id: int, code: str) -> Select[int]:
    """Select the numbers of the open cases that a grid owns."""
    return select(Case.id).where(
        Case.edition_id == edition_id, Case.grid_code == code, Case.state.not_in(ENDED_STATES)
    )


def ended_near_grid(edition_id: int, code: str) -> Rows:
    """Select number and place of the ended cases that lie in a grid or may be snapped to it."""
    reach = func.ST_Expand(Grid.boundary, _SNAP_DEGREES)
    box = select(reach).where(Grid.edition_id == edition_id, Grid.code == code).scalar_subquery()
    return select(Case.id, func.ST_X(Case.location), func.ST_Y(Case.location)).where(
        Case.state.in_(ENDED_STATES), Case.location.intersects(box)
    )


def placements_of(case_id: int) -> Rows:
    """Select every placement that a case ever had, the first one first."""
    return (
        select(
            CasePlacement.placed_at,
            CasePlacement.reason,
            CasePlacement.rule,
            CasePlacement.edition_id,
            CasePlacement.grid_code,
            Grid.name.label("grid_name"),
            Grid.responsible,
            CasePlacement.queue_code,
            func.coalesce(Grid.path, Area.path).label("path"),
            CasePlacement.distance_to_boundary_m,
            CasePlacement.accuracy_m,
            CasePlacement.datum,
            CasePlacement.raw_x,
            CasePlacement.raw_y,
            CasePlacement.candidates,
            CasePlacement.warnings,
        )
        .outerjoin(
            Grid,
            and_(Grid.edition_id == CasePlacement.edition_id, Grid.code == CasePlacement.grid_code),
        )
        .outerjoin(Area, Area.code == CasePlacement.queue_code)
        .where(CasePlacement.case_id == case_id)
        .order_by(CasePlacement.id)
    )


def case_of_key(key: str) -> Select[str, int | None]:
    """Select the fingerprint of the report that a key came with, and its case."""
    return select(IdempotencyKey.fingerprint, IdempotencyKey.case_id).where(
        IdempotencyKey.key == key
    )


def categories() -> Rows:
    """Select what a case can be about."""
    return select(
        Category.code,
        Category.name_zh,
        Category.name_en,
        Category.department_zh,
        Category.department_en,
    ).order_by(Category.code)


def _cases() -> Rows:
    return (
        select(
            Case.id,
            Case.category,
            Category.major,
            Category.name_zh.label("category_zh"),
            Category.name_en.label("category_en"),
            Category.department_zh,
            Category.department_en,
            Category.level,
            Category.confidential,
            Case.description,
            Case.address,
            Case.state,
            Case.reporter_kind,
            Case.occurred_at,
            Case.reported_at,
            func.ST_X(Case.location).label("lon"),
            func.ST_Y(Case.location).label("lat"),
            Case.rule,
            Case.edition_id,
            Case.grid_code,
            Grid.name.label("grid_name"),
            Grid.responsible,
            Case.queue_code,
            Case.path,
        )
        .join(Category, Category.code == Case.category)
        .outerjoin(Grid, and_(Grid.edition_id == Case.edition_id, Grid.code == Case.grid_code))
    )


def _conditions(which: CaseFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.grid is not None:
        owners = select(Grid.edition_id, Grid.code).where(Grid.code == which.grid)
        conditions.append(tuple_(Case.edition_id, Case.grid_code).in_(owners))
    if which.area is not None:
        conditions.append(_below(which.area))
    if which.states is not None:
        conditions.append(Case.state.in_(sorted(which.states)))
    if which.category is not None:
        conditions.append(_of_kind(which.category))
    if which.since is not None:
        conditions.append(Case.reported_at >= which.since)
    if which.until is not None:
        conditions.append(Case.reported_at < which.until)
    if which.ids is not None:
        conditions.append(Case.id == any_(literal(list(which.ids), ARRAY(BigInteger))))
    if which.bbox is not None:
        # A confidential case must not be found out by narrowing boxes around it.
        box = func.ST_MakeEnvelope(*which.bbox, STORAGE_SRID)
        conditions += [func.ST_Intersects(Case.location, box), ~Category.confidential]
    return conditions


def _below(area_code: str) -> ColumnElement[bool]:
    """Cases whose path begins with the area's; spelled as a range, which the index answers."""
    path = select(Area.path).where(Area.code == area_code).scalar_subquery()
    # A path ends in "/", and "0" is the next character after it.
    end = func.concat(func.left(path, -1), "0")
    return and_(Case.path.op("~>=~")(path), Case.path.op("~<~")(end))


def _of_kind(category: str) -> ColumnElement[bool]:
    if len(category) == 2:
        return Category.major == category
    return Case.category == category
