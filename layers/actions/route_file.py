"""Route a file of points to the grids of another file: no database, no row lost."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.datum import STORAGE, parse
from gis.geometry import Degrees, Geometries
from gis.ownership import GridIndex
from gis.routing import Placements, Router, Rule
from layers.errors import FileUnreadable, LayerRefused
from layers.exchange.mapping import find_column, written
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer, read_layer, split_source
from layers.exchange.writer import check_writable, write_layer

ADDED: Final = ("grid_code", "rule", "distance_to_boundary_m", "lon", "lat", "reason")
_TEXT_FILES: Final = (".csv", ".tsv", ".txt")
_OUTPUTS: Final = (*_TEXT_FILES, ".gpkg", ".parquet", ".geoparquet")
_BATCH_ROWS: Final = 100_000


@dataclass(frozen=True)
class RouteOrder:
    """What to route, to which grids, and where to write it."""

    points: Path | str
    """``FILE`` or ``FILE:LAYER``."""
    grids: Path | str
    code: str
    """The column of the grids' codes."""
    out: Path
    datum: str | None = None
    grids_datum: str | None = None
    x: str | None = None
    y: str | None = None
    encoding: str | None = None
    snap_m: float = 50.0


@dataclass(frozen=True)
class RouteReport:
    """What came of it, in numbers."""

    rows: int
    by_rule: dict[str, int]
    grids: int
    seconds: float
    """From opening the files to the last byte written."""
    routing_seconds: float
    out: Path
    notes: tuple[str, ...]

    @property
    def rows_per_second(self) -> float:
        """Return the pace of the whole job."""
        return self.rows / self.seconds if self.seconds else 0.0


def route_file(order: RouteOrder, *, progress: Progress = silent) -> RouteReport:
    """Add to every row of a file the grid that owns its point.

    Every row and column stays, in order; a row without usable coordinates gets the rule
    ``unplaced`` and the reason.

    Parameters
    ----------
    order : RouteOrder
        Files, columns and datums.
    progress : callable, optional
        Told the step, the rows done and the rows there are, where known.

    Returns
    -------
    RouteReport
        Rows by rule, the time it took, and what had to be decided on the way.

    Raises
    ------
    LayersError, GisError
        Where a file, a column or a datum cannot be used; nothing is written then.
    """
    started = time.perf_counter()
    _check_output(order)
    grids = read_layer(order.grids, datum=order.grids_datum)
    index, grid_notes = index_grids(grids, order.code)
    points = read_layer(
        order.points, datum=order.datum, x=order.x, y=order.y, encoding=order.encoding,
        progress=progress,
    )  # fmt: skip
    _check_points(points)
    router = Router(index, snap_m=order.snap_m)
    routing_started = time.perf_counter()
    answers = _route(router, points, progress)
    routing_seconds = time.perf_counter() - routing_started
    routed, added_notes = _with_answers(points, answers)
    progress("write", 0, len(routed))
    written_notes = _write(routed, points, order.out)
    counts = Counter(answers["rule"])
    suspects = int(np.count_nonzero(answers["suspect"]))
    doubt = (
        f"{suspects} points lie in no grid but would in another datum: is {points.datum} right?",
    ) * bool(suspects)
    return RouteReport(
        rows=len(points),
        by_rule={rule.value: counts[rule.value] for rule in Rule if counts[rule.value]},
        grids=len(index.codes),
        seconds=time.perf_counter() - started,
        routing_seconds=routing_seconds,
        out=order.out,
        notes=(*grids.notes, *grid_notes, *points.notes, *added_notes, *written_notes, *doubt),
    )


def index_grids(grids: SourceLayer, code: str) -> tuple[GridIndex, tuple[str, ...]]:
    """Make an index of a file's grids: one grid a code, mended where its outline is invalid.

    Raises
    ------
    LayerRefused
        Where a grid has no code or no area.
    """
    frame = grids.frame
    if not len(frame):
        raise LayerRefused(f"{grids.name} holds no grid at all.")
    column = find_column([str(c) for c in frame.columns], code, file=grids.name)
    codes = frame[column].map(lambda code: written(code).strip(), na_action="ignore").astype(object)
    geometries = frame.geometry.to_numpy()
    nameless = np.flatnonzero(codes.isna() | (codes == ""))
    if len(nameless):
        raise LayerRefused(f"{grids.name}: no code in {column} in {_listed(nameless + 1)}.")
    dimensions = shapely.get_dimensions(geometries)
    flat = np.flatnonzero((dimensions != 2) | shapely.is_empty(geometries))
    if len(flat):
        raise LayerRefused(f"{grids.name}: no area (polygon) in {_listed(flat + 1)}.")
    notes: list[str] = []
    invalid = np.flatnonzero(~shapely.is_valid(geometries))
    if len(invalid):
        geometries = geometries.copy()
        geometries[invalid] = shapely.make_valid(
            geometries[invalid], method="structure", keep_collapsed=False
        )
        some = ", ".join(codes.iloc[invalid[:5]])
        notes.append(f"{len(invalid)} grids have invalid outlines and were mended: {some}.")
    names, merged, pieces = _one_a_code(codes.to_list(), geometries)
    if pieces:
        notes.append(f"{pieces} codes come in several rows; each was taken as one grid.")
    return GridIndex(names, merged), tuple(notes)


