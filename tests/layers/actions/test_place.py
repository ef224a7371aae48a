import pytest

from gis.errors import UnknownDatum
from gis.routing import Rule
from layers.actions.boundaries import Owner
from layers.actions.place import Place, place


@pytest.mark.parametrize(
    ("where", "rule"),
    [
        (Place(111.2, 39.9, "cgcs2000"), Rule.OUTSIDE),
        (Place(111.2, 39.9, "gcj02", 30.0), Rule.OUTSIDE),
        (Place(517103.66, 4418444.81, "EPSG:4546"), Rule.OUTSIDE),
        (Place(500.0, 39.9, "wgs84"), Rule.UNPLACED),
        (None, Rule.UNPLACED),
    ],
)
def test_before_the_first_edition_a_place_is_nobody_s_yet(where: Place | None, rule: Rule) -> None:
    placed = place(None, where)

    assert (placed.placement.rule, placed.owner, placed.edition_id) == (rule, Owner(), None)
    if where is not None:
        assert placed.placement.raw == (where.x, where.y)
        assert placed.placement.accuracy_m == where.accuracy_m
        assert placed.placement.warnings == placed.placement.candidates == ()
    if rule is Rule.OUTSIDE:
        assert placed.placement.lon == pytest.approx(111.2, abs=0.01)
        assert placed.placement.lat == pytest.approx(39.9, abs=0.01)
    if where is not None and rule is Rule.UNPLACED:
        assert placed.placement.reason == "the coordinates lie nowhere on earth in this datum"


def test_a_datum_that_nobody_knows_is_refused_then_too() -> None:
    with pytest.raises(UnknownDatum):
        place(None, Place(111.2, 39.9, "wgs85"))
