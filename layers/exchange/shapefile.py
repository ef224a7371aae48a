"""A layer to a shapefile, or to a zip of one: short names, one code page, and what that cost."""

import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio

from layers.errors import FileUnreadable
from layers.exchange.writer import replacing

ENDINGS: Final = (".shp", ".zip")

_NAME_BYTES: Final = 10
_TEXT_BYTES: Final = 254
_PARTS: Final = (".dbf", ".shx", ".prj", ".cpg", ".shp")  # the .shp last: with it the file is there


def write_shapefile(frame: gpd.GeoDataFrame, path: Path) -> tuple[str, ...]:
    """Write areas as a shapefile or, by the ending .zip, as a zip of one.

    Text is in GBK where that has all its letters, for names of five Chinese characters; else in
    UTF-8, for three. The .cpg says which. Returns in words which columns are called otherwise in
    the file, and which texts had to be cut.
    """
    path = Path(path)
    columns = [name for name in frame.columns if name != frame.geometry.name]
    encoding = _code_page(frame, columns)
    names = short_names([str(name) for name in columns], encoding)
    notes = [
        f"The column {old} is called {new} in {path.name}: a shapefile has room for "
        f"{_NAME_BYTES} bytes."
        for old, new in zip(columns, names, strict=True)
        if old != new
    ]
    kept = frame.rename(columns=dict(zip(columns, names, strict=True))).reset_index(drop=True)
    for name in names:
        kept[name], cut = _fitting(kept[name], encoding)
        if cut:
            notes.append(
                f"{path.name}, column {name}: {cut:,} texts were cut to {_TEXT_BYTES} bytes."
            )
    with tempfile.TemporaryDirectory(prefix=".lianxin-", dir=path.parent) as folder:
        made = Path(folder, f"{path.stem}.shp")
        try:
            pyogrio.write_dataframe(kept, made, driver="ESRI Shapefile", encoding=encoding)
            made.with_suffix(".cpg").write_text(encoding, encoding="ascii")
            _place(made, path)
        except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.GeometryError) as error:
            raise FileUnreadable(f"{path} cannot be written: {error}.") from error
    return tuple(notes)


def short_names(names: Sequence[str], encoding: str) -> list[str]:
    """Return names that fit in ten bytes, each its own whatever the case.

    >>> short_names(["所属社区编码", "code", "responsible_person", "responsible_phone"], "GBK")
    ['所属社区编', 'code', 'responsibl', 'responsi_2']
    """
    # what fits keeps its name, whoever comes first
    taken = {name.lower() for name in names if len(name.encode(encoding)) <= _NAME_BYTES}
    short: list[str] = []
    for name in names:
        found, count = _cut(name, _NAME_BYTES, encoding), 1
        while found != name and found.lower() in taken:
            count += 1
            found = _cut(name, _NAME_BYTES - len(f"_{count}"), encoding) + f"_{count}"
        taken.add(found.lower())
        short.append(found)
    return short


def _code_page(frame: pd.DataFrame, columns: Sequence[str]) -> str:
    texts = [frame[name] for name in columns if pd.api.types.is_string_dtype(frame[name])]
    try:
        for text in (*map(str, columns), *(str(each) for column in texts for each in column)):
            text.encode("gbk")
    except UnicodeEncodeError:
        return "UTF-8"
    return "GBK"


def _fitting(column: "pd.Series[str]", encoding: str) -> tuple["pd.Series[str]", int]:
    """Return a column whose texts a shapefile has room for, and how many were cut."""
    if not pd.api.types.is_string_dtype(column):
        return column, 0
    fitting = column.map(lambda text: _cut(text, _TEXT_BYTES, encoding), na_action="ignore")
    return fitting, int((fitting != column)[column.notna()].sum())


def _cut(text: str, most: int, encoding: str) -> str:
    return text.encode(encoding)[:most].decode(encoding, errors="ignore")


def _place(made: Path, path: Path) -> None:
    """Move the parts of a shapefile to where they belong, or pack them."""
    parts = [part for ending in _PARTS if (part := made.with_suffix(ending)).exists()]
    if path.suffix.lower() == ".zip":
        with replacing(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:
            for part in parts:
                pack.write(part, part.name)
        return
    for part in parts:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path.with_suffix(path.suffix if part.suffix == ".shp" else part.suffix))
