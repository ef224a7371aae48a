"""Who may see what: masks of persons, and what a confidential case shows.

Which rows somebody sees is decided by the database; here is what of a row they see.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from layers.viewer import Viewer
from layers.vocabulary import Role

COMPOUND_SURNAMES: Final = frozenset(
    re.findall(
        "..",
        "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳"
        "公冶太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于司空令狐呼延拓跋完颜百里东郭南门纳兰第五叶赫爱新",
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

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")


def mask_name(name: str | None) -> str | None:
    """Return a name as its surname and ``**``; of a name not in Han, the first letter.

    Examples
    --------
    >>> mask_name("王小明"), mask_name("欧阳娜"), mask_name("Bateer"), mask_name(None)
    ('王**', '欧阳**', 'B**', None)
    """
    if name is None:
        return None
    name = name.strip()
    if not name:
        return "**"
    if _HAN.match(name) and name[:2] in COMPOUND_SURNAMES and len(name) > 2:
        return f"{name[:2]}**"
    return f"{name[0]}**"


def mask_phone(phone: str | None) -> str | None:
    """Return a phone number as its first 3 and last 4 digits; a short one shows only its last 2.

    Examples
    --------
    >>> mask_phone("13812345678"), mask_phone("+86 138-1234-5678"), mask_phone("8521234")
    ('138****5678', '138****5678', '****34')
    """
    if phone is None:
        return None
    digits = re.sub(r"\D", "", phone)
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) >= 11:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:]}" if len(digits) >= 6 else "****"


def mask_reporter(reporter: Mapping[str, Any] | None) -> dict[str, str | None]:
    """Return the reporter as a stranger may see him."""
    given = reporter or {}
    return {"name": mask_name(given.get("name")), "phone": mask_phone(given.get("phone"))}


def sees_doors(who: Viewer) -> bool:
    """Whether somebody sees the very door of a home, or just its building."""
    return who.role in (Role.WORKER, Role.COMMUNITY, Role.SYSTEM)


def sees_confidential(who: Viewer | None, path: str | None) -> bool:
    """Whether somebody handles a confidential case: the own grid's worker, the own community."""
    return (
        who is not None
        and who.role in (Role.WORKER, Role.COMMUNITY)
        and path is not None
        and who.within(path)
    )


def mask_case(fields: Mapping[str, Any], who: Viewer | None = None) -> dict[str, Any]:
    """Return a case's fields as somebody may see them; ``confidential`` says what to hide."""
    shown = dict(fields)
    if shown["confidential"] and not sees_confidential(who, shown.get("path")):
        shown.update((name, None) for name in CONFIDENTIAL_FIELDS if name in shown)
        if "candidates" in shown:
            shown["candidates"] = []
    return shown
