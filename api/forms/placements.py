"""Placements as JSON text, many at once: what repeats is written once an edition, and then joined.

The text is what :func:`api.schemas.placements.placement_json` and orjson would give of each row.
"""

from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api.forms.form import Encoded
from api.schemas.placements import placement_json
from gis.placement import DATUM_SUSPECT
from layers.actions.boundaries import InForce
from layers.actions.place import RULES, UNPLACED, Placed, PlacedMany, owners_of

_NUMPY: Final = orjson.OPT_SERIALIZE_NUMPY
_OWNER_FIRST: Final = ("grid_code", "grid_name", "area_path")
_OWNER_LAST: Final = ("queue_code", "responsible")


class PlacementText:
    """How placements under one edition are written."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force = in_force
        heads, tails = [], []
        for owner in owners_of(in_force):
            members = placement_json(Placed(UNPLACED, owner, in_force.edition_id))
            heads.append(orjson.dumps({name: members[name] for name in _OWNER_FIRST})[1:-1])
            tails.append(orjson.dumps({name: members[name] for name in _OWNER_LAST})[1:-1])
        self.names: Final = frozenset((*members, "reason"))
        """The members that a placement may have."""
        self._heads = pa.array(heads, pa.binary())
        self._tails = pa.array(tails, pa.binary())
        self._rules = pa.array(
            [
                f',"rule":"{rule.value}","edition":{in_force.edition_id},'
                '"distance_to_boundary_m":'.encode()
                for rule in RULES
            ],
            pa.binary(),
        )
        self._warnings = pa.array(
            [b',"warnings":[],', f',"warnings":["{DATUM_SUSPECT}"],'.encode()], pa.binary()
        )

    def members(self, placed: PlacedMany) -> pa.Array:
        """Return each placement's members, without the braces around them."""
        owners = pa.array(placed.owners)
        return pc.binary_join_element_wise(
            self._heads.take(owners),
            self._rules.take(pa.array(placed.rules)),
            numbers(np.round(placed.distance_to_boundary_m, 3)),
            _candidates(placed),
            _datums(placed),
            b',"lon":',
            numbers(placed.lon),
            b',"lat":',
            numbers(placed.lat),
            self._warnings.take(pa.array(placed.datum_suspect.astype(np.int8))),
            self._tails.take(owners),
            _reasons(placed),
            b"",
        )

    def points(self, placed: PlacedMany) -> pa.Array:
        """Return each place as a GeoJSON geometry; null where there is none."""
        text = pc.binary_join_element_wise(
            b'{"type":"Point","coordinates":[', numbers(placed.lon), b",", numbers(placed.lat),
            b"]}", b"",
        )  # fmt: skip
        return pc.if_else(pa.array(np.isnan(placed.lon)), pa.scalar(b"null", pa.binary()), text)


def joined(*parts: Any) -> Encoded:
    """Return what the parts of each row give, one after the other, as one text."""
    text = pc.binary_join_element_wise(*parts, b"")
    if not isinstance(text, pa.Array) or not len(text):
        return b""
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)
    return memoryview(data)[ends[text.offset] : ends[text.offset + len(text)]]


def numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers as JSON writes them, shortest first; null where there is none."""
    if not len(values):
        return pa.array([], pa.binary())
    text = orjson.dumps(np.ascontiguousarray(values), option=_NUMPY)[1:-1]
    return pc.split_pattern(pa.array([text], pa.binary()), b",").values


def _candidates(placed: PlacedMany) -> Any:
    opening, closing = b',"candidates":', b',"datum":'
    nothing = opening + b"[]" + closing
    if not placed.candidates:
        return nothing
    texts = [nothing] * len(placed)
    for row, found in placed.candidates.items():
        each = [{"grid_code": c.grid_code, "share": round(c.share, 4)} for c in found]
        texts[row] = opening + orjson.dumps(each) + closing
    return pa.array(texts, pa.binary())


def _datums(placed: PlacedMany) -> pa.Array:
    names = pa.array([*(orjson.dumps(name) for name in placed.datums), b"null"], pa.binary())
    return names.take(pa.array(placed.datum % len(names)))  # -1 is the last


def _reasons(placed: PlacedMany) -> Any:
    if not placed.reasons:
        return b""
    texts = [b""] * len(placed)
    for row, reason in placed.reasons.items():
        texts[row] = b',"reason":' + orjson.dumps(reason)
    return pa.array(texts, pa.binary())
