"""Masks on names, numbers and addresses as they really come."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.identity_numbers import check_digit, check_digit_fits, normalise_id_number
from layers.policy import (
    ExactField,
    PersonField,
    age_band,
    mask_address,
    mask_id_number,
    mask_name,
    mask_phone,
    may_see,
    may_unmask,
)
from layers.policy.people import mask_resident
from layers.viewer import SYSTEM, Viewer
from layers.vocabulary import Role


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("司马相如", "司马**"),
        ("欧阳 娜", "欧阳**"),
        ("歐陽娜", "歐陽**"),
        ("欧阳", "欧**"),
        ("上官", "上**"),
        ("王 小 明", "王**"),
        ("𠮷田", "𠮷**"),
        ("Баатар", "Б**"),
        ("ᠮᠣᠩᠭᠣᠯ", "ᠮ**"),
        ("ᠪᠠᠭᠠᠲᠤᠷ ᠠᠭᠤᠯᠠ", "ᠪ**"),
        ("Bateer", "B**"),
        ("Ｂａｔｅｅｒ", "B**"),
        ("bateer wang", "b**"),
        ("Jean-Luc Picard", "J**"),
        ("O'Neil", "O**"),
        ("阿依古丽·买买提", "阿**"),
        ("欧阳·买买提", "欧**"),
        ("巴特尔", "巴**"),
        ("（王小明）", "王**"),
        ("12345", "**"),
        ("   ", "**"),
    ],
)
def test_a_name_shows_its_surname_or_first_letter(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(st.text(min_size=3, max_size=20))
def test_no_name_shows_more_than_two_characters(name: str) -> None:
    masked = mask_name(name)
    assert masked is not None
    assert masked.endswith("**")
    assert len(masked) <= 4


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+86 138 1234 5678", "138****5678"),
        ("008613812345678", "138****5678"),
        ("8613812345678", "138****5678"),
        ("１３８１２３４５６７８", "138****5678"),
        ("0477-8521234-801", "047****1234"),
        ("(0477) 8521234 转 801", "047****1234"),
        ("0477-8521234分机12", "047****1234"),
        ("0477 8521234 ext. 12", "047****1234"),
        ("+86 477 8521234", "477****1234"),
        ("010-12345678", "010****5678"),
        ("13812345678/13987654321", "138****5678"),
        ("8521234-801", "****34"),
        ("12345", "****"),
        ("无", "****"),
        ("", "****"),
    ],
)
def test_a_phone_shows_its_ends(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@given(st.text(alphabet="0123456789", min_size=7, max_size=20))
def test_no_phone_shows_all_its_digits(phone: str) -> None:
    masked = mask_phone(phone)
    assert masked is not None
    assert sum(each.isdigit() for each in masked) <= 7
    assert phone not in masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11010519491231002X", "****002X"),
        ("11010519491231002x", "****002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "****002X"),
        ("110105491231002", "****1002"),
        ("110105 19491231 0021", "****0021"),
        ("1101051949", "****"),
        ("不详", "****"),
        ("", "****"),
    ],
)
def test_an_id_number_shows_its_last_four(number: str, masked: str) -> None:
    assert mask_id_number(number) == masked


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("11010519491231002X", "11010519491231002X"),
        ("11010519491231002ｘ", "11010519491231002X"),
        ("110105 491231 002", "11010519491231002X"),
        ("110105194912310021", "110105194912310021"),
        ("0110105491231002", None),
        ("X1010519491231002X", None),
        ("1101051949123100２X7", None),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢١", None),
        ("", None),
    ],
)
def test_an_id_number_is_written_one_way(written: str, number: str | None) -> None:
    assert normalise_id_number(written) == number


@given(st.from_regex(r"[1-9][0-9]{16}", fullmatch=True))
def test_one_check_digit_fits_a_number(body: str) -> None:
    fitting = [last for last in "0123456789X" if check_digit_fits(body + last)]
    assert fitting == [check_digit(body)]


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (date(2026, 11, 25), "0-6"),
        (date(2019, 11, 26), "0-6"),
        (date(2019, 11, 25), "7-17"),
        (date(1966, 11, 26), "35-59"),
        (date(1966, 11, 25), "60-69"),
        (date(1946, 11, 25), "80+"),
        (date(2004, 2, 29), "18-34"),
        (date(2027, 1, 1), None),
        (None, None),
    ],
)
def test_a_birth_date_shows_a_band(born: date | None, band: str | None) -> None:
    assert age_band(born, date(2026, 11, 25)) == band


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("蓝天街道白云小区3号楼2单元501室", "蓝天街道白云小区3号楼"),
        ("白云小区3栋501", "白云小区3栋"),
        ("白云小区A座12层1203", "白云小区A座"),
        ("白云小区３号楼２单元", "白云小区3号楼"),
        ("迎宾路12号院5号楼1单元", "迎宾路12号院5号楼"),
        ("迎宾路12号", "迎宾路12号"),
        ("迎宾路12号501室", "迎宾路12号"),
        ("白云小区3-2-501", "白云小区"),
        ("白云小区二单元501", "白云小区"),
        ("白云小区", "白云小区"),
        (None, None),
    ],
)
def test_an_address_ends_at_the_building(address: str | None, masked: str | None) -> None:
    assert mask_address(address) == masked


RESIDENT = {
    **dict.fromkeys(
        ("id", "code", "household_code", "sex", "since", "until", "basis", "source", "grid_code",
         "building_code", "building_name"),
        "x",
    ),
    "path": "B/A/", "name": "王小明", "phone": "13812345678", "id_number": "11010519491231002X",
    "birth_date": date(1949, 12, 31), "address": "白云小区3号楼2单元501室",
    "unit": "2", "floor": 5, "room": "501",
}  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("area", ["", "B/", "B/A/", "C/"])
def test_nobody_sees_a_field_of_a_person_without_asking(role: Role, area: str) -> None:
    who = Viewer("x", role, area)
    shown = mask_resident(RESIDENT, who, date(2026, 1, 1))
    said = str(shown)
    for hidden in ("小明", "13812345678", "1949", "2单元"):
        assert hidden not in said
    assert not any(may_see(who, "B/A/", field) for field in PersonField)
    at_home = role in {Role.WORKER, Role.COMMUNITY, Role.SYSTEM} and area != "C/"
    assert (shown["room"] == "501") is (at_home or role is Role.SYSTEM)


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (Viewer("w", Role.WORKER, "B/A/"), True),
        (Viewer("c", Role.COMMUNITY, "B/"), True),
        (Viewer("w", Role.WORKER, "B/A2/"), False),
        (Viewer("w", Role.WORKER, ""), False),
        (Viewer("s", Role.STREET, "B/"), False),
        (Viewer("a", Role.ADMINISTRATOR, ""), False),
        (SYSTEM, False),
        (None, False),
    ],
)
def test_only_those_at_home_may_unmask(who: Viewer | None, allowed: bool) -> None:
    assert {may_unmask(who, "B/A/", field) for field in PersonField} == {allowed}
    assert not may_unmask(who, None, PersonField.NAME)


def test_health_shows_at_home_and_within_a_campaign_alone() -> None:
    worker, street = Viewer("w", Role.WORKER, "B/A/"), Viewer("s", Role.STREET, "B/")
    health = ExactField.HEALTH
    assert may_see(worker, "B/A/", health, campaign=True)
    assert not may_see(worker, "B/A/", health)
    assert not may_see(street, "B/A/", health, campaign=True)
