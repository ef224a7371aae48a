"""How buildings stand on a block: rows of slabs, towers, courtyards, and places for everybody.

A layout works on flat land, turned so that the block's own axis is east, in metres.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Unit = tuple[float, float, float, float, float, float]
"""A unit's ground: corner x, y, then its long side and its deep side as vectors."""


@dataclass(frozen=True)
class Footprint:
    """A building to be: its outline, the ground of each unit, and how it is used."""

    outline: shapely.Polygon
    units: tuple[Unit, ...]
    rooms: int
    floors: int
    fewest_floors: int
    most_floors: int


def rectangle(x: float, y: float, width: float, depth: float) -> shapely.Polygon:
    """Return an upright rectangle from its south-west corner."""
    return shapely.Polygon([(x, y), (x + width, y), (x + width, y + depth), (x, y + depth), (x, y)])


def slabs(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand rows of six-storey slabs that all face south, the commonest sight in the town."""
    depth, gap = float(rng.uniform(11.5, 13.5)), float(rng.uniform(17.0, 22.0))
    unit_width, between = float(rng.uniform(14.5, 17.5)), float(rng.uniform(7.0, 10.0))
    usual_floors = int(rng.choice([5, 6, 6, 6, 7]))
    found = []
    for south in _rows(land, depth, gap):
        west, east = _clear_width(land, south, depth)
        unit_counts = _filled(east - west, unit_width, between, rng)
        used = sum(unit_counts) * unit_width + (len(unit_counts) - 1) * between
        x = west + (east - west - used) / 2
        for count in unit_counts:
            units = tuple(
                (x + i * unit_width, south, unit_width, 0.0, 0.0, depth) for i in range(count)
            )
            body = rectangle(x, south, count * unit_width, depth)
            found.append(Footprint(body, units, 2, usual_floors, 4, 9))
            x += count * unit_width + between
    return [footprint for footprint in found if land.contains_properly(footprint.outline)]


def towers(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand towers far apart, every second row set off by half a step."""
    width, depth = float(rng.uniform(25, 31)), float(rng.uniform(18, 21))
    floors, notch = int(rng.choice([11, 11, 15, 18, 18, 26])), 4.0
    found = []
    for x, y in _stations(land, (width, depth), (width + 21, depth + 24), stagger=True):
        shape = shapely.Polygon(
            [
                (x + notch, y), (x + width - notch, y), (x + width - notch, y + notch),
                (x + width, y + notch), (x + width, y + depth), (x + width / 2 + 2, y + depth),
                (x + width / 2 + 2, y + depth - notch), (x + width / 2 - 2, y + depth - notch),
                (x + width / 2 - 2, y + depth), (x, y + depth), (x, y + notch),
                (x + notch, y + notch),
            ]
        )  # fmt: skip
        inner = (x + 0.5, y + notch, width - 1.0, 0.0, 0.0, depth - 2 * notch)
        found.append(Footprint(shape, (inner,), 4, floors, 11, 33))
    return [footprint for footprint in found if land.contains_properly(footprint.outline)]


def courtyards(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand older buildings around yards that open to the south."""
    width, depth, bar = float(rng.uniform(44, 52)), float(rng.uniform(34, 40)), 11.0
    found = []
    for x, y in _stations(land, (width, depth), (width + 9, depth + 13), stagger=False):
        shape = shapely.Polygon(
            [
                (x, y), (x + bar, y), (x + bar, y + depth - bar),
                (x + width - bar, y + depth - bar), (x + width - bar, y), (x + width, y),
                (x + width, y + depth), (x, y + depth),
            ]
        )  # fmt: skip
        half = width / 2
        units = (
            (x, y, 0.0, depth - bar, bar, 0.0),
            (x, y + depth - bar, half, 0.0, 0.0, bar),
            (x + half, y + depth - bar, half, 0.0, 0.0, bar),
            (x + width - bar, y, 0.0, depth - bar, bar, 0.0),
        )
        found.append(Footprint(shape, units, 2, 5, 3, 7))
    return [footprint for footprint in found if land.contains_properly(footprint.outline)]


def landmark(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand one tower, as large as it fits, on land too narrow for anything else."""
    del rng
    if land.is_empty:
        return []
    centre, rim = shapely.get_coordinates(shapely.maximum_inscribed_circle(land, tolerance=0.5))
    side = min(30.0, 1.3 * float(np.hypot(*(rim - centre))))
    x, y = float(centre[0]) - side / 2, float(centre[1]) - side / 2
    unit = (x + 0.5, y + 0.5, side - 1.0, 0.0, 0.0, side - 1.0)
    return [Footprint(rectangle(x, y, side, side), (unit,), 4, 18, 6, 33)]


def halls(size: tuple[float, float], gap: float, floors: int) -> "Layout":
    """Return a layout of large halls: a market's, or a business park's."""

    def layout(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
        del rng
        step = (size[0] + gap, size[1] + gap)
        found = [
            Footprint(rectangle(x, y, *size), (), 0, floors, floors, floors)
            for x, y in _stations(land, size, step, stagger=False)
        ]
        return [footprint for footprint in found if land.contains_properly(footprint.outline)]

    return layout


def school(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand teaching blocks on the northern half, with a sports ground before them."""
    west, south, east, north = land.bounds
    half = shapely.clip_by_rect(land, west, (south + north) / 2 - 8, east, north)
    return [_without_homes(footprint, 4) for footprint in courtyards(_largest(half), rng)]


def hospital(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Stand an H-shaped house in the middle, and wards behind it."""
    centre = land.centroid
    west, _, east, north = land.bounds
    x, y, width, depth, bar = centre.x - 33, centre.y - 34, 66.0, 44.0, 15.0
    shape = shapely.Polygon(
        [
            (x, y), (x + bar, y), (x + bar, y + bar), (x + width - bar, y + bar),
            (x + width - bar, y), (x + width, y), (x + width, y + depth),
            (x + width - bar, y + depth), (x + width - bar, y + depth - bar),
            (x + bar, y + depth - bar), (x + bar, y + depth), (x, y + depth),
        ]
    )  # fmt: skip
    behind = _largest(shapely.clip_by_rect(land, west, y + depth + 14, east, north))
    wards = [_without_homes(ward, 8) for ward in slabs(behind, rng)]
    main = [Footprint(shape, (), 0, 12, 12, 12)] if land.contains_properly(shape) else []
    return main + wards


def park(land: shapely.Polygon, rng: np.random.Generator) -> list[Footprint]:
    """Leave the land to trees, which nobody draws, and a few pavilions."""
    spots = list(_stations(land, (12.0, 9.0), (48.0, 40.0), stagger=True))
    keep = rng.permutation(len(spots))[: max(1, len(spots) // 4)]
    found = [
        Footprint(rectangle(spots[i][0], spots[i][1], 12.0, 9.0), (), 0, 1, 1, 1)
        for i in np.sort(keep)
    ]
    return [footprint for footprint in found if land.contains_properly(footprint.outline)]


Layout = Callable[[shapely.Polygon, np.random.Generator], list[Footprint]]

HOMES: Final[dict[str, Layout]] = {"slabs": slabs, "towers": towers, "courtyards": courtyards}

PUBLIC: Final[dict[str, tuple[Layout, str]]] = {
    "park": (park, "亭"),
    "school": (school, "教学楼"),
    "market": (halls((58.0, 24.0), 11.0, 2), "市场大厅"),
    "hospital": (hospital, "病房楼"),
    "employer": (halls((42.0, 26.0), 20.0, 3), "厂房"),
}


def _without_homes(footprint: Footprint, floors: int) -> Footprint:
    return Footprint(footprint.outline, (), 0, floors, floors, floors)


def _largest(geometry: shapely.Geometry) -> shapely.Polygon:
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)]
    return max(parts, key=lambda part: part.area, default=shapely.Polygon())


def _rows(land: shapely.Polygon, depth: float, gap: float) -> NDArray[np.float64]:
    """Return the southern edges of rows that share out the land's height evenly."""
    if land.is_empty:
        return np.array([])
    _, south, _, north = land.bounds
    count = int((north - south - 4 + gap) // (depth + gap))
    if count < 1:
        return np.array([])
    spare = north - south - count * depth - (count - 1) * gap
    step = depth + gap + (spare * 0.6 / (count - 1) if count > 1 else 0.0)
    first = (south + north - (count - 1) * step - depth) / 2
    edges: NDArray[np.float64] = first + step * np.arange(count, dtype=np.float64)
    return edges


def _clear_width(land: shapely.Polygon, south: float, depth: float) -> tuple[float, float]:
    """Return from where to where a row stands wholly on the land."""
    west, _, east, _ = land.bounds
    lines = shapely.linestrings(
        [[(west - 1, y), (east + 1, y)] for y in (south, south + depth / 2, south + depth)]
    )
    bounds = shapely.bounds(shapely.intersection(lines, land))
    if np.isnan(bounds).any():
        return 0.0, 0.0
    return float(bounds[:, 0].max()) + 1.5, float(bounds[:, 2].min()) - 1.5


def _filled(width: float, unit_width: float, between: float, rng: np.random.Generator) -> list[int]:
    """Fill a row with buildings of two to four units, the last as long as still fits."""
    counts: list[int] = []
    left = width
    while left >= 2 * unit_width:
        count = min(int(rng.choice([2, 3, 3, 4, 4])), int(left // unit_width))
        counts.append(count)
        left -= count * unit_width + between
    return counts


def _stations(
    land: shapely.Polygon, size: tuple[float, float], step: tuple[float, float], *, stagger: bool
) -> Iterator[tuple[float, float]]:
    """Yield the south-west corners of a lattice that is centred row by row."""
    for row, south in enumerate(_rows(land, size[1], step[1] - size[1])):
        west, east = _clear_width(land, float(south), size[1])
        count = int((east - west + step[0] - size[0]) // step[0])
        if stagger and row % 2 and count > 1:
            count -= 1
        if count < 1:
            continue
        spread = min(
            step[0] * 1.25, (east - west - size[0]) / (count - 1) if count > 1 else step[0]
        )
        first = (west + east - (count - 1) * spread - size[0]) / 2
        for column in range(count):
            yield first + column * spread, float(south)
