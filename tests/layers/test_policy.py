import pytest

from layers.policy import mask_case, mask_name, mask_phone, mask_reporter


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "王**"),
        ("欧阳娜", "欧阳**"),
        ("欧阳", "欧**"),
        ("Bateer Wang", "B**"),
        ("巴特尔", "巴**"),
        ("  李  ", "李**"),
        ("", "**"),
        (None, None),
    ],
)
def test_a_name_shows_its_surname(name: str | None, masked: str | None) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "138****5678"),
        ("0477-8521234", "047****1234"),
        ("8521234", "****34"),
        ("110", "****"),
        (None, None),
    ],
)
def test_a_phone_shows_its_ends(phone: str | None, masked: str | None) -> None:
    assert mask_phone(phone) == masked


def test_a_case_of_a_confidential_category_shows_nothing_of_itself() -> None:
    case = {
        "confidential": True,
        "description": "x",
        "lon": 1.0,
        "grid_code": "G",
        "candidates": [1],
        "reporter": {"name": "王小明"},
    }
    shown = mask_case(case)
    assert shown == {
        "confidential": True,
        "description": None,
        "lon": None,
        "grid_code": "G",
        "candidates": [],
        "reporter": None,
    }
    assert case["description"] == "x"
    assert mask_reporter(shown["reporter"]) == {"name": None, "phone": None}


def test_any_other_case_is_shown_as_it_is() -> None:
    case = {"confidential": False, "description": "x", "lon": 1.0}
    assert mask_case(case) == case
