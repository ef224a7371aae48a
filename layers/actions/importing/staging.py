"""From a staging table into a layer's table: one statement that touches only what differs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

MANY_ROWS = 50_000
"""From so many rows on it pays to build the indexes of an empty table afterwards."""


_WORTH_ANALYZING = 1_000


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


def merge(connection: psycopg.Connection[Any], staged: str, plan: Merge, total: int) -> Counts:
    """Insert the ``total`` staged rows, or update those that are there and read differently."""
    everything = (*plan.key, *plan.columns, *plan.only_new)
    with _indexed_afterwards(connection, plan.target, total):
        row = connection.execute(
            _STATEMENT.format(
                target=sql.Identifier(plan.target),
                staged=sql.Identifier(staged),
                columns=_names(everything),
                key=_names(plan.key),
                known=_known(plan),
                action=_action(plan),
            )
        ).fetchone()
    inserted, updated = row or (0, 0)
    tell_planner(connection, plan.target, inserted + updated)
    return Counts(inserted, updated, total - inserted - updated)


def tell_planner(connection: psycopg.Connection[Any], table: str, changed: int) -> None:
    """Let the planner know of a table that much was done to, before anybody queries it."""
    if changed >= _WORTH_ANALYZING:
        connection.execute("SELECT tell_planner(%s::regclass)", [table])


@contextmanager
def _indexed_afterwards(
    connection: psycopg.Connection[Any], target: str, total: int
) -> Iterator[None]:
    """Take the indexes off an empty table while much is loaded, and put them back.

    Row by row they cost more than everything else (a GiST index most of all). Whoever reads the
    table waits meanwhile; but it was empty. A rollback brings everything back.
    """
    taken = _indexes(connection, target) if total >= MANY_ROWS else []
    for name, _ in taken:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in taken:
        connection.execute(definition)


def _indexes(connection: psycopg.Connection[Any], target: str) -> list[tuple[str, bytes]]:
    """Return the indexes that hold no constraint, if the table is empty and belongs to us."""
    table = sql.Identifier(target)
    empty = connection.execute(sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(table))
    if empty.fetchone() != (True,):
        return []
    rows = connection.execute(_PLAIN_INDEXES, {"table": target}).fetchall()
    return [(name, definition.encode()) for name, definition in rows]


_PLAIN_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
WHERE t.oid = %(table)s::regclass AND NOT i.indisunique AND pg_has_role(t.relowner, 'USAGE')
"""

_STATEMENT = sql.SQL(
    "WITH merged AS ("
    " INSERT INTO {target} AS t ({columns}) SELECT {columns} FROM {staged} AS excluded"
    " WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE {known})"
    " ON CONFLICT ({key}) DO {action}"
    " RETURNING t.xmax = 0 AS is_new"  # a row that was there before carries our lock in xmax
    ") SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged"
)


def _known(plan: Merge) -> sql.Composable:
    """Say that a row is there already and reads the same: it isn't even locked then."""
    same = [
        sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("excluded", name))
        for name in plan.key
    ]
    old = sql.SQL(", ").join(sql.Identifier("t", name) for name in plan.columns)
    new = sql.SQL(", ").join(_new_value(plan, name) for name in plan.columns)
    return sql.SQL(" AND ").join(
        [*same, sql.SQL("({}) IS NOT DISTINCT FROM ({})").format(old, new)]
    )


def _action(plan: Merge) -> sql.Composable:
    return sql.SQL("UPDATE SET {}").format(
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), _new_value(plan, name))
            for name in plan.columns
        )
    )


def _new_value(plan: Merge, name: str) -> sql.Composable:
    value = sql.Identifier("excluded", name)
    if name not in plan.kept:
        return value
    return sql.SQL("COALESCE({}, {})").format(value, sql.Identifier("t", name))


def _names(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
