"""What is wrong with a layer's outlines, told so that a clerk can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import shapely

from gis.measure import areas_m2

Severity = Literal["error", "warning", "info"]
Unit = Literal["m", "m²", "households"]

_NAMED: Final = 8  # codes named in a sentence before it says how many more there are
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: by which rule, how badly, with what, where, and how much."""

    rule: str
    severity: Severity
    codes: tuple[str, ...]
    geometry: shapely.Geometry | None
    measure: float | None
    unit: Unit | None
    message_zh: str
    message_en: str


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by their severity, else in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def area_m2(shape: shapely.Geometry) -> float:
    """Return the area of one geometry in square metres."""
    return float(areas_m2(np.array([shape], dtype=object))[0])


def distinct(names: list[str]) -> tuple[str, ...]:
    """Return the codes that there are, each once, sorted."""
    return tuple(sorted({name for name in names if name}))


def numbered(rows: list[int]) -> str:
    """Return positions as a person counts rows, in a sentence."""
    return listed(tuple(str(row + 1) for row in rows), ", ")


def listed(names: tuple[str, ...], joint: str) -> str:
    """Return names for a sentence; of many the first, and how many more there are."""
    rest = len(names) - _NAMED
    return joint.join(names[:_NAMED]) + (f" … (+{rest})" if rest > 0 else "")


def metres_text(number: float) -> str:
    """Return metres or square metres for a sentence: the small ones with a fraction.

    >>> metres_text(3.14159), metres_text(1234567.8)
    ('3.1', '1,234,568')
    """
    return f"{number:.1f}" if number < 1000 else f"{number:,.0f}"


def row_called(row: int, name: str) -> tuple[str, str]:
    """Return how a row is called in Chinese and English: by its number, and its code if it has one.

    >>> row_called(2, "G01"), row_called(2, "row 3")
    (('第 3 行（G01）', 'Row 3 (G01)'), ('第 3 行', 'Row 3'))
    """
    known = name and name != f"row {row + 1}"
    return (
        f"第 {row + 1} 行（{name}）" if known else f"第 {row + 1} 行",
        f"Row {row + 1} ({name})" if known else f"Row {row + 1}",
    )
