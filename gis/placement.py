"""What is said of a point that was routed: its owner, by which rule, and how surely."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DATUM_SUSPECT: Final = "datum_suspect"
"""The warning that another datum would put the point inside a grid."""

NO_COORDINATES: Final = "no coordinates"
NO_NUMBERS: Final = "the coordinates are no numbers"
NOT_FINITE: Final = "a coordinate is missing or not finite"
NOT_ON_EARTH: Final = "the coordinates lie nowhere on earth in this datum"


class Rule(StrEnum):
    """How a point came to its owner."""

    INSIDE = "inside"
    BOUNDARY = "boundary"
    SNAPPED = "snapped"
    FALLBACK = "fallback"
    OUTSIDE = "outside"
    UNPLACED = "unplaced"


@dataclass(frozen=True)
class Candidate:
    """A grid that may hold the true place, and its share of the accuracy circle's area."""

    grid_code: str
    share: float


@dataclass(frozen=True)
class Placement:
    """Where one point goes, by which rule, and what it was decided from."""

    grid_code: str | None
    area_code: str | None
    """The area whose queue holds it, where no grid does."""
    rule: Rule
    distance_to_boundary_m: float | None
    """Metres to the boundary of the owning grid."""
    candidates: tuple[Candidate, ...]
    datum: str
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    raw: tuple[float, float] | None
    warnings: tuple[str, ...]
    reason: str | None = None
    """Why it has no place, where the rule is ``unplaced``."""
