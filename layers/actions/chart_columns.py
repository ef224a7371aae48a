"""From the words in a file's columns to the statuses, states and categories of a chart."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gis.chart.definition import StatusScheme, StatusStyle
from layers.actions.chart_styles import reference_categories, reference_schemes
from layers.actions.importing.words import CASE_STATES
from layers.errors import MappingInvalid
from layers.vocabulary import CaseState

_SYMBOLS: Final = (
    ("square", "#0128B6", "#009DFF"),
    ("triangle", "#D1A01F", "#EF8E24"),
    ("diamond", "#9C67BD", "#986699"),
    ("star", "#AF0910", "#D41708"),
    ("hexagon", "#FADE26", "#F2F25F"),
    ("circle", "#289863", "#608569"),
    ("square_dot", "#19C8D2", "#CEFEFF"),
    ("half_circle", "#0128B6", "#009DFF"),
)
"""For words of a file's own, the most frequent first; pairs taken from the reference schemes."""

_OTHER: Final = "\N{HORIZONTAL ELLIPSIS}"


def no_scheme() -> StatusScheme:
    """Return the scheme of a chart on which no household is."""
    return StatusScheme("none", "无", "None", ())


def match_statuses(
    written: Sequence[str | None], wanted: str | None = None
) -> tuple[StatusScheme, list[str | None], list[str]]:
    """Find the scheme whose words these are, or make one of the words themselves.

    Parameters
    ----------
    written : sequence of str or None
        One word a household.
    wanted : str, optional
        The code of the scheme, where it was named.

    Returns
    -------
    scheme : StatusScheme
    statuses : list of str or None
        A code of the scheme each; None where nothing is known.
    notes : list of str
        Words that the scheme doesn't have.

    Raises
    ------
    MappingInvalid
        If there is no permanent scheme of the wanted name.
    """
    schemes = {scheme.code: scheme for scheme in reference_schemes()}
    if wanted is not None and wanted not in schemes:
        raise MappingInvalid(f"There is no scheme {wanted}. There are: {', '.join(schemes)}.")
    counts = Counter(word for word in written if word)
    found = {code: _words(scheme) for code, scheme in schemes.items()}
    best = wanted or max(found, key=lambda code: _share(counts, found[code]))
    if wanted is None and (counts and _share(counts, found[best]) < sum(counts.values()) / 2):
        return _own_scheme(counts, written)
    words = found[best]
    strange = [word for word in counts if word.lower() not in words]
    notes = []
    if strange:
        listed = ", ".join(f"“{word[:40]}”" for word in strange[:5])
        notes.append(f"The scheme {best} has no status {listed}; shown as unknown.")
    return schemes[best], [words.get((word or "").lower()) for word in written], notes


def match_states(written: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """Return the case state that each word means, reported where it is none, and a note on those.

    Parameters
    ----------
    written : sequence of str or None
        One word a case.
    """
    states: list[str] = []
    strange: dict[str | None, None] = {}
    for word in written:
        state = case_state(word) if word else CaseState.REPORTED.value
        if state is None:
            strange[word] = None
        states.append(state or CaseState.REPORTED.value)
    if not strange:
        return states, []
    listed = ", ".join(f"“{(word or '')[:40]}”" for word in list(strange)[:5])
    return states, [f"{listed} is no known state; shown as reported."]


def case_state(word: str) -> str | None:
    """Return the state that a word means; what stands in brackets says it more exactly.

    Examples
    --------
    >>> case_state("Closed (Duplicate)"), case_state("Closed (Transferred)"), case_state("待核查")
    ('duplicate', 'closed', 'awaiting_verification')
    """
    plain = re.sub(r"[\s_]+", " ", word).strip().lower()
    inside = re.search(r"[(（](.*?)[)）]", plain)
    outside = re.sub(r"[(（].*", "", plain).strip()
    for each in (plain, inside.group(1).strip() if inside else "", outside):
        state = CASE_STATES.get(each) or CASE_STATES.get(each.replace(" ", "_"))
        if state is not None:
            return str(state)
    return None


def name_categories(
    written: Sequence[str | None],
) -> tuple[list[str | None], list[str | None], NDArray[np.bool_]]:
    """Return names in both languages, and what no chart may show; other words stay as they are.

    Parameters
    ----------
    written : sequence of str or None
        A category's code, or any word, for each case.
    """
    known = reference_categories()
    found = [known.get(word or "", (word, word, False)) for word in written]
    confidential = np.array([each[2] for each in found], dtype=bool)
    return [each[0] for each in found], [each[1] for each in found], confidential


def _own_scheme(
    counts: Counter[str], written: Sequence[str | None]
) -> tuple[StatusScheme, list[str | None], list[str]]:
    shown = [word for word, _ in counts.most_common(len(_SYMBOLS))]
    statuses = [
        StatusStyle(word, word, word, *symbol, severity=1, order=order, normal=False, unknown=False)
        for order, (word, symbol) in enumerate(zip(shown, _SYMBOLS, strict=False), start=1)
    ]
    notes = []
    rest = len(counts) - len(shown)
    if rest:
        other = StatusStyle(
            _OTHER, "其他", "Other", "circle_open", "#606468", "#B2B3B4",
            severity=0, order=len(shown) + 1, normal=True, unknown=False,
        )  # fmt: skip
        statuses.append(other)
        notes.append(
            f"The {len(shown)} most frequent statuses have a symbol each; {rest} share one."
        )
    known = set(shown)
    codes = [word if word is None or word in known else _OTHER for word in written]
    return StatusScheme("file", "状态", "Status", tuple(statuses)), codes, notes


def _words(scheme: StatusScheme) -> dict[str, str]:
    return {
        word.lower(): style.code
        for style in scheme.statuses
        for word in (style.code, style.name_zh, style.name_en)
    }


def _share(counts: Counter[str], words: dict[str, str]) -> int:
    return sum(count for word, count in counts.items() if word.lower() in words)
