"""Bring the reference tables that the project maintains into the database."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy import Table, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.models import Base, Category, StatusScheme, StatusValue
from layers.session import Database

Row = Mapping[str, Any]


@dataclass(frozen=True)
class SeedReport:
    """How many reference rows are new, and how many read differently from before."""

    inserted: int
    updated: int


def seed_reference(database: Database) -> SeedReport:
    """Insert or refresh categories, status schemes and statuses from ``data/*.csv``.

    Parameters
    ----------
    database : Database
        At the newest schema; the tables are changed in one transaction.

    Returns
    -------
    SeedReport
        All zero when the database said the same already.

    Notes
    -----
    A code that is no longer in the files stays in the database: cases and statuses may bear
    it, and places may have codes of their own.
    """
    tables: list[tuple[type[Base], list[Row]]] = [
        (Category, list(_categories())),
        (StatusScheme, list(_schemes())),
        (StatusValue, list(_statuses())),
    ]
    inserted = updated = 0
    with database.transaction() as session:
        for model, rows in tables:
            new, changed = _upsert(session, model, rows)
            inserted, updated = inserted + new, updated + changed
    return SeedReport(inserted, updated)


def _upsert(session: Session, model: type[Base], rows: list[Row]) -> tuple[int, int]:
    """Insert rows, update those that differ, and count both."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 # every model here is mapped to a plain table
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if column.name not in keys]
    new = statement.excluded
    merged = (
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: new[name] for name in rest},
            where=tuple_(*(table.c[name] for name in rest)).is_distinct_from(
                tuple_(*(new[name] for name in rest))
            ),
        )
        .values(list(rows))
        .returning(literal_column("xmax = 0").label("is_new"))
        .cte("merged")
    )
    counts = session.execute(
        select(func.count().filter(merged.c.is_new), func.count().filter(~merged.c.is_new))
    ).one()
    return counts[0], counts[1]


def _categories() -> Iterable[Row]:
    majors = {row["code"]: row for row in _read("majors.csv")}
    for row in _read("categories.csv"):
        yield {
            "code": row["code"],
            "major": row["major"],
            "major_zh": majors[row["major"]]["name_zh"],
            "major_en": majors[row["major"]]["name_en"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "department_zh": row["department_zh"],
            "department_en": row["department_en"],
            "level": row["level"],
            "confidential": _truth(row["confidential"]),
            "national_code": row["national_code"] or None,
        }


def _schemes() -> Iterable[Row]:
    for row in _read("status_schemes.csv"):
        yield {**row, "campaign_only": _truth(row["campaign_only"])}


def _statuses() -> Iterable[Row]:
    for row in _read("statuses.csv"):
        yield {
            "scheme_code": row["scheme"],
            "code": row["code"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "shape": row["shape"],
            "colour_day": row["colour_day"],
            "colour_night": row["colour_night"],
            "severity": int(row["severity"]),
            "display_order": int(row["order"]),
            "normal": _truth(row["normal"]),
            "unknown": _truth(row["unknown"]),
        }


def _read(name: str) -> list[dict[str, str]]:
    content = (files("data") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(content.splitlines()))


def _truth(word: str) -> bool:
    return {"true": True, "false": False}[word]
