"""Who answers for which ground: banner, streets, communities, and the grids that cover them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.geometry import Geometries
from gis.reading import reading_order
from gis.town.definition import (
    BANNER,
    COMMUNITIES,
    DEDICATED,
    GIVEN_NAMES,
    STREETS,
    SURNAMES,
    DedicatedKind,
    Place,
    chinese_number,
)
from gis.town.plan import (
    AVENUE,
    BASIC_AREA_M2,
    BLOCK_AREA_M2,
    RAILWAY,
    RIVER,
    STREET,
    Blocks,
    Surveyor,
    Weighted,
    outline,
    scaled,
)

GRID_HOUSEHOLDS: Final = 400
FEWEST_HOUSEHOLDS: Final = 300
MOST_HOUSEHOLDS: Final = 500
COMMUNITY_HOUSEHOLDS: Final = 1700
BASIC_GRIDS_PER_DEDICATED: Final = 5
MOST_ATTEMPTS: Final = 50


@dataclass(frozen=True)
class Parcel:
    """A grid to be: its community, its households, and what it is dedicated to, if to anything."""

    community: int
    household_count: int
    dedicated: DedicatedKind | None

    @property
    def weight(self) -> float:
        """How much land it wants, a basic grid of usual size being 1."""
        if self.dedicated is not None:
            return self.dedicated.weight
        return 0.4 + 0.6 * self.household_count / GRID_HOUSEHOLDS


@dataclass(frozen=True)
class Territory:
    """Grids in the order of their codes, and the areas above them; metres from the centre."""

    parcels: tuple[Parcel, ...]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    names_en: tuple[str, ...]
    responsibles: tuple[str, ...]
    grids: Geometries
    blocks: Blocks
    communities: tuple[Place, ...]
    community_geometries: Geometries

    def areas(self) -> dict[str, list[Any]]:
        """Return the table of areas, from the banner down."""
        rows: list[tuple[Any, ...]] = []
        streets = []
        for street in STREETS:
            inside = [c.code.startswith(street.code) for c in self.communities]
            if any(inside):
                geometry = shapely.coverage_union_all(self.community_geometries[inside])
                streets.append((street.code, "street", street.name, street.name_en, geometry))
        town = shapely.coverage_union_all(self.community_geometries)
        rows.append((BANNER.code, "banner", BANNER.name, BANNER.name_en, None, _around(town)))
        rows += [(*street[:4], BANNER.code, street[4]) for street in sorted(streets)]
        places = zip(self.communities, self.community_geometries, strict=True)
        rows += [
            (place.code, "community", place.name, place.name_en, place.code[:9], geometry)
            for place, geometry in sorted(places, key=lambda pair: pair[0].code)
        ]
        columns = ("code", "level", "name", "name_en", "parent_code", "geometry")
        return {name: [row[i] for row in rows] for i, name in enumerate(columns)}


def settle(households: int, rng: np.random.Generator) -> Territory:
    """Lay out communities and grids for a number of households."""
    communities = COMMUNITIES[: _community_count(households)]
    parcels = _parcels(households, len(communities), rng)
    for _ in range(MOST_ATTEMPTS):
        territory = _laid_out(communities, parcels, rng)
        # A street that reaches the rim within a metre of a corner of it, or land in two pieces,
        # would be a finding of every coverage check: such a plan is drawn anew.
        if shapely.coverage_is_valid(territory.grids, gap_width=1.0) and all(
            isinstance(grid, shapely.Polygon) for grid in territory.grids
        ):
            break
    return territory


def _laid_out(
    communities: tuple[Place, ...], parcels: list[Parcel], rng: np.random.Generator
) -> Territory:
    surveyor = Surveyor(rng)
    area_m2 = sum(parcel.weight for parcel in parcels) * BASIC_AREA_M2
    town, great_cuts = outline(area_m2, rng), [scaled(cut, area_m2) for cut in (RIVER, RAILWAY)]
    placed: list[tuple[Parcel, shapely.Polygon]] = []
    for members, land in surveyor.divide(town, _streets(communities, parcels), great_cuts):
        for own, ground in surveyor.divide(land, members, [AVENUE]):
            order = rng.permutation(len(own))
            wishes = [Weighted(own[i], own[i].weight) for i in order]
            placed += surveyor.divide(ground, wishes, [STREET])
    counts = [
        1 if parcel.dedicated else int(np.clip(round(land.area / BLOCK_AREA_M2), 2, 5))
        for parcel, land in placed
    ]
    blocks = surveyor.blocks([land for _, land in placed], counts)
    return _numbered(communities, [parcel for parcel, _ in placed], blocks, rng)


def _community_count(households: int) -> int:
    few = min(3, max(1, households // 600))
    return max(few, min(len(COMMUNITIES), round(households / COMMUNITY_HOUSEHOLDS)))


def _streets(
    communities: tuple[Place, ...], parcels: list[Parcel]
) -> list[Weighted[list[Weighted[list[Parcel]]]]]:
    """Nest the parcels: streets that want land for communities that want land for grids."""
    wishes = []
    for street in STREETS:
        members = []
        for position, community in enumerate(communities):
            if community.code.startswith(street.code):
                own = [parcel for parcel in parcels if parcel.community == position]
                members.append(Weighted(own, sum(parcel.weight for parcel in own)))
        if members:
            wishes.append(Weighted(members, sum(member.weight for member in members)))
    return wishes


def _parcels(households: int, community_count: int, rng: np.random.Generator) -> list[Parcel]:
    shares = rng.uniform(0.85, 1.15, community_count)
    parcels = []
    for community, own in enumerate(_apportioned(households, shares)):
        count = max(1, round(own / GRID_HOUSEHOLDS))
        mean = own / count
        room = min(0.12, MOST_HOUSEHOLDS / mean - 1, 1 - FEWEST_HOUSEHOLDS / mean) - 2 / mean
        jitter = max(0.0, room / 1.3)
        quotas = _apportioned(own, rng.uniform(1 - jitter, 1 + jitter, count))
        parcels += [Parcel(community, quota, None) for quota in quotas]
    wanted = round(len(parcels) / BASIC_GRIDS_PER_DEDICATED)
    hosts = np.resize(rng.permutation(community_count), wanted)
    kinds = [DEDICATED[turn % len(DEDICATED)] for turn in range(wanted)]
    return parcels + [Parcel(int(host), 0, kind) for host, kind in zip(hosts, kinds, strict=True)]


def _apportioned(total: int, shares: NDArray[np.float64]) -> list[int]:
    """Split a whole number by shares into whole numbers that add up to it."""
    edges = np.round(np.cumsum(shares) / shares.sum() * total).astype(int)
    return [int(part) for part in np.diff(edges, prepend=0)]


def _numbered(
    communities: tuple[Place, ...], parcels: list[Parcel], blocks: Blocks, rng: np.random.Generator
) -> Territory:
    """Give each grid its code, west to east and then north to south in its community."""
    grids = np.array(
        [shapely.coverage_union_all(blocks.faces[blocks.owners == i]) for i in range(len(parcels))]
    )
    centres = shapely.get_coordinates(shapely.centroid(grids))
    home = np.array([parcel.community for parcel in parcels])
    codes, names, names_en = (np.empty(len(parcels), dtype=object) for _ in range(3))
    for position, community in enumerate(communities):
        own = np.flatnonzero(home == position)
        basic, dedicated = 0, dict.fromkeys((kind.key for kind in DEDICATED), 0)
        stem, stem_en = community.name.removesuffix("社区"), community.name_en.split()[0]
        for sequence, grid in enumerate(own[reading_order(*centres[own].T)], start=1):
            codes[grid] = f"{community.code}{sequence:03d}"
            kind = parcels[grid].dedicated
            if kind is None:
                basic += 1
                names[grid] = f"{stem}第{chinese_number(basic)}网格"
                names_en[grid] = f"{stem_en} Grid {basic}"
            else:
                dedicated[kind.key] += 1
                number = dedicated[kind.key]
                which = f"第{chinese_number(number)}" if number > 1 else ""
                names[grid] = f"{stem}{which}{kind.name}专属网格"
                names_en[grid] = f"{stem_en} {kind.name_en}{f' {number}' if number > 1 else ''}"
    order = np.argsort(codes)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return Territory(
        parcels=tuple(parcels[i] for i in order),
        codes=tuple(codes[order]),
        names=tuple(names[order]),
        names_en=tuple(names_en[order]),
        responsibles=_responsibles(len(order), rng),
        grids=grids[order],
        blocks=Blocks(blocks.faces, blocks.land, rank[blocks.owners], blocks.roads),
        communities=communities,
        community_geometries=np.array(
            [shapely.coverage_union_all(grids[home == i]) for i in range(len(communities))]
        ),
    )


def _responsibles(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    everybody = len(SURNAMES) * len(GIVEN_NAMES)
    picks = rng.permutation(everybody)[np.arange(count) % everybody]
    return tuple(
        f"网格长 {SURNAMES[pick % len(SURNAMES)]}{GIVEN_NAMES[pick // len(SURNAMES)]}"
        for pick in picks
    )


def _around(town: BaseGeometry) -> shapely.Polygon:
    """Return invented, irregular land far around the town, to stand for the banner."""
    west, south, east, north = town.bounds
    reach = max(6_000.0, 1.6 * float(np.hypot(east - west, north - south)))
    turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radius = 1 + 0.16 * np.cos(2 * turns + 0.7) + 0.11 * np.cos(3 * turns + 2.1)
    radius += 0.05 * np.cos(7 * turns + 0.3) + 0.03 * np.cos(11 * turns + 1.9)
    return shapely.Polygon(reach * np.c_[radius * np.cos(turns), radius * np.sin(turns)])
