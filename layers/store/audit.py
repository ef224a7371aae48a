"""The audit: adding a row, reading pages of it, and what sealing and verifying go through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Insert,
    Select,
    Table,
    cast,
    column,
    func,
    insert,
    select,
    table,
    tuple_,
)
from sqlalchemy.types import Text

from layers.models import AuditRow, AuditSeal

SEALING: Final = 0x6C78736561  # "lxsea": one sealer of a database at a time

READS_BY_PERIOD: Final = files("layers.store").joinpath("reads_by_period.sql").read_text("utf-8")
"""How much each account read, by period; says itself what it counts."""


def _table(model: type[AuditRow | AuditSeal]) -> Table:
    found = model.__table__
    assert isinstance(found, Table)  # noqa: S101 # every model here is mapped to a plain table
    return found


# Without the columns that the database fills in, its key among them.
_SAID: Final = table(
    "audit",
    *(
        column(each.name, each.type)
        for each in _table(AuditRow).columns
        if each.name not in {"id", "transaction_id", "recorded_at", "account", "role", "area"}
    ),
)

ADDED: Final = insert(_SAID)
"""Add a row; the database itself says who, when and in which transaction."""

Rows = Select[*tuple[Any, ...]]
Position = tuple[int, int]
"""Transaction and number of a row: the order of sealing."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are asked for; what is None doesn't matter.

    ``since`` is included, ``until`` is not.
    """

    account: str | None = None
    action: str | None = None
    object_kind: str | None = None
    object_code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def listed(which: AuditFilter, *, limit: int, before: int | None = None) -> Rows:
    """Select rows for a list, the latest first; ``before`` is the number that a page ended with."""
    columns = [c for c in _table(AuditRow).columns if c.name != "transaction_id"]
    wanted = {
        AuditRow.account: which.account,
        AuditRow.action: which.action,
        AuditRow.object_kind: which.object_kind,
        AuditRow.object_code: which.object_code,
    }
    statement = select(*columns).where(*(c == v for c, v in wanted.items() if v is not None))
    if which.since is not None:
        statement = statement.where(AuditRow.recorded_at >= which.since)
    if which.until is not None:
        statement = statement.where(AuditRow.recorded_at < which.until)
    if before is not None:
        statement = statement.where(AuditRow.id < before)
    return statement.order_by(AuditRow.id.desc()).limit(limit)


def in_order(*, after: Position | None = None, settled: bool = False) -> Rows:
    """Select all that a row says, as it is digested, in the order of sealing.

    Parameters
    ----------
    after : tuple of int, optional
        Only rows behind this one.
    settled : bool, optional
        Only rows older than every running transaction: none can come between them any more.
    """
    statement = select(
        AuditRow.transaction_id,
        AuditRow.id,
        # An instant that is none (infinity) has no such text, and differs from all that have.
        func.to_char(
            func.timezone("UTC", AuditRow.recorded_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
        ).label("recorded_at"),
        AuditRow.account,
        AuditRow.role,
        AuditRow.area,
        AuditRow.action,
        AuditRow.object_kind,
        AuditRow.object_code,
        AuditRow.purpose,
        AuditRow.fields,
        AuditRow.count,
        cast(AuditRow.detail, Text).label("detail"),
        AuditRow.origin,
        AuditRow.request_id,
    ).order_by(AuditRow.transaction_id, AuditRow.id)
    if after is not None:
        statement = statement.where(tuple_(AuditRow.transaction_id, AuditRow.id) > tuple_(*after))
    if settled:
        oldest = func.pg_snapshot_xmin(func.pg_current_snapshot())
        statement = statement.where(AuditRow.transaction_id < cast(cast(oldest, Text), BigInteger))
    return statement


def newest_transaction() -> Select[int]:
    """Select a number below which every transaction lies that has ended."""
    newest = func.pg_snapshot_xmax(func.pg_current_snapshot())
    return select(cast(cast(newest, Text), BigInteger))


def seals() -> Rows:
    """Select the seals in their order."""
    return select(*_table(AuditSeal).columns).order_by(AuditSeal.number)


def last_seal() -> Rows:
    """Select the newest seal."""
    return select(*_table(AuditSeal).columns).order_by(AuditSeal.number.desc()).limit(1)


def sealed(values: Mapping[str, Any]) -> Insert:
    """Add a seal."""
    return insert(_table(AuditSeal)).inline().values(values)