def _one_a_code(codes: Sequence[str], geometries: Geometries) -> tuple[list[str], Geometries, int]:
    """Join the rows of one code; return how many codes had several."""
    rows: dict[str, list[int]] = {}
    for row, code in enumerate(codes):
        rows.setdefault(code, []).append(row)
    merged = np.empty(len(rows), dtype=object)
    for position, of in enumerate(rows.values()):
        merged[position] = geometries[of[0]] if len(of) == 1 else shapely.union_all(geometries[of])
    return list(rows), merged, sum(len(of) > 1 for of in rows.values())


def _route(router: Router, points: SourceLayer, tell: Progress) -> dict[str, NDArray[np.object_]]:
    """Return the added columns, routed in batches so that progress can be shown."""
    x, y, datum = _sent(points)
    codes = np.array([*router.grids.codes, None], dtype=object)
    batches: list[dict[str, NDArray[np.object_]]] = []
    for start in range(0, len(x), _BATCH_ROWS):
        stop = min(start + _BATCH_ROWS, len(x))
        placed = router.place_many(x[start:stop], y[start:stop], datum)
        batches.append(_columns(placed, codes, points.problems, start))
        tell("route", stop, len(x))
    if not batches:
        return {name: np.empty(0, dtype=object) for name in (*ADDED, "suspect")}
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _sent(points: SourceLayer) -> tuple[Degrees, Degrees, str]:
    """Return degrees as they were sent, or the router could not doubt their datum."""
    if points.raw_x is not None and points.raw_y is not None and parse(points.datum).crs is None:
        return points.raw_x, points.raw_y, points.datum
    geometries = points.frame.geometry.to_numpy()
    return shapely.get_x(geometries), shapely.get_y(geometries), STORAGE


def _columns(
    placed: Placements, codes: NDArray[np.object_], problems: dict[int, str], start: int
) -> dict[str, NDArray[np.object_]]:
    rules = np.array([str(rule) for rule in placed.rules], dtype=object)
    reasons = np.array([
        problems.get(start + i + 1) or reason or "" if rule == Rule.UNPLACED else ""
        for i, (rule, reason) in enumerate(zip(rules, placed.reasons, strict=True))
    ], dtype=object)  # fmt: skip
    return {
        "grid_code": codes[placed.positions],
        "rule": rules,
        "distance_to_boundary_m": np.round(placed.distance_to_boundary_m, 3),
        "lon": placed.lon,
        "lat": placed.lat,
        "reason": reasons,
        "suspect": placed.datum_suspect,
    }


def _with_answers(
    points: SourceLayer, answers: dict[str, NDArray[np.object_]]
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Put the added columns behind the file's own, under names that it doesn't use."""
    frame = points.frame.copy(deep=False)
    notes: list[str] = []
    taken = {str(name) for name in frame.columns}
    for name in ADDED:
        free, count = name, 2
        while free in taken:
            free, count = f"{name}_{count}", count + 1
        if free != name:
            notes.append(f"The file has a column {name} of its own: the added one is {free}.")
        taken.add(free)
        column = pd.Series(answers[name], frame.index)
        numeric = name in ("distance_to_boundary_m", "lon", "lat")
        frame[free] = column.astype("float64") if numeric else column.astype("str")
    return frame, tuple(notes)


def _write(routed: gpd.GeoDataFrame, points: SourceLayer, out: Path) -> tuple[str, ...]:
    if out.suffix.lower() not in _TEXT_FILES:
        return write_layer(routed, out)
    table = pd.DataFrame(routed.drop(columns="geometry"))
    # What came out of a spreadsheet goes back into one: with a mark, or Chinese is not shown right.
    marked = points.encoding not in (None, "utf-8")
    return write_layer(
        table.rename(columns={v: k for k, v in points.renamed.items()}),
        out,
        encoding="utf-8-sig" if marked else "utf-8",
        delimiter=points.delimiter if out.suffix.lower() == ".csv" else None,
    )


def _check_output(order: RouteOrder) -> None:
    ending = check_writable(order.out)
    if ending not in _OUTPUTS:
        raise FileUnreadable(
            f"{order.out.name}: routed points are written as CSV, GeoPackage or GeoParquet "
            f"({', '.join(_OUTPUTS)}), not as {ending}."
        )
    for source in (order.points, order.grids):
        path, _ = split_source(source)
        if path.exists() and order.out.exists() and path.samefile(order.out):
            raise FileUnreadable(f"{order.out} is read from. Name another file with --out.")


def _check_points(points: SourceLayer) -> None:
    geometries = points.frame.geometry.to_numpy()
    other = ~shapely.is_missing(geometries) & (
        shapely.get_type_id(geometries) != shapely.GeometryType.POINT
    )
    if other.any():
        raise LayerRefused(
            f"{points.name} holds no points but {geometries[other][0].geom_type}s "
            f"({_listed(np.flatnonzero(other) + 1)}). Only points can be routed."
        )


def _listed(rows: NDArray[np.intp]) -> str:
    shown = ", ".join(str(row) for row in rows[:5])
    return (
        f"row {shown}" if len(rows) == 1 else f"{len(rows)} rows ({shown}{', …' * (len(rows) > 5)})"
    )
