"""Compounds, buildings and households on the blocks of the town."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.geometry import Geometries
from gis.town.definition import COMPOUND_FIRST, COMPOUND_LAST, PHASES, ROADS
from gis.town.layouts import HOMES, PUBLIC, Footprint, Unit, landmark
from gis.town.plan import axis_at, turned_by
from gis.town.territory import Territory

SPARE: Final = 1.03
"""A building has a few rooms more than registered households."""


LOWER: Final = 0.8
"""Buildings are made this much lower than usual before any is left out."""

FEWEST_ON_BLOCK: Final = 2


@dataclass
class Building:
    """A building on its block, before it has a code."""

    block: int
    grid: int
    compound: int
    number: int
    outline: shapely.Polygon
    angle: float
    footprint: Footprint
    floors: int
    stem: str = ""

    @property
    def rooms_a_floor(self) -> int:
        """Homes on each floor, all units together."""
        return len(self.footprint.units) * self.footprint.rooms

    def subdivided(self) -> "Building":
        """Return the building with smaller homes, for a grid that lacks land."""
        smaller = replace(self.footprint, rooms=self.footprint.rooms + 1, most_floors=33)
        return replace(self, footprint=smaller)


@dataclass
class Premises:
    """What stands in the town; metres from the centre."""

    compounds: list[dict[str, Any]] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)

    def outlines(self) -> Geometries:
        """Return the outlines of all buildings, in order."""
        return np.array([building.outline for building in self.buildings])


def build(territory: Territory, rng: np.random.Generator) -> Premises:
    """Put buildings on every block, as many and as high as each grid's households need."""
    premises = Premises()
    names = _compound_names(rng)
    # A grid is built up as a whole: an old quarter of slabs, or a new one of towers.
    for grid, parcel in enumerate(territory.parcels):
        standing: list[Building] = []
        for block in np.flatnonzero(territory.blocks.owners == grid):
            land = territory.blocks.land[block]
            if land.is_empty:
                continue
            if parcel.dedicated is not None:
                standing += _public(territory, grid, int(block), rng)
            else:
                near = float(np.hypot(*shapely.get_coordinates(land.centroid)[0])) < 550
                standing += _homes(land, grid, int(block), near, rng)
        if parcel.dedicated is None:
            standing = _fitted(standing, parcel.household_count, rng)
        _name(standing, territory, premises, names)
        premises.buildings += standing
    return premises


def _compound_names(rng: np.random.Generator) -> list[str]:
    pairs = [first + last for first in COMPOUND_FIRST for last in COMPOUND_LAST]
    return [pairs[i] + phase for phase in PHASES for i in rng.permutation(len(pairs))]


def _standing(footprints: list[Footprint], angle: float, grid: int, block: int) -> list[Building]:
    outlines = turned_by(np.array([footprint.outline for footprint in footprints]), angle)
    return [
        Building(block, grid, -1, 0, outline, angle, footprint, footprint.floors)
        for outline, footprint in zip(outlines, footprints, strict=True)
    ]


def _flat(land: shapely.Polygon, angle: float) -> shapely.Polygon:
    flat: shapely.Polygon = turned_by(np.array([land]), -angle)[0]
    return flat


def _homes(
    land: shapely.Polygon, grid: int, block: int, near: bool, rng: np.random.Generator
) -> list[Building]:
    centre = land.centroid
    angle = axis_at(centre.x, centre.y) + float(rng.normal(0, 0.012))
    chances = [0.62, 0.12, 0.26] if near else [0.68, 0.24, 0.08]
    style = str(rng.choice(list(HOMES), p=chances))
    footprints = HOMES[style](_flat(land, angle), rng)
    if len(footprints) < 2:
        footprints = HOMES["slabs"](_flat(land, angle), rng)
    if not footprints:
        footprints = landmark(_flat(land, angle), rng)
    return _standing(footprints, angle, grid, block) if footprints else []


def _public(
    territory: Territory, grid: int, block: int, rng: np.random.Generator
) -> list[Building]:
    kind = territory.parcels[grid].dedicated
    assert kind is not None  # noqa: S101 - only dedicated parcels come here
    land = territory.blocks.land[block]
    angle = axis_at(land.centroid.x, land.centroid.y)
    layout, stem = PUBLIC[kind.key]
    footprints = layout(_flat(land, angle), rng)
    standing = _standing(footprints, angle, grid, block) if footprints else []
    for building in standing:
        building.stem = stem
    return standing


