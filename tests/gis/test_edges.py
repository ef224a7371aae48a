import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.edges import BoundaryEdges, boundary_distances_m
from gis.ellipsoid import distances_m

HERE = np.array([111.2, 39.9])


def wheel(corners):
    """Return a toothed outline of so many corners, with a hole of half its size."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 0.02 * (1 + 0.2 * np.sin(9 * angles))
    ring = HERE + np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])
    return shapely.Polygon(ring, [(ring + HERE) / 2])


def single_edges(shape):
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shape)]
    return np.concatenate([
        shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1)) for ring in rings
    ])  # fmt: skip


@settings(deadline=None, max_examples=40)  # other work on the machine is no failure
@given(
    st.integers(3, 700),
    st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)), min_size=1, max_size=6),
)
def test_the_boundary_is_as_far_as_its_nearest_edge(corners, spots):
    shape = wheel(corners)
    lon, lat = (HERE + np.array(spots)).T
    whole = BoundaryEdges.of(np.array([shape]))
    each = BoundaryEdges.of(single_edges(shape))
    edge = np.arange(2 * corners)
    expected = [
        each.distances_m(np.full(edge.size, x), np.full(edge.size, y), edge).min()
        for x, y in zip(lon, lat, strict=True)
    ]
    which = np.zeros(len(spots), dtype=np.intp)
    assert whole.distances_m(lon, lat, which).tolist() == expected
    assert [whole.distance_m(x, y, 0) for x, y in zip(lon, lat, strict=True)] == expected


def test_short_and_long_boundaries_go_together():
    block, nothing = shapely.box(*(HERE - 0.001), *(HERE + 0.001)), shapely.Polygon()
    shapes = np.array([wheel(5000), block, None, nothing], dtype=object)
    which = np.array([1, 0, 2, 0, 3, 1])
    lon = HERE[0] + np.array([0, 0, 0, 0.3, 0, 0.0005])
    lat = np.full(6, HERE[1])
    edges = BoundaryEdges.of(shapes)
    found = edges.distances_m(lon, lat, which)
    alone = [edges.distance_m(*at) for at in zip(lon, lat, which.tolist(), strict=True)]
    assert np.array_equal(found, alone, equal_nan=True)
    assert np.isnan(found[[2, 4]]).all()
    assert np.array_equal(found, boundary_distances_m(lon, lat, shapes[which]), equal_nan=True)
    # half a thousandth of a degree east is half way to the block's edge
    assert found[5] == pytest.approx(found[0] / 2, rel=1e-6)
    # a place three tenths of a degree east of the hub is about 0.28° from the rim
    assert found[3] == pytest.approx(distances_m(lon[3], lat[3], lon[3] - 0.28, lat[3]), rel=0.02)


def test_of_no_geometries_nothing_is_measured():
    empty = BoundaryEdges.of(np.array([], dtype=object))
    nowhere = np.array([], dtype=float)
    assert empty.distances_m(nowhere, nowhere, np.array([], dtype=np.intp)).tolist() == []
