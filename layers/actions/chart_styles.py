"""The symbols that a chart speaks in: case states and status schemes of the reference tables."""

import csv
from functools import cache
from importlib.resources import files

from gis.chart.definition import StatusScheme, StatusStyle


@cache
def case_state_styles() -> tuple[StatusStyle, ...]:
    """Return the states of a case in the order of their legend; an ended one is drawn quietly."""
    return tuple(
        StatusStyle(
            code=row["state"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            shape=row["shape"],
            colour_day=row["colour_day"],
            colour_night=row["colour_night"],
            severity=int(row["order"]),
            order=int(row["order"]),
            normal=row["open"] == "false",
            unknown=False,
        )
        for row in _read("case_states.csv")
    )


@cache
def reference_schemes() -> tuple[StatusScheme, ...]:
    """Return the permanent status schemes as the reference tables have them."""
    values = _read("statuses.csv")
    return tuple(
        StatusScheme(
            code=scheme["code"],
            name_zh=scheme["name_zh"],
            name_en=scheme["name_en"],
            statuses=tuple(_style(row) for row in values if row["scheme"] == scheme["code"]),
        )
        for scheme in _read("status_schemes.csv")
        if scheme["campaign_only"] == "false"
    )


@cache
def reference_categories() -> dict[str, tuple[str, str, bool]]:
    """Return Chinese name, English name and whether it is confidential, by category code."""
    return {
        row["code"]: (row["name_zh"], row["name_en"], row["confidential"] == "true")
        for row in _read("categories.csv")
    }


def _style(row: dict[str, str]) -> StatusStyle:
    return StatusStyle(
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        shape=row["shape"],
        colour_day=row["colour_day"],
        colour_night=row["colour_night"],
        severity=int(row["severity"]),
        order=int(row["order"]),
        normal=row["normal"] == "true",
        unknown=row["unknown"] == "true",
    )


def _read(name: str) -> list[dict[str, str]]:
    text = (files("data") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
