"""What is asked of ``lianxin route``, and what it answers."""

from dataclasses import dataclass
from pathlib import Path

from layers.exchange.point_files import PointOptions


@dataclass(frozen=True)
class RouteOrder:
    """What to route, to which grids, and where to write it."""

    points: Path | str
    """``FILE`` or ``FILE:LAYER``; or Parquet parts: a folder, a pattern as ``2025/*.parquet``, or
    the address of either in an object store."""
    grids: Path | str
    code: str
    """The column of the grids' codes."""
    out: Path | str
    """A file, or for parts a folder."""
    datum: str | None = None
    grids_datum: str | None = None
    x: str | None = None
    y: str | None = None
    encoding: str | None = None
    snap_m: float = 50.0
    workers: int | None = None
    """For parts: how many processes to start here."""
    cluster: str | None = None
    """For parts: the address of a dask scheduler whose workers are to do it."""
    resume: bool = False
    """For parts: keep those that an earlier run wrote."""

    @property
    def options(self) -> PointOptions:
        """What is said of the points."""
        return PointOptions(self.datum, self.x, self.y, self.encoding)


@dataclass(frozen=True)
class RouteReport:
    """What came of it, in numbers."""

    rows: int
    by_rule: dict[str, int]
    grids: int
    seconds: float
    """From opening the files to the last byte written."""
    routing_seconds: float
    """Spent on routing alone, summed over threads and processes."""
    out: Path | str
    notes: tuple[str, ...]
    parts: int = 1
    parts_kept: int = 0
    """Parts that an earlier run had written."""

    @property
    def rows_per_second(self) -> float:
        """Return the pace of the whole job."""
        return self.rows / self.seconds if self.seconds else 0.0
