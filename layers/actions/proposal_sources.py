"""What a proposal of grids starts from: one community, out of the database or out of files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.crs import STORAGE_CRS
from gis.errors import MissingCrs
from gis.geometry import Geometries
from gis.outlines import mended
from gis.proposal import Ground
from layers.actions.importing.words import GRID_KINDS
from layers.errors import LayerRefused, MappingInvalid
from layers.exchange.reader import SourceLayer, read_layer
from layers.store import proposals
from layers.vocabulary import AreaLevel, GridKind

COLUMNS: Final = ("code", "name", "name_en", "kind", "community_code", "responsible")
"""What is known of a grid beside its outline."""

COUNT_COLUMNS: Final = ("households", "household_count", "户数")
"""What the column of household counts is called, where nobody says."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ProposalFiles:
    """The files of a proposal without a database, each ``FILE`` or ``FILE:LAYER``."""

    outline: str
    buildings: str
    streets: str | None = None
    compounds: str | None = None
    against: str | None = None
    """The network to compare with; its dedicated grids stay as they are."""
    households_column: str | None = None
    datum: str | None = None
    """Of the files that do not declare a CRS."""


@dataclass(frozen=True)
class Community:
    """A community's ground, its grids so far, and everybody else's.

    ``last`` is the highest number that a grid of it ever had in force, 0 for none.
    """

    name: str
    name_en: str
    ground: Ground
    own: gpd.GeoDataFrame
    others: gpd.GeoDataFrame
    last: int = 0
    notes: tuple[str, ...] = field(default=())


def stored_community(session: Session, code: str, streets: Geometries) -> Community:
    """Read a community from the database, which holds no streets."""
    area = session.execute(proposals.area(code)).one_or_none()
    if area is None or area.level != AreaLevel.COMMUNITY:
        raise LayerRefused(
            f"There is no community {code}. Import it first: lianxin import areas FILE"
        )
    if area.wkb is None:
        raise LayerRefused(
            f"The community {code} has no boundary to draw grids in. "
            "Import one: lianxin import areas FILE"
        )
    outline = shapely.from_wkb(bytes(area.wkb))
    grids = _frame(session.execute(proposals.grids_in_force()).all())
    own = grids[grids["community_code"] == code]
    rows = [
        *session.execute(proposals.buildings_around(outline)),
        *session.execute(proposals.households_without_building(outline)),
    ]
    last = session.scalar(proposals.last_grid_code(code))
    return Community(
        name=area.name,
        name_en=area.name_en or "",
        ground=Ground(
            outline,
            buildings=_shapes([row.wkb for row in rows]),
            households=np.array([row.household_count for row in rows], dtype=np.int64),
            compounds=_shapes(session.scalars(proposals.compounds_around(outline)).all()),
            streets=streets,
            kept=_dedicated(own),
        ),
        own=own,
        others=grids[grids["community_code"] != code],
        last=int(last[-3:]) if last else 0,
    )


def community_of_files(files: ProposalFiles, code: str | None) -> Community:
    """Read a community from files; ``code`` chooses its row among several outlines."""
    notes: list[str] = []
    outline, name = _outline(files, code, notes)
    source = _read(files.buildings, files.datum, notes)
    buildings, there = _present(source, notes)
    compounds: Geometries = np.array([], dtype=object)
    if files.compounds is not None:
        compounds, _ = _present(_read(files.compounds, files.datum, notes), notes)
    own = _frame([])
    if files.against is not None:
        own = _network(_read(files.against, files.datum, notes), outline, notes)
    return Community(
        name=name,
        name_en="",
        ground=Ground(
            outline,
            buildings=buildings,
            households=_counts(source, files.households_column)[there],
            compounds=compounds,
            streets=read_streets(files.streets, files.datum, notes),
            kept=_dedicated(own),
        ),
        own=own,
        others=own.iloc[:0],
        notes=tuple(notes),
    )


def read_streets(file: str | None, datum: str | None, notes: list[str]) -> Geometries:
    """Return the lines of a file of streets; none where there is no file."""
    none: Geometries = np.array([], dtype=object)
    if file is None:
        return none
    source = _read(file, datum, notes)
    lines, _ = _present(source, notes)
    if len(lines) and not (shapely.get_dimensions(lines) == 1).any():
        raise MappingInvalid(f"{source.name} holds no lines: --streets wants the streets' middles.")
    return lines


