"""Points in batches: a file's rows as Arrow columns, with their coordinates as they were sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from gis.datum import STORAGE
from gis.geometry import Degrees
from layers.exchange.coordinates import check_plausible
from layers.exchange.placing import Datum, Floats

BATCH_ROWS: Final = 131_072
"""Rows that are routed at once: few enough to fit in memory many times over."""


@dataclass(frozen=True)
class PointBatch:
    """Some rows of a source, in its order."""

    columns: pa.RecordBatch
    """The source's own columns, without the geometry that the points were taken from."""
    x: Floats
    y: Floats
    """As sent, in the source's datum; NaN where there is no number."""
    problems: dict[int, str] = field(default_factory=dict)
    """Rows (from 0, in this batch) without usable coordinates, and why."""

    def __len__(self) -> int:
        """Return how many rows it has."""
        return len(self.x)


@dataclass
class PointSource:
    """A file of points that is read batch by batch, once."""

    name: str
    schema: pa.Schema
    """Of the batches' columns."""
    datum: Datum
    read: Callable[[], Iterator[PointBatch]]
    geometry_at: int
    """Before which of its columns the points stand, where they are written as a geometry."""
    notes: list[str] = field(default_factory=list)
    """What had to be decided; complete when the last batch was read."""
    encoding: str | None = None
    delimiter: str | None = None
    columns: tuple[str, str] | None = None
    """Where the coordinates came from, if from columns."""
    geometries: dict[str, Any] = field(default_factory=dict)
    """Further geometries among the columns, as GeoParquet describes them."""
    row_count: Callable[[int], int | None] = lambda _: None
    """How many rows there are, as far as is known once so many were read."""

    @property
    def sent_datum(self) -> str:
        """The name of the datum that the coordinates are handed on in."""
        return self.datum.name if self.datum.is_registered else STORAGE

    def batches(self) -> Iterator[PointBatch]:
        """Read the rows; the first coordinates decide whether the file makes sense at all.

        Raises
        ------
        LayersError
            Where the file is damaged, or its coordinates only make sense the other way round.
        """
        looked_at = False
        for batch in self.read():
            if not looked_at and (np.isfinite(batch.x) & np.isfinite(batch.y)).any():
                check_plausible(batch.x, batch.y, self.datum, self.columns)
                looked_at = True
            yield batch if self.datum.is_registered else self._converted(batch)

    def _converted(self, batch: PointBatch) -> PointBatch:
        """Convert by a CRS that is in no register, which the router cannot know."""
        x, y = self.datum.convert(batch.x, batch.y)
        lost = np.isnan(x) & np.isfinite(batch.x) & np.isfinite(batch.y)
        why = f"its coordinates cannot be in {self.datum.name}"
        found = dict.fromkeys(np.flatnonzero(lost).tolist(), why)
        return replace(batch, x=x, y=y, problems={**found, **batch.problems})


@dataclass(frozen=True)
class RoutedBatch:
    """The same rows with where they lie and what was added to them."""

    columns: pa.RecordBatch
    lon: Degrees
    lat: Degrees
    """In the storage CRS; NaN where the row has no place."""
    added: tuple[pa.Array, ...]
    """The added columns, in the order of the sink's."""
