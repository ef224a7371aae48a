import warnings

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.coverage import check_buildings, check_grids
from gis.errors import InvalidGrids

SIDE = 0.001  # some 85 by 111 m


def cell(i, j, *, wide=1.0):
    x, y = 111.2 + i * SIDE, 39.9 + j * SIDE
    return shapely.box(x, y, x + wide * SIDE, y + SIDE)


def rules(findings):
    return [(finding.rule, finding.severity, finding.codes) for finding in findings]


def test_a_clean_coverage_is_clean():
    cells = [cell(i, j) for i in range(3) for j in range(3)]
    codes = [f"G{i}" for i in range(9)]
    assert check_grids(codes, cells) == []
    assert check_grids(codes, cells, [shapely.union_all(cells)]) == []
    assert check_grids([], []) == []


def test_an_overlap_says_who_and_how_much():
    (found,) = check_grids(["A", "B"], [cell(0, 0, wide=1.5), cell(1, 0)])
    assert rules([found]) == [("overlap", "error", ("A", "B"))]
    assert found.measure == pytest.approx(85.5 * 111 / 2, rel=0.01)
    assert found.unit == "m²"
    assert found.geometry.normalize().equals_exact(cell(1, 0, wide=0.5).normalize(), 1e-9)
    assert "A" in found.message_en
    assert "重叠" in found.message_zh


def test_a_strip_under_a_metre_is_a_sliver_and_below_a_square_metre_a_note():
    half_a_metre = 1 + 0.5 / 85.5
    (found,) = check_grids(["A", "B"], [cell(0, 0, wide=half_a_metre), cell(1, 0)])
    assert rules([found]) == [("sliver", "warning", ("A", "B"))]
    assert found.measure == pytest.approx(55.5, rel=0.02)
    (note,) = check_grids(["A", "B"], [cell(0, 0, wide=1 + 0.005 / 85.5), cell(1, 0)])
    assert rules([note]) == [("sliver", "info", ("A", "B"))]
    assert note.unit == "m"


def test_a_gap_is_a_hole_or_what_the_parent_has_more():
    cells = [cell(i, j) for i in range(3) for j in range(3)]
    ring = [c for i, c in enumerate(cells) if i != 4]
    codes = [f"G{i}" for i in range(9) if i != 4]
    (found,) = check_grids(codes, ring)
    assert (found.rule, found.severity) == ("gap", "error")
    assert set(found.codes) == set(codes)
    corner = check_grids(codes, cells[1:], [shapely.union_all(cells)])
    assert [finding.rule for finding in corner] == ["gap"]
    assert shapely.hausdorff_distance(corner[0].geometry, cells[0]) < 1e-8
    assert corner[0].codes == ("G0", "G2", "G3")  # cells 1, 3 and, at the corner, 4
    assert check_grids(codes, cells[1:]) == []


def test_an_island_in_a_hole_is_no_gap():
    around = shapely.difference(shapely.box(0, 0, 3, 3), shapely.box(1, 1, 2, 2))
    assert check_grids(["A", "B"], [around, shapely.box(1, 1, 2, 2)]) == []
    (found,) = check_grids(["A", "B"], [around, shapely.box(1.2, 1.2, 1.8, 1.8)])
    assert found.rule == "gap"


def test_copies_are_told_once_and_not_as_overlaps():
    findings = check_grids(["A", "B"], [cell(0, 0), shapely.reverse(cell(0, 0))])
    assert rules(findings) == [("duplicate_geometry", "error", ("A", "B"))]


def test_a_code_used_twice_names_its_rows():
    (found,) = check_grids(["A", "B", "A"], [cell(0, 0), cell(1, 0), cell(2, 0)])
    assert rules([found]) == [("duplicate_code", "error", ("A",))]
    assert "rows 1, 3" in found.message_en


