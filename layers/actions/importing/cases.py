"""Cases: routed when loaded, and kept even where their place is unknown."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis import datum
from gis.geometry import Degrees
from gis.routing import DATUM_SUSPECT, Placements, Rule
from layers.actions.boundaries import InForce, load_in_force
from layers.actions.importing.batch import Batch, ImportOptions, settle_duplicates
from layers.actions.importing.instants import INSTANT
from layers.actions.importing.placements import owner_columns
from layers.actions.importing.shapes import settle_points
from layers.actions.importing.staging import Counts, tell_planner
from layers.actions.importing.words import CASE_STATES, REPORTER_KINDS
from layers.exchange.copy import point_ewkb, stage
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.progress import Progress
from layers.models import Category
from layers.store import driver, read_sql, territory
from layers.vocabulary import ENDED_STATES

FIELDS = (
    FieldSpec("source_id", synonyms=("案件编号", "工单编号", "servicerequestnum")),
    FieldSpec("category", required=True, synonyms=("案件类别", "小类代码")),
    FieldSpec("description", synonyms=("问题描述", "案件描述")),
    FieldSpec("address", synonyms=("地址", "位置描述")),
    FieldSpec("state", FieldKind.CHOICE, synonyms=("案件状态",), choices=CASE_STATES),
    FieldSpec("reporter_kind", FieldKind.CHOICE, choices=REPORTER_KINDS),
    FieldSpec("occurred_at", FieldKind.INSTANT, synonyms=("发生时间",)),
    FieldSpec("reported_at", FieldKind.INSTANT, synonyms=("上报时间", "createddate")),
    FieldSpec("accuracy_m", FieldKind.NUMBER, synonyms=("定位精度",), least=0),
)

_TEXTS = ("category", "description", "address", "state", "reporter_kind")
_TEXT = pa.large_string()
_AHEAD = np.timedelta64(1, "D")
"""Clocks differ, and so do time zones; beyond a day a report lies in the future."""


def load_cases(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> tuple[Counts, dict[str, int]]:
    """Route and merge cases; return what was done, and how many each rule placed.

    A case that is there already is routed anew only if the file now says another place.
    """
    session.execute(territory.hold(territory.Hold.CASES))
    in_force = load_in_force(session)
    _check_categories(session, batch)
    _check_instants(batch)
    settle_points(batch, required=False, subject="a case")
    _settle_identity(batch)
    progress("routing", 0, len(batch))
    sent = _sent(batch)
    placements = in_force.router.place_many(*_usable(batch, sent), _accuracy(batch))
    progress("routing", len(batch), len(batch))
    table = _table(batch, options.source or batch.source.name, sent, in_force, placements)
    connection, total = driver(session), table.num_rows
    stage(connection, "staged_cases", table, lambda done: progress("staging", done, total))
    progress("merging", 0, total)
    counts = _merge(connection, f"imported from {batch.source.name}", total)
    progress("merging", total, total)
    placed = table.column("rule").value_counts().to_pylist()
    return counts, {row["values"]: row["counts"] for row in placed}


@dataclass(frozen=True)
class _Sent:
    """Coordinates as the file has them, and their datum."""

    x: Degrees
    y: Degrees
    datum: str


def _check_categories(session: Session, batch: Batch) -> None:
    """Take categories by code, or by a name that only one has; unknown ones fall out."""
    names = Counter[str]()
    codes: dict[str, str] = {}
    for code, name_zh, name_en in session.execute(
        select(Category.code, Category.name_zh, Category.name_en)
    ):
        names.update({name_zh.lower(), name_en.lower()})
        codes |= {name_zh.lower(): code, name_en.lower(): code}
    by_name = {name: code for name, code in codes.items() if names[name] == 1}
    known = by_name | {code: code for code in codes.values()}
    encoded = batch.columns["category"].dictionary_encode()
    found = pa.array(
        [known.get(str(word).lower()) for word in encoded.dictionary.to_pylist()], _TEXT
    )
    given = batch.columns["category"]
    batch.columns["category"] = found.take(encoded.indices)
    batch.reject(
        batch.columns["category"].is_null().to_numpy(zero_copy_only=False),
        lambda position: (
            f"{given[position].as_py()} is no category; give its code under [values.category] "
            "of a mapping, or --set category=60099 for all rows"
        ),
    )


def _check_instants(batch: Batch) -> None:
    limit = pa.scalar(np.datetime64("now", "us") + _AHEAD).cast(INSTANT)
    for name in ("occurred_at", "reported_at"):
        if batch.has(name):
            late = pc.fill_null(pc.greater(batch.columns[name], limit), False)
            batch.reject(late.to_numpy(zero_copy_only=False), f"{name} lies in the future")


def _settle_identity(batch: Batch) -> None:
    """Give each row the name by which the next import knows it again.

    Without one in the file it is made from all that the row says; rows that say the same are
    told apart by counting them, so that none is lost and none comes twice.
    """
    if batch.has("source_id"):
        settle_duplicates(batch, "source_id", merge_pieces=False)
    named = pd.Series(batch.text("source_id"))
    nameless = named.isna().to_numpy()
    sent = _sent(batch)
    content = pd.DataFrame({name: batch.text(name) for name in batch.columns})[nameless]
    content = content.assign(x=sent.x[nameless], y=sent.y[nameless]).astype(str)
    joined = content.agg("\x1f".join, axis=1) if len(content) else pd.Series(dtype=str)
    counted = joined.groupby(joined).cumcount()
    named[nameless] = [
        f"row-{hashlib.sha256(text.encode()).hexdigest()[:24]}-{number}"
        for text, number in zip(joined, counted, strict=True)
    ]
    batch.columns["source_id"] = pa.array(named.tolist(), type=_TEXT)


def _sent(batch: Batch) -> _Sent:
    """Return the coordinates as the file has them; those of its geometry where it has no other."""
    source = batch.source
    if source.raw_x is not None and source.raw_y is not None:
        return _Sent(source.raw_x, source.raw_y, source.datum)
    return _Sent(shapely.get_x(batch.geometry), shapely.get_y(batch.geometry), datum.STORAGE)


def _usable(batch: Batch, sent: _Sent) -> tuple[Degrees, Degrees, str]:
    """Leave out coordinates that the reader found to be on no earth."""
    useless = np.isin(batch.rows, list(batch.source.problems))
    return np.where(useless, np.nan, sent.x), np.where(useless, np.nan, sent.y), sent.datum


def _table(
    batch: Batch, source: str, sent: _Sent, in_force: InForce, placements: Placements
) -> pa.Table:
    """Return the rows as they are staged: content, identity, owner, and coordinates as sent."""
    count = len(batch)
    columns: dict[str, pa.Array] = {
        name: batch.columns.get(name, pa.nulls(count, _TEXT)) for name in _TEXTS
    }
    for name in ("occurred_at", "reported_at"):
        columns[name] = batch.columns.get(name, pa.nulls(count, INSTANT))
    placed = np.isfinite(sent.x) & np.isfinite(sent.y)
    return batch.table(
        columns
        | owner_columns(in_force, placements)
        | {
            "row": pa.array(batch.rows),
            "source": pa.array([source] * count, type=_TEXT),
            "accuracy_m": batch.columns.get("accuracy_m", pa.nulls(count, pa.float64())),
            "location": point_ewkb(np.asarray(placements.lon), np.asarray(placements.lat)),
            "datum": pa.array([sent.datum if has else None for has in placed], type=_TEXT),
            "raw_x": pa.array(sent.x, mask=~np.isfinite(sent.x)),
            "raw_y": pa.array(sent.y, mask=~np.isfinite(sent.y)),
            "warnings": pa.array(_warnings(batch, placements), type=_TEXT),
            "case_id": pa.nulls(count, pa.int64()),
            "fresh": pa.array(np.zeros(count, dtype=bool)),
            "moved": pa.array(np.zeros(count, dtype=bool)),
        }
    )


def _accuracy(batch: Batch) -> NDArray[np.float64]:
    if not batch.has("accuracy_m"):
        return np.full(len(batch), np.nan)
    return np.asarray(pc.fill_null(batch.columns["accuracy_m"], np.nan), dtype=np.float64)


def _warnings(batch: Batch, placements: Placements) -> list[str | None]:
    """Say of each row without a place why it has none, and whether another datum would fit."""
    problems = batch.source.problems
    told = []
    for position, row in enumerate(map(int, batch.rows)):
        warnings = [DATUM_SUSPECT] if placements.datum_suspect[position] else []
        if placements.rules[position] is Rule.UNPLACED:
            warnings.append(problems.get(row) or str(placements.reasons[position]))
        told.append("\x1f".join(warnings) or None)
    return told


def _merge(connection: psycopg.Connection[Any], reason: str, total: int) -> Counts:
    """Add, change and place what is staged."""
    ended = [state.value for state in ENDED_STATES]
    connection.execute(read_sql("mark_known_cases"), {"ended": ended})
    inserted = connection.execute(read_sql("add_staged_cases")).rowcount
    updated = connection.execute(read_sql("change_staged_cases")).rowcount
    connection.execute(read_sql("place_staged_cases"), {"reason": reason})
    tell_planner(connection, "cases", inserted + updated)
    tell_planner(connection, "case_placements", inserted + updated)
    return Counts(inserted, updated, total - inserted - updated)
