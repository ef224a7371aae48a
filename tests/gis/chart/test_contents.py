from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
import shapely
from geopandas import GeoDataFrame

from gis.chart.contents import NO_TIME, NOBODY, contents, worst_statuses
from gis.chart.definition import StatusScheme
from gis.chart.packing import RESOLUTION, Json
from gis.errors import InvalidChart, MissingCrs
from tests.gis.chart.places import (
    MAJOR,
    MINOR,
    NORMAL,
    SCHEME,
    STATES,
    UNCHECKED,
    data,
    definition,
    nothing,
)
from tests.gis.chart.test_packing import numbers, texts


def legend(packed: Json, group: str) -> dict[str, int]:
    return {entry["code"]: entry["count"] for entry in packed["head"][group]}


def test_the_legend_counts_every_household_and_case() -> None:
    packed = contents(definition(), data())
    assert legend(packed, "statuses") == {"normal": 18, "minor": 2, "major": 1, "unchecked": 3}
    assert legend(packed, "states") == {"reported": 3, "escalated": 1, "closed": 1}


def test_a_missing_status_is_unknown_and_never_normal() -> None:
    certain = StatusScheme("s", "", "", (NORMAL, MINOR, MAJOR))
    place = data()
    place.households.loc[place.households["status"] == "unchecked", "status"] = None
    packed = contents(definition(scheme=certain), place)
    added = packed["head"]["statuses"][-1]
    assert (added["count"], added["unknown"], added["normal"]) == (3, True, False)
    assert added["zh"] == "未知"
    # The second building has a minor hazard, the third only households that nobody knows.
    assert numbers(packed["buildings"]["worst"]) == [2, 1, 3, 0]


def test_a_building_shows_its_worst_status_by_severity() -> None:
    packed = contents(definition(), data())
    assert numbers(packed["buildings"]["worst"]) == [2, 1, 3, 0]


def test_the_worst_is_decided_by_severity_not_by_place_in_the_legend() -> None:
    styles = (replace(MAJOR, severity=9), NORMAL, replace(UNCHECKED, severity=4), MINOR)
    counts = np.array([[0, 3, 1, 1], [1, 0, 0, 0], [0, 5, 0, 1], [0, 0, 0, 0]])
    assert worst_statuses(counts, styles).tolist() == [2, 0, 3, NOBODY]


def test_households_of_one_point_are_drawn_apart_inside_their_building() -> None:
    place = data()
    packed = contents(definition(), place)
    x = packed["origin"] + np.array(numbers(packed["households"]["x"])) * RESOLUTION
    y = np.array(numbers(packed["households"]["y"])) * RESOLUTION
    assert len(set(zip(x, y, strict=True))) == 24
    outlines = place.buildings.set_index("code").geometry
    for code, lon, lat in zip(texts(packed["households"]["building_code"]), x, y, strict=True):
        assert shapely.contains_xy(outlines[code], lon, lat)


def test_rooms_stand_in_the_order_of_the_house() -> None:
    place = data()
    place.households["floor"] = [str(i % 3 + 9) for i in range(24)]
    packed = contents(definition(), place)["households"]
    rows = list(zip(*(texts(packed[c]) for c in ("building_code", "unit", "floor")), strict=True))
    assert rows[:3] == [("B1", "1", "9"), ("B1", "1", "10"), ("B1", "1", "11")]
    assert all(one[0] <= other[0] for one, other in pairwise(rows))


def test_only_an_open_case_is_overdue() -> None:
    packed = contents(definition(), data())
    assert numbers(packed["cases"]["late"]) == [0, 1, 0, 0, 0]
    assert packed["head"]["totals"]["late"] == 1
    assert numbers(packed["grids"]["late"]) == [1, 0, 0, 0]


def test_cases_outside_every_grid_are_told() -> None:
    assert contents(definition(), data())["head"]["totals"]["outside"] == 1


def test_without_counts_the_grids_are_counted_from_cases_and_households() -> None:
    place = data()
    bare = replace(place, grids=place.grids.drop(columns=["open_cases", "household_count"]))
    packed = contents(definition(), bare)
    assert numbers(packed["grids"]["open"]) == [3, 0, 0, 0]
    assert numbers(packed["grids"]["households"]) == [6, 6, 6, 6]


def test_shade_is_by_size_and_nothing_open_is_not_shaded() -> None:
    place = data()
    place.grids["open_cases"] = [4, 4, 1, 0]
    place.grids["household_count"] = [100, 400, 400, 100]
    packed = contents(definition(), place)
    shade = numbers(packed["grids"]["shade"])
    assert shade[0] > shade[1] > shade[2] > shade[3] == 0
    assert packed["head"]["shading"]["per"] == "households"


def test_without_households_the_size_of_a_grid_is_its_area() -> None:
    place = data(households=nothing(), buildings=nothing())
    place.grids["household_count"] = 0
    head = contents(definition(), place)["head"]
    assert head["shading"]["per"] == "km2"
    # Three open cases on 0.002° by 0.002° at 39.86° north, which is 171 m by 222 m.
    assert head["shading"]["breaks"][-1] == pytest.approx(3 / (0.171 * 0.222), rel=0.2)


