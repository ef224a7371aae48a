"""Counts that tell of nobody: 1 to 4 show as ``<5``, and no sum brings them back.

Primary suppression with published feasibility intervals: a small cell shows as the interval from 1
to 4, and every sum is made of what its parts show, so it is an interval too where one of them is
hidden. A sum then tells nothing that the parts did not, whichever sums are asked for, and a hidden
cell can always have been each of 1, 2, 3 and 4. (A. Hundepool et al., Statistical Disclosure
Control, 2012, ch. 4: an exact margin would need complementary cells to be hidden as well.)

It holds for sums of one set of cells. Two sets that overlap, such as two spans of time, are two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

LEAST_SHOWN: Final = 5
"""The smallest count but 0 that is shown outside the community that owns it."""


@dataclass(frozen=True, slots=True)
class ShownCount:
    """A count as it may be known: at least ``least``, at most ``most``."""

    least: int
    most: int

    def __add__(self, other: "ShownCount") -> "ShownCount":
        """Return the sum of two counts, as far as these are shown."""
        return ShownCount(self.least + other.least, self.most + other.most)

    @property
    def exact(self) -> int | None:
        """The count, or None where it is hidden."""
        return self.least if self.least == self.most else None

    def __str__(self) -> str:
        """Write the count as a person reads it.

        >>> str(ShownCount(12, 12)), str(ShownCount(1, 4)), str(ShownCount(13, 16))
        ('12', '<5', '13–16')
        """
        if self.exact is not None:
            return str(self.exact)
        return f"<{LEAST_SHOWN}" if self.most < LEAST_SHOWN else f"{self.least}–{self.most}"


NOTHING: Final = ShownCount(0, 0)


def show_count(count: int, *, outside: bool) -> ShownCount:
    """Return how a cell's count shows: hidden if it is small and the viewer outside.

    Parameters
    ----------
    count : int
        Of things that no other cell counts too.
    outside : bool
        Whether the viewer is outside the community that owns what is counted.

    Examples
    --------
    >>> str(show_count(3, outside=True)), str(show_count(3, outside=False))
    ('<5', '3')
    >>> str(show_count(0, outside=True)), str(show_count(5, outside=True))
    ('0', '5')
    """
    if outside and 0 < count < LEAST_SHOWN:
        return ShownCount(1, LEAST_SHOWN - 1)
    return ShownCount(count, count)


def sum_shown(counts: Iterable[ShownCount]) -> ShownCount:
    """Return a total that tells nothing beyond its parts.

    Examples
    --------
    >>> str(sum_shown([show_count(3, outside=True), show_count(40, outside=True)]))
    '41–44'
    >>> str(sum_shown([]))
    '0'
    """
    return reduce(add, counts, NOTHING)
