"""On which side of an edge a point lies, decided without rounding.

A float filter answers nearly always; where rounding could reach the answer, the sign of the very
sum of products is found by expansion arithmetic (Shewchuk, *Adaptive Precision Floating-Point
Arithmetic and Fast Robust Geometric Predicates*, 1997). The same few lines serve one point, arrays
and compiled code: they are made of sums and products only.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FILTER: Final = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
"""How far the float determinant can be off, as a share of the sizes of its two products."""

TINY: Final = 1e-150
"""Below this the product of two coordinates can be too small for its last bits to be kept."""

_SPLIT: Final = 2.0**27 + 1.0
_SCALE: Final = 2.0**480
"""Lifts degrees so far that the tails of their products don't vanish (and no product overflows)."""


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the rounded sum, and exactly what rounding left out."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the rounded product, and exactly what rounding left out."""
    product = a * b
    carry = _SPLIT * a
    a_high = carry - (carry - a)
    a_low = a - a_high
    carry = _SPLIT * b
    b_high = carry - (carry - b)
    b_low = b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def terms(ax: Any, ay: Any, bx: Any, by: Any, px: Any, py: Any) -> tuple[Any, ...]:
    """Return twelve numbers whose exact sum has the sign of :func:`side`.

    The determinant is taken apart into the six products of coordinates, not of differences:
    a product's tail is a float, a difference's product has four.
    """
    ax, ay, bx, by = ax * _SCALE, ay * _SCALE, bx * _SCALE, by * _SCALE
    px, py = px * _SCALE, py * _SCALE
    a, a_tail = two_product(ax, by)
    b, b_tail = two_product(-ay, bx)
    c, c_tail = two_product(bx, py)
    d, d_tail = two_product(-by, px)
    e, e_tail = two_product(px, ay)
    f, f_tail = two_product(-py, ax)
    return a, b, c, d, e, f, a_tail, b_tail, c_tail, d_tail, e_tail, f_tail


def sides(
    ax: NDArray[np.float64],
    ay: NDArray[np.float64],
    bx: NDArray[np.float64],
    by: NDArray[np.float64],
    px: NDArray[np.float64],
    py: NDArray[np.float64],
) -> NDArray[np.int8]:
    """Return on which side of the line from a to b each point p lies, exactly.

    Parameters
    ----------
    ax, ay, bx, by, px, py : ndarray of float, shape (n,)
        Finite coordinates of at most 360.

    Returns
    -------
    ndarray of int8, shape (n,)
        1 to the left, -1 to the right, 0 on the line.

    Notes
    -----
    Exact where each coordinate of a and b is 0 or at least ``TINY`` in size; p may be anywhere.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> sides(0 * one, 0 * one, 3 * one, one, one, np.nextafter(one / 3, 1))
    array([1], dtype=int8)
    """
    left, right = (bx - ax) * (py - ay), (by - ay) * (px - ax)
    turn = left - right
    signs = np.sign(turn).astype(np.int8)
    doubt = np.flatnonzero(~(np.abs(turn) > FILTER * (np.abs(left) + np.abs(right))))
    if doubt.size:
        signs[doubt] = _signs_of_sums(
            terms(ax[doubt], ay[doubt], bx[doubt], by[doubt], px[doubt], py[doubt])
        )
    return signs


def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Return on which side of the line from a to b one point lies; see :func:`sides`."""
    left, right = (bx - ax) * (py - ay), (by - ay) * (px - ax)
    turn = left - right
    if abs(turn) > FILTER * (abs(left) + abs(right)):
        return 1 if turn > 0 else -1
    return sign_of_sum(terms(ax, ay, bx, by, px, py))


def sign_of_sum(numbers: tuple[Any, ...]) -> int:
    """Return the sign of the exact sum of some floats.

    Examples
    --------
    >>> sign_of_sum((1e16, 1.0, -1e16)), sign_of_sum((1e16, 1.0, -1e16, -1.0))
    (1, 0)
    """
    expansion = [0.0]
    for number in numbers:
        carry = number
        for place in range(len(expansion)):
            carry, expansion[place] = two_sum(carry, expansion[place])
        expansion.append(carry)
    for place in range(len(expansion) - 1, -1, -1):
        if expansion[place] != 0.0:
            return 1 if expansion[place] > 0.0 else -1
    return 0


def _signs_of_sums(numbers: tuple[Any, ...]) -> NDArray[np.int8]:
    """Return the signs of many exact sums: as :func:`sign_of_sum`, element by element."""
    expansion: list[Any] = []
    for number in numbers:
        carry = number
        for place, part in enumerate(expansion):
            carry, expansion[place] = two_sum(carry, part)
        expansion.append(carry)
    signs = np.zeros(len(numbers[0]), dtype=np.int8)
    for part in expansion:  # the last one that is not zero decides
        signs = np.where(part == 0.0, signs, np.sign(part)).astype(np.int8)
    return signs
