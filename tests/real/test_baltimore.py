"""Baltimore's service requests of 2018 against the owners that the city published."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from layers.exchange.reader import read_layer
from tests.real.agreement import AREAS, CASES, PUBLICATIONS, Agreement, agree, is_placeholder

pytestmark = pytest.mark.real

BY_LAYER = {publication.layer: publication for publication in PUBLICATIONS}


@pytest.fixture(scope="module")
def agreements(shared_data: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("routed")

    @cache
    def of(layer: str) -> Agreement:
        return agree(shared_data, BY_LAYER[layer], folder / f"{layer}.csv")

    return of


@pytest.mark.parametrize("layer", BY_LAYER)
def test_agreement_reaches_the_published_figures(agreements, layer: str) -> None:
    found = agreements(layer)
    assert found.agreeing >= found.publication.agreeing
    assert found.compared == (8243 if layer == "council_districts" else 8331)


@pytest.mark.parametrize("layer", [name for name in BY_LAYER if name != "police_districts_2023"])
def test_every_disagreement_lies_within_two_metres_of_the_published_polygon(
    agreements, layer: str
) -> None:
    assert agreements(layer).farthest_m < 2.0


def test_another_vintage_of_the_same_districts_is_told_apart(agreements) -> None:
    assert 0.72 < agreements("police_districts_2023").share < 0.74


@pytest.mark.parametrize("layer", BY_LAYER)
def test_rows_without_a_usable_place_stay_and_are_marked(agreements, layer: str) -> None:
    routed = agreements(layer).routed
    empty = routed[routed["Latitude"] == ""]
    assert len(empty) == 590
    assert (empty["rule"] == "unplaced").all()
    assert (empty["grid_code"] == "").all()
    assert (empty["reason"] == "no usable coordinates: Longitude is empty, Latitude is empty").all()
    placeholder = routed[is_placeholder(routed)]
    assert len(placeholder) == 885
    assert (placeholder["rule"] == "outside").all()
    assert (placeholder["grid_code"] == "").all()


def test_every_row_and_value_of_the_file_is_kept(agreements, shared_data: Path) -> None:
    before = pd.read_csv(shared_data / CASES, dtype=str, keep_default_na=False)
    routed = agreements("council_districts").routed
    added = ["grid_code", "rule", "distance_to_boundary_m", "lon", "lat", "reason"]
    assert list(routed.columns) == [*before.columns, *added]
    pd.testing.assert_frame_equal(routed[before.columns], before)


def test_each_layer_of_the_areas_comes_in_whole(shared_data: Path) -> None:
    counts = {
        "neighborhoods_2010": 278, "neighborhoods_2020": 279, "council_districts": 14,
        "police_districts_1959_2022": 9, "police_districts_2023": 9,
    }  # fmt: skip
    for name, count in counts.items():
        layer = read_layer(f"{shared_data / AREAS}:{name}")
        assert len(layer) == count
        assert layer.datum == "EPSG:2804"
        west, south, east, north = layer.frame.total_bounds
        assert -76.72 < west < east < -76.52
        assert 39.19 < south < north < 39.38
