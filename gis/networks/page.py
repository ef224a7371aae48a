"""The comparison as one self-contained web page: every network a layer, and the proposal."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
import shapely

from gis.chart.web import island, read_part
from gis.findings import Finding
from gis.geometry import Geometries
from gis.networks.comparison import Comparison
from gis.networks.proposal import Proposal
from gis.sealing import sealed

COLOURS: Final = ("#0072B2", "#009E73", "#E69F00", "#56B4E9", "#332288", "#882255")
"""Of the networks, in their order; safe for the colour-blind. The proposal is magenta (DB11)."""

_LEAST_DEGREES: Final = 1e-6  # 0.1 m: finer is not seen on a map


@dataclass(frozen=True)
class Shown:
    """What the page shows."""

    comparison: Comparison
    proposal: Proposal
    accepted: frozenset[str] = frozenset()
    command: str = "lianxin network compare …"
    """The command that made the page, to which it adds what is decided on it."""


def render_page(shown: Shown) -> str:
    """Return the page; it works from a file with the network off.

    Parameters
    ----------
    shown : Shown

    Returns
    -------
    str
        HTML. Names and codes travel in a data island and are shown as text.
    """
    script = f"'use strict';\n{_part('page.js')}"
    page = _part("page.html")
    parts = {
        "style": f"{read_part('vendor/leaflet.css')}\n{_part('page.css')}",
        "leaflet": read_part("vendor/leaflet.js"),
        "data": island("network-data", _contents(shown)),
        "script": script,
    }
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text, 1)
    return sealed(page)


def _part(name: str) -> str:
    return resources.files("gis.networks").joinpath(name).read_text(encoding="utf-8")


def _contents(shown: Shown) -> dict[str, Any]:
    laid = shown.proposal.laid
    bounds = shapely.total_bounds(laid.faces)
    return {
        "bounds": [float(edge) for edge in bounds] if np.isfinite(bounds).all() else None,
        "command": shown.command,
        "networks": [
            {
                "name": network.name,
                "colour": COLOURS[number % len(COLOURS)],
                "codes": list(network.codes),
                "shapes": _shapes(network.geometries),
            }
            for number, network in enumerate(laid.networks)
        ],
        "communities": None if laid.communities is None else {
            "codes": list(laid.communities.codes),
            "shapes": _shapes(laid.communities.geometries),
        },
        "buildings": _shapes(laid.buildings.geometries),
        "findings": [
            _finding(finding)
            for finding in (*shown.comparison.findings, *shown.proposal.unsettled)
        ],
        "agreements": [
            [f"{one.network_a}:{one.code_a}", f"{one.network_b}:{one.code_b}", round(one.share, 4)]
            for one in shown.comparison.agreements
        ],
        "grids": [
            {
                "code": grid.code,
                "communities": list(grid.communities),
                "source": None if grid.source is None else ":".join(grid.source),
                "kept": grid.kept,
                "dedicated": grid.dedicated,
                "m2": round(grid.area_m2),
                "households": round(grid.household_count),
                "accepted": grid.code in shown.accepted,
                "instead": cells,
                "shape": shape,
            }
            for grid, cells, shape in zip(
                shown.proposal.grids, _instead(shown.proposal),
                _shapes(np.array([g.geometry for g in shown.proposal.grids], dtype=object)),
                strict=True,
            )
        ],
    }  # fmt: skip


def _instead(proposal: Proposal) -> list[list[str]]:
    """Return for each grid the old cells that have most of their ground in it, or of its own."""
    laid = proposal.laid
    found: list[list[str]] = []
    for position, grid in enumerate(proposal.grids):
        faces = np.flatnonzero(proposal.grid == position)
        cells: list[str] = []
        for network, cover in zip(laid.networks, laid.covers, strict=True):
            at = np.isin(cover.face, faces)
            area = np.bincount(cover.outline[at], laid.face_m2[cover.face[at]])
            cells += [
                f"{network.name}:{network.codes[cell]}"
                for cell in np.argsort(-area, kind="stable")[:2]
                if area[cell] > 0.1 * grid.area_m2
            ]
        found.append(cells)
    return found


def _shapes(shapes: Geometries) -> list[Any]:
    """Return geometries as lists of parts, of rings, of [latitude, longitude]."""
    return [
        [
            [
                np.round(shapely.get_coordinates(ring)[:, ::-1], 7).tolist()
                for ring in shapely.get_rings(part)
            ]
            for part in shapely.get_parts(shape)
        ]
        for shape in shapes
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    shape: Sequence[Any] = []
    if finding.geometry is not None:
        parts = shapely.get_parts(shapely.get_parts(finding.geometry))
        (shape,) = _shapes(np.array([shapely.MultiPolygon(list(parts))], dtype=object))
    return {
        "rule": finding.rule,
        "codes": list(finding.codes),
        "zh": finding.message_zh,
        "en": finding.message_en,
        "measure": finding.measure,
        "shape": shape,
    }
