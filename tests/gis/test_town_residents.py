"""The demo's people are many, alike, and nobody."""

import pandas as pd
import pytest

from gis.town.residents import make_residents

CHECK = "10X98765432"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    homes = pd.DataFrame(
        {
            "code": [f"h{n}" for n in range(400)],
            "resident_count": pd.array([3, 0, None, 1] * 100, dtype="Int64"),
            "care": [None, None, None, "elderly_alone"] * 100,
        }
    )
    return make_residents(homes)


def test_each_household_has_as_many_as_it_says(people: pd.DataFrame) -> None:
    assert len(people) == 400
    assert people["code"].is_unique
    assert people.groupby("household_code").size().value_counts().to_dict() == {3: 100, 1: 100}


def test_no_id_number_could_be_anybodys(people: pd.DataFrame) -> None:
    for number, born in zip(people["id_number"], people["birth_date"], strict=True):
        fits = CHECK[sum(int(d) * w for d, w in zip(number[:17], WEIGHTS, strict=True)) % 11]
        assert len(number) == 18
        assert number[17] != fits
        assert number[6:14] == born.replace("-", "")


def test_no_phone_rings_anywhere(people: pd.DataFrame) -> None:
    phones = people["phone"].dropna()
    assert phones.str.fullmatch("100[0-9]{8}").all()
    assert 0 < len(phones) < len(people)


def test_who_is_old_and_alone_is_old(people: pd.DataFrame) -> None:
    alone = people[people["household_code"].map(lambda code: int(code[1:]) % 4 == 3)]
    assert (alone["birth_date"] < "1955").all()


def test_equal_seeds_make_equal_people() -> None:
    homes = pd.DataFrame({"code": ["h"], "resident_count": [5], "care": [None]})
    assert make_residents(homes).equals(make_residents(homes))
    assert not make_residents(homes).equals(make_residents(homes, seed=1))
