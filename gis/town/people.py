"""Invented statuses of invented households: believable shares, and neighbours alike."""

from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.town.premises import Homes, Premises
from gis.town.territory import Territory

Words = NDArray[np.object_]

OCCUPANCY: Final = ("resident", "rented", "vacant", "business", "unverified")
SHOP_DISTANCE_M: Final = 42.0
RESIDENTS: Final = ((1, 2, 3, 4, 5, 6), (0.17, 0.29, 0.31, 0.15, 0.06, 0.02))


def populate(
    territory: Territory, premises: Premises, homes: Homes, rng: np.random.Generator
) -> pd.DataFrame:
    """Return resident counts and statuses, a row a household.

    Each compound has a leaning of its own (tenants here, empty flats there); shops stand on
    ground floors along the avenues; a hazard inspection went from house to house in some
    buildings only, so elsewhere nothing is recorded.
    """
    occupancy = _occupancy(territory, premises, homes, rng)
    residents = rng.choice(RESIDENTS[0], size=len(occupancy), p=RESIDENTS[1])
    counts = pd.array(residents, dtype="Int64")
    counts[occupancy == "vacant"] = 0
    counts[occupancy == "business"] = 0
    # Nobody has looked yet: how many live there is not known, which is not nought.
    counts[occupancy == "unverified"] = pd.NA
    lived_in = np.isin(occupancy, ("resident", "rented"))
    statuses: dict[str, Any] = {
        "resident_count": counts,
        "occupancy": occupancy,
        "party": _party(homes, occupancy == "resident", rng),
        "hazard": _hazard(premises, homes, rng),
        "care": _care(occupancy == "resident", lived_in, residents, rng),
    }
    # As objects, so that None stays None and does not turn into NaN.
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=None if name == "resident_count" else object)
            for name, values in statuses.items()
        }
    )


def _occupancy(
    territory: Territory, premises: Premises, homes: Homes, rng: np.random.Generator
) -> Words:
    compounds = np.array([building.compound for building in premises.buildings])
    count = len(premises.compounds)
    leaning = np.c_[
        rng.gamma(14.0, 1.0, count) * 6.0,
        rng.gamma(1.2, 1.0, count) * 9.0,
        rng.gamma(0.5, 1.0, count) * 9.0,
        rng.gamma(1.0, 1.0, count) * 0.6,
        rng.gamma(0.35, 1.0, count) * 3.2,
    ]
    leaning /= leaning.sum(axis=1, keepdims=True)
    bounds = np.cumsum(leaning, axis=1)[compounds[homes.building]]
    picks = (rng.random(len(bounds))[:, None] > bounds[:, :-1]).sum(axis=1)
    occupancy: Words = np.array(OCCUPANCY, dtype=object)[picks]
    shops = _on_avenue(territory, premises)[homes.building] & (homes.floor == 1)
    occupancy[shops & (rng.random(len(shops)) < 0.6)] = "business"
    return occupancy


def _on_avenue(territory: Territory, premises: Premises) -> NDArray[np.bool_]:
    roads = territory.blocks.roads
    if not len(roads):
        return np.zeros(len(premises.buildings), dtype=np.bool_)
    pairs = shapely.STRtree(roads).query(
        premises.outlines(), predicate="dwithin", distance=SHOP_DISTANCE_M
    )
    near = np.zeros(len(premises.buildings), dtype=np.bool_)
    near[pairs[0]] = True
    return near


def _party(homes: Homes, settled: NDArray[np.bool_], rng: np.random.Generator) -> Words:
    """Choose member households, and in some of their buildings the centre household."""
    party: Words = np.full(len(settled), None, dtype=object)
    member = settled & (rng.random(len(settled)) < 0.045)
    party[member] = "member"
    _, first = np.unique(homes.building[member], return_index=True)
    centres = np.flatnonzero(member)[first]
    party[centres[rng.random(len(centres)) < 0.12]] = "centre"
    return party


def _hazard(premises: Premises, homes: Homes, rng: np.random.Generator) -> Words:
    """Return what the inspection found where it has been, a tenth of the buildings being bad."""
    building_count = len(premises.buildings)
    inspected = (rng.random(building_count) < 0.85)[homes.building]
    bad = (rng.random(building_count) < 0.1)[homes.building]
    draw = rng.random(len(inspected))
    hazard: Words = np.full(len(inspected), None, dtype=object)
    hazard[inspected] = "none"
    hazard[inspected & (draw < 0.02)] = "unchecked"
    hazard[inspected & (draw > np.where(bad, 0.90, 0.994))] = "minor"
    hazard[inspected & (draw > np.where(bad, 0.96, 0.9965))] = "being_fixed"
    hazard[inspected & (draw > np.where(bad, 0.985, 0.9992))] = "major"
    return hazard


def _care(
    settled: NDArray[np.bool_],
    lived_in: NDArray[np.bool_],
    residents: NDArray[np.int64],
    rng: np.random.Generator,
) -> Words:
    """Choose who agreed to be looked after; an elderly person alone is a household of one."""
    draw = rng.random(len(settled))
    care: Words = np.full(len(settled), None, dtype=object)
    care[lived_in & (draw > 0.988)] = "disabled"
    care[settled & (residents == 1) & (draw < 0.11)] = "elderly_alone"
    return care