def _read(file: str, datum: str | None, notes: list[str]) -> SourceLayer:
    """Read a layer; the datum counts where the file itself declares no CRS."""
    try:
        source = read_layer(file)
    except MissingCrs:
        if datum is None:
            raise
        source = read_layer(file, datum=datum)
    notes += source.notes
    return source


def _present(source: SourceLayer, notes: list[str]) -> tuple[Geometries, NDArray[np.bool_]]:
    shapes = source.frame.geometry.to_numpy()
    there: NDArray[np.bool_] = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not there.all():
        notes.append(f"{source.name}: {int((~there).sum()):,} rows have no place; left out.")
    return shapes[there], there


def _outline(
    files: ProposalFiles, code: str | None, notes: list[str]
) -> tuple[shapely.Geometry, str]:
    source = _read(files.outline, files.datum, notes)
    frame = source.frame
    if code is not None and "code" in frame.columns:
        frame = frame[frame["code"].astype(str) == code]
        if frame.empty:
            raise MappingInvalid(f"{source.name} has no row with the code {code}.")
    outline = shapely.union_all(mended(frame.geometry.to_numpy()))
    if shapely.is_empty(outline):
        raise MappingInvalid(f"{source.name} holds no polygon: --outline wants the community's.")
    named = "name" in frame.columns and len(frame) == 1 and not pd.isna(frame["name"].iloc[0])
    return outline, str(frame["name"].iloc[0]) if named else source.name


def _counts(source: SourceLayer, column: str | None) -> Counts:
    """Return the households of each row."""
    columns = [str(name) for name in source.frame.columns]
    wanted = (column,) if column else COUNT_COLUMNS
    found = next((name for name in wanted if name in columns), None)
    if found is None:
        raise MappingInvalid(
            f"{source.name} has no column {' or '.join(wanted)} that says how many households a "
            "building has. Name it with --households-column. Its columns: "
            f"{', '.join(name for name in columns if name != 'geometry')}."
        )
    numbers = pd.to_numeric(source.frame[found], errors="coerce").to_numpy(dtype=np.float64)
    numbers = np.where(source.frame[found].isna(), 0.0, numbers)
    bad = np.flatnonzero(~np.isfinite(numbers) | (numbers < 0) | (numbers != np.round(numbers)))
    if len(bad):
        row = int(bad[0])
        raise MappingInvalid(
            f"{source.name}, row {source.rows[row]}: {found} is “{source.frame[found].iloc[row]}”. "
            "A building has a whole number of households, 0 or more."
        )
    return numbers.astype(np.int64)


def _network(source: SourceLayer, outline: shapely.Geometry, notes: list[str]) -> gpd.GeoDataFrame:
    """Return the grids of a file that lie mostly in the outline."""
    shapes, there = _present(source, notes)
    rows = source.frame[there]
    whole = mended(shapes)
    inside = shapely.area(shapely.intersection(whole, outline)) > shapely.area(whole) / 2
    frame = gpd.GeoDataFrame(
        {name: _texts(rows, name)[inside] for name in COLUMNS},
        geometry=whole[inside],
        crs=STORAGE_CRS,
    )
    numbers = [str(number) for number in source.rows[there][inside]]
    frame["code"] = frame["code"].where(frame["code"].notna(), pd.Series(numbers, dtype=object))
    frame["name"] = frame["name"].where(frame["name"].notna(), frame["code"])
    words = frame["kind"].astype(str).str.strip().str.lower()
    frame["kind"] = [GRID_KINDS.get(word, GridKind.BASIC.value) for word in words]
    return frame


def _texts(rows: pd.DataFrame, name: str) -> NDArray[np.object_]:
    if name not in rows.columns:
        return np.full(len(rows), None, dtype=object)
    return np.array([None if pd.isna(v) else str(v) for v in rows[name]], dtype=object)


def _frame(rows: Sequence[Any]) -> gpd.GeoDataFrame:
    table = {name: np.array([getattr(row, name) for row in rows], object) for name in COLUMNS}
    return gpd.GeoDataFrame(table, geometry=_shapes([row.wkb for row in rows]), crs=STORAGE_CRS)


def _shapes(binaries: Sequence[bytes]) -> Geometries:
    shapes: Geometries = shapely.from_wkb(np.array([bytes(wkb) for wkb in binaries], dtype=object))
    return shapes


def _dedicated(grids: gpd.GeoDataFrame) -> Geometries:
    kept: Geometries = grids.loc[grids["kind"] == GridKind.DEDICATED].geometry.to_numpy()
    return kept
