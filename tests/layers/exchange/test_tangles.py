"""What is drawn by hand may cross itself; a tangle is refused before anybody tries to mend it."""

import numpy as np
import pytest
import shapely

from gis.geometry import Geometries
from layers.errors import LayerRefused
from layers.exchange.tangles import crossings, refuse_tangles
from tests.contract import hostile


def polygon(made: dict) -> shapely.Polygon:
    shell, *holes = made["coordinates"]
    return shapely.Polygon(shell, holes)


def refuse(*shapes: shapely.Geometry | None) -> None:
    every: Geometries = np.array([*shapes, None], dtype=object)[:-1]
    refuse_tangles(every, np.arange(1, len(every) + 1), "g.zip")


@pytest.mark.parametrize("corners", [5, 11, 21, 31])
def test_every_crossing_of_a_star_is_counted(corners: int) -> None:
    # In a star in which each side crosses all but its neighbours.
    assert crossings(polygon(hostile.star(corners))) == corners * (corners - 3) // 2


@pytest.mark.parametrize(
    "tangle",
    [hostile.star(101), hostile.star(90_001), hostile.comb(20_000)],
    ids=["star", "big star", "equal holes"],
)
def test_a_tangle_is_refused_with_its_row(tangle: dict) -> None:
    with pytest.raises(LayerRefused, match=r"g\.zip, row 2: the outline crosses or repeats"):
        refuse(shapely.box(0, 0, 1, 1), polygon(tangle))


def test_many_small_tangles_are_one() -> None:
    with pytest.raises(LayerRefused, match="row 12"):
        refuse(*[polygon(hostile.star(31))] * 20)


def test_what_people_draw_is_let_through() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    parcels = shapely.MultiPolygon(
        [shapely.box(x, y, x + 1, y + 1) for x in range(40) for y in range(40)]
    )
    assert not parcels.is_valid
    refuse(bow, parcels, None, shapely.Polygon(), shapely.Point(0, 0), polygon(hostile.ring(5000)))
    assert crossings(parcels) == 0


def test_an_outline_of_too_many_corners_is_refused() -> None:
    with pytest.raises(LayerRefused, match="row 1: the outline has 200,001 corners"):
        refuse(polygon(hostile.ring(200_001)))


def test_a_coordinate_that_nothing_can_be_computed_from_is_refused() -> None:
    with pytest.raises(LayerRefused, match=r"row 2: a coordinate is smaller than 1e-150"):
        refuse(shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1e-320, 1e-320))
