"""Invented cases: reported around a few hot spots and everywhere else, in every state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.datum import STORAGE, convert
from gis.geometry import Degrees, Geometries
from gis.town.descriptions import COMMON, CONFIDENTIAL, CONFIDENTIAL_TEXT, INDOOR, STREET

STATES: Final[dict[str, tuple[float, float]]] = {
    "closed": (0.66, 60.0),
    "awaiting_verification": (0.045, 4.0),
    "in_progress": (0.09, 5.0),
    "dispatched": (0.05, 1.5),
    "registered": (0.03, 0.6),
    "reported": (0.035, 0.25),
    "rework": (0.015, 9.0),
    "on_hold": (0.012, 20.0),
    "escalated": (0.018, 12.0),
    "in_deliberation": (0.01, 25.0),
    "void": (0.01, 50.0),
    "duplicate": (0.015, 40.0),
    "rejected": (0.01, 50.0),
}
"""Share of the cases in each state, and how many days ago the oldest of them was met."""

DATUMS: Final[dict[str, float]] = {"gcj02": 0.62, "wgs84": 0.2, "bd09": 0.11, "cgcs2000": 0.07}
"""Phones send GCJ-02 mostly, some apps BD-09; devices WGS 84, surveyed marks CGCS2000."""

REPORTERS: Final[dict[str, float]] = {
    "worker": 0.55,
    "resident": 0.3,
    "hotline": 0.12,
    "sensor": 0.03,
}

HOT_THEMES: Final = ("54001", "51006", "53003", "55003", "59003", "54006")
"""What each hot spot is about."""

ROADSIDE: Final = ("59002", "54001", "55007", "53010", "55001")
"""What is met where no home is near."""

HOT_SHARE: Final = 0.45
HOT_RADIUS_M: Final = 75.0
OUTSKIRTS: Final = 5
NEAR_RIM: Final = 3
RIM_M: Final = 22.0
AT_BOUNDARY: Final = 6


@dataclass(frozen=True)
class Ground:
    """Where matters can happen, in metres: homes with what they are called, buildings, grids."""

    homes: NDArray[np.float64]
    building_of_home: NDArray[np.intp]
    doors: NDArray[np.object_]
    outlines: Geometries
    addresses: NDArray[np.object_]
    grids: Geometries
    banner: shapely.Polygon
    degrees: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def happen(ground: Ground, count: int, now: datetime, rng: np.random.Generator) -> dict[str, Any]:
    """Return the table of cases: what, where it truly was, and the coordinates as sent."""
    homes, themes = _homes_met(ground.homes, count, rng)
    categories = _categories(themes, rng)
    indoor = np.array([category in INDOOR for category in categories], dtype=np.bool_)
    places = ground.homes[homes].copy()
    places[~indoor] = _beside(ground, homes[~indoor], rng)
    addresses = ground.addresses[ground.building_of_home[homes]].copy()
    datums = _shared_out(DATUMS, count, rng)
    marks, beyond = _edge_cases(indoor)
    corners = _inner_corners(ground.grids)
    marks = marks[: len(corners)]
    places[marks] = corners[np.linspace(0, len(corners) - 1, len(marks)).astype(int)]
    # Surveyed marks: no datum in between, so that the point stays exactly on the corner.
    datums[marks] = STORAGE
    places[beyond], addresses[beyond] = _beyond(ground)[: len(beyond)], "城外公路"
    for moved in (marks, beyond):
        categories[moved] = np.resize(np.array(ROADSIDE, dtype=object), len(moved))
    descriptions = [
        _described(category, at, door, rng)
        for category, at, door in zip(categories, addresses, ground.doors[homes], strict=True)
    ]
    states = _shared_out({state: share for state, (share, _) in STATES.items()}, count, rng)
    lonlat = ground.degrees(places)
    x, y = as_sent(lonlat, datums)
    return {
        "category": categories,
        "description": descriptions,
        "address": addresses,
        "datum": datums,
        "x": x,
        "y": y,
        "accuracy_m": np.round(np.clip(rng.gamma(2.2, 8.0, count), 5, 60)),
        "occurred_at": _moments(states, now, rng),
        "reporter_kind": _shared_out(REPORTERS, count, rng),
        "state": states,
        "geometry": shapely.points(lonlat),
    }


def as_sent(lonlat: NDArray[np.float64], datums: NDArray[np.object_]) -> tuple[Degrees, Degrees]:
    """Return the coordinates a device would send that measures in its own datum."""
    x, y = lonlat[:, 0].copy(), lonlat[:, 1].copy()
    for name in np.unique(datums.astype(str)):
        own = datums == name
        x[own], y[own] = convert(x[own], y[own], STORAGE, str(name))
    return x, y


def _homes_met(
    homes: NDArray[np.float64], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the home nearest each matter, and the hot spot it belongs to (-1 for none)."""
    met = rng.integers(0, len(homes), count)
    spot = np.where(rng.random(count) < HOT_SHARE, rng.integers(0, len(HOT_THEMES), count), -1)
    centres = homes[rng.integers(0, len(homes), len(HOT_THEMES))]
    hot = np.flatnonzero(spot >= 0)
    around = centres[spot[hot]] + rng.normal(0, HOT_RADIUS_M, (len(hot), 2))
    met[hot] = shapely.STRtree(np.asarray(shapely.points(homes))).nearest(shapely.points(around))
    return met, spot


