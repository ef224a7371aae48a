"""Residents: who lives in which household, ID number and phone sealed before they are staged."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from sqlalchemy.orm import Session

from layers.actions.importing.batch import Batch, ImportOptions, settle_duplicates
from layers.actions.importing.staging import Counts, tell_planner
from layers.errors import LayerRefused
from layers.exchange.copy import stage
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.progress import Progress
from layers.identity_numbers import check_digit_fits, normalise_id_number
from layers.sealing import Keys
from layers.store import driver, people, read_sql

_SEXES: Final = {
    **dict.fromkeys(("male", "m", "男", "男性", "1"), "male"),
    **dict.fromkeys(("female", "f", "女", "女性", "2"), "female"),
}

FIELDS: Final = (
    FieldSpec(
        "code", FieldKind.CODE, required=True,
        synonyms=("resident_code", "居民编码", "居民编号", "人员编号"),
    ),
    FieldSpec(
        "household_code", FieldKind.CODE, required=True,
        synonyms=("户编码", "户编号", "所属户编码", "household"),
    ),
    FieldSpec("name", required=True, synonyms=("姓名", "居民姓名", "full_name")),
    FieldSpec("sex", FieldKind.CHOICE, synonyms=("性别", "gender"), choices=_SEXES),
    FieldSpec("birth_date", FieldKind.INSTANT, synonyms=("出生日期", "生日", "date_of_birth")),
    FieldSpec("phone", synonyms=("电话", "手机", "手机号", "联系电话", "mobile")),
    FieldSpec("id_number", synonyms=("身份证号", "身份证号码", "公民身份号码", "证件号码")),
    FieldSpec("since", FieldKind.INSTANT, synonyms=("入住日期", "迁入日期", "moved_in")),
    FieldSpec("until", FieldKind.INSTANT, synonyms=("迁出日期", "搬离日期", "moved_out")),
    FieldSpec("basis", required=True, synonyms=("采集依据", "处理依据", "lawful_basis")),
)  # fmt: skip

_DATES: Final = ("birth_date", "since", "until")
_SEALED: Final = ("phone", "id_number")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is sealed of a resident who is there already."""

    id: UUID
    key_id: str | None
    phone_sealed: bytes | None
    id_number_sealed: bytes | None


