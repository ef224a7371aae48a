"""What comparing two editions asks of the database: which ones, and the places on them."""

from typing import Any

from sqlalchemy import Select, func, select

from layers.models import Case, Edition, Household
from layers.vocabulary import ENDED_STATES


def newest_draft_id() -> Select[int]:
    """Select the number of the newest edition that has never been in force."""
    return select(Edition.id).where(Edition.valid.is_(None)).order_by(Edition.id.desc()).limit(1)


def edition_id_before(edition: Edition) -> Select[int]:
    """Select the number of the edition that was in force last before this one."""
    begins = func.lower(Edition.valid)
    return (
        select(Edition.id)
        .where(begins < func.lower(edition.valid))
        .order_by(begins.desc())
        .limit(1)
    )


def household_places() -> Select[Any]:
    """Select every household's code and place."""
    return select(
        Household.code,
        func.ST_X(Household.location).label("lon"),
        func.ST_Y(Household.location).label("lat"),
    )


def open_case_places() -> Select[Any]:
    """Select the number and place of every open case that has one, and nothing else of it."""
    return (
        select(
            Case.id,
            func.ST_X(Case.location).label("lon"),
            func.ST_Y(Case.location).label("lat"),
        )
        .where(Case.state.not_in(ENDED_STATES), Case.location.is_not(None))
        .order_by(Case.id)
    )
