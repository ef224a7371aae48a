"""Route a folder of Parquet parts: part by part here, or many at once on a cluster."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.index_grids import index_grids
from layers.actions.route_batch import Tally, doubts
from layers.actions.route_order import RouteOrder, RouteReport
from layers.actions.route_part import PartReport, PartsJob, digest_of, first_columns, route_part
from layers.errors import ExtraMissing, FileUnreadable
from layers.exchange.parts import PartFolder, open_folder, write_text
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import read_layer

DONE: Final = "_SUCCESS.json"
"""Written last: it says that every part is there, and what came of them."""

Runner = Callable[[], Iterator[PartReport]]


def route_parts(order: RouteOrder, *, progress: Progress = silent) -> RouteReport:
    """Add to every row of every part the grid that owns its point.

    Parameters
    ----------
    order : RouteOrder
        Where the parts lie, where they go (a folder), and who does the work.
    progress : callable, optional
        Told the step, the rows done and the rows there are, judged by the parts' bytes.

    Returns
    -------
    RouteReport
        Of all parts together.

    Raises
    ------
    LayersError, GisError
        Where a part, a column or a datum cannot be used, or the cluster cannot be reached. Parts
        that were finished stay; ``resume`` goes on from there.
    """
    started = time.perf_counter()
    source, target = open_folder(order.points), open_folder(order.out)
    _check_folders(order, source, target)
    sizes = source.sizes()
    if not sizes:
        raise FileUnreadable(f"{source.address} holds no Parquet part (.parquet, .geoparquet).")
    grids = read_layer(order.grids, datum=order.grids_datum)
    index, notes = index_grids(grids, order.code)
    job = PartsJob(
        source, target, order.options, digest_of(index), order.snap_m,
        first_columns(source, next(iter(sizes)), order.options), order.resume,
    )  # fmt: skip
    counted = _Counted(sizes, progress)
    with _runner(order, job, index, counted) as run:
        for report in run():
            counted.add(report)
    target.clear_unfinished()
    _mark_done(job, counted)
    tally = counted.tally
    said = dict.fromkeys((*grids.notes, *notes, *counted.notes))
    return RouteReport(
        rows=tally.rows,
        by_rule=tally.words(),
        grids=len(index.codes),
        seconds=time.perf_counter() - started,
        routing_seconds=tally.seconds,
        out=order.out,
        notes=(*said, *doubts(tally, counted.datum)),
        parts=len(sizes),
        parts_kept=counted.kept,
    )


class _Counted:
    """What came of the parts so far."""

    def __init__(self, sizes: dict[str, int], progress: Progress) -> None:
        self.sizes = sizes
        self.tally = Tally()
        self.notes: dict[str, None] = {}
        self.datum = ""
        self.kept = 0
        self._progress = progress
        self._bytes = 0

    def add(self, report: PartReport) -> None:
        """Count a part that is done."""
        self.tally += report.tally
        self.notes |= dict.fromkeys(report.notes)
        self.datum = report.datum
        self.kept += report.kept
        self._bytes += self.sizes[report.name]
        rows = self.tally.rows
        total = round(rows * sum(self.sizes.values()) / self._bytes) if self._bytes else None
        self._progress("route", rows, total)

    def within(self, _step: str, done: int, _total: int | None) -> None:
        """Tell how far a part is that is being routed."""
        if self._bytes:
            rows = self.tally.rows
            total = round(rows * sum(self.sizes.values()) / self._bytes)
            self._progress("route", rows + done, max(total, rows + done))
        else:
            self._progress("route", done, None)


@contextmanager
def _runner(
    order: RouteOrder, job: PartsJob, index: GridIndex, counted: _Counted
) -> Iterator[Runner]:
    """Give what routes the parts: this process, or a cluster that is left again at the end."""
    names = list(counted.sizes)
    if order.workers is None and order.cluster is None:
        router = Router(index, snap_m=order.snap_m)
        yield lambda: (route_part(router, job, name, progress=counted.within) for name in names)
        return
    try:
        # An extra: who routes on one machine does without it.
        from layers.actions.route_cluster import joined  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing(
            "--workers and --cluster need dask.distributed, which is not installed. "
            "Install it with: pip install 'lianxin[cluster]'"
        ) from error
    with joined(address=order.cluster, workers=order.workers) as cluster:
        yield lambda: cluster.route(job, index, names)


def _check_folders(order: RouteOrder, source: PartFolder, target: PartFolder) -> None:
    distributed = order.workers is not None or order.cluster is not None
    if order.workers is not None and order.cluster is not None:
        raise FileUnreadable("Give --workers to start processes here, or --cluster, not both.")
    for folder in (source, target):
        if distributed and not folder.is_shared:
            raise FileUnreadable(
                f"{folder.address} is in the memory of this process, where no worker can see it."
            )
    if order.encoding is not None:
        raise FileUnreadable("--encoding is for text; the text in Parquet is always UTF-8.")
    if f"{target.address}/".startswith(f"{source.address}/"):
        raise FileUnreadable(
            f"{target.address} is in the folder that is read from. Name another with --out."
        )
    if not order.resume and not target.is_empty():
        raise FileUnreadable(
            f"{target.address} is not empty. Name an empty folder with --out, or add --resume to "
            "keep the parts that an earlier run finished there."
        )


def _mark_done(job: PartsJob, counted: _Counted) -> None:
    summary = {
        "parts": len(counted.sizes), "rows": counted.tally.rows,
        "by_rule": counted.tally.words(), "made_by": job.made_by,
    }  # fmt: skip
    text = json.dumps(summary, ensure_ascii=False, sort_keys=True)
    write_text(job.target, DONE, f"{text}\n")