def test_bad_shapes_say_what_and_where():
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    shapes = [bow, None, shapely.Polygon(), shapely.Point(5, 5), shapely.box(3, 3, 4, 4)]
    findings = check_grids(list("ABCDE"), shapes)
    assert sorted(rules(findings)) == [
        ("empty_geometry", "error", ("B",)), ("empty_geometry", "error", ("C",)),
        ("invalid_geometry", "error", ("A",)), ("invalid_geometry", "error", ("D",)),
    ]  # fmt: skip
    crossing = next(f for f in findings if f.codes == ("A",))
    assert crossing.geometry.equals(shapely.Point(0.5, 0.5))
    assert "0.5000000, 0.5000000" in crossing.message_zh


def test_a_dedicated_grid_may_lie_on_a_basic_one():
    market = shapely.box(111.2002, 39.9002, 111.2004, 39.9004)
    pair, codes = [cell(0, 0), market], ["A", "M"]
    assert [f.rule for f in check_grids(codes, pair)] == ["overlap"]
    assert check_grids(codes, pair, dedicated=np.array([False, True])) == []


def test_codes_and_geometries_must_pair():
    with pytest.raises(InvalidGrids, match="1 codes for 2"):
        check_grids(["A"], [cell(0, 0), cell(1, 0)])


def test_buildings_cut_copied_and_apart():
    tiny = 1e-8  # a millimetre
    copy = shapely.box(111.2, 39.9, 111.2 + SIDE + tiny, 39.9 + SIDE)
    findings = check_buildings(
        ["B1", "B2", "B3", "B3", "B4", "B4", None, None],
        [cell(0, 0), copy, cell(2, 0), cell(3, 0), cell(5, 0), cell(9, 0), cell(6, 6), cell(8, 8)],
    )
    assert rules(findings) == [
        ("duplicate_geometry", "error", ("B1", "B2")),
        ("duplicate_code", "error", ("B4",)),
        ("cut_building", "warning", ("B3",)),
    ]


@pytest.mark.real
def test_tottori_has_one_bad_ring_and_areas_in_several_rows(shared_data):
    path = shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip"
    frame = gpd.read_file(path, encoding="cp932").to_crs(4490)
    findings = check_grids(frame.KEY_CODE.tolist(), frame.geometry.to_numpy())
    (bad,) = [f for f in findings if f.rule == "invalid_geometry"]
    assert "Ring Self-intersection" in bad.message_en
    counts = frame.KEY_CODE.value_counts()
    repeated = {f.codes[0] for f in findings if f.rule == "duplicate_code"}
    assert repeated == set(counts.index[counts > 1])
    assert {f.rule for f in findings} == {"invalid_geometry", "duplicate_code"}


@pytest.mark.real
def test_the_census_blocks_come_clean(shared_data):
    frame = gpd.read_file(shared_data / "partitions" / "baltimore_census_blocks_2020.gpkg")
    assert len(frame) == 10_025
    assert check_grids([str(i) for i in frame.index], frame.geometry.to_numpy()) == []


@pytest.mark.real
@pytest.mark.parametrize(
    ("layer", "mismatched"),
    [("council_districts", True), ("neighborhoods_2010", True),
     ("police_districts_1959_2022", False)],
)  # fmt: skip
def test_baltimore_s_shared_edges(shared_data, layer, mismatched):
    path = shared_data / "cases" / "baltimore_areas_epsg2804.gpkg"
    frame = gpd.read_file(path, layer=layer).to_crs(4490)
    findings = check_grids([str(i) for i in frame.index], frame.geometry.to_numpy())
    slivers = [f for f in findings if f.rule == "sliver"]
    assert bool(slivers) == mismatched
    assert all(f.severity != "error" for f in slivers)
    assert not [f for f in findings if f.rule == "overlap"]


@pytest.mark.real
def test_shanghai_s_buildings_are_copied_and_cut_at_tile_edges(shared_data):
    path = shared_data / "buildings" / "shanghai_osm_tiles_buildings.geojson"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL renames ids that come twice, and says so
        frame = gpd.read_file(path)
    frame = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    findings = check_buildings(frame["id"].astype(str).tolist(), frame.geometry.to_numpy())
    found = [f.rule for f in findings]
    assert found.count("duplicate_geometry") > 50
    assert found.count("cut_building") > 10
