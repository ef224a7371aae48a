"""Check of a file: any form, any column, and what is said when something cannot be used."""

import json
import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from gis.errors import MissingCrs
from layers.actions.check_file import CheckOrder, check_file
from layers.actions.findings_file import write_findings
from layers.errors import FileUnreadable, LayerRefused, MappingInvalid

SIDE = 0.001
COMMUNITY = "150622003003"
TOPOLOGY = {
    "type": "Topology",
    "transform": {"scale": [SIDE / 100, SIDE / 100], "translate": [111.2, 39.9]},
    "arcs": [[[100, 0], [0, 100]], [[100, 0], [-100, 0], [0, 100], [100, 0]],
             [[100, 100], [100, 0], [0, -100], [-100, 0]]],
    "objects": {"grids": {"type": "GeometryCollection", "geometries": [
        {"type": "Polygon", "arcs": [[1, -1]], "properties": {"code": f"{COMMUNITY}001"}},
        {"type": "Polygon", "arcs": [[2, 0]], "properties": {"code": f"{COMMUNITY}002"}},
    ]}},
}  # fmt: skip


def cell(i, j=0, *, wide=1.0):
    x, y = 111.2 + i * SIDE, 39.9 + j * SIDE
    return shapely.box(x, y, x + wide * SIDE, y + SIDE)


def saved(path: Path, shapes, **columns) -> str:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4490).to_file(path)
    return str(path)


def rules(order: CheckOrder) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.rule, finding.codes) for finding in check_file(order).findings]


@pytest.fixture
def pair(tmp_path: Path) -> str:
    """Two grids of which the first lies on the second."""
    codes = [f"{COMMUNITY}001", f"{COMMUNITY}002"]
    return saved(
        tmp_path / "grids.gpkg", [cell(0, wide=1.5), cell(1)],
        code=codes, 户数=[299, 400], 种类=["basic", "专属"],
    )  # fmt: skip


def test_without_codes_rows_are_known_by_their_number(pair: str) -> None:
    (overlap,) = check_file(CheckOrder(pair)).findings
    assert overlap.codes == ("row 1", "row 2")
    assert "第 1 行" in overlap.message_zh
    assert "row" not in overlap.message_zh
    assert "row 1 and row 2" in overlap.message_en


def test_columns_add_their_rules(pair: str) -> None:
    order = CheckOrder(pair, code="code", households="户数")
    assert rules(order) == [
        ("overlap", (f"{COMMUNITY}001", f"{COMMUNITY}002")),
        ("household_count", (f"{COMMUNITY}001",)),
    ]
    assert rules(replace(order, kind="种类", households=None)) == []
    assert rules(replace(order, least="error")) == rules(order)[:1]


def test_a_dedicated_grid_is_known_by_the_column_that_an_import_takes(tmp_path: Path) -> None:
    shapes = [cell(0), cell(0.25, wide=0.5)]
    named = saved(tmp_path / "d.gpkg", shapes, 网格类型=["基础网格", "专属网格"])
    checked = check_file(CheckOrder(named))
    assert checked.findings == []
    assert "1 grids are dedicated by their column 网格类型" in checked.notes[0]
    other = saved(tmp_path / "o.gpkg", shapes, 类型=["住宅", "公园"])
    assert rules(CheckOrder(other)) == [("overlap", ("row 1", "row 2"))]


def test_codes_are_national_if_one_is(tmp_path: Path) -> None:
    mixed = saved(tmp_path / "m.gpkg", [cell(0), cell(1)], code=[f"{COMMUNITY}001", "X"])
    order = CheckOrder(mixed, code="code")
    assert rules(order) == [("code_format", ("X",))]
    assert rules(replace(order, codes="free")) == []
    own = saved(tmp_path / "o.gpkg", [cell(0), cell(1)], code=["A", "B"])
    checked = check_file(CheckOrder(own, code="code"))
    assert checked.findings == []
    assert "--codes national" in checked.notes[0]
    assert len(rules(CheckOrder(own, code="code", codes="national"))) == 2


