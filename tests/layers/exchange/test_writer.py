"""What is written can be read again, whole or not at all."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.errors import FileUnreadable
from layers.exchange.reader import read_layer
from layers.exchange.writer import replacing, write_layer


@pytest.fixture
def points() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "code": ["001", "002", "003"],
            "名称": ["蓝天", "", "a,\"b\"\nc"],
            "count": pd.array([1, None, 3], dtype="Int64"),
            "at": pd.to_datetime(["2026-01-01T08:00:00+08:00"] * 3, utc=True),
            "share": [0.1, 1 / 3, 2.0],
        },
        geometry=[shapely.Point(111.2, 39.9), None, shapely.Point(1 / 3, -0.1)], crs=4490,
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "geojson", "parquet"])
def test_columns_types_and_order_survive(
    tmp_path: Path, points: gpd.GeoDataFrame, ending: str
) -> None:
    path = tmp_path / f"points.{ending}"
    write_layer(points, path)
    again = read_layer(path).frame
    assert list(again.columns) == list(points.columns)
    assert again["code"].tolist() == ["001", "002", "003"]
    assert again["名称"].tolist() == points["名称"].tolist()
    assert again["count"].dtype == "Int64"
    assert (again["at"] == points["at"]).all()
    assert again["share"].tolist() == points["share"].tolist()
    assert again.geometry.iloc[1] is None
    assert again.geometry.iloc[2].x == pytest.approx(1 / 3, abs=1e-15)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_csv_has_points_as_numbers_and_other_shapes_as_text(
    tmp_path: Path, points: gpd.GeoDataFrame
) -> None:
    path = tmp_path / "points.csv"
    write_layer(points, path)
    layer = read_layer(path, datum="cgcs2000")
    assert layer.frame["名称"].tolist() == points["名称"].tolist()
    assert layer.frame.geometry.iloc[2].equals(points.geometry.iloc[2])
    areas = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4490)
    write_layer(areas, path)
    assert pd.read_csv(path)["geometry"][0].startswith("POLYGON ((1 0")


def test_geojson_is_in_crs84(tmp_path: Path, points: gpd.GeoDataFrame) -> None:
    path = tmp_path / "points.geojson"
    write_layer(points, path)
    assert "EPSG::4490" not in path.read_text()
    assert gpd.read_file(path).geometry.iloc[0].equals(shapely.Point(111.2, 39.9))


def test_names_that_a_geopackage_cannot_tell_apart_are_changed_and_said(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"fid": ["x"], "geom": ["y"], "Name": ["a"], "name": ["b"]},
        geometry=[shapely.Point(1, 2)], crs=4490,
    )  # fmt: skip
    notes = write_layer(frame, tmp_path / "a.gpkg")
    assert notes == ("The column name is called name_2 in the file.",)
    again = read_layer(tmp_path / "a.gpkg").frame
    assert again.iloc[0, :4].tolist() == ["x", "y", "a", "b"]


def test_an_older_file_is_replaced(tmp_path: Path, points: gpd.GeoDataFrame) -> None:
    path = tmp_path / "points.gpkg"
    write_layer(points, path)
    write_layer(points.iloc[:1], path)
    assert len(read_layer(path)) == 1


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as target:
            target.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["points.csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.xlsx", "none that can be written"), ("no/a.csv", "There is no folder")],
)
def test_where_nothing_can_be_written_is_told(
    tmp_path: Path, points: gpd.GeoDataFrame, name: str, message: str
) -> None:
    with pytest.raises(FileUnreadable, match=message):
        write_layer(points, tmp_path / name)
    folder = tmp_path / "b.csv"
    folder.mkdir()
    with pytest.raises(FileUnreadable, match="is a folder"):
        write_layer(points, folder)
