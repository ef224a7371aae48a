"""Route a file of points to the grids of another file: no database, no row lost.

The points are read, routed and written in batches, so that a file may be larger than memory; a
folder of Parquet parts goes part by part, on one machine or on many.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gis.routing import Router
from layers.actions.index_grids import index_grids
from layers.actions.route_batch import added_names, added_schema, doubts, route_source
from layers.actions.route_order import RouteOrder, RouteReport
from layers.actions.route_parts import route_parts
from layers.errors import FileUnreadable
from layers.exchange.parts import is_folder
from layers.exchange.point_files import PARQUET, TEXT, open_points
from layers.exchange.point_sinks import CsvSink, GeoParquetSink, Sink, WholeSink
from layers.exchange.points import PointSource
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import read_layer, split_source
from layers.exchange.writer import check_writable, replacing

__all__ = ["RouteOrder", "RouteReport", "route_file"]

_OUTPUTS: Final = (*TEXT, ".gpkg", *PARQUET)


def route_file(order: RouteOrder, *, progress: Progress = silent) -> RouteReport:
    """Add to every row of a file the grid that owns its point.

    Every row and column stays, in order; a row without usable coordinates gets the rule
    ``unplaced`` and the reason.

    Parameters
    ----------
    order : RouteOrder
        Files, columns and datums.
    progress : callable, optional
        Told the step, the rows done and the rows there are, where known (of a CSV, judged by the
        bytes read so far).

    Returns
    -------
    RouteReport
        Rows by rule, the time it took, and what had to be decided on the way.

    Raises
    ------
    LayersError, GisError
        Where a file, a column or a datum cannot be used. No file is written then; of parts, those
        that were finished stay.
    """
    if is_folder(order.points):
        return route_parts(order, progress=progress)
    started = time.perf_counter()
    out = Path(order.out)
    _check_output(order, out)
    grids = read_layer(order.grids, datum=order.grids_datum)
    index, grid_notes = index_grids(grids, order.code)
    source = open_points(order.points, order.options, progress)
    with _sink(out, source) as (sink, notes):
        router = Router(index, snap_m=order.snap_m)
        tally = route_source(router, source, sink, progress=progress)
        progress("write", tally.rows, tally.rows)
        notes.extend(sink.close())
    return RouteReport(
        rows=tally.rows,
        by_rule=tally.words(),
        grids=len(index.codes),
        seconds=time.perf_counter() - started,
        routing_seconds=tally.seconds,
        out=order.out,
        notes=(*grids.notes, *grid_notes, *source.notes, *notes, *doubts(tally, source.datum.name)),
    )


@contextmanager
def _sink(out: Path, source: PointSource) -> Iterator[tuple[Sink, list[str]]]:
    """Give a sink for a path by its ending, and what there is to say of the columns' names."""
    ending = out.suffix.lower()
    own = list(source.schema.names)
    if ending in TEXT:
        names, notes = added_names(own)
        # What came out of a spreadsheet goes back into one: with a mark, or Chinese is not shown.
        marked = source.encoding not in (None, "utf-8")
        delimiter = (source.delimiter if ending == ".csv" else "\t") or ","
        with replacing(out) as target, target.open("wb") as file:
            yield CsvSink(file, [*own, *names], delimiter, "utf-8-sig" * marked), notes
        return
    names, notes = added_names([*own, "geometry"])
    if ending in PARQUET:
        with replacing(out) as target:
            yield GeoParquetSink(str(target), source, added_schema(names)), notes
    else:
        yield WholeSink(out, source, added_schema(names)), notes


def _check_output(order: RouteOrder, out: Path) -> None:
    for flag, given in (("--workers", order.workers), ("--cluster", order.cluster),
                        ("--resume", order.resume or None)):  # fmt: skip
        if given is not None:
            raise FileUnreadable(
                f"{flag} is for points in several Parquet parts: name their folder, not a file."
            )
    ending = check_writable(out)
    if ending not in _OUTPUTS:
        raise FileUnreadable(
            f"{out.name}: routed points are written as CSV, GeoPackage or GeoParquet "
            f"({', '.join(_OUTPUTS)}), not as {ending}."
        )
    for source in (order.points, order.grids):
        path, _ = split_source(source)
        if path.exists() and out.exists() and path.samefile(out):
            raise FileUnreadable(f"{out} is read from. Name another file with --out.")
