"""JSON that holds its points in one array: a list, an object with one, a FeatureCollection.

A body that is soon whole is read as a whole, its members in any order. A longer one is read as it
comes: what is said of all points must then stand before them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from api.forms.elements import Elements, value_end
from api.forms.form import (
    BATCH_ROWS,
    RECORD_BYTES,
    Batch,
    Encoded,
    broken,
    no_datum,
    too_many_rows,
)
from api.forms.placements import PlacementText
from api.forms.rows import features_text, is_datum, names_datum, objects_text, places_of
from api.schemas.problems import Refusal, invalid
from layers.actions.place import PlacedMany

WHOLE_BYTES: Final = 1024 * 1024
"""Up to this size a body is read as a whole."""

_COLLECTION: Final = "FeatureCollection"
_SPACE: Final = b" \t\r\n"
_LIST, _OBJECT, _FEATURES = "list", "points", "features"
_OPENINGS: Final = {
    _LIST: b"[",
    _OBJECT: b'{"points":[',
    _FEATURES: b'{"type":"FeatureCollection","features":[',
}


class Lists:
    """The three forms of JSON, told apart by how they begin."""

    def __init__(self, text: PlacementText, datum: str | None, *, rows_max: int) -> None:
        self._text = text
        self._datum = datum
        self._rows_max = rows_max
        self._head: bytearray | None = bytearray()
        self._elements: Elements | None = None
        self._kind = _LIST
        self._members: dict[str, Any] = {}
        self._begun = False
        self._answered = False

    @property
    def answer_type(self) -> str:
        """The media type of the answer."""
        return "application/geo+json" if self._kind == _FEATURES else "application/json"

    def feed(self, data: bytes) -> Iterator[Batch]:
        """Take what came; give the points that are whole, once it is too much to wait for all."""
        if self._head is not None:
            self._head += data
            if len(self._head) <= WHOLE_BYTES:
                return
            data, self._head = bytes(self._head), None
            data = self._open(data)
        if self._elements is not None:
            for rows in self._elements.feed(data):
                yield from self._batches(rows)
            if self._elements.rest is not None and len(self._elements.rest) > RECORD_BYTES:
                raise broken("Too much stands behind the list of points.")

    def finish(self) -> Iterator[Batch]:
        """Give the rest, or all of it."""
        if self._head is not None:
            yield from self._whole(bytes(self._head))
        elif self._elements is not None:
            yield from self._rest(self._elements)

    def begin(self) -> Encoded:
        """Return the opening of the answer."""
        return _OPENINGS[self._kind]

    def write(self, batch: Batch, placed: PlacedMany, done: int) -> Encoded:  # noqa: ARG002
        """Return the answers to a batch, with a comma before each but the very first."""
        write = features_text if self._kind == _FEATURES else objects_text
        text = write(batch.rows, placed, self._text, (b",", b""))
        if not self._answered and len(text):
            self._answered = True
            return text[1:]
        return text

    def end(self) -> Encoded:
        """Return the closing of the answer."""
        return b"]" if self._kind == _LIST else b"]}"

    def failed(self, problem: bytes) -> Encoded | None:  # noqa: ARG002
        """Return None: half an array must not look like one."""
        return None

    def _batches(self, rows: Sequence[Any]) -> Iterator[Batch]:
        for start in range(0, len(rows), BATCH_ROWS):
            some = rows[start : start + BATCH_ROWS]
            if not self._begun and self._datum is None and not any(map(names_datum, some)):
                raise no_datum()
            self._begun = True
            features = self._kind == _FEATURES
            yield Batch(places_of(some, self._datum, features=features), some)

    def _whole(self, body: bytes) -> Iterator[Batch]:
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            # Its message names the place in the text, and repeats nothing of it.
            reason = str(error) if body else "it is empty"
            yield from self._piecemeal(body, reason)
            return
        rows = self._unwrap(payload)
        if len(rows) > self._rows_max:
            raise too_many_rows(f"{len(rows):,} rows", self._rows_max)
        if self._datum is None and rows and not any(map(names_datum, rows)):
            raise no_datum()
        self._begun = True
        yield from self._batches(rows)

    def _piecemeal(self, body: bytes, reason: str) -> Iterator[Batch]:
        """Give the points of a body in which perhaps only a point is no JSON."""
        batches: list[Batch] = []
        try:
            text = self._open(body)
            assert self._elements is not None  # noqa: S101 - just opened
            for rows in self._elements.feed(text):
                batches += self._batches(rows)
            batches += self._rest(self._elements)
        except Refusal:
            message = f"The body is not valid JSON: {reason}."
            raise invalid(message, "body", "is not JSON") from None
        yield from batches

    def _rest(self, elements: Elements) -> Iterator[Batch]:
        """Give the last points, and look at what stands behind them."""
        for rows in elements.finish():
            yield from self._batches(rows)
        behind = _behind(elements.rest or b"", closes_object=self._kind != _LIST)
        if self._kind == _FEATURES and {**self._members, **behind}.get("type") != _COLLECTION:
            raise broken("Features without the type FeatureCollection are no GeoJSON.")

    def _unwrap(self, payload: Any) -> Sequence[Any]:
        """Return the points of a body that was read as a whole."""
        if isinstance(payload, list):
            return payload
        if isinstance(payload, dict):
            self._take_datum(payload.get("datum"))
            collection = payload.get("type") == _COLLECTION
            for kind in (_FEATURES,) * collection + (_OBJECT,):
                if isinstance(payload.get(kind), list):
                    self._kind = kind
                    return list(payload[kind])
        raise _none_of_the_three()

    def _take_datum(self, own: Any) -> None:
        if own is not None and not is_datum(own):
            raise invalid("The datum must be a short text.", "body.datum", "must be a short text")
        self._datum = self._datum if own is None else own

    def _open(self, text: bytes) -> bytes:
        """Read up to the array's opening bracket; return what stands behind it."""
        self._elements = Elements()
        start = _next(text, 0)
        if text[start : start + 1] == b"[":
            return text[start + 1 :]
        if text[start : start + 1] != b"{":
            raise _none_of_the_three()
        start += 1
        while True:
            key, start = _key(text, start)
            if key in (_OBJECT, _FEATURES) and text[start : start + 1] == b"[":
                self._kind = key
                break
            end = value_end(text, start)
            if end is None:
                raise _none_of_the_three()
            self._members[key] = _value(text[start:end])
            start = _next(text, end)
            if text[start : start + 1] != b",":
                raise _none_of_the_three()
            start += 1
        self._take_datum(self._members.get("datum"))
        return text[start + 1 :]


