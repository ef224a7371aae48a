"""What the page of findings holds, without a browser."""

import json
import re

import numpy as np
import shapely

from gis.chart import findings
from gis.chart.findings import FindingsPage, render_findings
from gis.findings import Finding
from tests.benchmarks.tessellation import tessellation


def data(page: FindingsPage):
    text = render_findings(page)
    return json.loads(re.search(r'id="findings-data">(.*?)</script>', text, re.DOTALL)[1])


def unpacked(lines, scale):
    return [np.cumsum(np.array(line).reshape(-1, 2), axis=0) / scale for line in lines]


def test_outlines_come_whole_to_a_tenth_of_a_metre():
    square = shapely.box(111.2, 39.9, 111.3, 40.0)
    holed = shapely.difference(square, shapely.box(111.22, 39.92, 111.23, 39.93))
    held = data(FindingsPage("g", np.array([holed, None, shapely.Point(0, 0)]), []))
    rings = unpacked(held["outlines"], held["outlineScale"])
    assert [len(ring) for ring in rings] == [5, 5]
    assert np.abs(rings[0] - shapely.get_coordinates(holed.exterior)).max() < 1e-6
    assert not held["thinned"]
    assert held["grids"] == 3


def test_findings_come_to_a_millimetre_whatever_they_are():
    bow = shapely.Polygon([(111, 39), (112, 40), (112, 39), (111, 40)])
    mixed = shapely.GeometryCollection([shapely.Point(111, 39), bow, bow.exterior])
    found = [
        Finding("gap", "error", ("A",), shape, None, None, "", "")
        for shape in (mixed, None, shapely.Point(), bow)
    ]
    held = data(FindingsPage("g", np.array([bow]), found))
    kinds = [[s["kind"] for s in each.get("shapes", [])] for each in held["findings"]]
    assert kinds == [["point", "line", "area"], [], [], ["area"]]
    (ring,) = unpacked(held["findings"][3]["shapes"][0]["lines"], held["findingScale"])
    assert np.abs(ring - shapely.get_coordinates(bow)).max() < 1e-8


def test_many_vertices_are_thinned_out(monkeypatch):
    monkeypatch.setattr(findings, "MOST_VERTICES", 2_000)
    _, grids = tessellation(300, seed=4)
    gap = Finding("gap", "error", (), grids[7], None, None, "", "")
    held = data(FindingsPage("g", grids, [gap]))
    assert held["thinned"]
    rings = unpacked(held["outlines"], held["outlineScale"])
    whole = shapely.get_coordinates(shapely.get_parts(grids[7])[0].exterior)
    assert any(len(ring) == len(whole) and np.abs(ring - whole).max() < 1e-6 for ring in rings)
    assert 0 < sum(len(line) // 2 for line in held["outlines"]) <= 2_000
