"""Vector formats: GeoJSON, GeoPackage, FlatGeobuf, GeoParquet and shapefiles, as they are."""

import difflib
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely
from pyproj import CRS

from layers.errors import FileUnreadable
from layers.exchange import codepage
from layers.exchange.delimited import unique_names
from layers.exchange.progress import Progress

_SIDECARS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".cst")
_LATIN_1: Final = "ISO-8859-1"


@dataclass(frozen=True)
class VectorFile:
    """What a vector file holds, in its own CRS; no geometry column where it has none."""

    frame: pd.DataFrame
    crs: CRS | None
    name: str
    problems: dict[int, str]
    encoding: str | None = None
    notes: tuple[str, ...] = ()


def read_with_gdal(path: Path, layer: str | None, progress: Progress) -> VectorFile:
    """Read a GeoPackage, FlatGeobuf or GeoJSON."""
    with readable(path), _gathered_warnings() as said:
        layer = choose_layer(path, layer)
        info = pyogrio.read_info(path, layer=layer)
        total = int(info["features"])
        progress("read", 0, total if total >= 0 else None)
        frame = pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore")
        progress("read", len(frame), len(frame))
    # Whole numbers with gaps come as fractions; as such a code 5 would read 5.0.
    for name, kind in zip(info["fields"], info["dtypes"], strict=True):
        if kind.startswith("int") and frame[name].dtype == np.float64:
            frame[name] = frame[name].astype("Int64")
    return _vector_file(frame, layer, notes=tuple(said))


def read_json(
    path: Path, layer: str | None, encoding: str | None, progress: Progress
) -> VectorFile:
    """Read a GeoJSON; one that is not in UTF-8, as its standard asks, by way of a copy that is."""
    page, notes = codepage.of_text_file(path, given=encoding)
    if page.codec in ("utf-8", "utf-8-sig"):
        return read_with_gdal(path, layer, progress)
    with tempfile.TemporaryDirectory(prefix="lianxin-") as folder:
        copy = Path(folder, path.name)
        with (
            path.open(encoding=page.codec, errors="replace") as original,
            copy.open("w", encoding="utf-8") as target,
        ):
            while block := original.read(1 << 20):
                target.write(block)
        found = read_with_gdal(copy, layer, progress)
    return replace(found, encoding=page.codec, notes=(*notes, *found.notes))


def read_parquet(path: Path, progress: Progress) -> VectorFile:
    """Read a GeoParquet, or a plain Parquet (which has no geometry)."""
    with readable(path):
        try:
            frame = gpd.read_parquet(path)
        except ValueError as error:
            if "geo metadata" not in str(error):
                raise
            frame = pd.read_parquet(path)
        progress("read", len(frame), len(frame))
    return _vector_file(frame.reset_index(drop=True), path.stem)


def read_shapefile(path: Path, encoding: str | None, progress: Progress) -> VectorFile:
    """Read a shapefile in whatever code page its text is."""
    for ending in (".shx", ".dbf"):
        if not any(path.with_suffix(e).is_file() for e in (ending, ending.upper())):
            raise FileUnreadable(
                f"{path.name} has no {path.stem}{ending} beside it: a shapefile is only whole with "
                "its .shp, .shx and .dbf."
            )
    page, notes = codepage.of_dbf(_beside(path, ".dbf"), given=encoding)
    with readable(path), _gathered_warnings() as said:
        # Latin 1 keeps every byte, so the text can be decoded here whatever GDAL knows.
        frame = pyogrio.read_dataframe(path, encoding=_LATIN_1, on_invalid="ignore")
        progress("read", len(frame), len(frame))
    frame, replaced = _decode(frame, page)
    if replaced:
        notes = (
            *notes,
            f"{replaced} values hold bytes that are not {page.codec}, shown as \ufffd.",
        )
    return _vector_file(frame, path.stem, encoding=page.codec, notes=(*notes, *said))


def read_zip(path: Path, layer: str | None, encoding: str | None, progress: Progress) -> VectorFile:
    """Read a shapefile out of a zip, at any depth."""
    with readable(path), zipfile.ZipFile(path) as archive:
        members = {
            _member_name(info): info
            for info in archive.infolist()
            if PurePosixPath(info.filename).suffix.lower() in _SIDECARS
            and "__MACOSX" not in info.filename
        }
        shapes = [name for name in members if name.suffix.lower() == ".shp"]
        if not shapes:
            raise FileUnreadable(f"{path.name} holds no .shp. Name the file inside it, unpacked.")
        stem = _one_of([shape.stem for shape in shapes], layer, path)
        shape = next(shape for shape in shapes if shape.stem == stem)
        with tempfile.TemporaryDirectory(prefix="lianxin-") as folder:
            for name, info in members.items():
                if name.with_suffix("") == shape.with_suffix(""):
                    target = Path(folder, f"shape{name.suffix.lower()}")
                    with archive.open(info) as packed, target.open("wb") as unpacked:
                        while block := packed.read(1 << 20):
                            unpacked.write(block)
            found = read_shapefile(Path(folder, "shape.shp"), encoding, progress)
    return replace(found, name=stem)