def test_a_code_that_is_missing_is_found(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.gpkg", [cell(0), cell(1)], code=[f"{COMMUNITY}001", None])
    assert rules(CheckOrder(file, code="code")) == [("code_format", ("row 2",))]


def test_parents_and_buildings_come_with_or_without_codes(tmp_path: Path) -> None:
    grids = saved(tmp_path / "g.gpkg", [cell(0), cell(1)], code=["A1", "B1"])
    areas = saved(tmp_path / "p.gpkg", [cell(0), cell(1, wide=2)], code=["A", "B"])
    house = shapely.box(111.2009, 39.9004, 111.2011, 39.9005)
    houses = saved(tmp_path / "b.gpkg", [house, cell(8)], code=["H1", "H2"])
    order = CheckOrder(grids, parents=areas, buildings=houses)
    assert rules(order) == [
        ("uncovered_parent", ("row 2 of p.gpkg",)),
        ("unowned_building", ("row 2 of b.gpkg",)),
        ("split_building", ("row 1 of b.gpkg", "row 1", "row 2")),
    ]
    assert "第 2 行（p.gpkg）" in check_file(order).findings[0].message_zh
    coded = replace(order, code="code", parent_code="code", building_code="code")
    assert rules(coded)[1:] == [
        ("unowned_building", ("H2",)),
        ("split_building", ("H1", "A1", "B1")),
    ]
    (tmp_path / "g.gpkg").unlink()
    saved(tmp_path / "g.gpkg", [cell(0), cell(1)], code=["A1", "A2"])
    assert ("code_prefix", ("A2", "B")) in rules(coded)


def test_where_no_code_begins_with_a_parent_s_it_is_said(tmp_path: Path) -> None:
    grids = saved(tmp_path / "g.gpkg", [cell(0)], code=["A1"])
    areas = saved(tmp_path / "p.gpkg", [cell(0)], code=["Z"])
    checked = check_file(CheckOrder(grids, code="code", parents=areas, parent_code="code"))
    assert checked.findings == []
    assert any("No code begins" in note for note in checked.notes)


@pytest.mark.parametrize("ending", ["topojson", "json"])
def test_a_topojson(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"grids.{ending}"
    path.write_text(json.dumps(TOPOLOGY))
    checked = check_file(CheckOrder(str(path), code="code"))
    assert checked.findings == []
    assert checked.names == [f"{COMMUNITY}001", f"{COMMUNITY}002"]
    assert any("WGS 84" in note for note in checked.notes)
    shifted = check_file(CheckOrder(f"{path}:grids", datum="gcj02"))
    moved = shapely.distance(shapely.centroid(checked.geometries[0]),
                             shapely.centroid(shifted.geometries[0]))  # fmt: skip
    assert 0.004 < moved < 0.009


@pytest.mark.parametrize(
    ("ending", "driver"),
    [("kml", "KML"), ("gml", "GML"), ("tab", "MapInfo File"), ("sqlite", "SQLite"), ("fgb", None),
     ("geojson", None), ("shp", None), ("gdb", "OpenFileGDB")],
)  # fmt: skip
def test_any_form_that_gdal_reads(tmp_path: Path, ending: str, driver: str | None) -> None:
    path = tmp_path / f"grids.{ending}"
    frame = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=[cell(0, wide=1.5), cell(1)], crs=4326)
    pyogrio.write_dataframe(frame, path, driver=driver)
    (overlap,) = check_file(CheckOrder(str(path))).findings
    assert overlap.rule == "overlap"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.gpkg", b"not a database at all", "damaged"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "damaged"),
        ("a.topojson", b'{"type": "Topology"}', "cannot be read|no layer"),
        ("a.kml", b"<kml><Placemark>", "cannot be read|no layer"),
        ("a.xyz", b"\x00\x01\x02", "damaged"),
        ("a.zip", b"PK\x03\x04rubbish", "damaged"),
        ("a.shp", b"\x00\x00\x27\x0a", "no a.shx"),
        ("a.dbf", b"\x03", "part of a shapefile"),
        ("a.gpkg", b"", "empty"),
        ("a.xyz", b"", "none that can be read"),
        ("a.parquet", b"PAR1", "damaged"),
    ],
)
def test_a_broken_file_is_an_error_in_words(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileUnreadable, match=words):
        check_file(CheckOrder(str(path)))


