"""Folders of Parquet in, folders of Parquet out: each part once, and never half."""

import json
import sys
from pathlib import Path

import fsspec
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from layers.actions.route_file import RouteOrder, RouteReport, route_file
from layers.errors import ExtraMissing, FileUnreadable, LayerRefused, MappingInvalid

GRIDS = [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)]


@pytest.fixture
def grids(tmp_path: Path) -> Path:
    path = tmp_path / "grids.parquet"
    gpd.GeoDataFrame({"code": ["W", "E"]}, geometry=GRIDS, crs=4490).to_parquet(path)
    return path


@pytest.fixture
def points(tmp_path: Path) -> Path:
    folder = tmp_path / "points"
    write_parts(folder)
    return folder


def write_parts(folder: Path, count: int = 3) -> None:
    for number in range(count):
        path = folder / f"day={number}" / "part.parquet"
        path.parent.mkdir(parents=True)
        places = [shapely.Point(1 + number, 5), shapely.Point(7, 5), shapely.Point(20, 5), None]
        frame = gpd.GeoDataFrame({"id": np.arange(4) + 4 * number}, geometry=places, crs=4490)
        frame.to_parquet(path)


def route(points: Path | str, grids: Path, out: Path | str, **more) -> RouteReport:
    return route_file(RouteOrder(points, grids, "code", out, **more))


