"""The same arrays, whoever makes them."""

import numpy as np
import pytest
from hypothesis import given, settings

from gis import compiled
from gis.cells import build, leaves
from gis.geometry import OUTSIDE
from gis.ownership import GridIndex
from gis.testing import rough_grids
from tests.benchmarks.tessellation import points, tessellation


def arrays(index: GridIndex) -> list[np.ndarray]:
    cells = index._cells
    return [cells.cells, cells.nodes, cells.runs, cells.candidates]


def assert_compiled_as_plain(codes, shapes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaves, "WORTH_COMPILING", 0)
        assert leaves.leaf_maker(0) is not leaves.leaves_of  # the compiled ones are asked
        one = arrays(GridIndex(codes, shapes))
    with compiled.switched_off():
        other = arrays(GridIndex(codes, shapes))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("count", [1, 50, 2000])
def test_compiled_leaves_are_the_plain_ones(count: int) -> None:
    assert_compiled_as_plain(*tessellation(count))


@settings(deadline=None, max_examples=60)
@given(rough_grids())
def test_of_bad_grids_too(grids) -> None:
    assert_compiled_as_plain(grids.codes, grids.geometries)


@pytest.mark.parametrize("at_once", [40, 700, 9_000])
def test_bands_change_no_answer(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, shapes = tessellation(300)
    whole = GridIndex(codes, shapes)
    monkeypatch.setattr(build, "AT_ONCE", at_once)
    banded = GridIndex(codes, shapes)
    for kind in ("uniform", "adversarial"):
        x, y = points(kind, 20_000, shapes)
        assert np.array_equal(whole.owners(x, y), banded.owners(x, y))
        assert (whole.owners(x, y) != OUTSIDE).any()
    one, other = whole._cells, banded._cells
    assert not np.array_equal(one.cells, other.cells)  # it was made in bands: others' numbers
