"""Queries: functions that return statements; long SQL lies in files beside them."""

from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return the session's own psycopg connection, for COPY inside its transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def read_sql(name: str) -> sql.SQL:
    """Read a long statement that lies beside the queries."""
    statement = (files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
    return sql.SQL(cast("LiteralString", statement))  # type: ignore[redundant-cast] # mypy takes LiteralString for str, other checkers don't
