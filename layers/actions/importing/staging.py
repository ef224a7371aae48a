"""From a staging table into a layer's table: one statement that touches only what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Merge:
    """What goes where: columns to set, and those that only new rows get.

    A column of ``kept`` keeps its value where the file has none.
    """

    target: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    only_new: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """What a merge did."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


def merge(connection: psycopg.Connection[Any], staged: str, plan: Merge) -> Counts:
    """Insert the staged rows, or update those that are there and read differently."""
    everything = (*plan.key, *plan.columns, *plan.only_new)
    row = connection.execute(
        _STATEMENT.format(
            target=sql.Identifier(plan.target),
            staged=sql.Identifier(staged),
            columns=_names(everything),
            key=_names(plan.key),
            action=_action(plan),
        )
    ).fetchone()
    total = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(staged))
    ).fetchone()
    if row is None or total is None:  # pragma: no cover # aggregates always give one row
        return Counts()
    return Counts(row[0], row[1], total[0] - row[0] - row[1])


_STATEMENT = sql.SQL(
    "WITH merged AS ("
    " INSERT INTO {target} AS t ({columns}) SELECT {columns} FROM {staged}"
    " ON CONFLICT ({key}) DO {action}"
    " RETURNING t.xmax = 0 AS is_new"  # a row that was there before carries our lock in xmax
    ") SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged"
)


def _action(plan: Merge) -> sql.Composable:
    if not plan.columns:
        return sql.SQL("NOTHING")
    new = [_new_value(plan, name) for name in plan.columns]
    return sql.SQL("UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})").format(
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), value)
            for name, value in zip(plan.columns, new, strict=True)
        ),
        sql.SQL(", ").join(sql.Identifier("t", name) for name in plan.columns),
        sql.SQL(", ").join(new),
    )


def _new_value(plan: Merge, name: str) -> sql.Composable:
    value = sql.Identifier("excluded", name)
    if name not in plan.kept:
        return value
    return sql.SQL("COALESCE({}, {})").format(value, sql.Identifier("t", name))


def _names(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
