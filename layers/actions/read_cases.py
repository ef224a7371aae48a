"""Read cases as a stranger may see them: lists page by page, and one case with its history."""

import binascii
import csv
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from zlib import crc32

from layers.errors import CaseNotFound, CursorInvalid
from layers.policy import mask_case, mask_reporter
from layers.session import Database
from layers.store import cases
from layers.store.cases import CaseFilter
from layers.viewer import viewer
from layers.vocabulary import CaseState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CURSOR: Final = struct.Struct(">qqI")
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
    after = None if cursor is None else read_cursor(cursor)
    statement = cases.listed_cases(which, limit=limit + 1, after=after)
    with database.transaction() as session:
        rows = session.execute(statement).all()
    page = rows[:limit]
    more = len(rows) > limit
    last = page[-1] if page else None
    return CasePage(
        cases=tuple(mask_case(row._asdict(), viewer()) for row in page),
        next_cursor=write_cursor(last.reported_at, last.id) if more and last else None,
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


def write_cursor(reported_at: datetime, case_id: int) -> str:
    """Return the cursor of what comes after a case; nobody need understand it."""
    position = ((reported_at - _EPOCH) // _MICROSECOND, case_id)
    packed = _CURSOR.pack(*position, _checksum(*position))
    return urlsafe_b64encode(packed).rstrip(b"=").decode()


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """Return the instant and number after which a page begins.

    Raises
    ------
    CursorInvalid
        The cursor isn't one of ours.

    Examples
    --------
    >>> read_cursor(write_cursor(datetime(2026, 5, 1, tzinfo=UTC), 7))[1]
    7
    """
    try:
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"==")
        microseconds, case_id, checksum = _CURSOR.unpack(packed)
        if checksum != _checksum(microseconds, case_id):
            raise ValueError
        return _EPOCH + timedelta(microseconds=microseconds), case_id
    except (ValueError, OverflowError, struct.error, binascii.Error):
        raise CursorInvalid(
            "The cursor is not one that a list gave out. Begin again without it, and follow next."
        ) from None


def _checksum(microseconds: int, case_id: int) -> int:
    return crc32(struct.pack(">qq", microseconds, case_id))
