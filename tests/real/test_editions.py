"""Baltimore's districts and neighbourhoods, each against its next edition."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.editions import EditionChanges, Places, compare_editions
from gis.measure import areas_m2
from gis.ownership import GridIndex
from layers.actions.index_grids import index_grids
from layers.exchange.reader import read_layer
from tests.real.partitions import LAYERS

pytestmark = pytest.mark.real

PAIRS = {
    "police": ("police_1959", "police_2023"),
    "neighbourhoods": ("neighborhoods_2010", "neighborhoods_2020"),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest, shared_data: Path) -> tuple[GridIndex, GridIndex]:
    old, new = (
        index_grids(read_layer(f"{shared_data / LAYERS[name]}"), "name")[0]
        for name in PAIRS[request.param]
    )
    return old, new


@pytest.fixture(scope="module")
def households(pair: tuple[GridIndex, GridIndex]) -> Places:
    west, south, east, north = pair[0].bounds
    draw = np.random.default_rng(150622)
    lon, lat = draw.uniform(west, east, 20_000), draw.uniform(south, north, 20_000)
    return Places([f"h{i}" for i in range(20_000)], lon, lat)


@pytest.fixture(scope="module")
def changes(pair: tuple[GridIndex, GridIndex], households: Places) -> EditionChanges:
    return compare_editions(*pair, households=households)


def test_shares_of_each_old_grid_sum_to_one(
    pair: tuple[GridIndex, GridIndex], changes: EditionChanges
) -> None:
    by_area: dict[str, float] = defaultdict(float)
    by_household: dict[str, float] = defaultdict(float)
    for row in changes.crosswalk:
        if row.old is not None:
            by_area[row.old] += row.area_share or 0
            by_household[row.old] += row.household_share or 0
    assert set(by_area) == set(pair[0].codes)
    assert all(share == pytest.approx(1) for share in by_area.values())
    tallies = {grid.code: grid.households for grid in changes.grids}
    for code, share in by_household.items():
        tally = tallies[code]
        assert tally is not None
        assert share == pytest.approx(1 if tally.old_count else 0)


def test_what_all_gain_less_what_all_lose_is_what_the_whole_grew(
    pair: tuple[GridIndex, GridIndex], changes: EditionChanges
) -> None:
    old, new = (shapely.union_all(shapely.make_valid(index.geometries)) for index in pair)
    grew = areas_m2(np.array([shapely.difference(new, old)]))[0]
    shrank = areas_m2(np.array([shapely.difference(old, new)]))[0]
    gained = sum(grid.gained_m2 for grid in changes.grids)
    lost = sum(grid.lost_m2 for grid in changes.grids)
    assert gained - lost == pytest.approx(grew - shrank, abs=1e-5 * gained + 100)
    outside = sum(row.area_m2 for row in changes.crosswalk if row.new is None)
    assert outside == pytest.approx(shrank, rel=0.02, abs=500)  # strips under 1 m² are left out


def test_households_move_exactly_where_their_owners_differ(
    pair: tuple[GridIndex, GridIndex], households: Places, changes: EditionChanges
) -> None:
    names = [np.array([*index.codes, ""]) for index in pair]
    old, new = (
        name[index.owners(households.lon, households.lat)]
        for name, index in zip(names, pair, strict=True)
    )
    assert changes.households is not None
    assert len(changes.households) == int((old != new).sum()) > 0


def test_the_police_districts_keep_their_names_and_all_move(shared_data: Path) -> None:
    old, new = (
        index_grids(read_layer(f"{shared_data / LAYERS[name]}"), "name")[0]
        for name in PAIRS["police"]
    )
    found = compare_editions(old, new)
    assert found.summary()["kinds"]["moved"] == 9
    assert found.summary()["changed_area_m2"] == pytest.approx(43.1e6, rel=0.01)
    assert compare_editions(new, new).summary()["kinds"]["kept"] == 9
