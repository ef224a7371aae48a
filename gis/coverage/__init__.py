"""What is wrong with a coverage: each check has a name, a severity, a place and a measure.

Grids must cover their area exactly once. What differs by more than 1 m² is found; what is narrower
than 1 m is a sliver (two drawings of one line, a ``warning``), the rest a real overlap or gap (an
``error``: points there have two owners, or none). The tolerances are parameters.
"""

from gis.coverage.buildings import check_buildings, check_premises
from gis.coverage.codes import check_codes, is_national
from gis.coverage.grids import check_grids
from gis.coverage.households import check_households
from gis.coverage.order import Parents, Progress, Tolerances, silent
from gis.findings import Finding

__all__ = [
    "Finding",
    "Parents",
    "Progress",
    "Tolerances",
    "check_buildings",
    "check_codes",
    "check_grids",
    "check_households",
    "check_premises",
    "is_national",
    "silent",
]
