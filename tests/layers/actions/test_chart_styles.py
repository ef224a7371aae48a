"""The symbols of the reference tables, as charts take them."""

from gis.chart.symbols import SHAPES
from layers.actions.chart_styles import case_state_styles, reference_categories, reference_schemes
from layers.vocabulary import ENDED_STATES, CaseState


def test_every_state_has_a_symbol_and_an_ended_one_is_quiet() -> None:
    styles = {style.code: style for style in case_state_styles()}
    assert set(styles) == {state.value for state in CaseState}
    assert {code for code, style in styles.items() if style.normal} == {
        state.value for state in ENDED_STATES
    }


def test_no_two_of_one_legend_look_alike() -> None:
    # Ended cases may share a symbol: a chart shows few of them, and quietly.
    unended = tuple(style for style in case_state_styles() if not style.normal)
    legends = [unended, *(scheme.statuses for scheme in reference_schemes())]
    for legend in legends:
        for colour in ("colour_day", "colour_night"):
            looks = [(style.shape, getattr(style, colour)) for style in legend]
            assert len(set(looks)) == len(looks)
        assert {style.shape for style in legend} <= set(SHAPES)
        assert all(style.name_zh and style.name_en for style in legend)


def test_schemes_of_a_campaign_are_not_among_the_permanent() -> None:
    assert {scheme.code for scheme in reference_schemes()} == {
        "occupancy", "party", "hazard", "care",
    }  # fmt: skip


def test_categories_say_what_is_confidential() -> None:
    categories = reference_categories()
    assert categories["51002"][2]
    assert not categories["53001"][2]
