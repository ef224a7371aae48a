"""The symbols of a chart as path data on a unit box, and the colours of the two themes.

The same path is drawn as inline SVG in a legend and as a ``Path2D`` on a canvas, so that what the
legend explains is what the map shows: filled by the even-odd rule in the status's colour. Filled by
the non-zero rule it is the silhouette, holes included, which is laid underneath in the ground's
colour; so all parts of a path turn clockwise.
"""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

_Point = tuple[float, float]


def _line(points: Iterable[_Point]) -> str:
    return "M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in points) + "Z"


def _circle(radius: float, x: float = 0.5, y: float = 0.5) -> str:
    arc = f"A{radius:.3f} {radius:.3f} 0 1 1"
    return f"M{x - radius:.3f} {y:.3f}{arc} {x + radius:.3f} {y:.3f}{arc} {x - radius:.3f} {y:.3f}Z"


def _regular(corners: int, radius: float, turn: float = -90.0) -> str:
    angles = [math.radians(turn + 360.0 * i / corners) for i in range(corners)]
    return _line((0.5 + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in angles)


def _square(half: float) -> str:
    low, high = 0.5 - half, 0.5 + half
    return _line([(low, low), (high, low), (high, high), (low, high)])


def _star(radius: float, x: float = 0.5, y: float = 0.53) -> str:
    points = []
    for i in range(10):
        angle, reach = math.radians(-90 + 36 * i), radius if i % 2 == 0 else radius * 0.45
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return _line(points)


def _saltire(reach: float, half: float) -> str:
    """Draw a diagonal cross: ``reach`` from the middle to the edge, arms ``half`` · 2√2 thick."""
    offsets = [
        (0, -half), (reach - half, -reach), (reach, half - reach), (half, 0),
        (reach, reach - half), (reach - half, reach), (0, half), (half - reach, reach),
        (-reach, reach - half), (-half, 0), (-reach, half - reach), (half - reach, -reach),
    ]  # fmt: skip
    return _line((0.5 + x, 0.5 + y) for x, y in offsets)


_TRIANGLE = _line([(0.5, 0.06), (0.97, 0.9), (0.03, 0.9)])
_QUESTION = (
    "M.17 .33A.33 .33 0 1 1 .647 .63L.6 .655V.72H.4V.54L.57 .45A.135 .135 0 1 0 .365 .33Z"
    + _circle(0.115, 0.5, 0.885)
)

SHAPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "circle": _circle(0.44),
        "circle_open": _circle(0.45) + _circle(0.27),
        "square": _square(0.41),
        "square_open": _square(0.43) + _square(0.25),
        "square_dot": _square(0.45) + _square(0.31) + _square(0.17),
        "triangle": _TRIANGLE,
        "triangle_dot": _TRIANGLE + _circle(0.15, 0.5, 0.62),
        "triangle_bang": _TRIANGLE
        + _line([(0.42, 0.34), (0.58, 0.34), (0.55, 0.65), (0.45, 0.65)])
        + _circle(0.07, 0.5, 0.77),
        "triangle_double": _line([(0.5, 0.02), (0.95, 0.5), (0.05, 0.5)])
        + _line([(0.5, 0.5), (0.95, 0.98), (0.05, 0.98)]),
        "diamond": _regular(4, 0.5),
        "diamond_cross": _regular(4, 0.5) + _saltire(0.2, 0.075),
        "hexagon": _regular(6, 0.49, 0.0),
        "star": _star(0.53),
        "star_double": _star(0.55) + _star(0.38) + _star(0.22),
        "octagon": _regular(8, 0.48, 22.5),
        "half_circle": _circle(0.45) + "M.5 .17A.33 .33 0 0 1 .5 .83Z",
        "check": _line(
            [(0.03, 0.55), (0.18, 0.39), (0.39, 0.59), (0.81, 0.13), (0.97, 0.28), (0.39, 0.89)]
        ),
        "cross": _saltire(0.43, 0.15),
        "question": _QUESTION,
    }
)
"""Path data of each shape on the box from (0, 0) to (1, 1), y downwards, even-odd fill."""

TOKENS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "night": MappingProxyType(
            {
                "ground": "#0b1622",
                "panel": "#12202f",
                "raised": "#1a2c3e",
                "line": "#24384a",
                "ink": "#f2f5f7",
                "muted": "#9fb0c0",
                "grid": "#d6409f",
                "late": "#ff5c4d",
                "wall": "#3d556b",
                "shade": "#7f9bb5",
            }
        ),
        "day": MappingProxyType(
            {
                "ground": "#ffffff",
                "panel": "#f5f7f9",
                "raised": "#ffffff",
                "line": "#cfd8e0",
                "ink": "#16212c",
                "muted": "#5a6b7b",
                "grid": "#a8327c",
                "late": "#c2180a",
                "wall": "#93a3b1",
                "shade": "#4a6076",
            }
        ),
    }
)
"""Colours by theme and role; pages, sheets and portraits take theirs from here."""


def css_tokens() -> str:
    """Return the themes' colours as CSS custom properties.

    Examples
    --------
    >>> css_tokens().splitlines()[0][:52]
    ':root[data-theme="night"]{--ground:#0b1622;--panel:#'
    """
    return "\n".join(
        f':root[data-theme="{theme}"]{{'
        + "".join(f"--{role}:{colour};" for role, colour in colours.items())
        + "}"
        for theme, colours in TOKENS.items()
    )