def _categories(themes: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.object_]:
    every = [*INDOOR, *STREET, *CONFIDENTIAL]
    weights = np.array([COMMON.get(category, 1.0) for category in every])
    categories = rng.choice(every, size=len(themes), p=weights / weights.sum()).astype(object)
    of_theme = (themes >= 0) & (rng.random(len(themes)) < 0.55)
    categories[of_theme] = np.array(HOT_THEMES, dtype=object)[themes[of_theme]]
    return categories


def _beside(
    ground: Ground, homes: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return places some metres outside the buildings of these homes."""
    outlines = ground.outlines[ground.building_of_home[homes]]
    ring = shapely.boundary(shapely.buffer(outlines, rng.uniform(3, 12, len(homes))))
    spots = shapely.line_interpolate_point(ring, rng.random(len(homes)), normalized=True)
    return shapely.get_coordinates(spots)


def _described(category: str, at: str, door: str, rng: np.random.Generator) -> str:
    """Word a case by its category; a confidential one says nothing of what it is."""
    templates = INDOOR.get(category) or STREET.get(category) or (CONFIDENTIAL_TEXT,)
    return str(rng.choice(templates)).format(at=at, room=f"{at}{door}")


def _edge_cases(indoor: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose street matters to lie on corners of grids, and others to lie beyond the town."""
    movable = np.flatnonzero(~indoor)
    last = AT_BOUNDARY + OUTSKIRTS + NEAR_RIM
    return movable[:AT_BOUNDARY], movable[AT_BOUNDARY:last]


def _beyond(ground: Ground) -> NDArray[np.float64]:
    """Return places out in the banner, the last of them beyond it, and some near the town's rim."""
    town = float(np.abs(shapely.total_bounds(ground.grids)).max())
    away = town * (1.25 + 0.1 * np.arange(OUTSKIRTS))
    away[-1] = 1.2 * float(np.abs(shapely.bounds(ground.banner)).max())
    angle = 0.7 + 1.3 * np.arange(OUTSKIRTS)
    rim = shapely.boundary(shapely.buffer(shapely.coverage_union_all(ground.grids), RIM_M))
    near = shapely.line_interpolate_point(rim, np.linspace(0.1, 0.8, NEAR_RIM), normalized=True)
    far = np.c_[away * np.cos(angle), away * np.sin(angle)]
    places: NDArray[np.float64] = np.vstack([far, shapely.get_coordinates(near)])
    return places


def _inner_corners(grids: Geometries) -> NDArray[np.float64]:
    """Return the vertices where three grids or more meet."""
    vertices, owner = shapely.get_coordinates(grids, return_index=True)
    pairs = np.unique(np.c_[vertices, owner], axis=0)
    corners, counts = np.unique(pairs[:, :2], axis=0, return_counts=True)
    inner: NDArray[np.float64] = corners[counts >= 3]
    return inner


def _shared_out(
    shares: dict[str, float], count: int, rng: np.random.Generator
) -> NDArray[np.object_]:
    """Deal out words in fixed shares, so that a small town too has one of nearly each."""
    edges = np.round(np.cumsum(list(shares.values())) / sum(shares.values()) * count).astype(int)
    words = np.repeat(np.array(list(shares), dtype=object), np.diff(edges, prepend=0))
    return rng.permutation(words)


def _moments(states: NDArray[np.object_], now: datetime, rng: np.random.Generator) -> pd.Series:
    """Return when each case was met, counted back from ``now`` to the second."""
    oldest = np.array([STATES[state][1] for state in states])
    seconds = (oldest * rng.uniform(0.03, 1.0, len(states)) * 86_400).astype(int)
    moments = [now - timedelta(seconds=int(age)) for age in seconds]
    return pd.Series(pd.to_datetime(moments, utc=True))
