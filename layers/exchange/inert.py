"""Text that a spreadsheet would run as a formula, written so that it is shown instead.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, also behind
a tab or a carriage return, and in some languages in full width. Such a text gets an apostrophe in
front. It is told apart again when we read it: a text that begins with apostrophes and then so gets
one more, so that taking one away always gives back what was there. See decision 0007.
"""

import re
from typing import Final

import pandas as pd

_FORMULA: Final = r"[=+\-@＝＋－＠\t\r\n]"
_HARMLESS: Final = r"[+\-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?|[=+\-@＝＋－＠]+"
_RUNS: Final = re.compile(rf"(?!(?:{_HARMLESS})\Z)'*{_FORMULA}")
_MARKED: Final = re.compile(rf"'+{_FORMULA}")


def inert(text: str) -> str:
    """Return a text as a spreadsheet shows it; a number, and a lone sign, stay as they are.

    Examples
    --------
    >>> inert("=1+1"), inert("-12.5"), inert("白云社区"), inert("-")
    ("'=1+1", '-12.5', '白云社区', '-')
    """
    return f"'{text}" if _RUNS.match(text) else text


def original(text: str) -> str:
    """Return what a text was before :func:`inert`.

    Examples
    --------
    >>> original("'=1+1"), original("'s Gravenhage")
    ('=1+1', "'s Gravenhage")
    """
    return text[1:] if _MARKED.match(text) else text


def inert_frame(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return a table with every text inert, names of columns included; and how many were not.

    Numbers, instants and geometries are no texts and stay as they are.
    """
    names = {name: inert(name) for name in frame.columns if isinstance(name, str)}
    count = sum(old != new for old, new in names.items())
    changed: dict[str, list[object]] = {}
    for name, column in frame.items():
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
            continue
        shown = [inert(value) if isinstance(value, str) else value for value in column]
        different = sum(
            isinstance(old, str) and old != new for old, new in zip(column, shown, strict=True)
        )
        if different:
            changed[str(name)] = shown
            count += different
    shown_frame = frame.copy(deep=False)
    for name, values in changed.items():
        shown_frame[name] = pd.Series(values, index=frame.index, dtype=object)
    return shown_frame.rename(columns=names), count


def original_frame(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return a table of texts as it was before :func:`inert_frame`; and how many were marked."""
    changed: dict[str, pd.Series] = {}
    count = 0
    for name in frame.columns:
        marked = frame[name].str.match(_MARKED.pattern, na=False)
        if marked.any():
            changed[name] = frame[name].where(~marked, frame[name].str[1:])
            count += int(marked.sum())
    return (frame.assign(**changed) if changed else frame), count