def test_each_part_comes_out_under_its_name(points: Path, grids: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = route(points, grids, out)
    assert report.rows == 12
    assert report.parts == 3
    assert report.by_rule == {"inside": 6, "outside": 3, "unplaced": 3}
    routed = gpd.read_parquet(out / "day=2" / "part.parquet")
    assert routed.crs.to_epsg() == 4490
    assert routed["id"].tolist() == [8, 9, 10, 11]
    assert routed["grid_code"].tolist()[:2] == ["W", "E"]
    assert routed["reason"].iloc[3].startswith("it has no geometry")
    assert routed.geometry.iloc[0].equals(shapely.Point(3, 5))
    done = json.loads((out / "_SUCCESS.json").read_text())
    assert (done["parts"], done["rows"], done["by_rule"]) == (3, 12, report.by_rule)


def test_the_metadata_are_those_of_geoparquet(points: Path, grids: Path, tmp_path: Path) -> None:
    route(points, grids, tmp_path / "out")
    geo = json.loads(pq.read_metadata(tmp_path / "out/day=0/part.parquet").metadata[b"geo"])
    about = geo["columns"][geo["primary_column"]]
    assert about["geometry_types"] == ["Point"]
    assert about["bbox"] == [1, 5, 20, 5]
    assert about["crs"]["id"] == {"authority": "EPSG", "code": 4490}


def test_a_pattern_takes_some_of_the_parts(points: Path, grids: Path, tmp_path: Path) -> None:
    report = route(f"{points}/day=[01]/*.parquet", grids, tmp_path / "out")
    assert report.parts == 2
    assert sorted(p.parent.name for p in (tmp_path / "out").rglob("*.parquet")) == [
        "day=0", "day=1",
    ]  # fmt: skip


def test_an_object_store_gives_the_same_bytes(points: Path, grids: Path, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.put(f"{points}/", "/lianxin-test/in/", recursive=True)
    try:
        report = route("memory://lianxin-test/in", grids, "memory://lianxin-test/out")
        route(f"file://{points}", grids, tmp_path / "out")
        assert report.rows == 12
        for path in (tmp_path / "out").rglob("*"):
            if path.is_file():
                there = f"/lianxin-test/out/{path.relative_to(tmp_path / 'out').as_posix()}"
                assert store.cat(there) == path.read_bytes()
        assert len(store.find("/lianxin-test/out")) == 4
        again = route("memory://lianxin-test/in", grids, "memory://lianxin-test/out", resume=True)
        assert again.parts_kept == 3
        one = route("memory://lianxin-test/in/day=1/part.parquet", grids, tmp_path / "one")
        assert one.rows == 4
        with pytest.raises(FileUnreadable, match="memory of this process"):
            route("memory://lianxin-test/in", grids, tmp_path / "no", workers=2)
    finally:
        store.rm("/lianxin-test", recursive=True)


def test_a_stopped_run_goes_on_where_it_was(points: Path, grids: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    route(points, grids, whole)

    def stop(step: str, done: int, total: int | None) -> None:
        if done > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        route_file(RouteOrder(points, grids, "code", out), progress=stop)
    assert not (out / "_SUCCESS.json").exists()
    left = out / "day=1" / ".part.parquet.0123abcd.lianxin-part"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    with pytest.raises(FileUnreadable, match=r"not empty.*--resume"):
        route(points, grids, out)
    report = route(points, grids, out, resume=True)
    assert report.parts_kept == 1
    assert report.rows == 12
    files = {p.relative_to(whole): p.read_bytes() for p in whole.rglob("*") if p.is_file()}
    assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} == files


def test_parts_of_another_run_are_never_kept(points: Path, grids: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    route(points, grids, out, snap_m=0)
    with pytest.raises(FileUnreadable, match="routed to other grids, with other flags"):
        route(points, grids, out, resume=True)
    pd.DataFrame({"a": [1]}).to_parquet(out / "day=0" / "part.parquet")
    with pytest.raises(FileUnreadable, match="was not written by lianxin route"):
        route(points, grids, out, resume=True, snap_m=0)


def test_a_part_with_other_columns_is_named(points: Path, grids: Path, tmp_path: Path) -> None:
    other = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(1, 1)], crs=4490)
    other.to_parquet(points / "z.parquet")
    with pytest.raises(LayerRefused, match=r"z.parquet has other columns \(name\)"):
        route(points, grids, tmp_path / "out")


def test_what_cannot_be_done_with_a_folder_is_told(
    points: Path, grids: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, out, more, message in (
        (points, points / "out", {}, "in the folder that is read from"),
        (empty, tmp_path / "out", {}, "holds no Parquet part"),
        (points, tmp_path / "out", {"workers": 1, "cluster": "tcp://x:1"}, "not both"),
        (points, tmp_path / "out", {"encoding": "gbk"}, "always UTF-8"),
        (points / "day=0/part.parquet", tmp_path / "o.csv", {"workers": 2}, "name their folder"),
    ):
        with pytest.raises(FileUnreadable, match=message):
            route(source, grids, out, **more)


def test_an_extra_that_is_not_installed_is_told(
    points: Path, grids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "layers.actions.route_cluster", None)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for source, more in ((points, {"workers": 2}), ("s3://bucket/points", {})):
        with pytest.raises(ExtraMissing, match=r"pip install 'lianxin\[cluster\]'"):
            route(source, grids, tmp_path / "out", **more)


def table_of(kind: str) -> tuple[pa.Table, dict]:
    """Return the same three points in one of the ways in which Parquet can hold them."""
    x, y = [1.0, 7.0, None], [5.0, 5.0, None]
    if kind == "numbers":
        return pa.table({"id": [1, 2, 3], "E": x, "N": y}), {"x": "E", "y": "N"}
    if kind == "texts":
        return pa.table({"id": [1, 2, 3], "lon": ["1.0", " 7", ""], "lat": ["5", "5", "?"]}), {}
    values = [None if e is None else {"x": e, "y": n} for e, n in zip(x, y, strict=True)]
    geo = {"version": "1.1.0", "primary_column": "place",
           "columns": {"place": {"encoding": "point", "geometry_types": ["Point"]}}}  # fmt: skip
    table = pa.table({"id": [1, 2, 3], "place": values})
    return table.replace_schema_metadata({"geo": json.dumps(geo)}), {"datum": "wgs84"}


@pytest.mark.parametrize("kind", ["numbers", "texts", "native"])
def test_points_need_not_be_wkb(kind: str, grids: Path, tmp_path: Path) -> None:
    table, flags = table_of(kind)
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    route(tmp_path / "in.parquet", grids, tmp_path / "out.parquet", **{"datum": "wgs84", **flags})
    routed = gpd.read_parquet(tmp_path / "out.parquet")
    assert routed["grid_code"].tolist()[:2] == ["W", "E"]
    assert routed["rule"].tolist() == ["inside", "inside", "unplaced"]
    assert routed.geometry.iloc[0].equals(shapely.Point(1, 5))
    assert routed["id"].tolist() == [1, 2, 3]


def test_types_and_further_geometries_stay(grids: Path, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "when": pd.to_datetime(["2025-01-02 03:04:05", None]),
            "yes": [True, False],
            "home": gpd.GeoSeries([shapely.Point(9, 9), None], crs=4490).array,
        },
        geometry=[shapely.Point(1, 5), shapely.Point(7, 5)], crs=4490, index=[7, 9],
    )  # fmt: skip
    frame.to_parquet(tmp_path / "in.parquet")
    route(tmp_path / "in.parquet", grids, tmp_path / "out.parquet")
    routed = gpd.read_parquet(tmp_path / "out.parquet")
    assert routed.columns.tolist()[:5] == ["whole", "when", "yes", "home", "geometry"]
    assert pq.read_schema(tmp_path / "out.parquet").field("whole").type == pa.int64()
    assert routed["home"].crs.to_epsg() == 4490
    assert routed["home"].iloc[0].equals(shapely.Point(9, 9))
    route(tmp_path / "in.parquet", grids, tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False).iloc[
        :, :3
    ].to_numpy().tolist() == [["1", "2025-01-02 03:04:05", "True"], ["", "", "False"]]


def test_a_damaged_part_is_named(points: Path, grids: Path, tmp_path: Path) -> None:
    part = points / "day=1" / "part.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(FileUnreadable, match=r"day=1/part.parquet cannot be read"):
        route(points, grids, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == ["part.parquet"]


def test_a_column_that_is_missing_is_told(points: Path, grids: Path, tmp_path: Path) -> None:
    with pytest.raises((FileUnreadable, MappingInvalid), match="no column “E”"):
        route(points, grids, tmp_path / "out", x="E", y="N")
