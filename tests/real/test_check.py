"""Files by others, checked as they were published."""

from collections import Counter
from pathlib import Path

import pytest

from layers.actions.check_file import CheckOrder, check_file

pytestmark = pytest.mark.real


def rules(order: CheckOrder) -> Counter[tuple[str, str]]:
    return Counter((finding.severity, finding.rule) for finding in check_file(order).findings)


def test_tottori(shared_data: Path) -> None:
    zipped = shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip"
    found = rules(CheckOrder(str(zipped), code="KEY_CODE"))
    assert found == {("error", "invalid_geometry"): 1, ("error", "duplicate_code"): 14}


def test_blocks_lie_in_their_tracts_and_fill_them(shared_data: Path) -> None:
    partitions = shared_data / "partitions"
    order = CheckOrder(
        str(partitions / "baltimore_census_blocks_2020.gpkg"), code="geoid20",
        parents=str(partitions / "baltimore_census_tracts_2010.geojson"), parent_code="geoid",
        least="warning",
    )  # fmt: skip
    assert rules(order) == {}


def test_neighbourhoods_do_not_keep_to_police_districts(shared_data: Path) -> None:
    areas = shared_data / "cases" / "baltimore_areas_epsg2804.gpkg"
    order = CheckOrder(
        f"{areas}:neighborhoods_2020", parents=f"{areas}:police_districts_1959_2022",
        least="warning",
    )  # fmt: skip
    found = rules(order)
    assert found["error", "invalid_geometry"] == 2
    assert found["error", "outside_parent"] > 50
    police = rules(CheckOrder(f"{areas}:police_districts_1959_2022", least="warning"))
    # Their shared edges match; what they leave open is the harbour.
    assert set(police) == {("error", "gap")}


def test_a_file_of_several_layers_and_buildings_beyond_it(shared_data: Path) -> None:
    areas = shared_data / "cases" / "baltimore_areas_epsg2804.gpkg"
    order = CheckOrder(
        f"{areas}:police_districts_2023",
        buildings=str(shared_data / "buildings" / "baltimore_southeast_osm.gpkg:buildings"),
        least="warning",
    )  # fmt: skip
    here = rules(order)
    # Counted apart, building by building with the areas in EPSG:2804.
    assert here["warning", "split_building"] == 71
    assert here["error", "unowned_building"] == 473
    away = rules(
        CheckOrder(
            f"{areas}:police_districts_2023",
            buildings=str(shared_data / "buildings" / "shanghai_osm_tiles_buildings.geojson"),
        )
    )
    assert away["error", "unowned_building"] == 1_572