def test_any_crs_is_drawn_in_the_same_place() -> None:
    place = data()
    names = ("grids", "buildings", "households", "cases", "areas")
    surveyed = replace(place, **{n: getattr(place, n).to_crs("EPSG:4546") for n in names})
    there = contents(definition(), surveyed)["head"]["bounds"]
    assert there == pytest.approx(contents(definition(), place)["head"]["bounds"], abs=1e-6)


@pytest.mark.parametrize("name", ["grids", "buildings", "households", "cases", "areas"])
def test_a_layer_must_say_its_crs(name: str) -> None:
    place = data()
    lost = getattr(place, name).set_crs(None, allow_override=True)
    with pytest.raises(MissingCrs, match=name):
        contents(definition(), replace(place, **{name: lost}))


@pytest.mark.parametrize("name", ["grids", "buildings", "households", "cases"])
def test_columns_other_than_the_geometry_may_be_missing(name: str) -> None:
    place = data()
    bare = replace(place, **{name: getattr(place, name)[["geometry"]]})
    assert contents(definition(), bare)[name]["n"] == len(getattr(place, name))


def test_nothing_at_all_is_a_chart() -> None:
    empty = {name: nothing() for name in ("grids", "buildings", "households", "cases")}
    packed = contents(definition(), data(**empty, areas=None))
    assert packed["head"]["bounds"] is None
    assert packed["head"]["totals"]["households"] == 0


def test_who_has_no_coordinates_is_counted_and_told() -> None:
    place = data()
    points = place.households.geometry.to_numpy().copy()
    points[:3] = [None, shapely.Point(), shapely.Point(np.inf, 5)]
    lost = place.households.set_geometry(GeoDataFrame(geometry=points, crs="EPSG:4490").geometry)
    packed = contents(definition(), replace(place, households=lost))
    assert packed["households"]["n"] == 21
    assert packed["head"]["totals"]["unplaced_households"] == 3
    assert sum(legend(packed, "statuses").values()) == 24


def test_a_status_that_the_chart_does_not_know_is_named() -> None:
    place = data()
    place.households.loc[0, "status"] = "on_fire"
    with pytest.raises(InvalidChart, match="household status 'on_fire'"):
        contents(definition(), place)
    with pytest.raises(InvalidChart, match="case status 'closed'"):
        contents(definition(case_states=()), data())


@pytest.mark.parametrize(("lon", "lat"), [(-76.61, 39.29), (18.4, -33.9), (0.0, 0.0), (25.7, 71.1)])
def test_anywhere_on_earth(lon: float, lat: float) -> None:
    bounds = contents(definition(), data(lon, lat))["head"]["bounds"]
    assert bounds == pytest.approx([lon, lat, lon + 0.004, lat + 0.004], abs=1e-6)


def test_a_place_on_both_sides_of_the_antimeridian_is_one_place() -> None:
    place = data(179.999, -17.0)
    split = place.cases.geometry.to_numpy().copy()
    split[0] = shapely.Point(-179.9999, -17.0)
    apart = replace(place, cases=place.cases.set_geometry(split, crs="EPSG:4490"))
    grids = contents(definition(), apart)["head"]["bounds"]
    assert grids[2] - grids[0] == pytest.approx(0.004, abs=1e-6)
    x = numbers(contents(definition(), apart)["cases"]["x"])
    assert max(x) - min(x) < 0.01 / RESOLUTION


def test_a_stray_case_does_not_shrink_the_town() -> None:
    place = data()
    stray = place.cases.geometry.to_numpy().copy()
    stray[0] = shapely.Point(0, 0)
    far = replace(place, cases=place.cases.set_geometry(stray, crs="EPSG:4490"))
    assert contents(definition(), far)["head"]["bounds"][0] == pytest.approx(111.2)


def test_times_are_told_by_the_clock_of_the_chart() -> None:
    place = data()
    packed = contents(definition(), place)
    # 17:30 in Greenwich is half past one of the next day in Beijing.
    midnight = datetime(2026, 11, 24) - datetime(1970, 1, 1)  # noqa: DTZ001
    assert numbers(packed["cases"]["reported"])[0] == midnight.total_seconds() // 60 + 90
    place.cases["reported_at"] = None
    assert set(numbers(contents(definition(), place)["cases"]["reported"])) == {NO_TIME}
    assert packed["head"]["time"] == {"date": "2026-11-24", "time": "09:05", "offset": "+08:00"}


def test_schemes_keep_their_order_and_names() -> None:
    head = contents(definition(), data())["head"]
    assert [entry["zh"] for entry in head["statuses"]] == [s.name_zh for s in SCHEME.statuses]
    assert [entry["en"] for entry in head["states"]] == [s.name_en for s in STATES]