def test_files_that_hold_no_grids(tmp_path: Path, pair: str) -> None:
    with pytest.raises(FileUnreadable, match="There is no file"):
        check_file(CheckOrder(str(tmp_path / "none.gpkg")))
    with pytest.raises(FileUnreadable, match="folder"):
        check_file(CheckOrder(str(tmp_path)))
    points = saved(tmp_path / "points.gpkg", [shapely.Point(111, 39)], code=["A"])
    with pytest.raises(LayerRefused, match=r"no polygon.*Point"):
        check_file(CheckOrder(points))
    nothing = tmp_path / "nothing.geojson"
    nothing.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises((LayerRefused, FileUnreadable), match=r"no rows|no layer|no columns"):
        check_file(CheckOrder(str(nothing)))
    with pytest.raises(MappingInvalid, match="Did you mean “code”"):
        check_file(CheckOrder(pair, code="coed"))
    with pytest.raises(MappingInvalid, match="is no number of households"):
        check_file(CheckOrder(pair, households="种类"))
    with pytest.raises(MappingInvalid, match="--parents FILE"):
        check_file(CheckOrder(pair, parent_code="code"))


def test_a_file_without_a_crs_asks_for_the_datum(tmp_path: Path) -> None:
    path = Path(saved(tmp_path / "bare.shp", [cell(0)], code=["A"]))
    path.with_suffix(".prj").unlink()
    with pytest.raises(MissingCrs, match="--datum"):
        check_file(CheckOrder(str(path)))
    assert check_file(CheckOrder(str(path), datum="cgcs2000", parents=str(path))).findings == []


def test_findings_as_a_geopackage(tmp_path: Path) -> None:
    bow = shapely.Polygon([(111.21, 39.9), (111.22, 39.91), (111.22, 39.9), (111.21, 39.91)])
    shapes = [cell(0, wide=1.5), cell(1), bow, None, cell(4), cell(4)]
    codes = [f"{COMMUNITY}{number:03d}" for number in (3, 2, 4, 5, 6, 6)]
    file = saved(tmp_path / "g.gpkg", shapes, code=codes)
    findings = check_file(CheckOrder(file, code="code")).findings
    out = tmp_path / "findings.gpkg"
    layers = write_findings(findings, out)
    assert set(layers) == {"points", "lines", "polygons", "without_place"}
    read = {name: pyogrio.read_dataframe(out, layer=name) for name in layers}
    numbers = sorted(number for frame in read.values() for number in frame["number"])
    assert sorted(set(numbers)) == list(range(1, len(findings) + 1))
    overlap = read["polygons"].query("rule == 'overlap'").iloc[0]
    assert overlap.codes == f"{codes[1]}, {codes[0]}"
    assert overlap.geometry.equals_exact(findings[overlap.number - 1].geometry, 1e-9) or (
        shapely.hausdorff_distance(overlap.geometry, cell(1, wide=0.5)) < 1e-9
    )
    assert read["polygons"].crs.to_epsg() == 4490
    assert set(read["without_place"]["rule"]) == {"empty_geometry"}
    assert re.search("重叠", overlap.message_zh)
    assert write_findings([], out) == {"without_place": 0}
    with pytest.raises(FileUnreadable, match=r"\.gpkg"):
        write_findings([], tmp_path / "findings.shp")
