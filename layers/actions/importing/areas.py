"""Areas: banner, street and community, parents first whatever the order of the file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.coverage import Finding
from layers.actions.importing.batch import (
    Batch,
    ImportOptions,
    settle_duplicates,
)
from layers.actions.importing.codes import LEVEL_BY_LENGTH
from layers.actions.importing.shapes import mended_findings, settle_polygons
from layers.actions.importing.staging import Counts, Merge, merge
from layers.actions.importing.words import ABOVE_BANNER, AREA_LEVELS
from layers.exchange.copy import ewkb, stage
from layers.exchange.fields import FieldKind, FieldSpec
from layers.exchange.progress import Progress
from layers.paths import path_below
from layers.store import driver, territory
from layers.vocabulary import AreaLevel, CodeScheme

FIELDS = (
    FieldSpec(
        "code",
        FieldKind.CODE,
        required=True,
        synonyms=("area_code", "geoid", "key_code", "adcode", "编码", "代码", "区划代码"),
    ),
    FieldSpec("name", required=True, synonyms=("area_name", "名称", "区划名称")),
    FieldSpec("name_en", synonyms=("english_name", "英文名称")),
    FieldSpec(
        "level", FieldKind.CHOICE, synonyms=("area_level", "级别", "层级"), choices=AREA_LEVELS
    ),
    FieldSpec(
        "parent_code", FieldKind.CODE, synonyms=("parent", "上级编码", "上级代码", "父级编码")
    ),
)

_RANKS = {AreaLevel.BANNER: 0, AreaLevel.STREET: 1, AreaLevel.COMMUNITY: 2}
_PREFIX = {AreaLevel.STREET: 6, AreaLevel.COMMUNITY: 9}
_ABOVE = "above the banner: Lianxin starts at the banner (县/旗)"


@dataclass(frozen=True)
class _Known:
    """An area that is loaded, or about to be."""

    level: str
    parent: str | None
    path: str


def load_areas(
    session: Session, batch: Batch, options: ImportOptions, progress: Progress
) -> tuple[Counts, list[Finding]]:
    """Check areas against one another and those loaded, and merge them."""
    national = options.scheme is CodeScheme.NATIONAL
    levels = _national_levels(batch) if national else _free_levels(batch)
    shapes = batch.geometry.copy()
    mended = settle_polygons(batch, required=False, subject="an area")
    settle_duplicates(batch, "code", merge_pieces=options.merge_pieces)
    settle_polygons(batch, required=False, subject="an area")
    parents = _parents(batch, levels, national=national)
    paths = _paths(session, batch, levels, parents)
    reasons = shapely.is_valid_reason(shapes[mended])
    findings = mended_findings(batch.text("code")[mended], batch.geometry[mended], reasons)
    scheme = np.full(len(batch), options.scheme.value, dtype=object)
    table = batch.table(
        {
            "level": _strings(levels),
            "parent_code": _strings(parents),
            "path": _strings(paths),
            "code_scheme": _strings(scheme),
            "boundary": ewkb(batch.geometry),
        }
    )
    connection = driver(session)
    progress("staging", 0, table.num_rows)
    stage(connection, "staged_areas", table)
    progress("merging", 0, table.num_rows)
    columns = [name for name in table.column_names if name != "code"]
    plan = Merge("areas", ("code",), tuple(columns), kept=("boundary", "name_en"))
    counts = merge(connection, "staged_areas", plan, table.num_rows)
    if counts.inserted or counts.updated:
        session.execute(territory.announce("areas"))
    return counts, findings


def _national_levels(batch: Batch) -> NDArray[Any]:
    """Tell each area's level by the length of its code; what lies above the banner falls out."""
    codes, named = batch.text("code"), batch.text("level")
    digits = np.array([code is not None and code.isascii() and code.isdigit() for code in codes])
    lengths = np.array([len(code) if code is not None else 0 for code in codes])
    batch.reject((named == ABOVE_BANNER) | (digits & np.isin(lengths, (2, 4))), _ABOVE)
    levels = np.array([LEVEL_BY_LENGTH.get(length) for length in lengths], dtype=object)
    batch.reject(
        ~digits | (levels == None),  # noqa: E711 # element by element
        lambda position: (
            f"code {codes[position]} does not have the 6, 9 or 12 digits of a banner, street or "
            "community (for codes of your own: --codes free)"
        ),
    )
    given = np.array([name is not None for name in named])
    batch.reject(
        given & (named != levels),
        lambda position: (
            f"is called a {named[position]}, but the code {codes[position]} is that of a "
            f"{levels[position]}"
        ),
    )
    return levels


def _free_levels(batch: Batch) -> NDArray[Any]:
    levels = batch.text("level")
    batch.reject(levels == ABOVE_BANNER, _ABOVE)
    batch.reject(
        levels == None,  # noqa: E711 # element by element
        "level is empty: with --codes free, every area says whether it is a banner, street or "
        "community (--set level=community gives all rows the same)",
    )
    return levels


def _parents(batch: Batch, levels: NDArray[Any], *, national: bool) -> NDArray[Any]:
    """Return each area's parent: by its code, or as the file says."""
    given = batch.text("parent_code")
    if not national:
        return given
    codes = batch.text("code")
    parents = np.full(len(batch), None, dtype=object)
    for position in np.flatnonzero(batch.alive):
        length = _PREFIX.get(levels[position])
        parents[position] = codes[position][:length] if length else None
    wrong = np.array(
        [
            said is not None and parent is not None and said != parent
            for said, parent in zip(given, parents, strict=True)
        ],
        dtype=bool,
    )
    batch.reject(
        wrong,
        lambda position: (
            f"names {given[position]} as its parent, but its code {codes[position]} lies under "
            f"{parents[position]}"
        ),
    )
    return parents


def _paths(
    session: Session, batch: Batch, levels: NDArray[Any], parents: NDArray[Any]
) -> NDArray[Any]:
    """Return each area's path, going down level by level; what hangs on nothing falls out."""
    codes = batch.text("code")
    known = {
        code: _Known(str(level), parent or None, path)
        for code, level, parent, path in session.execute(territory.area_paths())
    }
    paths = np.full(len(batch), None, dtype=object)
    ranks = np.array([_RANKS.get(level, -1) for level in levels])
    for rank in _RANKS.values():
        for position in map(int, np.flatnonzero(batch.alive & (ranks == rank))):
            code, parent = codes[position], parents[position]
            problem = _problem(known, str(levels[position]), code, parent)
            if problem:
                batch.reject_one(position, problem)
                continue
            above = known[parent].path if parent is not None else ""
            paths[position] = path_below(above, code)
            known[code] = _Known(str(levels[position]), parent, paths[position])
    return paths


def _problem(known: dict[str, _Known], level: str, code: str, parent: str | None) -> str | None:
    """Say why an area cannot hang where it says, or None."""
    if parent is not None and parent not in known:
        return f"its parent {parent} is neither in the file nor loaded"
    if parent is not None and _RANKS[AreaLevel(known[parent].level)] >= _RANKS[AreaLevel(level)]:
        return f"its parent {parent} is a {known[parent].level}, which cannot hold a {level}"
    there = known.get(code)
    if there is not None and (there.level, there.parent) != (level, parent):
        where = f" under {there.parent}" if there.parent else ""
        return f"is loaded as a {there.level}{where}; an import does not move an area"
    return None


def _strings(values: NDArray[Any]) -> pa.Array:
    return pa.array(list(values), type=pa.large_string())
