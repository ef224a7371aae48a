"""The rows of one file on their way in: what is known of each, and which fell out, and why."""

from __future__ import annotations  # a Series has a type parameter only for type checkers

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from layers.actions.importing.instants import Calendar
from layers.actions.importing.values import read_column
from layers.exchange.fields import FieldSpec
from layers.exchange.mapping import ColumnMapping
from layers.exchange.reader import SourceLayer
from layers.exchange.rejects import Reject
from layers.sealing import Keys
from layers.vocabulary import CodeScheme

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ImportOptions:
    """What may be said about an import beyond the file and its mapping."""

    scheme: CodeScheme = CodeScheme.NATIONAL
    calendar: Calendar = field(default_factory=Calendar)
    merge_pieces: bool = False
    publish: bool = False
    accept_findings: str | None = None
    source: str | None = None
    """Whose rows these are; the file's name where nothing is said."""
    keys: Keys | None = None
    """Under which residents are sealed; no other layer needs any."""


class Batch:
    """Rows read and checked field by field; rows that fall out stay here with their reason."""

    def __init__(
        self,
        source: SourceLayer,
        mapping: ColumnMapping,
        fields: Sequence[FieldSpec],
        calendar: Calendar,
    ) -> None:
        self.source = source
        self.rows = source.rows
        self.alive: Mask = np.ones(len(source.frame), dtype=bool)
        self.notes: list[str] = []
        self.geometry = _geometry(source)
        self.columns: dict[str, pa.Array] = {}
        self._reasons: NDArray[Any] = np.full(len(source.frame), None, dtype=object)
        names = [str(name) for name in source.frame.columns]
        given = {*mapping.resolve(names, fields), *mapping.constants}
        mapped = mapping.apply(source.frame, fields)
        for spec in fields:
            if spec.name in given:
                self._read(mapped[spec.name], spec, calendar)

    def __len__(self) -> int:
        """Return how many rows the file had."""
        return len(self.alive)

    def has(self, name: str) -> bool:
        """Tell whether the file gives the field at all."""
        return name in self.columns

    def text(self, name: str) -> NDArray[Any]:
        """Return a field's values as Python objects, None where empty or not given."""
        if name not in self.columns:
            return np.full(len(self), None, dtype=object)
        return np.asarray(self.columns[name].to_numpy(zero_copy_only=False), dtype=object)

    def reject(self, mask: Mask, reason: str | Callable[[int], str]) -> None:
        """Take rows out; the first reason counts. A function gives one by position."""
        hit = np.flatnonzero(mask & self.alive)
        for position in hit:
            self._reasons[position] = reason if isinstance(reason, str) else reason(int(position))
        self.alive[hit] = False

    def reject_one(self, position: int, reason: str) -> None:
        """Take one row out."""
        if self.alive[position]:
            self._reasons[position] = reason
            self.alive[position] = False

    def drop(self, mask: Mask) -> None:
        """Take rows out that say nothing new; they are no rejects."""
        self.alive &= ~mask

    def reject_unlisted(self, name: str, known: Iterable[str], what: str) -> None:
        """Take out rows whose field names something that is not there."""
        if not self.has(name):
            return
        values = self.columns[name]
        listed = pc.is_in(values, pa.array(list(known), type=values.type))
        missing = pc.and_(pc.is_valid(values), pc.invert(listed))
        self.reject(
            missing.to_numpy(zero_copy_only=False),
            lambda position: what.format(values[position].as_py()),
        )

    def rejects(self) -> tuple[Reject, ...]:
        """Return the rows that fell out, each with its number, reason and own columns."""
        hit = np.flatnonzero(self._reasons != None)  # noqa: E711 # element by element
        frame = self.source.frame
        names = [name for name in frame.columns if name != "geometry"]
        records = frame[names].iloc[hit].to_dict("records") if len(hit) else []
        return tuple(
            Reject(int(self.rows[position]), self._reasons[position], record)
            for position, record in zip(hit, records, strict=True)
        )

    def table(self, extra: dict[str, pa.Array] | None = None) -> pa.Table:
        """Return what is left as a table of the fields and ``extra`` columns of full length."""
        everything = pa.table({**self.columns, **(extra or {})})
        return everything.filter(pa.array(self.alive))

    def _read(self, raw: pd.Series[Any], spec: FieldSpec, calendar: Calendar) -> None:
        column = read_column(raw, spec, calendar)
        self.columns[spec.name] = column.values
        self.reject(column.bad, column.reason)
        if spec.required:
            empty = pc.is_null(column.values).to_numpy(zero_copy_only=False)
            self.reject(empty, f"{spec.name} is empty")


def settle_duplicates(batch: Batch, key: str, *, merge_pieces: bool) -> None:
    """Leave one row of each code: equal rows collapse, pieces are joined, others fall out."""
    codes = pd.Series(batch.text(key))
    doubled = codes.where(batch.alive).duplicated(keep=False) & codes.notna() & batch.alive
    if not doubled.any():
        return
    positions = np.flatnonzero(doubled)
    fields = [pd.Series(batch.text(name))[positions] for name in batch.columns]
    attributes = pd.Series(list(zip(*fields, strict=True)), index=positions)
    shapes = pd.Series(shapely.to_wkb(batch.geometry[positions]), index=positions)
    collapsed = joined = 0
    for code, members in codes[positions].groupby(codes[positions]).groups.items():
        first, others = int(members[0]), np.asarray(members[1:])
        same = (attributes[others] == [attributes[first]] * len(others)).to_numpy()
        equal = same & np.array([shapes[other] == shapes[first] for other in others])
        pieces = others[same & ~equal] if merge_pieces else others[:0]
        batch.drop(_mask(batch, others[equal]))
        collapsed += int(equal.sum())
        if len(pieces):
            parts = batch.geometry[np.append(first, pieces)]
            batch.geometry[first] = shapely.union_all(shapely.make_valid(parts))
            batch.drop(_mask(batch, pieces))
            joined += len(pieces)
        left = np.setdiff1d(others[~equal], pieces)
        row = int(batch.rows[first])
        advice = "" if merge_pieces else "; if they are pieces of one, add --merge-pieces"
        batch.reject(
            _mask(batch, left),
            f"the code {code} is taken by row {row} with other content{advice}",
        )
    if collapsed:
        batch.notes.append(f"{collapsed} rows repeat another row exactly and were taken once.")
    if joined:
        batch.notes.append(f"{joined} rows were joined as pieces to the first row of their code.")


def only(values: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Return values with None where the mask is false, so that each keeps its place."""
    kept = np.array(values, dtype=object)
    kept[~mask] = None
    return kept


def _mask(batch: Batch, positions: NDArray[Any]) -> Mask:
    mask = np.zeros(len(batch), dtype=bool)
    mask[positions.astype(np.intp)] = True
    return mask


def _geometry(source: SourceLayer) -> Geometries:
    if "geometry" not in source.frame.columns:
        return np.full(len(source.frame), None, dtype=object)
    return np.array(source.frame["geometry"].to_numpy(), dtype=object)
