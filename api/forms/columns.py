"""What a table of points holds and gets: where its coordinates are, and the columns added."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api.forms.form import no_datum
from api.schemas.fields import LONGEST_DATUM
from api.schemas.problems import invalid
from gis.placement import DATUM_SUSPECT
from layers.actions.boundaries import InForce
from layers.actions.place import RULES, PlacedMany, Places, owners_of
from layers.actions.route_batch import ADDED as ADDED_TO_FILES
from layers.exchange.coordinates import WELL_KNOWN, CoordinateColumns, find_columns
from layers.exchange.mapping import find_column

ADDED: Final = (*ADDED_TO_FILES.names, "queue_code", "warnings", "edition")
"""The columns added to a table, in their order."""

_TYPES: Final = {
    "distance_to_boundary_m": pa.float64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "edition": pa.int64(),
}


@dataclass(frozen=True)
class Asked:
    """What a request says of its table: the datum of all rows, the columns of the coordinates."""

    datum: str | None = None
    x: str | None = None
    y: str | None = None


@dataclass(frozen=True)
class Located:
    """Which columns of a table say where its points are."""

    x: str
    y: str
    datum_column: str | None
    datum: str | None
    decimal_comma: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that have to be read."""
        return tuple(name for name in (self.x, self.y, self.datum_column) if name is not None)

    def places(self, columns: Sequence[Any], faults: dict[int, str] | None = None) -> Places:
        """Return the places of rows whose columns :attr:`names` are given.

        ``faults`` are rows of which it is known already that, and why, they are no place.
        """
        x, y, reasons = self._coordinates(columns[0], columns[1])
        datums, which = [self.datum], None
        if self.datum_column is not None:
            datums, which = _datums(columns[2], self.datum)
        reasons.update(faults or {})
        for number, name in enumerate(datums):
            why = None
            if name is None:
                why = "the datum is missing"
            elif len(name) > LONGEST_DATUM or not name.isprintable():
                why = "the datum is not a short text"
            if why is not None:
                rows = range(len(x)) if which is None else np.flatnonzero(which == number).tolist()
                reasons.update((row, why) for row in rows if row not in reasons)
        return Places(x, y, [name or "" for name in datums], which, None, reasons)

    def _coordinates(
        self, x: pa.Array, y: pa.Array
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[int, str]]:
        """Return numbers; where one is none, look closer and say why."""
        xs, ys = _numbers(x), _numbers(y)
        if xs is not None and ys is not None:
            return xs, ys, {}
        read = CoordinateColumns(self.x, self.y, decimal_comma=self.decimal_comma)
        xs, ys, problems = read.numbers(pd.DataFrame({self.x: _series(x), self.y: _series(y)}))
        return xs, ys, {row - 1: why for row, why in problems.items()}


def locate(columns: Sequence[str], asked: Asked, *, table: str) -> Located:
    """Find the columns of a table that say where its points are.

    Raises
    ------
    Refusal, LayersError
        Where they cannot be found, or nobody says in which datum the points are.
    """
    if (asked.x is None) != (asked.y is None):
        raise invalid(
            "Name both columns of the coordinates (?x=COLUMN&y=COLUMN) or neither.",
            "query.x" if asked.x is None else "query.y",
            "is missing",
        )
    if asked.x is not None and asked.y is not None:
        found = find_column(columns, asked.x, file=table), find_column(columns, asked.y, file=table)
    else:
        known = find_columns(columns, None, None, file=table)
        if known is None:
            usual = ", ".join("/".join(pair) for pair in WELL_KNOWN[:5])
            raise invalid(
                f"{table} has no columns of coordinates that are known ({usual}, …). Name them "
                f"with ?x=COLUMN&y=COLUMN. Its columns: {', '.join(columns) or 'none'}.",
                "body",
                "has no coordinates",
            )
        found = known
    datum_column = next((name for name in columns if name.strip().lower() == "datum"), None)
    if datum_column is None and asked.datum is None:
        raise no_datum()
    return Located(*found, datum_column, asked.datum)


def free_names(taken: Sequence[str]) -> list[str]:
    """Return what the added columns are called beside a table's own.

    >>> free_names(["lon", "lat", "lon_2"])[3:5]
    ['lon_3', 'lat_2']
    """
    used = set(taken)
    names = []
    for name in ADDED:
        free, count = name, 2
        while free in used:
            free, count = f"{name}_{count}", count + 1
        used.add(free)
        names.append(free)
    return names


class AddedColumns:
    """The columns added to tables that are routed under one edition."""

    def __init__(self, in_force: InForce) -> None:
        owners = owners_of(in_force)
        self.edition = in_force.edition_id
        self.grid_codes = pa.array([owner.grid_code for owner in owners], pa.string())
        self.queue_codes = pa.array([owner.queue_code for owner in owners], pa.string())
        self.rules = pa.array([rule.value for rule in RULES], pa.string())
        self.warnings = pa.array([None, DATUM_SUSPECT], pa.string())

    def fields(self, names: Sequence[str]) -> list[pa.Field]:
        """Return the fields, under these names."""
        return [
            pa.field(name, _TYPES.get(added, pa.string()))
            for name, added in zip(names, ADDED, strict=True)
        ]

    def arrays(self, placed: PlacedMany) -> list[pa.Array]:
        """Return the columns in their order, null where nothing is to be said."""
        owners = pa.array(placed.owners)
        reasons = pa.nulls(len(placed), pa.string())
        if placed.reasons:
            reasons = pa.array([placed.reasons.get(row) for row in range(len(placed))], pa.string())
        return [
            self.grid_codes.take(owners),
            self.rules.take(pa.array(placed.rules)),
            pa.array(np.round(placed.distance_to_boundary_m, 3), from_pandas=True),
            pa.array(placed.lon, from_pandas=True),
            pa.array(placed.lat, from_pandas=True),
            reasons,
            self.queue_codes.take(owners),
            self.warnings.take(pa.array(placed.datum_suspect.astype(np.int8))),
            pa.array(np.full(len(placed), self.edition, dtype=np.int64)),
        ]


def _numbers(column: pa.Array) -> NDArray[np.float64] | None:
    """Return a column as numbers; None where one is no finite number."""
    try:
        cast = pc.cast(column, pa.float64(), safe=False)
    except pa.ArrowInvalid:
        return None
    values = np.asarray(cast.to_numpy(zero_copy_only=False), dtype=np.float64)
    return values if np.isfinite(values).all() else None


def _series(column: pa.Array) -> "pd.Series[Any]":
    """Return a column as the reader of files takes it: text, or numbers."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pd.Series(column.to_pandas().fillna(""), dtype="str")
    cast = pc.cast(column, pa.float64(), safe=False)
    return pd.Series(np.asarray(cast.to_numpy(zero_copy_only=False), dtype=np.float64))


def _datums(column: pa.Array, datum: str | None) -> tuple[list[str | None], NDArray[np.intp]]:
    """Return the datums named in a column, and which of them each row has."""
    encoded = pc.fill_null(pc.utf8_trim_whitespace(column), "").dictionary_encode()
    names = [name or datum for name in encoded.dictionary.to_pylist()]
    return names, encoded.indices.to_numpy().astype(np.intp)
