"""Read cases as a stranger may see them: lists page by page, and one case with its history."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from layers.cursors import read_cursor, write_cursor
from layers.errors import CaseNotFound, CursorInvalid
from layers.policy import mask_case, mask_reporter
from layers.session import Database
from layers.store import cases
from layers.store.cases import CaseFilter
from layers.viewer import viewer
from layers.vocabulary import CaseState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases, masked, and the cursor of those that follow."""

    cases: tuple[Mapping[str, Any], ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """One case, masked, and every placement that it ever had."""

    case: Mapping[str, Any]
    placements: tuple[Mapping[str, Any], ...]


def list_cases(
    database: Database, which: CaseFilter, *, limit: int, cursor: str | None = None
) -> CasePage:
    """List cases, the latest first.

    Parameters
    ----------
    database : Database
        Read in one transaction.
    which : CaseFilter
        A confidential case is never found by a bounding box.
    limit : int
        At most so many.
    cursor : str, optional
        Where the page before ended.

    Raises
    ------
    CursorInvalid
        The cursor isn't one of ours.
    """
    after = None if cursor is None else _after(cursor)
    statement = cases.listed_cases(which, limit=limit + 1, after=after)
    with database.transaction() as session:
        rows = session.execute(statement).all()
    page = rows[:limit]
    more = len(rows) > limit
    last = page[-1] if page else None
    return CasePage(
        cases=tuple(mask_case(row._asdict(), viewer()) for row in page),
        next_cursor=write_cursor((last.reported_at - _EPOCH) // _MICROSECOND, last.id)
        if more and last
        else None,
    )


def read_case(database: Database, case_id: int) -> CaseHistory:
    """Return one case with its placements.

    Raises
    ------
    CaseNotFound
        There is none with that number.
    """
    row = None
    if 0 < case_id <= _LARGEST_ID:
        with database.transaction() as session:
            row = session.execute(cases.one_case(case_id)).one_or_none()
            placements = session.execute(cases.placements_of(case_id)).all()
    if row is None:
        raise CaseNotFound(f"There is no case {case_id}.")
    case = mask_case(row._asdict(), viewer())
    case["reporter"] = mask_reporter(case["reporter"])
    hidden = {"confidential": case["confidential"], "path": case["path"]}
    return CaseHistory(
        case, tuple(mask_case(hidden | each._asdict(), viewer()) for each in placements)
    )


def categories(database: Database) -> dict[str, Mapping[str, Any]]:
    """Return what a case can be about, by code."""
    with database.transaction() as session:
        return {row.code: row._asdict() for row in session.execute(cases.categories())}


@lru_cache(maxsize=1)
def state_names() -> Mapping[CaseState, Mapping[str, str]]:
    """Return what each state is called, in both languages."""
    table = files("data").joinpath("case_states.csv").read_text("utf-8")
    return {
        CaseState(row["state"]): {"zh": row["name_zh"], "en": row["name_en"]}
        for row in csv.DictReader(table.splitlines())
    }


def _after(cursor: str) -> tuple[datetime, int]:
    microseconds, case_id = map(int, read_cursor(cursor, int, int))
    try:
        return _EPOCH + timedelta(microseconds=microseconds), case_id
    except OverflowError:
        raise CursorInvalid("The cursor lies at no time. Begin again without it.") from None