def _fitted(standing: list[Building], wanted: int, rng: np.random.Generator) -> list[Building]:
    """Give a grid's buildings the heights, and leave out the buildings, that fit its households."""
    standing = _thinned(standing, wanted, rng)
    rooms = np.array([building.rooms_a_floor for building in standing])
    lowest = np.array([building.footprint.fewest_floors for building in standing])
    highest = np.array([building.footprint.most_floors for building in standing])
    usual = np.array([building.floors for building in standing])
    target = int(np.ceil(wanted * SPARE))
    scale = target / max(1, int(rooms @ usual))
    floors = np.clip(np.round(usual * scale).astype(int), lowest, highest)
    while rooms @ floors < target:
        room_to_grow = np.flatnonzero(floors < highest)
        if not len(room_to_grow):
            if rooms @ np.full_like(floors, 33) < target:
                return _fitted([building.subdivided() for building in standing], wanted, rng)
            highest = np.full_like(highest, 33)
            room_to_grow = np.flatnonzero(floors < highest)
        floors[room_to_grow[np.argmin(floors[room_to_grow] / highest[room_to_grow])]] += 1
    for building, count in zip(standing, floors, strict=True):
        building.floors = int(count)
    return standing


def _thinned(standing: list[Building], wanted: int, rng: np.random.Generator) -> list[Building]:
    """Leave out buildings while those that stay needn't be much lower than usual."""
    usual = [building.rooms_a_floor * building.floors for building in standing]
    capacity = np.array(usual) * LOWER
    spare = float(capacity.sum()) - wanted * SPARE
    staying = Counter(building.block for building in standing)
    drop = set()
    for i in rng.permutation(len(standing)):
        if capacity[i] <= spare and staying[standing[i].block] > FEWEST_ON_BLOCK:
            drop.add(int(i))
            staying[standing[i].block] -= 1
            spare -= float(capacity[i])
    return [building for i, building in enumerate(standing) if i not in drop]


def _name(
    standing: list[Building], territory: Territory, premises: Premises, names: list[str]
) -> None:
    """Give buildings their number in the compound, from the north-west, and compounds a name."""
    for block in sorted({building.block for building in standing}):
        inside = [building for building in standing if building.block == block]
        inside.sort(
            key=lambda b: (-round(_flat(b.outline, b.angle).centroid.y / 8), b.outline.bounds[0])
        )
        compound = -1
        if inside[0].footprint.units:
            compound = len(premises.compounds)
            community = territory.communities[territory.parcels[inside[0].grid].community]
            premises.compounds.append(
                {
                    "name": names[compound % len(names)],
                    "community_code": community.code,
                    "geometry": territory.blocks.land[block],
                }
            )
        for number, building in enumerate(inside, start=1):
            building.compound, building.number = compound, number
    standing.sort(key=lambda building: (building.block, building.number))


def compound_table(premises: Premises) -> dict[str, Any]:
    """Return the table of compounds, numbered inside their community."""
    counts: dict[str, int] = {}
    for compound in premises.compounds:
        community = compound["community_code"]
        counts[community] = counts.get(community, 0) + 1
        compound["code"] = f"{community}C{counts[community]:03d}"
    return {
        column: [compound[column] for compound in premises.compounds]
        for column in ("code", "name", "community_code", "geometry")
    }


def building_table(territory: Territory, premises: Premises) -> dict[str, Any]:
    """Return the table of buildings; call ``compound_table`` first, which gives compounds codes."""
    counts: dict[str, int] = {}
    rows = []
    streets = {
        street_code: i
        for i, street_code in enumerate(sorted({c.code[:9] for c in territory.communities}))
    }
    for building in premises.buildings:
        community = territory.communities[territory.parcels[building.grid].community]
        counts[community.code] = counts.get(community.code, 0) + 1
        road = ROADS[(building.block * 7 + streets[community.code[:9]]) % len(ROADS)]
        place = f"{road}{building.block % 90 + 1}号"
        if building.compound >= 0:
            compound = premises.compounds[building.compound]
            compound_code, name = compound["code"], f"{building.number}号楼"
            address = f"{place}{compound['name']}{name}"
        else:
            grid_name = territory.names[building.grid].removesuffix("专属网格")
            compound_code, name = None, f"{grid_name}{building.number}号{building.stem}"
            address = f"{place}{name}"
        code = f"{community.code}{counts[community.code]:05d}"
        units = max(1, len(building.footprint.units))
        rows.append((code, name, compound_code, address, building.floors, units))
    columns = ("code", "name", "compound_code", "address", "floors", "units")
    table: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    # As objects, so that None stays None and does not turn into NaN.
    table["compound_code"] = pd.Series(table["compound_code"], dtype=object)
    table["geometry"] = premises.outlines()
    return table


