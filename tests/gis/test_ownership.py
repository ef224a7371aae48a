import threading

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidGrids, InvalidPoints
from gis.geometry import OUTSIDE
from gis.ownership import GridIndex
from gis.testing import assert_owners, covers_exactly, partitions, points_of

LEFT, RIGHT = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)


def index(*shapes, codes=None, **options):
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return GridIndex(codes or [f"G{i:02d}" for i in range(len(shapes))], array, **options)


@settings(deadline=None)  # other work on the machine is no failure
@given(st.data())
def test_owners_are_those_of_asking_every_grid(data):
    partition = data.draw(partitions())
    points = data.draw(points_of(partition))
    dedicated = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(partition.codes),
                           max_size=len(partition.codes)))
    )  # fmt: skip
    grids = GridIndex(partition.codes, partition.geometries, dedicated=dedicated)
    lon, lat = np.array(points).T
    owners = grids.owners(lon, lat)
    assert_owners(grids, lon, lat, owners)
    claimed, metres, disputed = grids.claims(lon, lat)
    assert claimed.tolist() == owners.tolist()
    on_edge = [
        owner != OUTSIDE and bool(shapely.touches(partition.geometries[owner], shapely.Point(at)))
        for owner, at in zip(owners, points, strict=True)
    ]
    assert disputed[on_edge].all()
    one_by_one = [grids.claim(x, y) for x, y in points]
    assert repr(one_by_one) == repr(
        list(zip(owners.tolist(), metres.tolist(), disputed.tolist(), strict=True))
    )
    lost = owners == OUTSIDE
    nearest, far = grids.nearest_outside(lon[lost], lat[lost], 2000.0)
    one_by_one = [grids.nearest_outside_one(x, y, 2000.0) for x, y in zip(lon[lost], lat[lost])]  # noqa: B905
    assert repr(one_by_one) == repr(list(zip(nearest.tolist(), far.tolist(), strict=True)))


@pytest.mark.parametrize("offset", [0.0, 111.2, -76.6])
def test_points_a_bit_beside_a_slanting_edge_are_told_apart(offset):
    ring = [(offset, 0.1), (offset + 0.7, 0.3), (offset + 0.3, 0.9), (offset, 0.1)]
    grids = index(shapely.Polygon(ring))
    along = np.linspace(0, 1, 101)
    (x1, y1), (x2, y2) = ring[0], ring[1]
    x, y = x1 + along * (x2 - x1), y1 + along * (y2 - y1)
    for nudged in (y, np.nextafter(y, 2), np.nextafter(y, -2)):
        expected = [0 if covers_exactly(ring, *at) else OUTSIDE for at in zip(x, nudged)]  # noqa: B905
        assert grids.owners(x, nudged).tolist() == expected
        assert [grids.owner_position(*at) for at in zip(x, nudged, strict=True)] == expected


def test_a_shared_edge_goes_to_the_lowest_code_not_to_the_first_row():
    grids = index(LEFT, RIGHT, codes=["G02", "G01"])
    assert grids.owner(1.0, 0.5) == "G01"
    assert grids.owners([1.0, 0.5], [0.5, 0.5]).tolist() == [1, 0]


def test_a_dedicated_grid_goes_before_the_basic_one_around_it():
    market = shapely.box(0.4, 0.4, 0.6, 0.6)
    grids = index(LEFT, market, codes=["A", "Z"], dedicated=np.array([False, True]))
    assert [grids.owner(0.5, 0.5), grids.owner(0.4, 0.5), grids.owner(0.1, 0.1)] == ["Z", "Z", "A"]
    _, _, disputed = grids.claims([0.5, 0.4, 0.1], [0.5, 0.5, 0.1])
    assert disputed.tolist() == [False, True, False]


def test_two_basic_grids_over_one_point_are_a_dispute():
    grids = index(LEFT, shapely.box(0.5, 0, 2, 1))
    owners, _, disputed = grids.claims([0.7, 0.2, 9.0], [0.5, 0.5, 9.0])
    assert owners.tolist() == [0, 0, OUTSIDE]
    assert disputed.tolist() == [True, False, False]


