"""The structure of codes: 6 county + 3 street + 3 community + 3 grid, or a place's own."""

from collections.abc import Callable

import pyarrow.compute as pc

from layers.actions.importing.batch import Batch
from layers.vocabulary import AreaLevel, CodeScheme

LEVEL_BY_LENGTH = {6: AreaLevel.BANNER, 9: AreaLevel.STREET, 12: AreaLevel.COMMUNITY}

MERGED_COMMUNITY = "601"
"""From this community part upwards a grid was merged from several communities."""


def require_digits(batch: Batch, name: str, pattern: str, what: str) -> None:
    """Take out rows whose code doesn't follow the national structure."""
    if not batch.has(name):
        return
    values = batch.columns[name]
    wrong = pc.invert(pc.match_substring_regex(values, pattern))
    batch.reject(
        pc.fill_null(wrong, False).to_numpy(zero_copy_only=False),
        _told(batch, name, f"is not {what} (for codes of your own: --codes free)"),
    )


def require_scheme(batch: Batch, scheme: CodeScheme, pattern: str, what: str) -> None:
    """Check the field ``code`` where codes follow the national structure."""
    if scheme is CodeScheme.NATIONAL:
        require_digits(batch, "code", pattern, what)


def _told(batch: Batch, name: str, problem: str) -> Callable[[int], str]:
    values = batch.columns[name]
    return lambda position: f"{name} {values[position].as_py()} {problem}"