@dataclass(frozen=True)
class Homes:
    """Every household's place: building (position), unit, floor, room on the floor, and x, y."""

    building: NDArray[np.intp]
    unit: NDArray[np.intp]
    floor: NDArray[np.intp]
    door: NDArray[np.intp]
    xy: NDArray[np.float64]

    def table(self, building_codes: list[str]) -> pd.DataFrame:
        """Return the columns that a household's place gives."""
        codes = np.asarray(building_codes, dtype=object)[self.building]
        rooms = [
            f"{f}{d:02d}" for f, d in zip(self.floor.tolist(), self.door.tolist(), strict=True)
        ]
        units = [str(u) for u in self.unit.tolist()]
        return pd.DataFrame(
            {
                "code": [f"{b}-{u}-{r}" for b, u, r in zip(codes, units, rooms, strict=True)],
                "building_code": codes,
                "unit": units,
                "floor": self.floor,
                "room": rooms,
            }
        )


def move_in(territory: Territory, premises: Premises, rng: np.random.Generator) -> Homes:
    """Choose which rooms are registered, and give each its point on the building's ground."""
    unit_rows: list[Unit] = []
    first_unit = []
    for standing in premises.buildings:
        first_unit.append(len(unit_rows))
        unit_rows += standing.footprint.units
    units_xy = np.array(unit_rows, dtype=np.float64).reshape(-1, 6)
    floors = np.array([b.floors for b in premises.buildings])
    rooms = np.array([b.footprint.rooms for b in premises.buildings])
    per_floor = np.array([b.rooms_a_floor for b in premises.buildings])
    building = np.repeat(np.arange(len(floors)), floors * per_floor)
    starts = np.repeat(np.cumsum(floors * per_floor) - floors * per_floor, floors * per_floor)
    slot = np.arange(len(building)) - starts
    floor, rest = slot // per_floor[building], slot % per_floor[building]
    unit, door = rest // rooms[building], rest % rooms[building]
    kept = _registered(territory, premises, building, rng)
    building, floor, unit, door = building[kept], floor[kept], unit[kept], door[kept]
    ground = units_xy[np.asarray(first_unit, dtype=np.intp)[building] + unit]
    flat = _lattice(ground, floor, floors[building], door, rooms[building])
    angle = np.array([b.angle for b in premises.buildings])[building]
    cos, sin = np.cos(angle), np.sin(angle)
    xy = np.c_[flat[:, 0] * cos - flat[:, 1] * sin, flat[:, 0] * sin + flat[:, 1] * cos]
    return Homes(building, unit + 1, floor + 1, door + 1, xy)


def _registered(
    territory: Territory,
    premises: Premises,
    building: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Keep as many rooms of each grid as it has households; the others are not registered."""
    grid = np.array([b.grid for b in premises.buildings])[building]
    order = np.lexsort((rng.random(len(grid)), grid))
    counts = np.bincount(grid, minlength=len(territory.parcels))
    rank = np.empty(len(grid), dtype=np.intp)
    rank[order] = np.arange(len(grid)) - np.repeat(np.cumsum(counts) - counts, counts)
    quota = np.array([parcel.household_count for parcel in territory.parcels])
    kept: NDArray[np.bool_] = rank < quota[grid]
    return kept


def _lattice(
    ground: NDArray[np.float64],
    floor: NDArray[np.intp],
    floors: NDArray[np.intp],
    door: NDArray[np.intp],
    rooms: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Spread the homes of a unit over its ground so that no two symbols coincide.

    Each door has a part of the unit's long side; its floors fill that part row by row.
    """
    corner, along, across = ground[:, :2], ground[:, 2:4], ground[:, 4:]
    cell = np.hypot(*along.T) / rooms
    deep = np.hypot(*across.T)
    row_count = np.maximum(1, np.round(np.sqrt(floors * deep / cell))).astype(int)
    column_count = -(-floors // row_count)
    column, row = floor % column_count, floor // column_count
    a = (door + (column + 0.5) / column_count) / rooms
    b = (row + 0.5) / row_count
    xy: NDArray[np.float64] = corner + a[:, None] * along + b[:, None] * across
    return xy
