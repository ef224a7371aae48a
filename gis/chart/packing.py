"""Columns as a page carries them: numbers as base64 bytes, text by dictionary or shared prefix.

A hundred thousand households fit in a page of a few megabytes, and the browser decodes a name
only when somebody asks for it.
"""

import base64
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.geometry import Degrees, Geometries

Json: TypeAlias = dict[str, Any]

RESOLUTION: Final = 1e-7
"""Degrees in one step of a packed coordinate: about a centimetre."""

BLOCK: Final = 64
"""Texts in one block of a prefix-coded column; a block is decoded as a whole."""

_WIDTHS: Final = (("u1", 0xFF), ("u2", 0xFFFF), ("u4", 0xFFFFFFFF))


def pack_numbers(values: NDArray[Any], kind: str) -> Json:
    """Pack whole numbers as little-endian bytes of ``kind`` (``u1``, ``u2``, ``u4`` or ``i4``).

    Examples
    --------
    >>> pack_numbers(np.array([1, 2, 255]), "u1")
    {'kind': 'u1', 'bytes': 'AQL/'}
    """
    array = np.ascontiguousarray(values, dtype=np.dtype(f"<{kind}"))
    return {"kind": kind, "bytes": base64.b64encode(array.tobytes()).decode("ascii")}


def pack_counts(values: NDArray[Any]) -> Json:
    """Pack numbers that are not negative in as few bytes as the largest of them needs."""
    largest = int(values.max(initial=0))
    return pack_numbers(values, next(kind for kind, most in _WIDTHS if largest <= most))


def pack_degrees(values: Degrees, origin: float = 0.0) -> Json:
    """Pack degrees as whole steps of ``RESOLUTION`` from ``origin``."""
    return pack_numbers(np.rint((values - origin) / RESOLUTION), "i4")


def pack_text(values: Sequence[str | None]) -> Json:
    """Pack texts: by dictionary where they repeat, else by the prefix shared with the one before.

    Examples
    --------
    >>> pack_text(["A-1", "A-2"])
    {'shared': {'kind': 'u2', 'bytes': 'AAACAA=='}, 'rest': ['A-1', '2']}
    """
    index, known = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=False)
    if len(known) * 2 <= len(values) or len(known) == 1:
        texts = [None if pd.isna(text) else text for text in known]
        return {"index": pack_counts(index), "values": texts}
    shared = np.zeros(len(values), dtype=np.uint16)
    rest: list[str | None] = []
    before = ""
    for i, text in enumerate(values):
        if i % BLOCK == 0:
            before = ""
        length = _shared(before, text or "")
        shared[i] = length
        rest.append(None if text is None else text[length:])
        before = text or ""
    return {"shared": pack_numbers(shared, "u2"), "rest": rest}


def _shared(one: str, other: str) -> int:
    """Count the leading letters that two texts share.

    The browser counts in UTF-16 units: a letter beyond the basic plane ends the prefix.
    """
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs or mine > "\uffff" or count == 0xFFFF:
            break
        count += 1
    return count


def pack_polygons(geometries: Geometries, origin: float) -> Json:
    """Pack the rings of polygons: points a ring, rings a polygon, polygons a feature.

    What is no polygon (or is empty or missing) becomes a feature without polygons.
    """
    areal = np.isin(shapely.get_type_id(geometries), (3, 6)) & ~shapely.is_empty(geometries)
    polygons = geometries.copy()
    polygons[~areal] = None
    parts, feature = shapely.get_parts(polygons, return_index=True)
    rings, polygon = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    return {
        "x": pack_degrees(coordinates[:, 0], origin),
        "y": pack_degrees(coordinates[:, 1]),
        "points": pack_counts(np.bincount(ring, minlength=len(rings))),
        "rings": pack_counts(np.bincount(polygon, minlength=len(parts))),
        "polygons": pack_counts(np.bincount(feature, minlength=len(geometries))),
    }
