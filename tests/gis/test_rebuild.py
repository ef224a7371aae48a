import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.ownership import GridIndex
from gis.testing import partitions, points_of
from tests.benchmarks.tessellation import points, tessellation


def made_anew(index):
    """Return whether an index is not a patched one."""
    return len(index._cells.nodes) == index._cells.made


@pytest.fixture(scope="module")
def town():
    return tessellation(600)


def assert_same_answers(one, other, kinds=("uniform", "adversarial")):
    for kind in kinds:
        x, y = points(kind, 20_000, one.geometries)
        assert one.owners(x, y).tolist() == other.owners(x, y).tolist()
        claims = zip(one.claims(x, y), other.claims(x, y), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in claims)


def test_a_few_changes_give_what_making_all_anew_gives(town):
    codes, shapes = list(town[0]), town[1].copy()
    before = GridIndex(codes, shapes)
    for turn in range(4):  # one after the other, each from the last
        random = np.random.default_rng(turn)
        shapes = shapes.copy()
        at = random.choice(len(codes), 6, replace=False)
        for i in at[:3]:
            shapes[i] = shapely.transform(
                shapes[i], lambda xy: xy.mean(0) + (xy - xy.mean(0)) * 0.9
            )
        shapes[at[3]] = None
        left = np.delete(random.permutation(len(codes)), [turn])
        codes, shapes = [codes[i] for i in left], shapes[left]
        codes.append(f"A{turn}")
        market = shapely.Point(random.uniform((110.4, 39.3), (112.0, 40.5))).buffer(0.01)
        shapes = np.append(shapes, np.array([market], dtype=object))
        dedicated = np.array([code.startswith("A") for code in codes])
        after = GridIndex(codes, shapes, dedicated=dedicated, previous=before)
        assert not made_anew(after)
        assert_same_answers(after, GridIndex(codes, shapes, dedicated=dedicated))
        before = after


def test_nothing_changed_but_the_order(town):
    codes, shapes = town
    order = np.random.default_rng(1).permutation(len(codes))
    again = GridIndex([codes[i] for i in order], shapes[order], previous=GridIndex(codes, shapes))
    assert_same_answers(again, GridIndex([codes[i] for i in order], shapes[order]))


def test_all_is_made_anew_where_much_changed_or_the_place_has_grown(town):
    codes, shapes = town
    before = GridIndex(codes, shapes)
    assert made_anew(GridIndex(codes[:300], shapes[:300], previous=before))
    beyond = np.append(shapes, np.array([shapely.box(120, 39, 121, 40)], dtype=object))
    assert made_anew(GridIndex([*codes, "X"], beyond, previous=before))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_small_partitions_too(data):
    one, other = data.draw(partitions()), data.draw(partitions())
    before = GridIndex(one.codes, one.geometries)
    shapes = one.geometries.copy()
    at = data.draw(st.integers(0, len(shapes) - 1))
    shapes[at] = other.geometries[0]
    after = GridIndex(one.codes, shapes, previous=before)
    anew = GridIndex(one.codes, shapes)
    x, y = np.array(data.draw(points_of(one)) + data.draw(points_of(other))).T
    assert after.owners(x, y).tolist() == anew.owners(x, y).tolist()
