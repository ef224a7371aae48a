"""From a file's coordinates to the storage CRS: which datum they are in, and how they convert."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis import datum as datums
from gis.crs import STORAGE_CRS, WGS84_CRS, hub, transformer
from gis.errors import MissingCrs, UnknownDatum
from gis.geometry import Degrees, Geometries
from layers.errors import LayerRefused

Floats = NDArray[np.float64]

_NAMED: Final = {"wgs84": "OGC:CRS84", "cgcs2000": "EPSG:4490"}


@dataclass(frozen=True)
class Datum:
    """The datum or CRS that a file's coordinates are in."""

    name: str
    """As stored beside raw coordinates: wgs84, gcj02, EPSG:2804, …"""
    crs: CRS | None
    """None where no CRS describes it (gcj02, bd09)."""
    note: str | None = None

    @cached_property
    def is_registered(self) -> bool:
        """Whether its name is enough to convert by; a file may declare a CRS of its own."""
        try:
            datums.parse(self.name)
        except UnknownDatum:
            return False
        return True

    @cached_property
    def in_degrees(self) -> bool:
        """Whether the coordinates are longitudes and latitudes."""
        return self.crs is None or bool(self.crs.is_geographic)

    @cached_property
    def is_storage(self) -> bool:
        """Whether the numbers are those of the storage CRS already."""
        return self.crs is not None and _is_earth_degrees(self.crs)

    def convert(self, x: Floats, y: Floats) -> tuple[Degrees, Degrees]:
        """Return longitudes and latitudes in the storage CRS; what cannot be converted is NaN."""
        if self.crs is None:
            return datums.convert(x, y, self.name, datums.STORAGE)
        if self.is_storage:
            return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        lon, lat = transformer(self.crs, hub(self.crs)).transform(x, y)
        lost = ~(np.isfinite(lon) & np.isfinite(lat))
        return np.where(lost, np.nan, lon), np.where(lost, np.nan, lat)


def settle_datum(declared: CRS | None, asked: str | None, *, file: str) -> Datum:
    """Return the datum that the file declares or that was asked for; an error where they differ."""
    if declared is not None and declared.is_compound:
        declared = declared.sub_crs_list[0]  # the heights are not read
    if asked is None:
        if declared is None:
            raise MissingCrs(
                f"{file} does not say in which CRS its coordinates are. Add --datum with wgs84, "
                "cgcs2000, gcj02, bd09, EPSG:n or ESRI:n."
            )
        return Datum(crs_name(declared), declared, _doubt(declared))
    named = datums.parse(asked)
    if named.is_shifted:
        return _settle_shifted(declared, named.name, file=file)
    crs = named.crs or CRS.from_user_input(_NAMED[named.name])
    if declared is not None and not _same_crs(declared, crs):
        raise LayerRefused(
            f"{file} declares {crs_name(declared)} ({declared.name}), but --datum says {asked}. "
            "Leave --datum out if the file is right; else correct the file's own CRS."
        )
    return Datum(named.name, crs, _doubt(crs))


def _settle_shifted(declared: CRS | None, name: str, *, file: str) -> Datum:
    if declared is None:
        return Datum(name, None)
    if not declared.is_geographic:
        raise LayerRefused(
            f"{file} declares {crs_name(declared)} ({declared.name}), which is in "
            f"{declared.axis_info[0].unit_name}s, but --datum says {name}, which is in degrees. "
            "One of them is wrong."
        )
    return Datum(
        name,
        None,
        f"Read as {name}, as --datum says, though the file declares {crs_name(declared)}: "
        f"no file can declare {name}.",
    )


def convert_geometries(geometries: Geometries, datum: Datum) -> tuple[Geometries, dict[int, str]]:
    """Return flat geometries in the storage CRS, and of which rows (from 1) none could be made."""
    flat = np.array(geometries, dtype=object)
    with_z = shapely.has_z(flat)
    flat[with_z] = shapely.force_2d(flat[with_z])
    if not datum.is_storage:
        # types-shapely knows only of functions of one array of pairs.
        flat = shapely.transform(flat, datum.convert, interleaved=False)  # type: ignore[arg-type]
    present = ~shapely.is_missing(flat) & ~shapely.is_empty(flat)
    bounds = shapely.bounds(flat)
    # Bounds skip a vertex that is NaN, so the vertices themselves are looked at.
    coordinates, of = shapely.get_coordinates(flat, return_index=True)
    lost = np.zeros(len(flat), dtype=bool)
    lost[of[~np.isfinite(coordinates).all(axis=1)]] = True
    with np.errstate(invalid="ignore"):
        far = (
            present & ~lost & ~(np.abs(bounds) <= np.array([180.0, 90, 180, 90]) + 1e-9).all(axis=1)
        )
    problems = {
        int(i) + 1: f"its coordinates cannot be in {datum.name}" for i in np.flatnonzero(lost)
    }
    for i in np.flatnonzero(far):
        problems[int(i) + 1] = "its coordinates are no longitudes and latitudes (beyond ±180, ±90)"
    flat[lost | far] = None
    return flat, problems


def crs_name(crs: CRS) -> str:
    """Return a CRS's name in a register (EPSG:4546), or its own where it is in none."""
    authority = crs.to_authority()
    if authority is None:
        return str(crs.name)
    return "wgs84" if authority == ("OGC", "CRS84") else ":".join(authority)


def _doubt(crs: CRS) -> str | None:
    """Say where PROJ knows no way from a datum to ours but to leave the shift out."""
    if _is_earth_degrees(crs) or (crs.geodetic_crs is not None and crs.geodetic_crs == STORAGE_CRS):
        return None
    area = crs.area_of_use
    if area is None:
        return None
    way = transformer(crs, WGS84_CRS)
    description = way.description
    if description.startswith("unavailable"):
        # PROJ has several ways and chooses one for each place: where the CRS is at home counts.
        home = (area.west + area.east) / 2, (area.south + area.north) / 2
        way.transform(*transformer(WGS84_CRS, crs).transform(*home))
        description = way.get_last_used_operation().description
    if "Ballpark" not in description:
        return None
    return (
        f"{crs_name(crs)} ({crs.name}): PROJ knows no shift from its datum to "
        "CGCS2000, so positions may be off by tens of metres. Better convert the file first."
    )


def _is_earth_degrees(crs: CRS) -> bool:
    """Whether a CRS is WGS 84 or CGCS2000 in degrees: PROJ takes one for the other."""
    return crs_name(crs) in {"wgs84", "EPSG:4326", "EPSG:4490", "EPSG:4979"}


def _same_crs(declared: CRS, asked: CRS) -> bool:
    if _is_earth_degrees(declared) and _is_earth_degrees(asked):
        return True
    return crs_name(declared) == crs_name(asked) or bool(
        declared.equals(asked, ignore_axis_order=True)
    )