def test_a_hole_belongs_to_nobody_but_its_edge_does():
    ring = shapely.difference(LEFT, shapely.box(0.4, 0.4, 0.6, 0.6))
    assert index(ring).owners([0.5, 0.4], [0.5, 0.5]).tolist() == [OUTSIDE, 0]


def test_no_coordinate_no_owner():
    bad = [np.nan, np.inf, -np.inf, 0.5]
    grids = index(LEFT)
    assert grids.owners(bad, [0.5, 0.5, 0.5, np.nan]).tolist() == [OUTSIDE] * 4
    assert grids.owner(np.nan, 0.5) is None
    assert grids.nearest(bad, [0.5] * 4, 50).tolist() == [OUTSIDE] * 3 + [0]
    assert grids.owners([], []).tolist() == []


def test_none_and_empty_own_nothing_and_no_grids_own_nothing():
    assert index(None, shapely.Polygon(), LEFT).owners([0.5], [0.5]).tolist() == [2]
    assert index().owners([0.5], [0.5]).tolist() == [OUTSIDE]
    assert index().owner(0.5, 0.5) is None
    assert index().nearest([0.5], [0.5], 50).tolist() == [OUTSIDE]
    assert index().nearest_outside_one(0.5, 0.5, 50)[0] == OUTSIDE
    assert np.isnan(index().bounds).all()


@pytest.mark.parametrize(
    ("codes", "shapes", "message"),
    [
        (["A"], [LEFT, RIGHT], "1 codes for 2"),
        (["A", "A"], [LEFT, RIGHT], "code A comes twice, at grids 1 and 2"),
        (["A", None], [LEFT, RIGHT], "grid 2 has no code"),
        (["A", ""], [LEFT, RIGHT], "grid 2 has no code"),
        (["A", "B"], [LEFT, shapely.Point(0, 0)], "grid B is a Point"),
        (["A", "B"], [LEFT, "POLYGON"], "grid B has no geometry"),
        (
            ["A"],
            [shapely.Polygon([(0, 0), (1, np.inf), (1, 0)])],
            "grid A has a vertex at .*finite",
        ),
        (
            ["A"],
            [shapely.Polygon([(0, 0), (1, 1e-200), (1, 1)])],
            "grid A has a vertex at .*1e-200",
        ),
    ],
)
def test_grids_that_cannot_be_indexed_are_named(codes, shapes, message):
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    with pytest.raises(InvalidGrids, match=message):
        GridIndex(codes, array)


def test_points_that_do_not_pair_are_refused():
    with pytest.raises(InvalidPoints, match="one latitude for each longitude"):
        index(LEFT).owners([1, 2], [1])


def test_the_nearest_is_so_by_metres_not_by_degrees():
    # at 60° north a degree of longitude is half a degree of latitude long
    west, north = shapely.box(9.0, 59.9, 9.9992, 60.1), shapely.box(9.9995, 60.0005, 11, 60.1)
    assert index(west, north).nearest([10.0], [60.0], 200).tolist() == [0]
    assert index(west, north).nearest([10.0], [60.0], 20).tolist() == [OUTSIDE]


def test_equally_near_grids_are_ranked_by_code():
    # both end in the corner (1, 1), which is nearest to the point
    above, below = shapely.box(0, 1, 1, 2), shapely.box(0, 0, 1, 1)
    for codes in (["G1", "G2"], ["G2", "G1"]):
        grids = index(above, below, codes=codes)
        found = grids.nearest([1.0001], [1.0], 50)
        assert grids.codes[found[0]] == "G1"


def test_threads_on_a_fresh_index_agree():
    random = np.random.default_rng(3)
    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(20) for j in range(20)]
    grids = index(*cells)
    x, y = random.uniform(0, 20, (2, 5000))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(grids.owners(x, y))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = (np.floor(x) * 20 + np.floor(y)).astype(int)
    assert len(answers) == 4
    assert all((answer == expected).all() for answer in answers)
