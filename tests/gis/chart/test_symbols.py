import csv
import itertools
import re
from importlib import resources

import pytest

from gis.chart.symbols import SHAPES, TOKENS, css_tokens

NAMED = [
    *("circle", "circle_open", "square", "square_open", "square_dot"),
    *("triangle", "triangle_dot", "triangle_bang", "triangle_double", "diamond", "diamond_cross"),
    *("hexagon", "star", "star_double", "octagon", "half_circle", "check", "cross", "question"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_shape_has_a_path_of_its_own() -> None:
    assert sorted(SHAPES) == sorted(NAMED)
    assert len(set(SHAPES.values())) == len(SHAPES)


@pytest.mark.parametrize("name", NAMED)
def test_paths_are_closed_and_stay_about_the_unit_box(name: str) -> None:
    path = SHAPES[name]
    assert re.fullmatch(r"[MLAHVZ\d .-]+", path)
    assert path.count("M") == path.count("Z")
    numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", path)]
    assert all(-0.06 <= number <= 1.1 for number in numbers)


def test_every_status_of_the_reference_tables_can_be_drawn() -> None:
    for table in ("statuses.csv", "case_states.csv"):
        with resources.files("data").joinpath(table).open(encoding="utf-8") as rows:
            shapes = {row["shape"] for row in csv.DictReader(rows)}
        assert shapes <= SHAPES.keys()


@pytest.mark.parametrize("theme", ["night", "day"])
def test_text_can_be_read_and_lines_can_be_seen(theme: str) -> None:
    tokens = TOKENS[theme]
    for text, ground in itertools.product(("ink", "muted", "late"), ("ground", "panel")):
        assert contrast(tokens[text], tokens[ground]) >= 4.5, (text, ground)
    assert contrast(tokens["grid"], tokens["ground"]) >= 3


def test_both_themes_have_the_same_roles() -> None:
    assert TOKENS["night"].keys() == TOKENS["day"].keys()
    assert css_tokens().count("--ground:") == 2
