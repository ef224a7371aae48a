"""Findings of a check as one self-contained web page: a list and a map that lead to each other.

As with the battle chart nothing is asked of any network, and what people typed travels in a data
island that the browser does not execute, and is shown as text.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.chart.definition import Language
from gis.chart.packing import Json
from gis.chart.web import island, read_part
from gis.findings import Finding
from gis.geometry import Geometries
from gis.sealing import POLICY, sealed

MOST_SHAPES: Final = 2_000
"""Findings drawn with their outline; those after them are drawn as a dot."""

MOST_LISTED: Final = 10_000
"""Findings on the page; how many there are in all is said on it."""

MOST_VERTICES: Final = 150_000
"""Of the grids' outlines; more are thinned out."""

_OUTLINE_SCALE: Final = 1e6  # 0.1 m
_FINDING_SCALE: Final = 1e8  # 1 mm
_Lines = list[list[int]]

_KINDS: Final = ("point", "line", "area")


@dataclass(frozen=True)
class FindingsPage:
    """What the page shows: of which file, the grids in it, and what is wrong with them."""

    title: str
    geometries: Geometries
    findings: Sequence[Finding]
    language: Language = "zh"


def render_findings(page: FindingsPage) -> str:
    """Return the page: it works from a file with the network off.

    Parameters
    ----------
    page : FindingsPage
        Geometries in degrees in the storage CRS; None, empty and invalid ones are welcome.

    Returns
    -------
    str
        HTML; the same findings give the same page.

    Examples
    --------
    >>> square = shapely.box(111, 39, 112, 40)
    >>> found = Finding("gap", "error", ("<G1>",), square, 1.0, "m²", "空白", "A gap")
    >>> text = render_findings(FindingsPage("grids", np.array([square]), [found]))
    >>> "<G1>" in text, "http-equiv" in text
    (False, True)
    """
    title = html.escape(page.title.encode("utf-8", "replace").decode("utf-8"))
    language = "zh-CN" if page.language == "zh" else "en"
    text = "\n".join([
        "<!DOCTYPE html>",
        f'<html lang="{language}">',
        "<head>",
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<link rel="icon" href="data:,">',
        f"<title>{title}</title>",
        f"<style>\n{read_part('vendor/leaflet.css')}\n{read_part('findings.css')}\n</style>",
        "</head>",
        read_part("findings.html"),
        island("findings-data", _contents(page)),
        f"<script>\n{read_part('vendor/leaflet.js')}\n</script>",
        f"<script>\n{read_part('findings.js')}\n</script>",
        "</html>",
    ])  # fmt: skip
    return sealed(text)


def _contents(page: FindingsPage) -> Json:
    outlines, thinned = _outlines(page)
    listed = page.findings[:MOST_LISTED]
    return {
        "title": page.title,
        "language": page.language,
        "grids": len(page.geometries),
        "outlines": outlines,
        "thinned": thinned,
        "outlineScale": _OUTLINE_SCALE,
        "findingScale": _FINDING_SCALE,
        "findings": [
            _entry(finding, outlined=number < MOST_SHAPES) for number, finding in enumerate(listed)
        ],
        "all": len(page.findings),
        "outlined": MOST_SHAPES,
    }


def _entry(finding: Finding, *, outlined: bool) -> Json:
    shape = finding.geometry
    entry: dict[str, Any] = {
        "rule": finding.rule,
        "severity": finding.severity,
        "codes": list(finding.codes[:20]),
        "measure": finding.measure,
        "unit": finding.unit,
        "zh": finding.message_zh,
        "en": finding.message_en,
    }
    if shape is not None and not shapely.is_empty(shape):
        west, south, east, north = shapely.bounds(shape).tolist()
        entry["box"] = [west, south, east, north]
        middle = shapely.get_coordinates(shapely.point_on_surface(shape))
        entry["place"] = middle[0].tolist() if len(middle) else [west, south]
        if outlined:
            entry["shapes"] = _shapes(shape)
    return entry


def _shapes(shape: shapely.Geometry) -> list[Json]:
    """Return the points, lines and rings of a finding, those of one kind together."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    dimensions = shapely.get_dimensions(parts)
    return [
        {"kind": kind, "lines": _packed(_lines(parts[dimensions == dimension]), _FINDING_SCALE)}
        for dimension, kind in enumerate(_KINDS)
        if (dimensions == dimension).any()
    ]


def _lines(parts: Geometries) -> Geometries:
    areas = shapely.get_dimensions(parts) == 2
    return np.concatenate([shapely.get_rings(parts[areas]), parts[~areas]])


def _outlines(page: FindingsPage) -> tuple[_Lines, bool]:
    """Return the rings of the grids, and whether vertices had to be left out.

    The grids beside a finding come whole as far as there is room, the others thinned out.
    """
    drawn = page.geometries[shapely.get_dimensions(page.geometries) == 2]
    if int(shapely.get_num_coordinates(drawn).sum()) <= MOST_VERTICES:
        return _packed(_rings(drawn), _OUTLINE_SCALE), False
    whole = _beside(drawn, page.findings)
    rings = _rings(drawn[whole])
    room = MOST_VERTICES - int(shapely.get_num_coordinates(rings).sum())
    rest = _thinned(_rings(np.delete(drawn, whole)), room)
    return _packed(np.concatenate([rings, rest]), _OUTLINE_SCALE), True


def _rings(shapes: Geometries) -> Geometries:
    return np.asarray(shapely.get_rings(shapely.get_parts(shapes)), dtype=object)


def _beside(drawn: Geometries, findings: Sequence[Finding]) -> NDArray[np.intp]:
    """Return the grids at the worst findings, with half of all vertices at most."""
    places = np.array(
        [each.geometry for each in findings[:MOST_SHAPES] if each.severity != "info"], dtype=object
    )
    _, near = shapely.STRtree(drawn).query(places)
    _, first = np.unique(near, return_index=True)
    near = near[np.sort(first)]  # each once, the worst first
    vertices = np.cumsum(shapely.get_num_coordinates(drawn[near]))
    return np.asarray(near[vertices <= MOST_VERTICES / 2], dtype=np.intp)


def _thinned(rings: Geometries, room: int) -> Geometries:
    """Return rings with fewer vertices; those that become too small to be seen are left out."""
    if not len(rings):
        return rings
    west, south, east, north = shapely.total_bounds(rings)
    size = max(east - west, north - south)
    tolerance, thin = size / 8_000, rings
    while shapely.get_num_coordinates(thin).sum() > room and tolerance < size:
        thin = shapely.simplify(rings, tolerance, preserve_topology=False)
        extent = np.ptp(shapely.bounds(thin).reshape(-1, 2, 2), axis=1).max(axis=1)
        thin = thin[~shapely.is_empty(thin) & (extent > tolerance)]
        tolerance *= 2
    return np.asarray(thin, dtype=object)


def _packed(lines: Geometries, scale: float) -> _Lines:
    """Return each line as whole numbers: its first point, then step by step; x and y in turn."""
    points, line = shapely.get_coordinates(lines, return_index=True)
    whole = np.round(points * scale).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    steps[starts] = whole[starts]
    return [part.ravel().tolist() for part in np.split(steps, starts[1:])]
