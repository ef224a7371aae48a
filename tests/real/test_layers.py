"""Layers of other places, as they were published: what comes in, and what is wrong with it."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.coverage import check_buildings, check_grids
from layers.exchange.reader import read_layer

pytestmark = pytest.mark.real


def test_tottori_comes_in_with_its_japanese_names(shared_data: Path) -> None:
    layer = read_layer(shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip")
    frame = layer.frame
    assert len(layer) == 2504
    assert layer.encoding == "cp932"
    assert layer.datum == "EPSG:4612"
    assert set(frame["KEN_NAME"]) == {"鳥取県"}
    assert set(frame["GST_NAME"]) == {
        "鳥取市", "米子市", "倉吉市", "境港市", "岩美郡", "八頭郡", "東伯郡", "西伯郡", "日野郡",
    }  # fmt: skip
    assert frame["MOJI"].head(2).tolist() == ["立川町３丁目", "双六原"]
    names = [name for name in frame["MOJI"].dropna() if name]
    assert not any("\ufffd" in name for name in names)
    assert int(shapely.get_num_coordinates(frame.geometry.to_numpy()).sum()) == 249_129


def test_the_one_bad_ring_of_tottori_is_reported(shared_data: Path) -> None:
    frame = read_layer(shared_data / "partitions" / "tottori_chome_2015_shp_cp932.zip").frame
    findings = check_grids(frame["KEY_CODE"].tolist(), frame.geometry.to_numpy())
    rules = Counter(finding.rule for finding in findings)
    assert rules["invalid_geometry"] == 1
    repeated = frame["KEY_CODE"].duplicated(keep=False)
    assert repeated.any()
    assert rules["duplicate_code"] >= 1


def test_the_census_blocks_come_in_clean(shared_data: Path) -> None:
    layer = read_layer(shared_data / "partitions" / "baltimore_census_blocks_2020.gpkg")
    geometries = layer.frame.geometry.to_numpy()
    assert len(layer) == 10_025
    assert not layer.problems
    assert int(shapely.get_num_coordinates(geometries).sum()) == 170_180
    findings = check_grids(layer.frame["geoid20"].tolist(), geometries)
    assert [finding for finding in findings if finding.severity != "info"] == []


def test_the_tracts_hold_the_blocks(shared_data: Path) -> None:
    layer = read_layer(shared_data / "partitions" / "baltimore_census_tracts_2010.geojson")
    assert len(layer) == 199
    assert len(set(layer.frame["geoid"])) == 199


def test_bayreuth_buildings_come_in_with_no_duplicate_invented(shared_data: Path) -> None:
    layer = read_layer(shared_data / "buildings" / "bayreuth_north_osm.gpkg", layer="buildings")
    frame = layer.frame
    assert len(layer) == 4267
    assert "St.-Georgen-Straße" in set(frame["addr:street"])
    # Counted apart: no outline and no id comes twice, so none may be reported.
    findings = check_buildings(frame["osm_way_id"].tolist(), frame.geometry.to_numpy())
    assert {finding.rule for finding in findings} & {
        "duplicate_geometry", "duplicate_code", "cut_building",
    } == set()  # fmt: skip


def test_shanghai_buildings_come_in_with_their_cut_pieces_reported(shared_data: Path) -> None:
    path = shared_data / "buildings" / "shanghai_osm_tiles_buildings.geojson"
    frame = read_layer(path).frame
    ids = [feature["properties"]["id"] for feature in json.loads(path.read_text())["features"]]
    assert frame["id"].tolist() == ids
    assert "上海国际会议中心" in set(frame["name"].dropna())
    findings = check_buildings([str(i) for i in ids], frame.geometry.to_numpy())
    repeated = {str(i) for i, count in Counter(ids).items() if count > 1}
    assert len(repeated) == 114
    cut = {code for f in findings if f.rule == "cut_building" for code in f.codes}
    assert cut
    assert cut <= repeated
    # The same outline came with two tiles: 110 rows too many, counted apart.
    twins = {code for f in findings if f.rule == "duplicate_geometry" for code in f.codes}
    assert twins
    assert repeated <= twins | cut | {
        code for f in findings if f.rule == "duplicate_code" for code in f.codes
    }


def test_the_hierarchy_of_jungar_banner(shared_data: Path) -> None:
    layer = read_layer(
        shared_data / "admin" / "jungar_150622_divisions.csv", geometry_required=False
    )
    frame = layer.frame
    assert len(layer) == 219
    assert sum(frame["code"].str.startswith("150622")) == 217
    names = dict(zip(frame["code"], frame["name"], strict=True))
    assert names["150622003"] == "蓝天街道"
    assert names["150622003003"] == "白云社区"
    assert names["150622001003"] == "站北社区"
    assert names["150622002005"] == "南苑社区"
    parents = dict(zip(frame["code"], frame["parent_code"], strict=True))
    assert all(parents[code] in names for code in names if code.startswith("150622"))
    assert frame.geometry.isna().all()
    assert np.array_equal(layer.rows, np.arange(1, 220))
