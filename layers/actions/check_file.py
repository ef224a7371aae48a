"""Check a file of grids: against one another, the areas above them, and the buildings in them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis import datum as datums
from gis.coverage import (
    Finding,
    Parents,
    Tolerances,
    check_codes,
    check_grids,
    check_households,
    check_premises,
    is_national,
)
from gis.errors import MissingCrs
from gis.findings import SEVERITIES, Severity, worst_first
from gis.geometry import Geometries
from layers.actions.chart_sources import texts
from layers.actions.grid_kinds import dedicated_grids
from layers.errors import LayerRefused, MappingInvalid
from layers.exchange.any_vector import read_any
from layers.exchange.mapping import find_column
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import SourceLayer

CodeForm = Literal["auto", "national", "free"]

_ROW: Final = re.compile(r"\brow (\d+)(?: of ([^\s,、；，]+))?")


@dataclass(frozen=True)
class CheckOrder:
    """Which files are checked, which of their columns are what, and what is tolerated."""

    file: str
    """``FILE`` or ``FILE:LAYER``, as every file here."""
    code: str | None = None
    """Without it rows are known by their number."""
    parents: str | None = None
    parent_code: str | None = None
    buildings: str | None = None
    building_code: str | None = None
    households: str | None = None
    """The column of the grids' households."""
    kind: str | None = None
    """The column that says basic or dedicated; None for the one so called, if there is one."""
    codes: CodeForm = "auto"
    """Whether codes must be national ones; ``auto``: they must if one of them is."""
    datum: str | None = None
    encoding: str | None = None
    least: Severity = "info"
    """What is less severe is left out."""
    tolerances: Tolerances = field(default_factory=Tolerances)


@dataclass(frozen=True)
class CheckedFile:
    """The grids as they were read, and what is wrong with them."""

    name: str
    names: list[str]
    geometries: Geometries
    findings: list[Finding]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}


def check_file(order: CheckOrder, progress: Progress = silent) -> CheckedFile:
    """Check the grids of a file by every rule for which there is something to check.

    Parameters
    ----------
    order : CheckOrder
        Only the file is needed; parents, buildings, codes and households add their rules.
    progress : callable, optional
        Told the steps, and in them how much is done.

    Returns
    -------
    CheckedFile
        Findings, errors first.

    Raises
    ------
    LayersError, GisError
        Where a file, a column or a datum cannot be used.
    """
    _check_columns(order)
    grids = _read(order.file, order, progress)
    notes = [*grids.notes]
    codes = _column(grids, order.code)
    names = _names(grids, codes, "")
    shapes = _shapes(grids, "a grid")
    dedicated, said = dedicated_grids(grids, order.kind)
    notes += said
    national = order.code is not None and _are_national(codes, order.codes, notes)
    parents = _parents(order, codes, notes, progress)
    findings = check_grids(
        names, shapes, parents,
        dedicated=dedicated, tolerances=order.tolerances, progress=progress,
    )  # fmt: skip
    if national:
        findings += check_codes(codes, shapes)
    if order.households:
        counts = _counts(grids, order.households)
        findings += check_households(
            names, shapes, counts, dedicated=dedicated, tolerances=order.tolerances
        )
    if order.buildings:
        buildings = _read(order.buildings, order, progress)
        notes += [*_placeless(buildings), *buildings.notes]
        called = _names(buildings, _column(buildings, order.building_code), order.buildings)
        findings += check_premises(
            (called, buildings.frame.geometry.to_numpy()), (names, shapes),
            dedicated=dedicated, tolerances=order.tolerances, progress=progress,
        )  # fmt: skip
    kept = [_in_chinese(f) for f in worst_first(findings) if _matters(f, order.least)]
    return CheckedFile(grids.name, names, shapes, kept, tuple(dict.fromkeys(notes)))


def _check_columns(order: CheckOrder) -> None:
    """Refuse a column of a file that was not given."""
    for column, file, flag in (
        (order.parent_code, order.parents, "parents"),
        (order.building_code, order.buildings, "buildings"),
    ):
        if column is not None and file is None:
            raise MappingInvalid(
                f"--{flag[:-1]}-code {column}: there is no file that has it. "
                f"Name the {flag} with --{flag} FILE."
            )