def load_residents(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> Counts:
    """Check residents and merge them; no reason repeats what a row says of a person."""
    if options.keys is None:
        raise LayerRefused("Residents cannot be loaded without the keys to seal them.")
    _check(session, batch)
    settle_duplicates(batch, "code", merge_pieces=False)
    progress("sealing", 0, int(batch.alive.sum()))
    table = _sealed_table(session, batch, options.keys, options.calendar.zone())
    table = table.append_column("source", _all(table, options.source or batch.source.name))
    total = table.num_rows
    progress("staging", 0, total)
    connection = driver(session)
    stage(connection, "staged_residents", table)
    progress("merging", 0, total)
    kept = [name for name in ("sex", *_DATES) if not batch.has(name)]
    row = connection.execute(read_sql("merge_residents"), {"kept": kept}).fetchone()
    inserted, updated = row or (0, 0)
    tell_planner(connection, "residents", inserted + updated)
    return Counts(inserted, updated, total - inserted - updated)


def _check(session: Session, batch: Batch) -> None:
    codes = batch.text("code")
    numbers = np.array(
        [code is not None and normalise_id_number(code) is not None for code in codes]
    )
    batch.reject(
        numbers,
        "code is an ID number, which would be stored in plain sight: give the person another code, "
        "and the number as id_number",
    )
    known = [row[0] for row in session.execute(people.household_codes())]
    # The code itself is not repeated: the column may have been taken for another, such as a phone.
    batch.reject_unlisted(
        "household_code", known, "its household is not loaded; import the households first"
    )
    unfit = 0
    given = batch.text("id_number")
    refused = np.zeros(len(batch), dtype=bool)
    for position in np.flatnonzero(batch.alive):
        if given[position] is None:
            continue
        number = normalise_id_number(given[position])
        refused[position] = number is None
        unfit += number is not None and not check_digit_fits(number)
    batch.reject(refused, "id_number has neither 15 digits nor 17 and a digit or X")
    since, until = batch.text("since"), batch.text("until")
    reversed_ = [
        begun is not None and ended is not None and ended < begun
        for begun, ended in zip(since, until, strict=True)
    ]
    batch.reject(np.array(reversed_, dtype=bool), "until lies before since")
    if unfit:
        batch.notes.append(
            f"{unfit} ID numbers end in a check digit that doesn't fit; they were loaded all the "
            "same."
        )


def _sealed_table(session: Session, batch: Batch, keys: Keys, zone: ZoneInfo) -> pa.Table:
    """Return the rows as they are staged: whatever the database must not read is sealed."""
    plain = batch.table()
    codes = plain["code"].to_pylist()
    known = {
        row.code: _Known(row.id, row.key_id, row.phone_sealed, row.id_number_sealed)
        for row in session.execute(people.sealed_of(codes))
    }
    given = {name: plain[name].to_pylist() if batch.has(name) else None for name in _SEALED}
    ids: list[str] = []
    index: list[bytes | None] = []
    sealed: dict[str, list[bytes | None]] = {name: [] for name in _SEALED}
    for position, code in enumerate(codes):
        before = known.get(code)
        row = uuid4() if before is None else before.id
        ids.append(str(row))
        for name, values in given.items():
            value = _value(keys, before, name, None if values is None else (values[position],))
            sealed[name].append(_seal(keys, before, row, name, value))
            if name == "id_number":
                index.append(None if value is None else keys.index_of(value))
    columns: dict[str, pa.Array] = {
        "id": pa.array(ids, pa.large_string()),
        "code": plain["code"],
        "household_code": plain["household_code"],
        "name": plain["name"],
        "basis": plain["basis"],
        "sex": plain["sex"] if batch.has("sex") else _nulls(plain, pa.large_string()),
        "key_id": pa.array([keys.id] * len(ids), pa.large_string()),
        "id_number_index": _hex(index),
    }
    columns |= {f"{name}_sealed": _hex(values) for name, values in sealed.items()}
    for name in _DATES:
        columns[name] = (
            _date_words(plain[name], zone) if batch.has(name) else _nulls(plain, pa.large_string())
        )
    return pa.table(columns)


def _value(
    keys: Keys, before: _Known | None, name: str, given: tuple[str | None] | None
) -> str | None:
    """Return a field's plain value: the file's, or what is stored where the file has no column."""
    if given is not None:
        value = given[0]
        return value if value is None or name != "id_number" else normalise_id_number(value)
    return None if before is None else _open(keys, before, name)


def _open(keys: Keys, before: _Known, name: str) -> str | None:
    sealed = getattr(before, f"{name}_sealed")
    if sealed is None or before.key_id is None:
        return None
    return keys.open(sealed, before.key_id, before.id, name)


def _seal(
    keys: Keys, before: _Known | None, row: UUID, name: str, value: str | None
) -> bytes | None:
    """Seal a value; one that is sealed under the same key already stays as it is."""
    if value is None:
        return None
    if before is not None and before.key_id == keys.id and _open(keys, before, name) == value:
        kept: bytes = getattr(before, f"{name}_sealed")
        return kept
    return keys.seal(value, row, name)


def _date_words(instants: pa.ChunkedArray, zone: ZoneInfo) -> pa.Array:
    """Return dates as text, each that of the place on which the instant fell."""
    local = instants.to_pandas().dt.tz_convert(zone)
    return pa.array(local.dt.strftime("%Y-%m-%d"), pa.large_string(), from_pandas=True)


def _hex(values: list[bytes | None]) -> pa.Array:
    """Return bytes as PostgreSQL writes them, for a staging column of text."""
    return pa.array(
        [None if value is None else f"\\x{value.hex()}" for value in values], pa.large_string()
    )


def _nulls(table: pa.Table, kind: pa.DataType) -> pa.Array:
    return pa.nulls(table.num_rows, kind)


def _all(table: pa.Table, value: str) -> pa.Array:
    return pa.array([value] * table.num_rows, pa.large_string())
