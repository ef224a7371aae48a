"""What the desk refuses is said in Chinese and in English: each sentence as it is really raised."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest

from gis.errors import GisError
from layers.actions.discard_edition import discard_edition
from layers.actions.list_editions import show_edition
from layers.actions.publish_edition import publish_edition
from layers.actions.refusals import in_both_languages, row_in_both_languages
from layers.actions.restore_edition import restore_edition
from layers.actions.upload_grids import Upload, upload_grids
from layers.errors import LayersError
from layers.exchange import uploads
from layers.exchange.reader import SourceLayer
from layers.exchange.uploads import check_upload, uploaded_name
from layers.models import Edition
from layers.session import Database
from layers.vocabulary import CodeScheme
from tests.layers.actions.made import grids, layer, load, publish, square

Act = Callable[[], object]


def said(act: Act) -> tuple[str, str]:
    """Return what the desk says of the error that an act raises."""
    with pytest.raises((LayersError, GisError)) as raised:
        act()
    told = in_both_languages(str(raised.value))
    assert told is not None, str(raised.value)
    assert "{" not in told.message_zh + told.message_en
    assert "--" not in told.message_zh + told.message_en
    assert "lianxin edition" not in told.message_zh + told.message_en
    return told.message_zh, told.message_en


def test_names_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "超过 200 字节" in said(lambda: uploaded_name("网" * 90 + ".zip"))[0]
    assert "打包成一个 zip" in said(lambda: uploaded_name("g.shp"))[0]
    assert "扩展名为“.txt”" in said(lambda: uploaded_name("g.txt"))[0]
    for name, content, words in (
        ("empty.zip", b"", "空文件"), ("g.gpkg", b"no", "已损坏"), ("g.zip", b"no", "已损坏"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        zh, en = said(lambda path=tmp_path / name: check_upload(path))  # type: ignore[misc]
        assert words in zh
        assert name in zh
        assert name in en
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as archive:
        archive.writestr("a.dbf", b"0" * 100)
    monkeypatch.setattr(uploads, "UNPACKED_MAX", 99)
    assert "最多接受 99 字节" in said(lambda: check_upload(tmp_path / "large.zip"))[0]


def uploading(database: Database, path: Path, **more: object) -> Act:
    return lambda: upload_grids(database, Upload(path, scheme=CodeScheme.FREE, **more))  # type: ignore[arg-type]


def written_grids(path: Path, **columns: object) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(columns, geometry=[square(0), square(1)], crs=4490)
    frame.to_file(path)
    return frame


def test_columns_layers_and_datums(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "g.gpkg"
    frame = written_grids(path, grid_no=["A", "B"])
    zh, en = said(uploading(database, path, code="gridno2"))
    assert zh == "文件里没有“gridno2”这一列。是不是“grid_no”？现有的列：grid_no。"
    assert "Did you mean “grid_no”?" in en
    assert "在表单里填写列名" in said(uploading(database, path))[0]
    assert "写明的坐标系是 EPSG:4490" in said(
        uploading(database, path, code="grid_no", datum="EPSG:4546")
    )[0]  # fmt: skip
    frame.to_file(path, layer="second")
    assert "2 个图层" in said(uploading(database, path))[0]
    frame.to_file(tmp_path / "bare.shp")
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(bare, "w") as archive:
        for ending in ("shp", "shx", "dbf"):
            archive.write(tmp_path / f"bare.{ending}", f"bare.{ending}")
    assert "没有写明坐标系" in said(uploading(database, bare, code="grid_no"))[0]
    none = tmp_path / "none.zip"
    with zipfile.ZipFile(none, "w") as archive:
        archive.writestr("readme.txt", b"nothing")
    assert "没有 .shp" in said(uploading(database, none))[0]


def test_rows(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "g.gpkg"
    written_grids(path, code=["A", "B"])
    zh, en = said(lambda: upload_grids(database, Upload(path)))
    assert "第 1 行：编码 A 不符合国家编码规则" in zh
    assert "choose so in the form" in en
    rows = [{"code": c} for c in ("A", "A", None, "C")]
    shapes = [square(0), square(1), square(2), square(3).exterior]
    report = load(database, "grids", layer(rows, shapes, name="grids"))
    reasons = {each.row: row_in_both_languages(each.reason) for each in report.rejects}
    assert "已用于第 1 行" in reasons[2].message_zh
    assert reasons[3].message_zh == "code 为空"
    assert reasons[4].message_zh.startswith("网格应是面")
    assert "{" not in "".join(each.message_zh for each in reasons.values())


def overlapping() -> SourceLayer:
    return layer([{"code": "A"}, {"code": "B"}], [square(0), square(0).buffer(0.001)], name="grids")


def test_editions(database: Database) -> None:
    first = publish(database, grids("AB"))
    assert "没有版本 999" in said(lambda: show_edition(database, 999))[0]
    assert said(lambda: publish_edition(database, first))[0] == f"版本 {first} 已经生效。"
    assert "永久保留" in said(lambda: discard_edition(database, first))[0]
    draft = load(database, "grids", overlapping()).edition_id
    assert draft is not None
    zh, _ = said(lambda: publish_edition(database, draft))
    assert "个错误" in zh
    assert "写明仍要发布的原因" in zh
    stale = said(lambda: publish_edition(database, draft, override_reason="x", instead_of=7))
    assert f"现在生效的是版本 {first}，不再是您比较时的版本 7" in stale[0]
    assert "可以直接发布" in said(lambda: restore_edition(database, draft))[0]
    with database.transaction() as session:
        bare = Edition(name="bare", source="test", content_hash="bare")
        session.add(bare)
        session.flush()
    assert "没有网格" in said(lambda: publish_edition(database, bare.id))[0]
    publish_edition(database, draft, override_reason="as surveyed")
    assert "现已结束" in said(lambda: publish_edition(database, first))[0]
    again = restore_edition(database, first).edition_id
    publish_edition(database, again, override_reason="back")
    assert "已在生效" in said(lambda: restore_edition(database, first))[0]


def test_nothing_in_force_any_more(database: Database) -> None:
    draft = load(database, "grids", grids("AB")).edition_id
    assert draft is not None
    zh, _ = said(lambda: publish_edition(database, draft, override_reason="x", instead_of=3))
    assert "现在没有生效的版本" in zh