def _read(file: str, order: CheckOrder, progress: Progress) -> SourceLayer:
    """Read one of the files; what it declares counts, but no file can declare gcj02 or bd09."""
    shifted = order.datum is not None and datums.parse(order.datum).is_shifted
    if file == order.file or shifted:
        return read_any(file, datum=order.datum, encoding=order.encoding, progress=progress)
    try:
        return read_any(file, progress=progress)
    except MissingCrs:
        if order.datum is None:
            raise
        return read_any(file, datum=order.datum, progress=progress)


def _column(layer: SourceLayer, column: str | None) -> list[str]:
    """Return a column as text, "" where it is empty or not asked for."""
    if column is None:
        return [""] * len(layer)
    name = find_column([str(c) for c in layer.frame.columns], column, file=layer.name)
    return [text or "" for text in texts(layer.frame[name])]


def _names(layer: SourceLayer, codes: Sequence[str], file: str) -> list[str]:
    """Return by what a finding calls each row: its code, else its number in its file."""
    of = f" of {file.rsplit('/', maxsplit=1)[-1]}" if file else ""
    return [code or f"row {row}{of}" for code, row in zip(codes, layer.rows, strict=True)]


def _shapes(layer: SourceLayer, subject: str) -> Geometries:
    """Return the geometries of a layer of areas; one of points or lines is refused as a whole."""
    shapes = np.array(layer.frame.geometry.to_numpy(), dtype=object)
    if not len(shapes):
        raise LayerRefused(f"{layer.name} holds no rows at all.")
    dimensions = shapely.get_dimensions(shapes)
    if (dimensions >= 0).any() and not (dimensions == 2).any():
        kind = shapes[np.flatnonzero(dimensions >= 0)[0]].geom_type
        raise LayerRefused(
            f"{layer.name} holds no polygon; its first geometry is a {kind}, but {subject} is a "
            "polygon. Name another file or layer."
        )
    return shapes


def _placeless(layer: SourceLayer) -> list[str]:
    """Note the rows that have no geometry and so cannot be looked for in a grid."""
    shapes = layer.frame.geometry.to_numpy()
    count = int((shapely.is_missing(shapes) | shapely.is_empty(shapes)).sum())
    return [f"{layer.name}: {count:,} rows have no geometry and were passed over."] if count else []


def _are_national(codes: Sequence[str], form: CodeForm, notes: list[str]) -> bool:
    if form != "auto":
        return form == "national"
    if any(is_national(code) for code in codes):
        return True
    notes.append(
        "No code has the national form of 15 digits, so codes were taken as the place's own. "
        "With --codes national they must have it."
    )
    return False


def _parents(
    order: CheckOrder, codes: Sequence[str], notes: list[str], progress: Progress
) -> Parents | None:
    if order.parents is None:
        return None
    layer = _read(order.parents, order, progress)
    notes += layer.notes
    above = _column(layer, order.parent_code)
    prefixes = order.parent_code is not None and order.code is not None
    if prefixes and order.codes != "national":
        prefixes = order.codes == "auto" and _begin_with(codes, above)
        if not prefixes and order.codes == "auto":
            notes.append("No code begins with a parent's, so the beginnings were not compared.")
    return Parents(_names(layer, above, order.parents), _shapes(layer, "a parent"), prefixes)


def _begin_with(codes: Sequence[str], above: Sequence[str]) -> bool:
    """Return whether any code begins with one of those above."""
    known = {code for code in above if code}
    lengths = {len(code) for code in known}
    return any(code[:size] in known for code in codes for size in lengths)


def _counts(layer: SourceLayer, column: str) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where there is none; text in it is an error."""
    said = pd.Series(_column(layer, column), dtype=object).replace("", None)
    numbers = pd.to_numeric(said, errors="coerce")
    wrong = np.flatnonzero(said.notna() & ~(numbers >= 0))
    if len(wrong):
        raise MappingInvalid(
            f"{layer.name}, column {column}: “{said[wrong[0]]}” in row {layer.rows[wrong[0]]} is "
            "no number of households. Correct it, or name another column with --households."
        )
    return np.asarray(numbers, dtype=np.float64)


def _matters(finding: Finding, least: Severity) -> bool:
    return SEVERITIES.index(finding.severity) <= SEVERITIES.index(least)


def _in_chinese(finding: Finding) -> Finding:
    """Say “row 3” in the Chinese sentence as it is said there."""

    def row(match: re.Match[str]) -> str:
        of = f"（{match[2]}）" if match[2] else ""
        return f"第 {match[1]} 行{of}"

    return replace(finding, message_zh=_ROW.sub(row, finding.message_zh))
