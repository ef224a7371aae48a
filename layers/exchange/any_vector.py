"""Any vector file that GDAL reads, beyond what can be imported: TopoJSON, KML, GML and more."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import pyogrio

from layers.errors import FileUnreadable
from layers.exchange import vector
from layers.exchange.progress import Progress, silent
from layers.exchange.reader import (
    ENDINGS,
    SourceLayer,
    place_geometries,
    read_layer,
    split_source,
)

_PARTS: Final = (".dbf", ".shx", ".prj", ".cpg")
_TOPOLOGY: Final = (
    "It is a TopoJSON, which extends GeoJSON: its coordinates were taken as WGS 84, as there. "
    "If they are in another datum, say so with --datum."
)


def read_any(
    source: Path | str,
    *,
    datum: str | None = None,
    encoding: str | None = None,
    progress: Progress = silent,
) -> SourceLayer:
    """Read a layer from a file of any vector form, given as ``FILE`` or ``FILE:LAYER``."""
    path, layer = _split(source)
    if _is_topology(path):
        return _read_foreign(path, layer, datum or "wgs84", progress, () if datum else (_TOPOLOGY,))
    if _is_foreign(path):
        return _read_foreign(path, layer, datum, progress, ())
    return read_layer(path, layer=layer, datum=datum, encoding=encoding, progress=progress)


def _split(source: Path | str) -> tuple[Path, str | None]:
    """Split ``FILE:LAYER``, whatever the file's ending."""
    path, layer = split_source(source)
    file, colon, name = str(path).rpartition(":")
    if layer is None and colon and not path.exists() and Path(file).exists():
        return Path(file), name or None
    return path, layer


def _is_foreign(path: Path) -> bool:
    if path.is_dir():
        return path.suffix.lower() == ".gdb"
    known = path.suffix.lower() in (*ENDINGS, *_PARTS)
    return path.is_file() and not known and path.stat().st_size > 0


def _is_topology(path: Path) -> bool:
    if path.suffix.lower() not in (".json", ".topojson") or not path.is_file():
        return False
    try:
        # What a file with several layers says of the first is enough to know its form.
        names = pyogrio.list_layers(path)
        return bool(pyogrio.read_info(path, layer=names[0][0])["driver"] == "TopoJSON")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, IndexError):
        return False  # whoever reads it says why it can't be read


def _read_foreign(
    path: Path, layer: str | None, asked: str | None, progress: Progress, notes: tuple[str, ...]
) -> SourceLayer:
    found = vector.read_with_gdal(path, layer, progress)
    if not isinstance(found.frame, gpd.GeoDataFrame):
        raise FileUnreadable(
            f"{path.name} holds a table without geometries. Name a layer of areas."
        )
    noted = replace(found, notes=(*notes, *found.notes))
    return place_geometries(noted, path, {"datum": asked, "progress": progress})
