"""Codes of grids: each its own, of the national form, and in order."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.findings import Finding, distinct, listed, numbered, worst_first
from gis.geometry import Geometries
from gis.outlines import mended, paired

STREET_DIGITS: Final = 9
_COMMUNITY_DIGITS: Final = 12
_MERGED_FROM: Final = 601
_NATIONAL: Final = re.compile(r"[0-9]{15}")


def is_national(code: str) -> bool:
    """Return whether a code has the form of a grid's: 6 + 3 + 3 + 3 digits.

    Examples
    --------
    >>> is_national("150622003003001"), is_national("G01")
    (True, False)
    """
    return _NATIONAL.fullmatch(code) is not None


def is_merged(code: str) -> bool:
    """Return whether a code is of a grid merged from several communities.

    Examples
    --------
    >>> is_merged("150622003601001"), is_merged("150622003003001")
    (True, False)
    """
    return is_national(code) and int(code[STREET_DIGITS:_COMMUNITY_DIGITS]) >= _MERGED_FROM


def check_codes(codes: Sequence[str | None], geometries: Geometries) -> list[Finding]:
    """Return what is wrong with codes that should be national ones.

    Parameters
    ----------
    codes : sequence of str or None
        One for each geometry.
    geometries : ndarray of shapely geometries, shape (n,)
        Degrees in the storage CRS; their places say what the order should be.

    Returns
    -------
    list of Finding
        ``code_format``, an error: not 15 digits. ``code_order``, an info, one for a community: in
        it a grid is numbered after one that is further south, or east in the same row. Its
        geometry are lines from the lower to the higher number.

    Notes
    -----
    Two grids are in one row when the middle of each lies between the other's southern and northern
    edge. Whatever the grids, there is an order with which no finding is left.

    Examples
    --------
    >>> west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> found = check_codes(["150622003003002", "150622003003001"], [west, east])
    >>> [(finding.rule, finding.codes) for finding in found]
    [('code_order', ('150622003003001', '150622003003002'))]
    """
    names, shapes = paired(codes, geometries)
    return worst_first([*_formats(names, shapes), *_orders(names, mended(shapes))])


def repeated(names: list[str], whole: Geometries) -> Iterator[Finding]:
    """Return the codes that several rows have; the place are the outlines of all of these."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows_of[name].append(row)
    for name, rows in rows_of.items():
        if len(rows) > 1 and name:
            yield Finding(
                "duplicate_code", "error", (name,), _together(whole[rows]), None, None,
                f"编码 {name} 用了 {len(rows)} 次（第 {numbered(rows)} 行），"
                "每个网格应有自己的编码。",
                f"The code {name} is used {len(rows)} times (rows {numbered(rows)}): "
                "give each grid its own.",
            )  # fmt: skip


def _together(shapes: Geometries) -> shapely.Geometry | None:
    drawn = shapes[~shapely.is_empty(shapes)]
    return shapely.GeometryCollection(list(drawn)) if len(drawn) else None


def _formats(names: list[str], shapes: Geometries) -> Iterator[Finding]:
    for row, name in enumerate(names):
        if is_national(name):
            continue
        zh = f"编码 {name} 不是" if name else "没有编码，应为"
        en = f"The code {name} in row {row + 1} is not" if name else f"Row {row + 1} has no code of"
        yield Finding(
            "code_format", "error", (name or f"row {row + 1}",), shapes[row], None, None,
            f"第 {row + 1} 行{zh} 15 位数字（县 6 位、街道 3 位、社区 3 位、网格 3 位），请更正。",
            f"{en} 15 digits (6 county, 3 street, 3 community, 3 grid): correct it.",
        )  # fmt: skip


def _orders(names: list[str], whole: Geometries) -> Iterator[Finding]:
    used = [row for row in np.flatnonzero(~shapely.is_empty(whole)) if is_national(names[row])]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in sorted(used, key=lambda row: names[row]):
        rows_of[names[row][:_COMMUNITY_DIGITS]].append(int(row))
    for community, rows in rows_of.items():
        wrong = _out_of_order(shapely.bounds(whole[rows]))
        if not len(wrong):
            continue
        pairs = [(rows[i], rows[i + 1]) for i in wrong]
        codes = distinct([names[row] for pair in pairs for row in pair])
        middles = shapely.get_coordinates(shapely.point_on_surface(whole[rows]))
        lines = shapely.MultiLineString([middles[[i, i + 1]] for i in wrong])
        first = tuple(f"{names[a]} → {names[b]}" for a, b in pairs)
        yield Finding(
            "code_order", "info", codes, lines, None, None,
            f"社区 {community} 的网格编号未按先西后东、先北后南的顺序：{listed(first, '，')}。"
            "编码不重复使用，不必为此改号。",
            f"The grids of community {community} are not numbered from west to east, then from "
            f"north to south: {listed(first, ', ')}. Don't renumber for this alone.",
        )  # fmt: skip


def _out_of_order(bounds: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return after which of the grids the next one lies further north, or west in its row."""
    west, south, east, north = bounds.T
    x, y = (west + east) / 2, (south + north) / 2
    before, after = slice(None, -1), slice(1, None)
    one_row = (south[before] <= y[after]) & (y[after] <= north[before])
    one_row &= (south[after] <= y[before]) & (y[before] <= north[after])
    wrong = np.where(one_row, x[after] < x[before], y[after] > y[before])
    return np.flatnonzero(wrong)
