"""A file that a stranger sent: it is what its ending says, and does not unpack into a flood.

GDAL opens a file by what is in it. One that only calls itself a GeoJSON could be the description of
other files of this machine, so each must begin as its format does before GDAL sees it.
"""

import codecs
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from layers.errors import FileUnreadable
from layers.exchange.reader import check_there
from layers.exchange.vector import damaged, readable

UNPACKED_MAX: Final = 1024**3
"""Bytes that a zip may hold unpacked."""

NAME_BYTES_MAX: Final = 200
"""Of a file's name: more than that, and what is made beside it, no file system keeps."""

_BEGINNINGS: Final = {
    ".gpkg": b"SQLite format 3\x00",
    ".fgb": b"fgb\x03fgb",
    ".parquet": b"PAR1",
    ".geoparquet": b"PAR1",
}
_SHAPEFILE: Final = b"\x00\x00\x27\x0a"
_JSON: Final = (".geojson", ".json", ".geojsonl")

UPLOADED: Final = (*_JSON, *_BEGINNINGS, ".zip")
"""Endings of files that hold outlines and can be sent alone."""


def uploaded_name(given: str) -> str:
    """Return the name under which an uploaded file is kept for the moment.

    Raises
    ------
    FileUnreadable
        Its ending is none that can be read from a single file, or no file can have that name.

    Examples
    --------
    >>> uploaded_name("../网格 2026.ZIP")
    '网格 2026.ZIP'
    """
    name = PurePosixPath(given.replace("\\", "/")).name
    if not name.isprintable() or len(name.encode("utf-8", "replace")) > NAME_BYTES_MAX:
        raise FileUnreadable(
            f"The file's name is longer than {NAME_BYTES_MAX} bytes, or has characters that "
            "cannot be written. Give it a shorter, plain name."
        )
    ending = PurePosixPath(name).suffix.lower()
    if ending == ".shp":
        raise FileUnreadable(
            f"{name}: a shapefile is several files. Send its .shp, .shx, .dbf and .prj in one zip."
        )
    if ending not in UPLOADED:
        raise FileUnreadable(
            f"{name}: the ending “{ending}” is none that can be read. Readable: "
            f"{', '.join(UPLOADED)}; a shapefile as a zip."
        )
    return name


def check_upload(file: Path) -> None:
    """Refuse a file that is not what its ending says, or a zip that is too large unpacked.

    Raises
    ------
    FileUnreadable
        Says which.
    """
    check_there(file)
    ending = file.suffix.lower()
    if ending == ".zip":
        with readable(file), zipfile.ZipFile(file) as archive:
            _check_zip(archive, file.name)
        return
    with file.open("rb") as opened:
        begin = opened.read(1024)
    start = _BEGINNINGS.get(ending)
    if not (_is_json(begin) if start is None else begin.startswith(start)):
        raise damaged(file.name)


def _is_json(begin: bytes) -> bool:
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        begin = begin.removeprefix(mark)
    return begin.lstrip(b" \t\r\n\x00\x1e")[:1] in (b"{", b"[")


def _check_zip(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > UNPACKED_MAX:
        raise FileUnreadable(
            f"{name} unpacks into {unpacked:,} bytes; at most {UNPACKED_MAX:,} are taken."
        )
    for member in members:
        if member.filename.lower().endswith(".shp") and "__MACOSX" not in member.filename:
            with archive.open(member) as opened:
                if opened.read(4) != _SHAPEFILE:
                    raise damaged(member.filename)
