"""Invented people for the invented households; nobody could take one of them for somebody.

Given names are the ten stems by which examples are numbered (甲, 乙, 丙 …), phones begin with 100,
which no phone does, and every ID number ends in a check digit that does not fit.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SURNAMES: Final = ("王", "李", "张", "刘", "赵", "高", "白", "郝", "欧阳", "上官", "司马", "皇甫")
STEMS: Final = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸")
OTHER_NAMES: Final = (
    "巴特尔", "其其格", "Bateer", "Qiqige", "ᠪᠠᠭᠠᠲᠤᠷ", "ᠴᠡᠴᠡᠭ", "阿依古丽·买买提",
)  # fmt: skip
BASIS: Final = "演示数据，人物均为虚构 demo data, all people are invented"
OTHERS_SHARE: Final = 0.12

_REGION: Final = "150622"
_WEIGHTS: Final = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
_CHECK_DIGITS: Final = np.array(list("10X98765432"))
_OLDEST, _YOUNGEST, _LATEST = 95, 0, np.datetime64("2026-11-01")
_ELDERLY: Final = (72, 95)


def make_residents(households: pd.DataFrame, *, seed: int = 150622) -> pd.DataFrame:
    """Return invented residents of households; equal arguments give equal people.

    Parameters
    ----------
    households : DataFrame
        code, resident_count (NA where not known: nobody is invented there), care.
    seed : int
        Another seed, other people.

    Returns
    -------
    DataFrame
        code, household_code, name, sex, birth_date (text, ISO 8601), phone, id_number, basis; a row
        a resident, household by household.

    Examples
    --------
    >>> homes = pd.DataFrame(
    ...     {"code": ["h1", "h2"], "resident_count": [2, 1], "care": [None, "elderly_alone"]}
    ... )
    >>> people = make_residents(homes)
    >>> people["code"].tolist()
    ['h1-1', 'h1-2', 'h2-1']
    """
    rng = np.random.default_rng([seed, 7])
    counts = households["resident_count"].fillna(0).to_numpy(dtype=np.int64)
    home = np.repeat(np.arange(len(households)), counts)
    codes = np.asarray(households["code"], dtype=object)[home]
    first = np.repeat(np.cumsum(counts) - counts, counts)
    numbers = np.arange(len(home)) - first + 1
    elderly = np.asarray(households["care"] == "elderly_alone", dtype=np.bool_)[home]
    born = _birth_dates(elderly, numbers, rng)
    women = rng.random(len(home)) < 0.5
    written = np.datetime_as_string(born, unit="D").astype(object)
    return pd.DataFrame(
        {
            "code": [f"{code}-{number}" for code, number in zip(codes, numbers, strict=True)],
            "household_code": codes,
            "name": _names(len(home), rng),
            "sex": np.where(women, "female", "male").astype(object),
            "birth_date": written,
            "phone": _phones(born, rng),
            "id_number": _id_numbers(born, women, rng),
            "basis": BASIS,
        }
    )


def _birth_dates(
    elderly: NDArray[np.bool_], numbers: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.datetime64]:
    """Choose when each was born: the first of a home is grown up, the third a child as a rule."""
    count = len(elderly)
    grown = np.clip(rng.normal(47, 15, count), 20, _OLDEST)
    child = rng.uniform(_YOUNGEST, 19, count)
    years = np.where((numbers > 2) & (rng.random(count) < 0.75), child, grown)
    years = np.where(elderly, rng.uniform(*_ELDERLY, count), years)
    born: NDArray[np.datetime64] = _LATEST - (years * 365.25).astype("timedelta64[D]")
    return born


def _names(count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    stems = np.array(STEMS, dtype=object)
    names = (
        np.array(SURNAMES, dtype=object)[rng.integers(len(SURNAMES), size=count)]
        + stems[rng.integers(len(stems), size=count)]
        + stems[rng.integers(len(stems), size=count)]
    )
    others = rng.random(count) < OTHERS_SHARE
    listed = np.array(OTHER_NAMES, dtype=object)
    names[others] = listed[rng.integers(len(listed), size=int(others.sum()))]
    found: NDArray[np.object_] = names
    return found


def _phones(born: NDArray[np.datetime64], rng: np.random.Generator) -> NDArray[Any]:
    """Give everybody over ten a number that rings nowhere."""
    digits = rng.integers(10**8, size=len(born))
    phones = np.array([f"100{each:08d}" for each in digits.tolist()], dtype=object)
    phones[born > _LATEST - np.timedelta64(3653, "D")] = None
    return phones


def _id_numbers(
    born: NDArray[np.datetime64], women: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[Any]:
    """Return numbers of 18 characters, each with the check digit after the one that would fit."""
    days = np.char.replace(np.datetime_as_string(born, unit="D"), "-", "")
    order = rng.integers(500, size=len(born)) * 2 + ~women
    bodies = [f"{_REGION}{day}{each:03d}" for day, each in zip(days, order.tolist(), strict=True)]
    digits = np.array(bodies, dtype="U17").view("U1").reshape(-1, 17).astype(np.int64)
    wrong = _CHECK_DIGITS[((digits @ _WEIGHTS) % 11 + 1) % 11]
    return np.array([body + last for body, last in zip(bodies, wrong, strict=True)], dtype=object)
