"""One Parquet part to its grids: the same bytes wherever and however often it is done."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.route_batch import THREADS, Tally, added_names, added_schema, route_source
from layers.errors import FileUnreadable, LayerRefused
from layers.exchange.parquet_points import open_parquet
from layers.exchange.parts import PartFolder
from layers.exchange.point_files import PointOptions
from layers.exchange.point_sinks import GeoParquetSink
from layers.exchange.points import PointSource
from layers.exchange.progress import Progress, silent

_NOTE: Final = "lianxin"
"""Under which a routed part's metadata say how it was made and what came of it."""


@dataclass(frozen=True)
class PartsJob:
    """What all parts of a run have in common; it travels to every worker."""

    source: PartFolder
    target: PartFolder
    options: PointOptions
    grids: str
    """What the grids are, as a digest of their codes and outlines."""
    snap_m: float
    columns: tuple[str, ...]
    """The columns of the first part, which all others must have too."""
    resume: bool

    @property
    def made_by(self) -> dict[str, Any]:
        """What a routed part depends on beside its own rows."""
        return {
            "grids": self.grids, "datum": self.options.datum, "x": self.options.x,
            "y": self.options.y, "snap_m": self.snap_m,
        }  # fmt: skip


@dataclass(frozen=True)
class PartReport:
    """What came of one part."""

    name: str
    tally: Tally
    datum: str
    notes: tuple[str, ...] = ()
    kept: bool = False
    """Whether an earlier run had written it."""


def route_part(
    router: Router,
    job: PartsJob,
    name: str,
    *,
    progress: Progress = silent,
    threads: int = THREADS,
) -> PartReport:
    """Route one part, unless an earlier run of the same job has done it.

    Raises
    ------
    LayersError, GisError
        Where the part cannot be used; its name is in the message.
    """
    with _Opened(job.source.open(name)) as file:
        source = open_parquet(
            file, name=name, datum=job.options.datum, x=job.options.x, y=job.options.y
        )
        kept = _kept(job, name, source) if job.resume else None
        if kept is not None:
            return kept
        if tuple(source.schema.names) != job.columns:
            raise LayerRefused(
                f"{name} has other columns ({', '.join(source.schema.names)}) than the first part "
                f"({', '.join(job.columns)}). Route the two kinds of parts one after the other."
            )
        names, notes = added_names([*source.schema.names, "geometry"])
        with job.target.writing(name) as target:
            sink = GeoParquetSink(target, source, added_schema(names))
            tally = route_source(router, source, sink, progress=progress, threads=threads)
            sink.note(_NOTE, {"made_by": job.made_by, "rows": tally.rows,
                              "by_rule": tally.words(), "suspects": tally.suspects})  # fmt: skip
            sink.close()
    return PartReport(name, tally, source.datum.name, (*source.notes, *notes))


def first_columns(job_source: PartFolder, name: str, options: PointOptions) -> tuple[str, ...]:
    """Return the columns of a part, beside its geometry."""
    with _Opened(job_source.open(name)) as file:
        source = open_parquet(file, name=name, datum=options.datum, x=options.x, y=options.y)
    return tuple(source.schema.names)


def digest_of(index: GridIndex) -> str:
    """Return a digest of what an index's grids are."""
    digest = hashlib.sha256()
    for code, dedicated in zip(index.codes, index.dedicated, strict=True):
        digest.update(f"{code}\0{int(dedicated)}\0".encode())
    for outline in shapely.to_wkb(index.geometries):
        digest.update(outline)
    return digest.hexdigest()


def _kept(job: PartsJob, name: str, source: PointSource) -> PartReport | None:
    """Return what an earlier run said of a part that it finished."""
    if not job.target.has(name):
        return None
    with _Opened(job.target.open(name)) as file:
        try:
            metadata = pq.read_metadata(file).metadata or {}
            said = json.loads(metadata[_NOTE.encode()])
        except (pa.ArrowInvalid, KeyError, ValueError) as error:
            raise FileUnreadable(
                f"{name} in {job.target.address} was not written by lianxin route. "
                "Name an empty folder with --out."
            ) from error
    if said["made_by"] != job.made_by or said["rows"] != source.row_count(0):
        raise FileUnreadable(
            f"{name} in {job.target.address} was routed to other grids, with other flags or from "
            "other points. Remove it, or name an empty folder with --out."
        )
    return PartReport(
        name, Tally.of(said["by_rule"], said["suspects"]), source.datum.name, kept=True
    )


class _Opened:
    """A path as it is, or a file that is closed at the end."""

    def __init__(self, file: str | BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> str | BinaryIO:
        return self._file

    def __exit__(self, *_: object) -> None:
        if not isinstance(self._file, str):
            self._file.close()
