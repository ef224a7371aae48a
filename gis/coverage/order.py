"""What a check is asked for: tolerances, the areas around the grids, and whom to tell how far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gis.geometry import Geometries

Progress = Callable[[str, int, int | None], None]
"""Told the name of a step, how much is done, and how much there is where that is known."""


def silent(step: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Tolerances:
    """What is taken for rounding, for a sliver, for whole, and for a usual grid."""

    area_m2: float = 1.0
    """Overlaps, gaps and what sticks out, up to this area, are rounding and no findings."""
    sliver_m: float = 1.0
    """What is narrower than this is a sliver: two drawings of one line."""
    building_share: float = 0.02
    """A building is cut where a grid holds more than this share of it, and less than the rest."""
    fewest_households: int = 300
    most_households: int = 500
    """A basic grid has as many households as these, or any number between."""


DEFAULTS = Tolerances()


@dataclass(frozen=True)
class Parents:
    """The areas that the grids must fill, each with a code by which findings call it."""

    codes: Sequence[str]
    geometries: Geometries
    are_prefixes: bool = True
    """Whether a grid's code must begin with that of the area in which it lies."""