def _behind(rest: bytes, *, closes_object: bool) -> dict[str, Any]:
    """Return the members that stand behind the list of points."""
    try:
        if closes_object:
            return dict(orjson.loads(b'{"":0' + rest))
        if not rest.strip(_SPACE):
            return {}
    except (orjson.JSONDecodeError, TypeError, ValueError):
        pass
    raise broken("What stands behind the list of points is no JSON.")


def _next(text: bytes, start: int) -> int:
    while text[start : start + 1] in (b" ", b"\t", b"\r", b"\n"):
        start += 1
    return start


def _key(text: bytes, start: int) -> tuple[str, int]:
    """Return a member's name, and where its value begins."""
    start = _next(text, start)
    end = value_end(text, start) if text[start : start + 1] == b'"' else None
    colon = len(text) if end is None else _next(text, end)
    if end is None or text[colon : colon + 1] != b":":
        raise _none_of_the_three()
    return str(_value(text[start:end])), _next(text, colon + 1)


def _value(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise broken(f"What stands before the list of points is no JSON: {error}.") from None


def _none_of_the_three() -> Refusal:
    return invalid(
        'The body must be a list of {"lon", "lat"}, an object {"datum", "points": […]}, or a '
        "GeoJSON FeatureCollection of points.",
        "body",
        "is none of the three",
    )
