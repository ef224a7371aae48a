"""Mend a file of grids: what is drawn twice becomes one line, the other columns stay."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import STORAGE_CRS
from gis.mending import Change, Left, MendOptions, mend_grids
from layers.actions.grid_kinds import dedicated_grids
from layers.errors import FileUnreadable, LayerRefused
from layers.exchange import shapefile
from layers.exchange.any_vector import read_any
from layers.exchange.mapping import find_column, written
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer, split_source
from layers.exchange.writer import ENDINGS, write_layer

__all__ = ["Change", "Left", "MendOptions", "MendOrder", "MendReport", "mend_file"]


@dataclass(frozen=True)
class MendOrder:
    """What to mend, how, and where to write it."""

    grids: Path | str
    """``FILE`` or ``FILE:LAYER``."""
    out: Path | None = None
    """Where the mended layer goes; None to write none."""
    code: str | None = None
    """The column of the grids' codes; None where rows are known by their number."""
    kind: str | None = None
    """The column that says basic or dedicated; None for the one so called, if there is one."""
    datum: str | None = None
    encoding: str | None = None
    options: MendOptions = field(default_factory=MendOptions)
    changes: Path | None = None
    """Where the table of the changes goes; None to write none."""


@dataclass(frozen=True)
class MendReport:
    """What was done to a file of grids, and what is left."""

    grids: int
    changes: list[Change]
    left: list[Left]
    seconds: float
    notes: tuple[str, ...]

    @property
    def mended(self) -> int:
        """How many grids were changed."""
        return len({change.row for change in self.changes})

    def by_kind(self) -> dict[str, int]:
        """Return how often each thing was done, most often first."""
        return dict(Counter(change.what for change in self.changes).most_common())


def mend_file(order: MendOrder, *, progress: Progress = silent) -> MendReport:
    """Mend the grids of a file and write them, with all other columns, to another.

    Parameters
    ----------
    order : MendOrder
        Files, column and tolerances.
    progress : callable, optional
        Told the step, and the rows there are.

    Returns
    -------
    MendReport
        The changes and what is left for a person.

    Raises
    ------
    LayersError, GisError
        Where a file, the column or a datum cannot be used. No file is written then.
    """
    started = time.perf_counter()
    outputs = [path for path in (order.out, order.changes) if path is not None]
    _check_outputs(order, outputs)
    layer = read_any(order.grids, datum=order.datum, encoding=order.encoding, progress=progress)
    codes, notes = _codes(layer, order.code)
    dedicated, said = dedicated_grids(layer, order.kind)
    notes += said
    geometries = layer.frame.geometry.to_numpy()
    if not (shapely.get_dimensions(geometries) == 2).any():
        raise LayerRefused(f"{layer.name} holds no area (polygon): there is nothing to mend.")
    mending = mend_grids(codes, geometries, order.options, dedicated=dedicated, tell=progress)
    for path in outputs:
        progress("write", 0, len(layer))
        if path == order.out:
            frame = layer.frame.set_geometry(
                gpd.GeoSeries(mending.geometries, index=layer.frame.index, crs=STORAGE_CRS)
            )
            notes += _write(frame, path)
            if layer.datum != "EPSG:4490":
                notes.append(f"The file is in {layer.datum}; {path.name} is in EPSG:4490.")
        else:
            write_layer(_table(mending.changes), path)
    return MendReport(
        len(layer), mending.changes, mending.left, time.perf_counter() - started,
        (*layer.notes, *notes),
    )  # fmt: skip


def _check_outputs(order: MendOrder, outputs: list[Path]) -> None:
    source, _ = split_source(order.grids)
    for path in outputs:
        _check_writable(path, shapefile.ENDINGS if path == order.out else ())
        if source.exists() and path.exists() and source.samefile(path):
            raise FileUnreadable(f"{path} is read from. Name another file to write to.")
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise FileUnreadable(
            f"{outputs[0]} cannot take both the grids and the changes. Name another with --changes."
        )


def _check_writable(path: Path, more: tuple[str, ...]) -> None:
    if path.suffix.lower() not in (*ENDINGS, *more):
        raise FileUnreadable(
            f"{path.name}: the ending “{path.suffix}” is none that can be written. "
            f"Possible: {', '.join((*ENDINGS, *more))}."
        )
    if path.is_dir():
        raise FileUnreadable(f"{path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise FileUnreadable(f"There is no folder {path.parent}. Make it first.")


def _write(frame: gpd.GeoDataFrame, path: Path) -> tuple[str, ...]:
    if path.suffix.lower() in shapefile.ENDINGS:
        return shapefile.write_shapefile(frame, path)
    return write_layer(frame, path)


def _codes(layer: SourceLayer, column: str | None) -> tuple[list[str], list[str]]:
    """Return the code of each row, its number where it has none, and what to say of it."""
    if column is None:
        return [str(row) for row in layer.rows], []
    name = find_column([str(each) for each in layer.frame.columns], column, file=layer.name)
    values = layer.frame[name].map(lambda code: written(code).strip(), na_action="ignore")
    named = (values.notna() & (values != "")).to_numpy()
    notes = []
    if not named.all():
        count = int((~named).sum())
        notes.append(f"{count} rows have no code in {name}; each is known by its number.")
    return np.where(named, values, layer.rows.astype(str)).tolist(), notes


def _table(changes: list[Change]) -> gpd.GeoDataFrame:
    """Return the changes as a layer, one row each."""
    columns = {
        "code": [change.code for change in changes],
        "row": [change.row + 1 for change in changes],
        "what": [change.what for change in changes],
        "area_before_m2": [round(change.area_before_m2, 3) for change in changes],
        "area_after_m2": [round(change.area_after_m2, 3) for change in changes],
        "message_zh": [change.message_zh for change in changes],
        "message_en": [change.message_en for change in changes],
    }
    shapes = np.array([change.geometry for change in changes], dtype=object)
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=STORAGE_CRS)
