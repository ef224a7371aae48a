"""What changes between two editions as one self-contained web page: a map, and a table beside it.

As in a battle chart, nothing is asked of any network, and what people typed travels in a data
island that the browser does not execute and is shown as text (decision 0005).
"""

import html
import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from gis.changes import EditionChanges, GridChange
from gis.chart.web import island, read_part
from gis.geometry import Geometries
from gis.outlines import mended
from gis.ownership import GridIndex
from gis.sealing import POLICY, sealed

MOST_OUTLINES: Final = 5_000
"""Grids drawn in outline; of more, only those that change are, which the page says."""

MOST_ROWS: Final = 2_000
"""Rows of the table, those with the most ground changing owners first; the page says of how many.
"""

_LATTICE_DEGREES: Final = 1e-6


@dataclass(frozen=True)
class ChangeMap:
    """Two editions, with their names and numbers (None for files), and what changes."""

    old_name: str
    new_name: str
    old_number: int | None
    new_number: int | None
    old: GridIndex
    new: GridIndex
    changes: EditionChanges


def render_changes(drawn: ChangeMap, *, language: str = "zh") -> str:
    """Return the page; it works from a file with the network off.

    Parameters
    ----------
    drawn : ChangeMap
        What to draw, anywhere on earth.
    language : {"zh", "en"}
        In which it opens; a button switches.

    Raises
    ------
    InvalidChart
        If Leaflet, which the set-up copies, is not there.
    """
    style = f"{read_part('vendor/leaflet.css')}\n{read_part('changes.css')}"
    scripts = [read_part("vendor/leaflet.js"), read_part("changes.js")]
    title = html.escape(f"网格变化 Changes: {drawn.old_name} → {drawn.new_name}")
    page = "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{"zh-CN" if language == "zh" else "en"}">',
            "<head>",
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            '<link rel="icon" href="data:,">',
            f"<title>{title}</title>",
            f"<style>{style}</style>",
            "</head>",
            f"<body>{_BODY}",
            island("changes", contents(drawn)),
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
        ]
    )
    return sealed(page)


_BODY: Final = """
<header><h1 id="title"></h1><p id="editions"></p>
<div id="switches" role="group"></div><button type="button" id="language"></button></header>
<main id="map"></main>
<aside><section id="summary"></section><p id="note" role="status"></p>
<table><thead id="head"></thead><tbody id="grids"></tbody></table></aside>
<noscript>本页需要浏览器执行脚本。This page needs a browser that runs scripts.</noscript>
"""


def contents(drawn: ChangeMap) -> dict[str, Any]:
    """Return what the page shows, as plain values."""
    changes = drawn.changes
    changed = changes.others()
    all_drawn = len(drawn.old) + len(drawn.new) <= 2 * MOST_OUTLINES
    only = None if all_drawn else {grid.code for grid in changed}
    areas = changes.changed_areas()
    moved = areas.drop(columns="geometry").astype(object)
    rows = moved.where(moved.notna(), None).to_dict("records")
    return {
        "old": {"name": drawn.old_name, "number": drawn.old_number},
        "new": {"name": drawn.new_name, "number": drawn.new_number},
        "summary": changes.summary(),
        "bounds": _bounds(drawn, areas.geometry.to_numpy()),
        "grids": [_grid(grid) for grid in changed[:MOST_ROWS]],
        "changed_count": len(changed),
        "all_drawn": all_drawn,
        "before": _outlines(drawn.old, only),
        "after": _outlines(drawn.new, only),
        "areas": [
            row | {"shape": shape}
            for row, shape in zip(rows, _shapes(areas.geometry.to_numpy()), strict=True)
            if shape is not None
        ],
    }


def _grid(grid: GridChange) -> dict[str, Any]:
    households, cases = grid.households, grid.open_cases
    return {
        "code": grid.code,
        "kind": grid.kind,
        "gained_m2": grid.gained_m2,
        "lost_m2": grid.lost_m2,
        "from": grid.comes_from,
        "to": grid.goes_to,
        "staff": [grid.old_responsible, grid.new_responsible],
        "households": households and [households.in_count, households.out_count],
        "households_now": households and [households.old_count, households.new_count],
        "cases": cases and [cases.in_count, cases.out_count],
    }


def _outlines(index: GridIndex, only: set[str] | None) -> list[dict[str, Any]]:
    rows = [i for i, code in enumerate(index.codes) if only is None or code in only]
    shapes = _shapes(index.geometries[rows])
    return [
        {"code": index.codes[i], "shape": shape}
        for i, shape in zip(rows, shapes, strict=True)
        if shape is not None
    ]


def _shapes(geometries: Geometries) -> list[dict[str, Any] | None]:
    """Return outlines as GeoJSON on a lattice of 0.1 m; None where nothing is left of them."""
    shown = shapely.set_precision(mended(geometries), _LATTICE_DEGREES)
    texts, empty = shapely.to_geojson(shown), shapely.is_empty(shown)
    return [None if none else json.loads(text) for text, none in zip(texts, empty, strict=True)]


def _bounds(drawn: ChangeMap, moved: Geometries) -> list[float] | None:
    """Return the box of what changed, or of everything where nothing did."""
    boxes = [shapely.total_bounds(moved).tolist()] if len(moved) else []
    boxes = boxes or [list(index.bounds) for index in (drawn.old, drawn.new)]
    boxes = [box for box in boxes if np.isfinite(box).all()]
    if not boxes:
        return None
    array = np.array(boxes)
    return [*array[:, :2].min(axis=0).tolist(), *array[:, 2:].max(axis=0).tolist()]
