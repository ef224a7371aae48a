"""Many points at once: a list, an object with a list, or GeoJSON; answered in the same form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from math import isfinite
from typing import Any, Final

from api.schemas.fields import LARGEST_ACCURACY_M, LARGEST_COORDINATE, LONGEST_DATUM
from api.schemas.placements import placement_json
from api.schemas.problems import Refusal, invalid
from gis.routing import Rule
from layers.actions.boundaries import Owner
from layers.actions.place import UNPLACED, Place, Placed


class Form(StrEnum):
    """How the points came, and how the answer goes."""

    LIST = "list"
    OBJECT = "object"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Points:
    """The rows of a request: each with its place, or the reason why it has none."""

    form: Form
    rows: Sequence[Any]
    places: Sequence[Place | str]


def read_points(payload: Any, datum: str | None, *, rows_max: int) -> Points:
    """Return the points of a request's body.

    ``datum`` is for rows that name none of their own; a row that is wrong keeps its place in the
    answer, but a request without any datum, or that isn't a list at all, is refused.
    """
    form, rows, datum = _unwrap(payload, datum)
    if len(rows) > rows_max:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "Too many rows",
            "行数过多",
            f"{len(rows):,} rows are more than the {rows_max:,} that one request may hold. "
            "Send them in several requests.",
        )
    of_row = _feature_place if form is Form.FEATURES else _row_place
    if datum is None and rows and not any(_own_datum(row) for row in rows):
        raise invalid(
            "No datum is declared. Name it once (?datum=wgs84) or in every row; it is never "
            "guessed.",
            "query.datum",
            "is missing",
        )
    return Points(form, rows, [of_row(row, datum) for row in rows])


def write_points(points: Points, placed: Sequence[Placed | str], edition_id: int) -> Any:
    """Return the answer, in the form in which the points came."""
    write = _feature_json if points.form is Form.FEATURES else _row_json
    rows = [write(row, found, edition_id) for row, found in zip(points.rows, placed, strict=True)]
    if points.form is Form.FEATURES:
        return {"type": "FeatureCollection", "features": rows}
    return {"points": rows} if points.form is Form.OBJECT else rows


def _unwrap(payload: Any, datum: str | None) -> tuple[Form, Sequence[Any], str | None]:
    if isinstance(payload, list):
        return Form.LIST, payload, datum
    if isinstance(payload, dict):
        own = payload.get("datum")
        own = datum if own is None else own
        if own is not None and not _is_datum(own):
            raise invalid("The datum must be a short text.", "body.datum", "must be a short text")
        if payload.get("type") == "FeatureCollection" and isinstance(payload.get("features"), list):
            return Form.FEATURES, payload["features"], own
        if isinstance(payload.get("points"), list):
            return Form.OBJECT, payload["points"], own
    raise invalid(
        'The body must be a list of {"lon", "lat"}, an object {"datum", "points": […]}, or a '
        "GeoJSON FeatureCollection of points.",
        "body",
        "is none of the three",
    )


def _own_datum(row: Any) -> object:
    if not isinstance(row, Mapping):
        return None
    properties = row.get("properties")
    return row.get("datum") or (isinstance(properties, Mapping) and properties.get("datum"))


def _row_place(row: Any, datum: str | None) -> Place | str:
    if not isinstance(row, Mapping):
        return "the row is not an object"
    return _place(row.get("lon"), row.get("lat"), row, datum)


def _feature_place(row: Any, datum: str | None) -> Place | str:
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


def _place(x: Any, y: Any, row: Mapping[str, Any], datum: str | None) -> Place | str:
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
    if not _is_datum(named):
        return "the datum is not a short text"
    return Place(float(x), float(y), named, None if accuracy is None else float(accuracy))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_datum(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_DATUM and value.isprintable()


def _row_json(row: Any, found: Placed | str, edition_id: int) -> dict[str, Any]:
    answer = _answer(found, edition_id)
    if isinstance(row, Mapping) and "id" in row:
        return {"id": row["id"], **answer}
    return answer


def _feature_json(row: Any, found: Placed | str, edition_id: int) -> dict[str, Any]:
    answer = _answer(found, edition_id)
    lon, lat = answer["lon"], answer["lat"]
    feature = dict(row) if isinstance(row, Mapping) else {}
    properties = feature.get("properties")
    given = properties if isinstance(properties, Mapping) else {}
    return {
        **feature,
        "type": "Feature",
        "geometry": None if lon is None else {"type": "Point", "coordinates": [lon, lat]},
        "properties": {**given, **answer},
    }


def _answer(found: Placed | str, edition_id: int) -> dict[str, Any]:
    """Return a placement; of a row that has none the reason, with the same members."""
    if isinstance(found, str):
        return {**placement_json(Placed(UNPLACED, Owner(), edition_id)), "reason": found}
    answer = placement_json(found)
    if found.placement.rule is Rule.UNPLACED:
        answer["reason"] = found.placement.reason
    return answer


# Rows are free in form: one that is wrong doesn't spoil the others, it is answered in its place.
_ROWS: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "description": "lon and lat are numbers; id comes back; datum goes before the one named "
        "for all rows; accuracy_m is a radius in metres. A row that is wrong is answered in its "
        "place, with the reason.",
        "example": {"id": "a", "lon": 111.2, "lat": 39.9, "datum": "gcj02", "accuracy_m": 30},
    },
}
_OBJECT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"datum": {"type": ["string", "null"]}, "points": _ROWS},
    "required": ["points"],
}
_FEATURES: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "type": {"const": "FeatureCollection"},
        "datum": {"type": ["string", "null"]},
        "features": {
            "type": "array",
            "items": {"description": "a Feature whose geometry is a Point; properties come back"},
        },
    },
    "required": ["type", "features"],
}

BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [_ROWS, _OBJECT, _FEATURES]}},
        "application/geo+json": {"schema": _FEATURES},
    },
}
"""The three forms in which points come, for OpenAPI."""

_ANSWER: Final[dict[str, Any]] = {
    "allOf": [
        {"$ref": "#/components/schemas/PlacementOut"},
        {
            "type": "object",
            "properties": {"id": {}, "reason": {"type": "string"}},
        },
    ]
}
_ANSWERS: Final[dict[str, Any]] = {"type": "array", "items": _ANSWER}

ANSWERS: Final[dict[str, Any]] = {
    "description": "A placement for each row, in the same form and order.",
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    _ANSWERS,
                    {
                        "type": "object",
                        "properties": {"points": _ANSWERS},
                        "required": ["points"],
                    },
                ]
            }
        },
        "application/geo+json": {"schema": _FEATURES},
    },
}
"""And the forms of the answer."""
