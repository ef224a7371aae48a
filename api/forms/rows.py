"""Rows that are JSON values, an object or a GeoJSON feature each: to places, and back to text.

What can be told of all rows at once is, by arrays: the types of all coordinates, then the numbers.
Only where one row is out of line are they looked at one by one.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from math import isfinite
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from api.forms.form import Encoded
from api.forms.placements import PlacementText, joined
from api.schemas.fields import LARGEST_ACCURACY_M, LARGEST_COORDINATE, LONGEST_DATUM
from layers.actions.place import PlacedMany, Places

NOT_JSON: Final = "the row is not valid JSON"

_NUMBERS: Final = {float, int}
_NOTHING: Final = {type(None)}
_NO_PROPERTIES: Final[Mapping[str, Any]] = {}
_NO_ID: Final = object()


class BadRow(NamedTuple):
    """A row that could not even be read, and why."""

    reason: str


class _Place(NamedTuple):
    x: float
    y: float
    datum: str
    accuracy_m: float


def places_of(rows: Sequence[Any], datum: str | None, *, features: bool | None) -> Places:
    """Return where rows are; ``datum`` is for those that name none of their own.

    ``features`` says whether they must be GeoJSON features, or must not; None leaves it to each.
    """
    columns = None
    if features is not None:
        columns = _columns_of_features(rows) if features else _columns_of_objects(rows)
    quick = None if columns is None else _all_at_once(*columns, datum)
    return _one_by_one(rows, datum, features) if quick is None else quick


def names_datum(row: Any) -> bool:
    """Return whether a row names a datum of its own."""
    if not isinstance(row, Mapping):
        return False
    properties = row.get("properties")
    return bool(row.get("datum") or (isinstance(properties, Mapping) and properties.get("datum")))


def is_datum(value: Any) -> TypeGuard[str]:
    """Return whether a value can be a datum's name at all."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_DATUM and value.isprintable()


