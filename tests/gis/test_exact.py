from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.compiled import twin
from gis.exact import TINY, side, sides

ANYWHERE = st.one_of(
    st.floats(-360, 360),
    st.floats(111.2, 111.2001),
    st.floats(-1e-6, 1e-6),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-300, 39.9, 360.0]),
)
VERTEX = ANYWHERE.filter(lambda degrees: degrees == 0 or abs(degrees) >= TINY)


def truth(ax, ay, bx, by, px, py):
    a, b, c, d, e, f = map(Fraction, (ax, ay, bx, by, px, py))
    turn = (c - a) * (f - b) - (d - b) * (e - a)
    return (turn > 0) - (turn < 0)


@st.composite
def nearly_on_a_line(draw):
    """Draw an edge, and a point that rounding cannot tell from lying on it."""
    ax, ay, bx, by = (draw(VERTEX) for _ in range(4))
    along = draw(st.floats(0, 1))
    px, py = ax + along * (bx - ax), ay + along * (by - ay)
    if draw(st.booleans()):
        px = float(np.nextafter(px, draw(st.sampled_from([-400, 400]))))
    return ax, ay, bx, by, px, py


@settings(deadline=None)  # the first one compiles
@given(nearly_on_a_line())
def test_the_side_of_a_point_on_or_an_ulp_beside_an_edge_is_that_of_fractions(ends):
    columns = [np.array([each]) for each in ends]
    assert side(*ends) == truth(*ends)
    assert sides(*columns).tolist() == [truth(*ends)]
    assert twin("exact").side(*ends) == truth(*ends)


@given(st.tuples(VERTEX, VERTEX, VERTEX, VERTEX, ANYWHERE, ANYWHERE))
def test_the_side_of_any_point_is_that_of_fractions(ends):
    assert side(*ends) == truth(*ends)
