"""What is shown of a person, an address or a confidential case to those who may not read it."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from layers.policy.access import may_handle
from layers.viewer import Viewer

COMPOUND_SURNAMES: Final = frozenset(
    re.findall(
        "..",
        "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳"
        "公冶太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于司空令狐呼延拓跋完颜百里东郭南门纳兰第五叶赫爱新"
        "歐陽司馬東方獨孤南宮諸葛尉遲公羊赫連澹臺濮陽公孫仲孫鍾離長孫鮮于東郭南門納蘭葉赫愛新",
    )
)
"""Surnames of two characters; a name of two characters is never taken for a bare surname."""

CONFIDENTIAL_FIELDS: Final = (
    "description",
    "address",
    "lon",
    "lat",
    "distance_to_boundary_m",
    "accuracy_m",
    "raw_x",
    "raw_y",
    "reporter",
)
"""What a confidential case doesn't show outside its grid: its words, and where exactly it is."""

AGE_BANDS: Final = (0, 7, 18, 35, 60, 70, 80)
"""The first year of age of each band."""

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]+")
_FIRST_NUMBER = re.compile(r"[/、,，;；]")
_EXTENSION = re.compile(r"(?:\s*(?:转|分机|#|\*|;?ext\.?|x)\s*[0-9]+|(?<=[0-9]{7})-[0-9]{1,6})\s*$")
# A building ends at 号楼, 栋, 幢, 座 or 楼; 层 and 室 are within. The last of them counts.
_BUILDING = re.compile(r"^.*?(?:[0-9A-Z一二三四五六七八九十甲乙丙丁东西南北]+(?:号楼|栋|幢|座|楼))")
_STREET_NUMBER = re.compile(r"^.*?[0-9一二三四五六七八九十]+号(?!楼)(?:院|大院)?")
_DOOR = re.compile(r"[0-9A-Z一二三四五六七八九十东西]+\s*(?:单元|门|层|室|户|房)|[0-9]|#")


def mask_name(name: str | None) -> str | None:
    """Return a name as its surname and ``**``; of a name not in Han, the first letter.

    A name in Han with a dot in it (买买提, 巴特尔) is no Han name: its first character shows.

    Examples
    --------
    >>> mask_name("王小明"), mask_name("欧阳娜"), mask_name("Bateer"), mask_name(None)
    ('王**', '欧阳**', 'B**', None)
    >>> mask_name("阿依古丽·买买提"), mask_name("ᠪᠠᠭᠠᠲᠤᠷ")
    ('阿**', 'ᠪ**')
    """
    if name is None:
        return None
    plain = "".join(unicodedata.normalize("NFKC", name).split())
    han = _HAN.fullmatch(plain) is not None
    if han and plain[:2] in COMPOUND_SURNAMES and len(plain) > 2:
        return f"{plain[:2]}**"
    letter = next((each for each in plain if each.isalpha()), "")
    return f"{letter}**"


def mask_phone(phone: str | None) -> str | None:
    """Return a phone number as its first 3 and last 4 digits; a short one shows only its last 2.

    The country's 86 and an extension don't count; of several numbers the first one shows.

    Examples
    --------
    >>> mask_phone("13812345678"), mask_phone("+86 138-1234-5678"), mask_phone("8521234")
    ('138****5678', '138****5678', '****34')
    >>> mask_phone("0477-8521234-801"), mask_phone("0086 477 8521234 转 12")
    ('047****1234', '477****1234')
    """
    if phone is None:
        return None
    digits = phone_digits(phone)
    if len(digits) >= 10:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:]}" if len(digits) >= 6 else "****"


def phone_digits(phone: str) -> str:
    """Return the digits by which two ways to write a phone number are known for one number.

    The country's 86 and an extension don't count; of several numbers it is the first.

    Examples
    --------
    >>> phone_digits("+86 138-1234-5678"), phone_digits("138 1234 5678 转 2")
    ('13812345678', '13812345678')
    """
    plain = unicodedata.normalize("NFKC", phone).lower().strip()
    abroad = plain.startswith(("+", "00"))
    plain = _EXTENSION.sub("", _FIRST_NUMBER.split(plain)[0])
    digits = re.sub(r"[^0-9]", "", plain)
    if abroad:
        digits = digits.removeprefix("00").removeprefix("86")
    elif len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return digits


def mask_id_number(number: str | None) -> str | None:
    """Return an ID number as its last 4 characters; one too short to be one shows nothing.

    Examples
    --------
    >>> mask_id_number("11010519491231002X"), mask_id_number("１１０１０５４９１２３１００２")
    ('****002X', '****1002')
    >>> mask_id_number("12345"), mask_id_number(None)
    ('****', None)
    """
    if number is None:
        return None
    plain = "".join(each for each in unicodedata.normalize("NFKC", number) if each.isalnum())
    return f"****{plain[-4:].upper()}" if len(plain) >= 12 else "****"


def age_band(birth_date: date | None, today: date) -> str | None:
    """Return the band of ages that a birth date falls in; None where it isn't known, or to come.

    Examples
    --------
    >>> age_band(date(1950, 3, 1), date(2026, 2, 28)), age_band(date(1940, 1, 1), date(2026, 1, 1))
    ('70-79', '80+')
    """
    if birth_date is None or birth_date > today:
        return None
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    age = today.year - birth_date.year - (not had_birthday)
    position = sum(first <= age for first in AGE_BANDS) - 1
    if position == len(AGE_BANDS) - 1:
        return f"{AGE_BANDS[position]}+"
    return f"{AGE_BANDS[position]}-{AGE_BANDS[position + 1] - 1}"


def mask_address(address: str | None) -> str | None:
    """Return an address down to the building: unit, floor and room are left out.

    Where no building is named, what comes after the house number is left out; where there is none
    either, everything from the first number or door on.

    Examples
    --------
    >>> mask_address("白云小区3号楼2单元501室"), mask_address("迎宾路12号 501室")
    ('白云小区3号楼', '迎宾路12号')
    >>> mask_address("白云小区3-2-501")
    '白云小区'
    """
    if address is None:
        return None
    plain = unicodedata.normalize("NFKC", address).strip()
    for pattern in (_BUILDING, _STREET_NUMBER):
        found = pattern.match(plain)
        if found:
            return found[0].strip()
    door = _DOOR.search(plain)
    return plain[: door.start()].strip() if door else plain


def mask_reporter(reporter: Mapping[str, Any] | None) -> dict[str, str | None]:
    """Return the reporter as a stranger may see him."""
    given = reporter or {}
    return {"name": mask_name(given.get("name")), "phone": mask_phone(given.get("phone"))}


def mask_case(fields: Mapping[str, Any], who: Viewer | None = None) -> dict[str, Any]:
    """Return a case's fields as somebody may see them; ``confidential`` says what to hide."""
    shown = dict(fields)
    if shown["confidential"] and not may_handle(who, shown.get("path")):
        shown.update((name, None) for name in CONFIDENTIAL_FIELDS if name in shown)
        if "candidates" in shown:
            shown["candidates"] = []
    return shown