def choose_layer(path: Path, layer: str | None) -> str:
    """Return the layer asked for, or the only one; an error that lists them otherwise."""
    layers = pyogrio.list_layers(path)
    names = [str(name) for name, _ in layers]
    spatial = [str(name) for name, kind in layers if kind is not None]
    if layer is None and len(spatial) == 1:
        return spatial[0]
    return _one_of(names, layer, path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file does to a library into words."""
    try:
        yield
    except pyogrio.errors.DataSourceError as error:
        raise damaged(path.name) from error
    except (pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
            pyogrio.errors.GeometryError, pyogrio.errors.CRSError) as error:  # fmt: skip
        raise FileUnreadable(f"{path.name} cannot be read: {error}") from error
    except (pa.ArrowInvalid, zipfile.BadZipFile, zipfile.LargeZipFile, EOFError) as error:
        raise damaged(path.name) from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            f"{path.name} holds text that is not UTF-8, as its format asks. Export it anew."
        ) from error
    except RuntimeError as error:
        if "encrypted" in str(error):
            raise FileUnreadable(
                f"{path.name} is locked by a password: unpack it first."
            ) from error
        raise
    except OSError as error:
        raise damaged(path.name, error.strerror) from error


def damaged(name: str, why: str | None = None) -> FileUnreadable:
    """Return the error that says so of a file, or another reason why it cannot be read."""
    why = why or "it is damaged, or is not what its ending says"
    return FileUnreadable(f"{name} cannot be read: {why}.")


def _one_of(names: list[str], wanted: str | None, path: Path) -> str:
    listed = ", ".join(names)
    if wanted in names:
        return str(wanted)
    if wanted is not None:
        near = difflib.get_close_matches(wanted, names, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise FileUnreadable(f"{path.name} has no layer “{wanted}”.{meant} Its layers: {listed}.")
    if len(names) == 1:
        return names[0]
    if not names:
        raise FileUnreadable(f"{path.name} has no layer at all.")
    raise FileUnreadable(
        f"{path.name} has {len(names)} layers: {listed}. Name one, as in {path.name}:{names[0]}."
    )


def _vector_file(
    frame: pd.DataFrame, name: str, *, encoding: str | None = None, notes: tuple[str, ...] = ()
) -> VectorFile:
    """Name the geometry column “geometry”, and say which rows have none that can be read."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return VectorFile(frame, None, name, {}, encoding, notes)
    crs = frame.crs
    active = frame.geometry.name
    if active != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    missing = shapely.is_missing(frame.geometry.to_numpy())
    why = "it has no geometry, or one that cannot be read (a ring that does not close)"
    problems = {int(i) + 1: why for i in missing.nonzero()[0]}
    return VectorFile(frame, crs, name, problems, encoding, notes)


def _decode(frame: pd.DataFrame, page: codepage.CodePage) -> tuple[pd.DataFrame, int]:
    """Decode names and texts that were read byte by byte; count what could not be."""
    names, _ = unique_names(
        [
            name if name == "geometry" else page.decode(name.encode(_LATIN_1))
            for name in frame.columns
        ]
    )
    frame = frame.set_axis(names, axis=1)
    replaced = 0
    for name in frame.columns:
        column = frame[name]
        if name == "geometry" or not pd.api.types.is_string_dtype(column):
            continue
        decoded = {
            text: page.decode(text.encode(_LATIN_1))
            for text in column.dropna().unique()
            if not text.isascii()
        }
        if decoded:
            replaced += sum("\ufffd" in text for text in decoded.values())
            frame[name] = column.map(lambda text, d=decoded: d.get(text, text), na_action="ignore")
    return frame, replaced


def _beside(path: Path, ending: str) -> Path:
    lower = path.with_suffix(ending)
    return lower if lower.is_file() else path.with_suffix(ending.upper())


def _member_name(info: zipfile.ZipInfo) -> PurePosixPath:
    """Return a member's path; names without the UTF-8 flag are in the packer's own code page."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return PurePosixPath(info.filename)
    raw = info.filename.encode("cp437")
    return PurePosixPath(raw.decode(codepage.detect([raw]), errors="replace"))


@contextmanager
def _gathered_warnings() -> Iterator[list[str]]:
    """Keep what GDAL warns of as notes, each once."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    # GDAL's own key of a feature is not read, so nothing that was read is altered.
    texts = (str(warning.message) for warning in caught)
    said.extend(dict.fromkeys(text for text in texts if "Altering it to be unique" not in text))
