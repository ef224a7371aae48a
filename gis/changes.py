"""What was found to change between two editions of the boundaries, as values and as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, get_args

import geopandas as gpd
import shapely

from gis.crs import STORAGE_CRS
from gis.geometry import Degrees

Kind = Literal["kept", "split", "merged", "moved", "new", "gone"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True)
class Places:
    """Buildings, households or cases: a code of each and where it is, in degrees."""

    codes: Sequence[str]
    lon: Degrees
    lat: Degrees


@dataclass(frozen=True)
class Staff:
    """Who answers for each grid in each edition, by its code; None, or not there, is nobody."""

    old: Mapping[str, str | None]
    new: Mapping[str, str | None]

    def of(self, old: str | None, new: str | None) -> tuple[str | None, str | None]:
        """Return who answers for a grid of the old edition, and for one of the new."""
        before = None if old is None else self.old.get(old)
        return before, None if new is None else self.new.get(new)


@dataclass(frozen=True)
class Tally:
    """How many places a grid has in either edition, and how many come and go between them."""

    old_count: int
    new_count: int
    in_count: int
    out_count: int


@dataclass(frozen=True)
class Moves:
    """The places that change owners: their codes, and the owner in each edition.

    Three tuples of one length; an owner is None outside every grid.
    """

    codes: tuple[str, ...]
    old: tuple[str | None, ...]
    new: tuple[str | None, ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.codes)

    def rows(self) -> list[dict[str, str | None]]:
        """Return a row of code, old and new owner for each."""
        columns = zip(self.codes, self.old, self.new, strict=True)
        return [{"code": code, "old": old, "new": new} for code, old, new in columns]


@dataclass(frozen=True)
class GridChange:
    """What becomes of one code; see :func:`compare_editions` for its ``kind``.

    Areas are in m²: those of the ground it owns in each edition (0 where it is not in it), and of
    what it ``gained`` and ``lost`` (None where nothing). ``comes_from`` are the old grids whose
    ground it has now, ``goes_to`` the new ones that have its old ground, itself among them, the
    greatest part first. ``old_responsible`` and ``new_responsible`` answer for it, None where
    nobody does. A tally is None where no such places were given.
    """

    code: str
    kind: Kind
    old_area_m2: float
    new_area_m2: float
    gained_m2: float
    lost_m2: float
    gained: shapely.Geometry | None
    lost: shapely.Geometry | None
    comes_from: tuple[str, ...]
    goes_to: tuple[str, ...]
    old_responsible: str | None
    new_responsible: str | None
    buildings: Tally | None
    households: Tally | None
    open_cases: Tally | None

    @property
    def staff_changes(self) -> bool:
        """Whether somebody else answers for it, or somebody where nobody did, or nobody."""
        return self.old_responsible != self.new_responsible

    @property
    def is_other(self) -> bool:
        """Whether anything of it changes: its ground, or who answers for it."""
        return self.kind != "kept" or self.staff_changes


@dataclass(frozen=True)
class Passage:
    """A row of the crosswalk: what goes from an old grid to a new one.

    ``old`` is None for ground that no grid owned, ``new`` for what no grid will own. A share is
    the part of the old grid: None without an old grid or, by households, where it has none.
    ``old_responsible`` answers for the old grid, ``new_responsible`` for the new one.
    ``geometry`` is None where the ground keeps its code.
    """

    old: str | None
    new: str | None
    area_m2: float
    area_share: float | None
    building_count: int | None
    household_count: int | None
    household_share: float | None
    open_case_count: int | None
    old_responsible: str | None
    new_responsible: str | None
    geometry: shapely.Geometry | None

    def flat(self) -> dict[str, Any]:
        """Return its values by name, without the geometry."""
        return {name: value for name, value in vars(self).items() if name != "geometry"}


@dataclass(frozen=True)
class EditionChanges:
    """Two editions compared: every grid by its code, the crosswalk, and the places that move.

    What was not given is None: places of a kind, or who answers for the grids.
    """

    grids: tuple[GridChange, ...]
    crosswalk: tuple[Passage, ...]
    buildings: Moves | None
    households: Moves | None
    open_cases: Moves | None
    staff: Staff | None

    def summary(self) -> dict[str, Any]:
        """Return the counts of grids by kind, what moves, and the area that changes owners.

        ``changed_staff_count`` is of grids for which another answers than before.
        """
        kinds = Counter(grid.kind for grid in self.grids)
        staff_changes = sum(grid.staff_changes for grid in self.grids)
        return {
            "kinds": {kind: kinds[kind] for kind in KINDS},
            "changed_area_m2": sum(row.area_m2 for row in self.moving()),
            "moved_building_count": _length(self.buildings),
            "moved_household_count": _length(self.households),
            "moved_open_case_count": _length(self.open_cases),
            "changed_staff_count": None if self.staff is None else staff_changes,
        }

    def others(self) -> list[GridChange]:
        """Return the grids of which anything changes, those with the most ground first."""
        changed = (grid for grid in self.grids if grid.is_other)
        return sorted(changed, key=lambda grid: -(grid.gained_m2 + grid.lost_m2))

    def moving(self) -> list[Passage]:
        """Return the passages whose ground changes owners."""
        return [row for row in self.crosswalk if row.geometry is not None]

    def grid_rows(self) -> list[dict[str, Any]]:
        """Return a flat row of plain values for each grid."""
        return [_grid_row(grid) for grid in self.grids]

    def crosswalk_rows(self) -> list[dict[str, Any]]:
        """Return a flat row of plain values for each passage, without its geometry."""
        return [row.flat() for row in self.crosswalk]

    def changed_areas(self) -> gpd.GeoDataFrame:
        """Return the ground that changes owners, a row for each old and new grid (EPSG:4490)."""
        changed = self.moving()
        names = [field.name for field in fields(Passage) if field.name != "geometry"]
        columns = {name: [getattr(row, name) for row in changed] for name in names}
        shapes = gpd.GeoSeries([row.geometry for row in changed], crs=STORAGE_CRS)
        return gpd.GeoDataFrame(columns, geometry=shapes)


def _length(moves: Moves | None) -> int | None:
    return None if moves is None else len(moves)


def _grid_row(grid: GridChange) -> dict[str, Any]:
    row: dict[str, Any] = {
        "code": grid.code,
        "kind": grid.kind,
        "old_area_m2": grid.old_area_m2,
        "new_area_m2": grid.new_area_m2,
        "gained_m2": grid.gained_m2,
        "lost_m2": grid.lost_m2,
        "comes_from": " ".join(grid.comes_from),
        "goes_to": " ".join(grid.goes_to),
        "old_responsible": grid.old_responsible,
        "new_responsible": grid.new_responsible,
    }
    for name in ("building", "household", "open_case"):
        tally = getattr(grid, f"{name}s")
        for part in ("old", "new", "in", "out"):
            row[f"{name}_{part}_count"] = None if tally is None else getattr(tally, f"{part}_count")
    return row
