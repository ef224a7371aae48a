"""The coordinate reference systems that the product stands on, and cached ways between them.

Longitude comes before latitude everywhere: every transformer is made with ``always_xy``, because
the official axes of EPSG:4490 and of the Gauss-Krüger zones point north first.
"""

from functools import lru_cache
from typing import Final

from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from gis.errors import UnknownDatum

STORAGE_SRID: Final = 4490
"""The EPSG code of the CRS in which everything is stored: CGCS2000, degrees."""

STORAGE_CRS: Final[CRS] = CRS.from_epsg(STORAGE_SRID)
"""The CRS in which everything is stored."""

WGS84_CRS: Final[CRS] = CRS.from_epsg(4326)
"""WGS 84 in degrees: numerically the storage CRS, and the hub that national datums know."""

GEOD: Final = Geod(a=6378137.0, rf=298.257222101)
"""The ellipsoid of CGCS2000, on which geodesics are measured."""


@lru_cache(maxsize=256)
def crs(name: str) -> CRS:
    """Return the CRS of an authority's code.

    Parameters
    ----------
    name : str
        ``EPSG:n`` or ``ESRI:n``.

    Raises
    ------
    UnknownDatum
        If the authority has no such code.

    Examples
    --------
    >>> crs("EPSG:4546").name
    'CGCS2000 / 3-degree Gauss-Kruger CM 111E'
    """
    authority, _, code = name.partition(":")
    try:
        return CRS.from_authority(authority.upper(), code)
    except CRSError as error:
        raise UnknownDatum(
            f"{name!r} is no coordinate reference system that PROJ knows; "
            "look the number up at https://epsg.io"
        ) from error


@lru_cache(maxsize=256)
def transformer(source: CRS, target: CRS) -> Transformer:
    """Return the cached way from one CRS to another, x (east) before y (north) on both sides.

    Examples
    --------
    >>> to_metres = transformer(STORAGE_CRS, crs("EPSG:4546"))
    >>> x, y = to_metres.transform(111.2, 39.9)
    >>> round(x, 4), round(y, 4)
    (517103.6649, 4418444.8113)
    """
    return Transformer.from_crs(source, target, always_xy=True)


def hub(system: CRS) -> CRS:
    """Return the CRS by which a system is converted to storage: WGS 84, or storage itself.

    PROJ knows how most national datums lie to WGS 84 and hardly any to CGCS2000; straight there it
    leaves the shift out without a word, by 120 m in Britain and 440 m in Tokyo. The numbers of the
    two are the same, so WGS 84 is the way for all but the systems on CGCS2000.

    Examples
    --------
    >>> hub(crs("EPSG:2804")).to_epsg(), hub(crs("EPSG:4546")).to_epsg()
    (4326, 4490)
    """
    geodetic = system.geodetic_crs
    return STORAGE_CRS if geodetic is not None and geodetic == STORAGE_CRS else WGS84_CRS
