"""One batch of points to its grids: columns in, columns out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.geometry import OUTSIDE
from gis.routing import Placements, Router, Rule
from layers.exchange.point_sinks import Sink
from layers.exchange.points import PointBatch, PointSource, RoutedBatch
from layers.exchange.progress import Progress, silent
from layers.exchange.threads import in_order

ADDED: Final = pa.schema([
    ("grid_code", pa.string()),
    ("rule", pa.string()),
    ("distance_to_boundary_m", pa.float64()),
    ("lon", pa.float64()),
    ("lat", pa.float64()),
    ("reason", pa.string()),
])  # fmt: skip
"""The columns that routing adds to a file's own."""

THREADS: Final = 2
"""Batches worked on at once: while one is routed, another is made into bytes."""

_RULES: Final = tuple(Rule)
_RULE_NAMES: Final = pa.array([rule.value for rule in _RULES])
_UNPLACED: Final = _RULES.index(Rule.UNPLACED)


@dataclass
class Tally:
    """Rows by rule, and how many would lie in a grid under another datum."""

    by_rule: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(_RULES), np.int64))
    suspects: int = 0
    seconds: float = 0.0
    """Spent on routing."""

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.by_rule.sum())

    def __iadd__(self, other: "Tally") -> "Tally":
        """Count what another one counted."""
        self.by_rule += other.by_rule
        self.suspects += other.suspects
        self.seconds += other.seconds
        return self

    def words(self) -> dict[str, int]:
        """Return the rules that occurred, and how often."""
        counts = zip(_RULES, self.by_rule.tolist(), strict=True)
        return {rule.value: count for rule, count in counts if count}

    @classmethod
    def of(cls, words: dict[str, int], suspects: int) -> "Tally":
        """Make a tally of what :meth:`words` returned."""
        return cls(np.array([words.get(rule.value, 0) for rule in _RULES]), suspects)


class BatchRouter:
    """Routes the batches of a source to the grids of a router; any thread may ask it."""

    def __init__(self, router: Router, source: PointSource) -> None:
        datum = source.datum
        self._router = router
        self._sent = source.sent_datum
        self._codes = pa.array(router.grids.codes, pa.string())
        far = datum.crs is None or datum.is_storage
        self._beyond = (
            "its coordinates are no longitudes and latitudes (beyond ±180, ±90)"
            if far else f"its coordinates cannot be in {datum.name}"
        )  # fmt: skip

    def route(self, batch: PointBatch) -> tuple[RoutedBatch, Tally]:
        """Return the batch with the added columns, and what came of it in numbers."""
        started = time.perf_counter()
        placed = self._router.place_many(batch.x, batch.y, self._sent)
        rules = _rule_codes(placed.rules)
        positions = placed.positions
        added = (
            self._codes.take(pa.array(positions, mask=positions == OUTSIDE)),
            _RULE_NAMES.take(pa.array(rules)),
            _numbers(np.round(placed.distance_to_boundary_m, 3)),
            _numbers(placed.lon),
            _numbers(placed.lat),
            self._reasons(batch, placed, np.flatnonzero(rules == _UNPLACED)),
        )
        counts = np.bincount(rules, minlength=len(_RULES))
        suspects = int(np.count_nonzero(placed.datum_suspect))
        tally = Tally(counts, suspects, time.perf_counter() - started)
        return RoutedBatch(batch.columns, placed.lon, placed.lat, added), tally

    def _reasons(
        self, batch: PointBatch, placed: Placements, unplaced: NDArray[np.intp]
    ) -> pa.Array:
        if not len(unplaced):
            return pa.repeat("", len(batch))
        reasons = [""] * len(batch)
        for i in unplaced.tolist():
            sent = np.isfinite(batch.x[i]) and np.isfinite(batch.y[i])
            why = self._beyond if sent else placed.reasons[i]
            reasons[i] = batch.problems.get(i) or why or ""
        return pa.array(reasons, pa.string())


def route_source(
    router: Router,
    source: PointSource,
    sink: Sink,
    *,
    progress: Progress = silent,
    threads: int = THREADS,
) -> Tally:
    """Read a source to its end, route it, and give it to a sink in its order."""
    batches = BatchRouter(router, source)

    def work(batch: PointBatch) -> tuple[Any, Tally]:
        routed, tally = batches.route(batch)
        return sink.encode(routed), tally

    total = Tally()
    for encoded, tally in in_order(work, source.batches(), threads):
        sink.write(encoded)
        total += tally
        progress("route", total.rows, source.row_count(total.rows))
    return total


def doubts(tally: Tally, datum: str) -> tuple[str, ...]:
    """Say how many points would lie in a grid if the datum were another."""
    if not tally.suspects:
        return ()
    return (
        f"{tally.suspects} points lie in no grid but would in another datum: is {datum} right?",
    )


def added_names(taken: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of the added columns in a file that has some already, and what to say."""
    names: list[str] = []
    notes: list[str] = []
    for name in ADDED.names:
        free, count = name, 2
        while free in taken or free in names:
            free, count = f"{name}_{count}", count + 1
        if free != name:
            notes.append(f"The file has a column {name} of its own: the added one is {free}.")
        names.append(free)
    return names, notes


def added_schema(names: Sequence[str]) -> pa.Schema:
    """Return the added columns under the names that they have in a file."""
    return pa.schema([f.with_name(name) for f, name in zip(ADDED, names, strict=True)])


def _rule_codes(rules: NDArray[np.object_]) -> NDArray[np.int8]:
    """Return rules as positions in the enumeration, the usual one first."""
    codes = np.zeros(len(rules), dtype=np.int8)
    rest = np.flatnonzero(rules != _RULES[0])
    for code, rule in enumerate(_RULES[1:], 1):
        codes[rest[rules[rest] == rule]] = code
    return codes


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers as a column; NaN becomes a missing value."""
    return pa.array(values, pa.float64(), from_pandas=True)
