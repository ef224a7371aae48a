"""From a file's own words to statuses, states and categories."""

import pytest

from layers.actions.chart_columns import match_states, match_statuses, name_categories, no_scheme
from layers.actions.chart_styles import reference_schemes
from layers.errors import MappingInvalid


def test_the_scheme_with_most_of_the_words_is_taken() -> None:
    scheme, codes, notes = match_statuses(["租住", "Vacant", "RENTED", None, "租住"])
    assert scheme.code == "occupancy"
    assert codes == ["rented", "vacant", "rented", None, "rented"]
    assert notes == []


def test_a_named_scheme_is_taken_whatever_the_words_are() -> None:
    scheme, codes, notes = match_statuses(["租住", "nonsense"], "hazard")
    assert scheme.code == "hazard"
    assert codes == [None, None]
    assert "“租住”" in notes[0]
    assert "“nonsense”" in notes[0]
    with pytest.raises(MappingInvalid, match=r"no scheme health.*occupancy"):
        match_statuses([], "health")


def test_words_of_a_files_own_get_symbols_the_most_frequent_first() -> None:
    written = ["brick"] * 3 + ["wood"] * 5 + [None]
    scheme, codes, notes = match_statuses(written)
    assert [style.code for style in scheme.statuses] == ["wood", "brick"]
    assert codes == written
    assert notes == []


def test_more_words_than_symbols_share_the_last() -> None:
    written = [f"kind {i % 12}" for i in range(40)]
    scheme, codes, notes = match_statuses(written)
    drawn = {(style.shape, style.colour_night) for style in scheme.statuses}
    assert len(drawn) == len(scheme.statuses) == 9
    assert set(codes) == {style.code for style in scheme.statuses}
    assert "4 share one" in notes[0]


def test_every_reference_scheme_knows_its_own_names() -> None:
    for scheme in reference_schemes():
        for names in ([s.name_zh for s in scheme.statuses], [s.name_en for s in scheme.statuses]):
            _, codes, notes = match_statuses(names, scheme.code)
            assert codes == [style.code for style in scheme.statuses]
            assert notes == []


def test_no_household_no_scheme() -> None:
    assert no_scheme().statuses == ()


def test_states_are_recognised_and_strange_ones_said() -> None:
    written = ["Open", "Closed (Duplicate)", None, "待核查", "Strange", "Strange"]
    states, notes = match_states(written)
    assert states == [
        "reported", "duplicate", "reported", "awaiting_verification", "reported", "reported",
    ]  # fmt: skip
    assert notes == ["“Strange” is no known state; shown as reported."]
    assert match_states([]) == ([], [])


def test_a_code_is_named_and_a_confidential_one_marked() -> None:
    zh, en, confidential = name_categories(["53001", "51002", "Rubbish", None])
    assert zh[2:] == en[2:] == ["Rubbish", None]
    assert zh[0]
    assert not zh[0].isascii()
    assert en[0]
    assert en[0].isascii()
    assert confidential.tolist() == [False, True, False, False]
