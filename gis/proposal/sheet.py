"""A proposal as one self-contained web page: the map, the grids, and both networks' scores.

It has no script. What people typed is text of an element tree, which is escaped as it is written.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring  # it writes, never reads # nosec B405

import numpy as np
import shapely
from shapely import STRtree

from gis.geometry import Geometries
from gis.proposal.ground import Bounds, Ground, placeable, polygons
from gis.proposal.score import Score
from gis.sealing import POLICY, sealed

_TINTS: Final = 6
_WIDTH: Final = 1000.0
_MARGIN: Final = 0.03
_TOUCH_M: Final = 0.5


@dataclass(frozen=True)
class Shown:
    """A network on the page: codes, names, outlines in degrees, households and score."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    grids: Geometries
    score: Score


def sheet(
    title: str, ground: Ground, proposed: Shown, in_force: Shown | None, bounds: Bounds
) -> str:
    """Return a proposal as one HTML page that works from a file with the network off.

    Parameters
    ----------
    title : str
        What the community is called.
    ground : Ground
        Its buildings, compounds, streets and the grids that are kept.
    proposed : Shown
        The network to look at.
    in_force : Shown, optional
        The one to compare it with.
    bounds : Bounds
        Households a grid; grids without are marked.

    Returns
    -------
    str
        The page; the same arguments, the same page.
    """
    style = resources.files("gis.proposal").joinpath("sheet.css").read_text(encoding="utf-8")
    page = Element("html", lang="zh-CN")
    head, body = SubElement(page, "head"), SubElement(page, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    _text(head, "title", f"{title} · 网格划分建议 proposed grids")
    _text(head, "style", style)
    _text(body, "h1", title)
    _text(
        body, "p", "网格划分建议 · Proposed grids: 不是生效边界 none of them is in force", "quiet"
    )
    for name, zh, en in _switches(ground, in_force):
        SubElement(body, "input", {"type": "checkbox", "id": name, "checked": "checked"})
        _text(body, "label", f"{zh} {en}").set("for", name)
    main = SubElement(body, "main")
    _draw(SubElement(main, "figure"), ground, proposed, in_force, bounds)
    side = SubElement(main, "aside")
    _scores(side, proposed.score, in_force.score if in_force else None, bounds)
    _grids(side, proposed, bounds)
    return sealed(f"<!DOCTYPE html>\n{tostring(page, encoding='unicode', method='html')}\n")


def _switches(ground: Ground, in_force: Shown | None) -> list[tuple[str, str, str]]:
    found = []
    if in_force is not None:
        found.append(("show-force", "现行边界", "grids in force"))
    found.append(("show-buildings", "楼栋小区", "buildings, compounds"))
    if len(ground.streets):
        found.append(("show-streets", "道路", "streets"))
    return found


def _text(parent: Element, tag: str, text: str, kind: str | None = None) -> Element:
    element = SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = text
    return element


@dataclass(frozen=True)
class _Paper:
    """From metres to the picture's own units."""

    west: float
    north: float
    scale: float
    height: float

    @classmethod
    def of(cls, shape: shapely.Geometry) -> "_Paper":
        west, south, east, north = shapely.bounds(shape)
        scale = _WIDTH * (1 - 2 * _MARGIN) / max(east - west, north - south)
        rim = _WIDTH * _MARGIN / scale
        return cls(west - rim, north + rim, scale, (north - south + 2 * rim) * scale)

    @property
    def width(self) -> float:
        return _WIDTH

    def path(self, shape: shapely.Geometry) -> str:
        parts = []
        for ring in shapely.get_parts(shapely.get_parts(_lines(shape))):
            x, y = shapely.get_coordinates(ring).T
            px, py = (x - self.west) * self.scale, (self.north - y) * self.scale
            points = " ".join(f"{a:.1f} {b:.1f}" for a, b in zip(px, py, strict=True))
            parts.append(f"M{points}{'Z' if shapely.is_closed(ring) else ''}")
        return "".join(parts)

    def at(self, point: shapely.Geometry) -> tuple[str, str]:
        x, y = shapely.get_coordinates(point)[0]
        return f"{(x - self.west) * self.scale:.1f}", f"{(self.north - y) * self.scale:.1f}"


def _lines(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.boundary(shape) if shapely.get_dimensions(shape) == 2 else shape


def _draw(
    figure: Element, ground: Ground, proposed: Shown, in_force: Shown | None, bounds: Bounds
) -> None:
    plane = ground.plane
    outline = polygons(plane.metres(np.array([ground.outline])))[0]
    paper = _Paper.of(outline)
    size = f"0 0 {paper.width:.0f} {paper.height:.0f}"
    svg = SubElement(
        figure, "svg", {"viewBox": size, "role": "img", "aria-label": "网格划分建议 proposed grids"}
    )
    grids = polygons(plane.metres(proposed.grids))
    around = shapely.buffer(outline, 1.0)
    _paths(svg, "kept", paper, polygons(plane.metres(ground.kept)))
    tints = _tints(grids)
    for grid, tint, code, name in zip(grids, tints, proposed.codes, proposed.names, strict=True):
        area = SubElement(svg, "path", {"class": f"grid tint{tint}", "d": paper.path(grid)})
        _text(area, "title", f"{code} {name}")
    _paths(svg, "compound", paper, _near(polygons(plane.metres(ground.compounds)), around))
    _paths(svg, "building", paper, _near(placeable(plane.metres(ground.buildings)), around))
    lines = shapely.intersection(plane.metres(ground.streets), around)
    _paths(svg, "street", paper, lines)
    _paths(svg, "border", paper, grids)
    if in_force is not None:
        _paths(svg, "force", paper, polygons(plane.metres(in_force.grids)))
    _paths(svg, "outline", paper, [outline])
    _labels(svg, paper, grids, proposed, bounds)
    _scale_bar(svg, paper)


def _near(shapes: Geometries, around: shapely.Geometry) -> Geometries:
    chosen: Geometries = shapes[shapely.intersects(shapes, around)]
    return chosen


def _paths(svg: Element, kind: str, paper: _Paper, shapes: Iterable[shapely.Geometry]) -> None:
    group = SubElement(svg, "g", {"class": kind})
    for shape in shapes:
        if shapely.get_dimensions(shape) == 0:
            x, y = paper.at(shape)
            SubElement(group, "circle", {"cx": x, "cy": y, "r": "3"})
        elif not shapely.is_empty(shape):
            SubElement(group, "path", {"d": paper.path(shape)})


def _tints(grids: Geometries) -> list[int]:
    """Return a tint for each grid that no neighbour has, as long as there are enough."""
    one, two = STRtree(grids).query(grids, predicate="dwithin", distance=_TOUCH_M)
    chosen: list[int] = []
    for grid in range(len(grids)):
        near = {chosen[i] for i in two[one == grid] if i < grid}
        turns = [(grid + turn) % _TINTS for turn in range(_TINTS)]
        chosen.append(next((tint for tint in turns if tint not in near), turns[0]))
    return chosen


def _labels(
    svg: Element, paper: _Paper, grids: Geometries, proposed: Shown, bounds: Bounds
) -> None:
    group = SubElement(svg, "g", {"class": "labels"})
    counts = proposed.score.households
    for grid, code, count in zip(grids, proposed.codes, counts, strict=True):
        largest = max(shapely.get_parts(grid), key=lambda part: float(part.area))
        circle = shapely.maximum_inscribed_circle(largest, tolerance=1.0)
        x, y = paper.at(shapely.get_point(circle, 0))
        label = SubElement(group, "text", {"x": x, "y": y})
        _text(label, "tspan", code[-3:], "number")
        amiss = not bounds.fewest <= count <= bounds.most
        words = _text(label, "tspan", f"{count:,} 户", "amiss" if amiss else "count")
        words.set("x", x)
        words.set("dy", "1.15em")


def _scale_bar(svg: Element, paper: _Paper) -> None:
    """Draw a bar of a round length, about a fifth of the picture."""
    wanted = paper.width / paper.scale / 5
    power = 10 ** math.floor(math.log10(wanted))
    metres = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    length, y = metres * paper.scale, paper.height - 12
    bar = SubElement(svg, "g", {"class": "scale"})
    SubElement(bar, "path", {"d": f"M12 {y - 6:.1f}V{y:.1f}H{12 + length:.1f}V{y - 6:.1f}"})
    label = _text(bar, "text", f"{metres:,.0f} m")
    label.set("x", f"{12 + length / 2:.1f}")
    label.set("y", f"{y - 8:.1f}")


def _row(table: Element, cells: Sequence[str], tag: str = "td", kind: str | None = None) -> None:
    row = SubElement(table, "tr", {"class": kind} if kind else {})
    for position, cell in enumerate(cells):
        _text(row, tag if position or tag == "th" else "th", cell)


def _scores(side: Element, ours: Score, theirs: Score | None, bounds: Bounds) -> None:
    table = SubElement(side, "table", {"class": "scores"})
    _row(table, ("", "建议 proposed", *(("现行 in force",) if theirs else ())), "th")
    columns = [score_words(score) for score in (ours, theirs) if score]
    for label, *values in zip(score_labels(bounds), *columns, strict=True):
        _row(table, (label, *values))


def score_labels(bounds: Bounds) -> tuple[str, ...]:
    """Return what each line of a score says, in both languages."""
    return (
        "网格数 grids",
        f"户数在 {bounds.fewest}–{bounds.most} 户内 within the bounds",
        "最大偏差 largest deviation from the mean",
        "紧凑度均值 compactness, mean",
        "紧凑度最低 compactness, worst",
        "被切分的楼栋 buildings split",
        "被切分的小区 compounds split",
        "沿街边界 borders along streets",
    )


def score_words(score: Score) -> tuple[str, ...]:
    """Return the values of a score as a person reads them, in the order of their labels."""
    along = score.street_share
    return (
        f"{score.grid_count:,}",
        f"{score.share_within:.0%}",
        f"{score.largest_deviation:.1%}",
        f"{score.compactness_mean:.2f}",
        f"{score.compactness_worst:.2f}",
        f"{score.buildings_split:,}",
        f"{score.compounds_split:,}",
        "–" if along is None else f"{along:.0%}",
    )


def _grids(side: Element, proposed: Shown, bounds: Bounds) -> None:
    table = SubElement(side, "table", {"class": "grids"})
    _row(table, ("编码 code", "名称 name", "户数 households"), "th")
    for code, name, count in zip(
        proposed.codes, proposed.names, proposed.score.households, strict=True
    ):
        amiss = not bounds.fewest <= count <= bounds.most
        _row(table, (code, name, f"{count:,}"), kind="amiss" if amiss else None)
