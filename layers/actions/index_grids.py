"""The grids of a file as an index: one grid a code, mended where an outline is invalid."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.ownership import GridIndex
from layers.errors import LayerRefused
from layers.exchange.mapping import find_column, written
from layers.exchange.reader import SourceLayer
from layers.exchange.wkb import listed


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
        raise LayerRefused(f"{grids.name}: no code in {column} in {listed(nameless + 1)}.")
    dimensions = shapely.get_dimensions(geometries)
    flat = np.flatnonzero((dimensions != 2) | shapely.is_empty(geometries))
    if len(flat):
        raise LayerRefused(f"{grids.name}: no area (polygon) in {listed(flat + 1)}.")
    notes: list[str] = []
    invalid = np.flatnonzero(~_valid(geometries))
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


def _valid(geometries: Geometries) -> NDArray[np.bool_]:
    """Return which geometries are valid; found out on all processors."""
    threads = len(os.sched_getaffinity(0))
    parts = np.array_split(geometries, threads)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(shapely.is_valid, parts)))


def _one_a_code(codes: Sequence[str], geometries: Geometries) -> tuple[list[str], Geometries, int]:
    """Join the rows of one code; return how many codes had several."""
    if len(set(codes)) == len(codes):
        return list(codes), geometries, 0
    rows: dict[str, list[int]] = {}
    for row, code in enumerate(codes):
        rows.setdefault(code, []).append(row)
    merged = np.empty(len(rows), dtype=object)
    for position, of in enumerate(rows.values()):
        merged[position] = geometries[of[0]] if len(of) == 1 else shapely.union_all(geometries[of])
    return list(rows), merged, sum(len(of) > 1 for of in rows.values())
