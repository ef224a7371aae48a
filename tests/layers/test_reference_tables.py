"""The reference tables: complete, consistent, and told apart by every kind of colour vision."""

import csv
import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from gis.town import make_town
from gis.town.descriptions import CONFIDENTIAL, INDOOR, STREET
from layers.vocabulary import ENDED_STATES, CaseState, ReporterKind

SHAPES = {
    "circle", "circle_open", "square", "square_open", "square_dot", "triangle", "triangle_dot",
    "triangle_bang", "triangle_double", "diamond", "diamond_cross", "hexagon", "star",
    "star_double", "octagon", "half_circle", "check", "cross", "question",
}  # fmt: skip
NIGHT, DAY = "#0B1622", "#FFFFFF"
CASED = {"#D1A01F", "#FADE26", "#19C8D2"}
"""Orange, yellow and sky blue are pale on paper and rely on the casing of ink."""
APART = 18.0
"""Least CAM02-UCS distance between two colours of one scheme; Okabe-Ito's palette reaches 11."""


def table(name: str) -> list[dict[str, str]]:
    with (files("data") / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


CATEGORIES = table("categories.csv")
STATUSES = table("statuses.csv")
STATES = table("case_states.csv")
SCHEMES = [row["code"] for row in table("status_schemes.csv")]


# Colour: CIECAM02 and its uniform space (Luo, Cui & Li 2006), seen under sRGB viewing
# conditions; colour-vision deficiencies after Machado, Oliveira & Fernandes (2009), severity 1.
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
HPE = np.array([[0.38971, 0.68898, -0.07868], [-0.22981, 1.18340, 0.04641], [0.0, 0.0, 1.0]])
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                        [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                        [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    dark, bright = sorted(float(RGB_TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def appearance(colour: str, vision: str) -> np.ndarray:
    """Return J', a', b' of CAM02-UCS."""
    xyz = 100 * RGB_TO_XYZ @ np.clip(VISIONS[vision] @ linear(colour), 0, 1)
    white = 100 * RGB_TO_XYZ @ np.ones(3)
    adapting = 64 / np.pi / 5
    degree = 1 - np.exp((-adapting - 42) / 92) / 3.6
    k = 1 / (5 * adapting + 1)
    level = 0.2 * k**4 * 5 * adapting + 0.1 * (1 - k**4) ** 2 * (5 * adapting) ** (1 / 3)
    n = 20 / white[1]
    induction, z = 0.725 * (1 / n) ** 0.2, 1.48 + np.sqrt(n)

    def cones(light: np.ndarray) -> np.ndarray:
        adapted = (white[1] * degree / (CAT02 @ white) + 1 - degree) * (CAT02 @ light)
        response = HPE @ np.linalg.inv(CAT02) @ adapted
        power = (level * np.abs(response) / 100) ** 0.42
        return np.sign(response) * 400 * power / (power + 27.13) + 0.1

    red, green, blue = cones(xyz)
    a, b = red - 12 * green / 11 + blue / 11, (red + green - 2 * blue) / 9
    hue = np.arctan2(b, a)
    weights = np.array([2, 1, 1 / 20])
    achromatic = (weights @ cones(xyz) - 0.305) / (weights @ cones(white) - 0.305)
    lightness = 100 * max(achromatic, 0.0) ** (0.69 * z)
    eccentricity = 0.25 * (np.cos(hue + 2) + 3.8)
    t = 50000 / 13 * induction * eccentricity * np.hypot(a, b) / (red + green + 1.05 * blue)
    chroma = t**0.9 * np.sqrt(lightness / 100) * (1.64 - 0.29**n) ** 0.73
    colourful = np.log(1 + 0.0228 * chroma * level**0.25) / 0.0228
    return np.array(
        [
            1.7 * lightness / (1 + 0.007 * lightness),
            colourful * np.cos(hue),
            colourful * np.sin(hue),
        ]
    )


def distance(one: str, other: str) -> float:
    return min(
        float(np.linalg.norm(appearance(one, vision) - appearance(other, vision)))
        for vision in VISIONS
    )


def test_the_measure_of_colours_gives_known_distances() -> None:
    searched = ["#D41708", "#EF8E24", "#F2F25F", "#009DFF", "#986699", "#608569", "#B2B3B4"]
    okabe_ito = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"]
    least = [
        min(distance(*pair) for pair in itertools.combinations(palette, 2))
        for palette in (searched, okabe_ito)
    ]
    assert appearance("#FFFFFF", "normal")[0] == pytest.approx(100, abs=0.01)
    assert appearance("#000000", "normal")[0] == pytest.approx(0, abs=0.01)
    assert least == pytest.approx([20, 11], abs=1)


def test_every_category_stands_under_its_major() -> None:
    majors = {row["code"]: row for row in table("majors.csv")}
    assert sorted(majors) == [str(major) for major in range(51, 61)]
    assert {row["major"] for row in CATEGORIES} == set(majors)
    for row in CATEGORIES:
        assert row["code"] == row["major"] + row["minor"]
        assert re.fullmatch("[0-9]{5}", row["code"])
        assert row["level"] in {"P0", "P1", "P2", "P3"}
    assert len({row["code"] for row in CATEGORIES}) == len(CATEGORIES) == 74


def test_every_label_exists_in_chinese_and_english() -> None:
    tables = ("categories", "majors", "status_schemes", "statuses", "case_states")
    for row in itertools.chain.from_iterable(table(f"{name}.csv") for name in tables):
        assert re.search("[一-鿿]", row["name_zh"]), row
        assert re.search("[A-Za-z]", row["name_en"]), row
        assert not re.search("[一-鿿]", row["name_en"]), row
        assert row.get("department_zh", "-"), row
        assert row.get("department_en", "-"), row


def test_names_do_not_repeat_inside_a_table() -> None:
    for name in ("name_zh", "name_en"):
        assert len({row[name] for row in CATEGORIES}) == len(CATEGORIES)
        assert len({row[name] for row in STATES}) == len(STATES)


def test_confidential_categories_are_those_of_the_rule() -> None:
    confidential = {row["code"] for row in CATEGORIES if row["confidential"] == "true"}
    assert confidential == {"51002", "51003", "52002", "57004", "58001", "60004"}
    assert {row["confidential"] for row in CATEGORIES} == {"true", "false"}


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("P0", {"53004", "53007", "53008"}),
        ("P1", {"54001", "53001", "55003", "53010"}),
        ("P2", {"55001", "54002", "59003", "56001"}),
        ("P3", {"52001", "52003", "54004", "57001"}),
    ],
)
def test_levels_follow_the_examples(level: str, codes: set[str]) -> None:
    assert {row["level"] for row in CATEGORIES if row["code"] in codes} == {level}


def test_case_states_are_the_vocabulary() -> None:
    assert [row["state"] for row in STATES] == [state.value for state in CaseState]
    for row in STATES:
        assert (row["open"] == "true") == (CaseState(row["state"]) not in ENDED_STATES)


def test_case_states_share_a_symbol_only_where_nothing_was_handled() -> None:
    by_shape: dict[str, set[str]] = {}
    for row in STATES:
        by_shape.setdefault(row["shape"], set()).add(row["state"])
    shared = [states for states in by_shape.values() if len(states) > 1]
    assert shared == [{"void", "duplicate", "rejected"}]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_tells_its_statuses_apart_by_shape(scheme: str) -> None:
    rows = [row for row in STATUSES if row["scheme"] == scheme]
    for key in ("code", "shape", "colour_day", "colour_night", "order"):
        assert len({row[key] for row in rows}) == len(rows) >= 2, key


@pytest.mark.parametrize("scheme", SCHEMES)
def test_missing_is_not_normal(scheme: str) -> None:
    rows = [row for row in STATUSES if row["scheme"] == scheme]
    normal = [row for row in rows if row["normal"] == "true"]
    unknown = [row for row in rows if row["unknown"] == "true"]
    assert len(normal) <= 1
    assert len(unknown) <= 1
    assert all(int(row["severity"]) == 0 for row in normal)
    assert all(int(row["severity"]) > 0 for row in rows if row not in normal)


def test_campaign_schemes_are_those_on_health() -> None:
    rows = table("status_schemes.csv")
    assert {row["code"] for row in rows if row["campaign_only"] == "true"} == {
        "health",
        "vaccination",
    }
    assert {row["scheme"] for row in STATUSES} == set(SCHEMES)


@pytest.mark.parametrize("theme", ["colour_day", "colour_night"])
@pytest.mark.parametrize("scheme", [*SCHEMES, "case_states"])
def test_colours_of_a_scheme_stay_apart_for_every_eye(scheme: str, theme: str) -> None:
    rows = STATES if scheme == "case_states" else [r for r in STATUSES if r["scheme"] == scheme]
    colours = sorted({row[theme] for row in rows})
    close = [
        (one, other, round(distance(one, other), 1))
        for one, other in itertools.combinations(colours, 2)
        if distance(one, other) < APART
    ]
    assert close == []


@pytest.mark.parametrize("row", [*STATUSES, *STATES], ids=lambda r: r["name_en"])
def test_symbols_can_be_seen_on_both_grounds(row: dict[str, str]) -> None:
    assert row["shape"] in SHAPES
    for theme in ("colour_day", "colour_night"):
        assert re.fullmatch("#[0-9A-F]{6}", row[theme])
    assert contrast(row["colour_night"], NIGHT) >= 3
    assert contrast(row["colour_day"], DAY) >= 3 or row["colour_day"] in CASED


def test_the_demo_town_uses_only_words_of_the_tables() -> None:
    town = make_town(households=3_000, cases=400)
    assert set(town.cases.category) <= {row["code"] for row in CATEGORIES}
    assert set(town.cases.state) <= {row["state"] for row in STATES}
    assert set(town.cases.reporter_kind) <= {kind.value for kind in ReporterKind}
    for scheme in ("occupancy", "party", "hazard", "care"):
        codes = {row["code"] for row in STATUSES if row["scheme"] == scheme}
        assert set(town.households[scheme].dropna()) <= codes
    secret = {row["code"] for row in CATEGORIES if row["confidential"] == "true"}
    assert secret == set(CONFIDENTIAL)


def test_every_category_can_be_met_in_the_demo_town() -> None:
    assert {*INDOOR, *STREET, *CONFIDENTIAL} == {row["code"] for row in CATEGORIES}
