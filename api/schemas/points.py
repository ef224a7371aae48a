"""The forms in which many points come and are answered, as OpenAPI shows them."""

from typing import Any, Final

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

# Text and bytes: their rows are checked as they come, which no schema can say.
_NDJSON: Final[dict[str, Any]] = {
    "schema": {
        "type": "string",
        "description": "a row or a GeoJSON feature a line; a line that is no JSON is answered in "
        "its place. ?progress=true adds lines of progress.",
    },
    "example": '{"id": "a", "lon": 111.2, "lat": 39.9, "datum": "gcj02"}\n',
}
_CSV: Final[dict[str, Any]] = {
    "schema": {
        "type": "string",
        "description": "a heading and rows, UTF-8. The lines come back as they were sent, with "
        "grid_code, rule, distance_to_boundary_m, lon, lat, reason, queue_code, warnings and "
        "edition behind (lon_2 where there is a lon already).",
    },
    "example": "id,lon,lat\n007,111.2,39.9\n",
}
_ARROW: Final[dict[str, Any]] = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "an Arrow IPC stream, not compressed, its batches not larger than 32 MiB; "
        "the same columns are added as to CSV.",
    }
}

BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [_ROWS, _OBJECT, _FEATURES]}},
        "application/geo+json": {"schema": _FEATURES},
        "application/x-ndjson": _NDJSON,
        "text/csv": _CSV,
        "application/vnd.apache.arrow.stream": _ARROW,
    },
}
"""The forms in which points come, for OpenAPI."""

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
    "headers": {
        "X-Lianxin-Edition": {
            "description": "the edition by which all of them were placed",
            "schema": {"type": "integer"},
        }
    },
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
        "application/x-ndjson": _NDJSON,
        "text/csv": _CSV,
        "application/vnd.apache.arrow.stream": _ARROW,
    },
}
"""And the forms of the answer."""
