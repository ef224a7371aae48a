"""Codes of merged grids: 12 digits of the community and 3 of the grid, never one used before.

Follows the structure of DB11 (community code + 3 digits, west to east and then north to south) and
of CJ/T 349 (a grid over several communities has a community part from 601 upwards).
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

MERGED_COMMUNITY: Final = 601
"""The community part of a code from which on a grid lies over several communities."""


def next_codes(prefix: str, count: int, used: Iterable[str]) -> list[str]:
    """Return codes after the highest sequence ever used below a prefix.

    Examples
    --------
    >>> next_codes("150622003003", 2, ["150622003003004", "150622003001009"])
    ['150622003003005', '150622003003006']
    """
    taken = set(used)
    ends = (code[len(prefix) :] for code in taken if code.startswith(prefix))
    last = max((int(end) for end in ends if len(end) == 3 and end.isdecimal()), default=0)
    free = (code for n in itertools.count(last + 1) if (code := f"{prefix}{n:03d}") not in taken)
    return list(itertools.islice(free, count))


def merged_prefixes(
    groups: Sequence[tuple[str, ...]], used: Iterable[str]
) -> dict[tuple[str, ...], str]:
    """Return a code's first part for each set of communities that one grid lies over.

    Parameters
    ----------
    groups : sequence of tuple of str
        Codes of communities, sorted: the first one's street leads.
    used : iterable of str
        Codes of communities and grids that are taken.

    Returns
    -------
    dict of tuple of str to str
        The street's code and a part from 601 upwards; of codes that are not of 12 digits their
        own, joined by "+".

    Examples
    --------
    >>> merged_prefixes([("150622003001", "150622003003")], ["150622003601001"])
    {('150622003001', '150622003003'): '150622003602'}
    """
    taken = {code[:12] for code in used}
    prefixes: dict[tuple[str, ...], str] = {}
    for group in groups:
        if not all(len(code) == 12 and code.isdecimal() for code in group):
            prefixes[group] = "+".join(group) + "-"
            continue
        street = group[0][:9]
        part = next(n for n in range(MERGED_COMMUNITY, 10_000) if f"{street}{n}" not in taken)
        prefixes[group] = f"{street}{part}"
        taken.add(prefixes[group])
    return prefixes