def parsed(text: bytes) -> Any:
    """Return a JSON value, or that it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return BadRow(NOT_JSON)


def is_feature(row: Any) -> bool:
    """Return whether a row says that it is a GeoJSON feature."""
    return isinstance(row, dict) and row.get("type") == "Feature"


def are_features(rows: Sequence[Any]) -> bool | None:
    """Return whether all rows say that they are GeoJSON features, or none; None of a mixture."""
    if set(map(type, rows)) == {dict}:
        kinds = {row.get("type") == "Feature" for row in rows}
    else:
        kinds = set(map(is_feature, rows))
    return None if len(kinds) > 1 else kinds == {True}


def objects_text(
    rows: Sequence[Any], placed: PlacedMany, text: PlacementText, frame: tuple[bytes, bytes]
) -> Encoded:
    """Return the answers to rows, each an object with the row's id, between the frame's marks."""
    before, after = frame
    ids = [row.get("id", _NO_ID) if isinstance(row, dict) else _NO_ID for row in rows]
    opening: Any = before + b"{"
    if any(each is not _NO_ID for each in ids):
        start = before + b'{"id":'
        opening = pa.array(
            [opening if each is _NO_ID else start + orjson.dumps(each) + b"," for each in ids],
            pa.binary(),
        )
    return joined(opening, text.members(placed), b"}" + after)


def features_text(
    rows: Sequence[Any], placed: PlacedMany, text: PlacementText, frame: tuple[bytes, bytes]
) -> Encoded:
    """Return the answers to rows, each a feature with all that the row had and the placement."""
    before, after = frame
    heads = []
    properties = []
    for row in rows:
        feature = row if isinstance(row, dict) else {}
        others = {k: v for k, v in feature.items() if k not in _OF_A_FEATURE}
        given = feature.get("properties")
        given = given if isinstance(given, dict) else {}
        kept = {k: v for k, v in given.items() if k not in text.names}
        more = b"," + orjson.dumps(others)[1:-1] if others else b""
        heads.append(before + b'{"type":"Feature"' + more + b',"geometry":')
        properties.append(b',"properties":{' + (orjson.dumps(kept)[1:-1] + b"," if kept else b""))
    return joined(
        pa.array(heads, pa.binary()),
        text.points(placed),
        pa.array(properties, pa.binary()),
        text.members(placed),
        b"}}" + after,
    )


_OF_A_FEATURE: Final = ("type", "geometry", "properties")


Columns = tuple[list[Any], list[Any], Sequence[Mapping[str, Any]]]


def _columns_of_objects(rows: Sequence[Any]) -> Columns | None:
    if not set(map(type, rows)) <= {dict}:
        return None
    return [row.get("lon") for row in rows], [row.get("lat") for row in rows], rows


def _columns_of_features(rows: Sequence[Any]) -> Columns | None:
    try:
        geometries = [row["geometry"] for row in rows if row["type"] == "Feature"]
        points = [each["coordinates"] for each in geometries if each["type"] == "Point"]
        x, y = [each[0] for each in points], [each[1] for each in points]
        given = [row.get("properties") or _NO_PROPERTIES for row in rows]
    except (AttributeError, IndexError, KeyError, TypeError):
        return None
    if len(x) != len(rows) or not set(map(type, given)) <= {dict}:
        return None
    return x, y, given


def _all_at_once(
    x: list[Any], y: list[Any], given: Sequence[Mapping[str, Any]], datum: str | None
) -> Places | None:
    """Return the places of rows with nothing wrong; None where one has to be looked at."""
    if not (set(map(type, x)) <= _NUMBERS and set(map(type, y)) <= _NUMBERS):
        return None
    xs, ys = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    if x and max(np.abs(xs).max(), np.abs(ys).max()) > LARGEST_COORDINATE:
        return None
    accuracy = _accuracies([each.get("accuracy_m") for each in given])
    named = [each.get("datum") for each in given]
    if accuracy is None or not set(map(type, named)) <= {str, type(None)}:
        return None
    names = {each: number for number, each in enumerate(dict.fromkeys(named))}
    spoken = [each for each in (datum if own is None else own for own in names) if is_datum(each)]
    if len(spoken) < len(names):
        return None
    which = None if len(names) < 2 else np.array([names[each] for each in named], dtype=np.intp)
    return Places(xs, ys, spoken, which, accuracy if accuracy.size else None)


def _accuracies(values: list[Any]) -> NDArray[np.float64] | None:
    """Return radii, an empty array where there are none at all, None where one is wrong."""
    kinds = set(map(type, values))
    if kinds <= _NOTHING:
        return np.empty(0)
    if not kinds <= _NUMBERS | _NOTHING:
        return None
    radii = np.array(values, dtype=np.float64)  # None is NaN
    wrong = (radii < 0) | (radii > LARGEST_ACCURACY_M)
    return None if wrong.any() else radii


def _one_by_one(rows: Sequence[Any], datum: str | None, features: bool | None) -> Places:
    reasons: dict[int, str] = {}
    names: dict[str, int] = {}
    values = np.full((len(rows), 3), np.nan)
    which = np.full(len(rows), -1, dtype=np.intp)
    for i, (row, own) in enumerate(zip(rows, repeat(features), strict=False)):
        as_feature = is_feature(row) if own is None else own
        place = _feature_place(row, datum) if as_feature else _object_place(row, datum)
        if isinstance(place, str):
            reasons[i] = place
            continue
        values[i] = place.x, place.y, place.accuracy_m
        which[i] = names.setdefault(place.datum, len(names))
    x, y, accuracy = values.T
    return Places(x, y, list(names), which, accuracy, reasons)


def _object_place(row: Any, datum: str | None) -> _Place | str:
    if isinstance(row, BadRow):
        return row.reason
    if not isinstance(row, Mapping):
        return "the row is not an object"
    return _place(row.get("lon"), row.get("lat"), row, datum)


def _feature_place(row: Any, datum: str | None) -> _Place | str:
    if isinstance(row, BadRow):
        return row.reason
    if not isinstance(row, Mapping) or row.get("type") != "Feature":
        return "the row is not a GeoJSON feature"
    geometry = row.get("geometry")
    if geometry is None:
        return "the feature has no geometry"
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
        return "the geometry is not a point"
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) < 2:
        return "the point has no coordinates"
    properties = row.get("properties")
    given = properties if isinstance(properties, Mapping) else {}
    return _place(position[0], position[1], given, datum)


def _place(x: Any, y: Any, row: Mapping[str, Any], datum: str | None) -> _Place | str:
    for name, value in (("lon", x), ("lat", y)):
        if value is None:
            return f"{name} is missing"
        if not _is_number(value) or abs(value) > LARGEST_COORDINATE:
            return f"{name} is not a usable number"
    accuracy = row.get("accuracy_m")
    if accuracy is not None and not (_is_number(accuracy) and 0 <= accuracy <= LARGEST_ACCURACY_M):
        return f"accuracy_m is not a number from 0 to {LARGEST_ACCURACY_M:,.0f}"
    named = row.get("datum")
    if named is None:
        named = datum
    if named is None:
        return "the datum is missing"
    if not is_datum(named):
        return "the datum is not a short text"
    return _Place(float(x), float(y), named, np.nan if accuracy is None else float(accuracy))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
