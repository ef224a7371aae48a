"""What a battle chart shows of a place: its grids, buildings, households and cases by path.

A place is a path prefix, as ``150622/150622003/``; the empty prefix is everything there is.
"""

from importlib.resources import files
from typing import Any

from sqlalchemy import (
    Boolean,
    Integer,
    Select,
    String,
    Text,
    TextClause,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from layers.models import Area, Case, Category, Grid, StatusScheme, StatusValue
from layers.store.territory import edition_id_in_force
from layers.vocabulary import ENDED_STATES, AreaLevel

ENDED_DAYS = 30
"""An ended case leaves the charts this long after its report."""

_ENDED = sorted(state.value for state in ENDED_STATES)


def chart_grids(prefix: str, *, edition_id: int) -> TextClause:
    """Select the grids under a path, with their open cases and households counted."""
    return _statement("chart_grids").bindparams(
        bindparam("prefix", prefix, Text),
        bindparam("edition_id", edition_id, Integer),
        bindparam("ended", _ENDED, ARRAY(String)),
    )


def chart_buildings(prefix: str) -> TextClause:
    """Select the buildings under a path."""
    return _statement("chart_buildings").bindparams(bindparam("prefix", prefix, Text))


def chart_households(prefix: str, *, scheme: str, exact: bool) -> TextClause:
    """Select the households under a path and what each is now in a status scheme.

    Unless ``exact``, each stands at its building's anchor, without its door.
    """
    return _statement("chart_households").bindparams(
        bindparam("prefix", prefix, Text),
        bindparam("scheme", scheme, Text),
        bindparam("exact", exact, Boolean),
    )


def chart_cases(prefix: str, *, edition_id: int | None) -> TextClause:
    """Select the cases under a path that a chart may show."""
    return _statement("chart_cases").bindparams(
        bindparam("prefix", prefix, Text),
        bindparam("edition_id", edition_id, Integer),
        bindparam("ended", _ENDED, ARRAY(String)),
        bindparam("days", ENDED_DAYS, Integer),
    )


def chart_areas(prefix: str) -> Select[Any]:
    """Select the areas under a path that have a boundary."""
    return (
        select(
            Area.code,
            Area.name,
            Area.name_en,
            Area.level,
            func.ST_AsBinary(Area.boundary).label("wkb"),
        )
        .where(Area.boundary.is_not(None), func.starts_with(Area.path, prefix))
        .order_by(Area.path)
    )


def area_with(name: str) -> Select[str, AreaLevel, str, str | None, str]:
    """Select the area that has this code or path."""
    return (
        select(Area.code, Area.level, Area.name, Area.name_en, Area.path)
        .where((Area.code == name) | (Area.path == f"{name.rstrip('/')}/"))
        .order_by(Area.code != name)
        .limit(1)
    )


def grid_with(name: str) -> Select[str, str, str | None, str, str | None]:
    """Select the grid of the edition in force that has this code or path."""
    return (
        select(Grid.code, Grid.name, Grid.name_en, Grid.path, Grid.community_code)
        .where(
            Grid.edition_id == edition_id_in_force().scalar_subquery(),
            (Grid.code == name) | (Grid.path == f"{name.rstrip('/')}/"),
        )
        .order_by(Grid.code != name)
        .limit(1)
    )


def chart_places() -> Select[str, AreaLevel, str, str | None, str]:
    """Select every area, banners first, each level by code."""
    return select(Area.code, Area.level, Area.name, Area.name_en, Area.path).order_by(Area.path)


def grid_places() -> Select[str, str, str | None, str]:
    """Select the grids of the edition in force, by path."""
    return (
        select(Grid.code, Grid.name, Grid.name_en, Grid.path)
        .where(Grid.edition_id == edition_id_in_force().scalar_subquery())
        .order_by(Grid.path)
    )


def open_case_counts() -> Select[str | None, int]:
    """Count the open cases that a chart may show, by the path of their owner (null for none)."""
    return (
        select(Case.path, func.count().label("open_cases"))
        .join(Category, Category.code == Case.category)
        .where(Case.state.not_in(ENDED_STATES), ~Category.confidential)
        .group_by(Case.path)
    )


def permanent_schemes() -> Select[StatusScheme]:
    """Select the status schemes that need no campaign."""
    return select(StatusScheme).where(~StatusScheme.campaign_only).order_by(StatusScheme.code)


def scheme_values(scheme: str) -> Select[StatusValue]:
    """Select the statuses of a scheme in the order of its legend."""
    return (
        select(StatusValue)
        .where(StatusValue.scheme_code == scheme)
        .order_by(StatusValue.order, StatusValue.code)
    )


def data_version() -> TextClause:
    """Select a text that changes whenever anything is written in this server, and the time.

    A transaction that writes takes a number, one that reads takes none: as long as the snapshot
    reads the same, nothing was changed.
    """
    return text(
        "SELECT current_database() || ' ' || pg_postmaster_start_time() || ' ' "
        "|| pg_current_snapshot() AS version, statement_timestamp() AS read_at"
    )


def _statement(name: str) -> TextClause:
    return text((files(__package__) / f"{name}.sql").read_text(encoding="utf-8"))
