"""NDJSON: a row a line, answered by a line each."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from api.forms.form import BATCH_ROWS, RECORD_BYTES, Batch, Encoded, broken, no_datum
from api.forms.placements import PlacementText
from api.forms.rows import (
    are_features,
    features_text,
    is_feature,
    names_datum,
    objects_text,
    parsed,
    places_of,
)
from layers.actions.place import PlacedMany

MEDIA_TYPE: Final = "application/x-ndjson"
_MARK: Final = b"\xef\xbb\xbf"
_FRAME: Final = (b"", b"\n")


class Lines:
    """Objects or GeoJSON features, one a line; empty lines are nothing."""

    answer_type = MEDIA_TYPE

    def __init__(self, text: PlacementText, datum: str | None, *, progress: bool = False) -> None:
        self._text = text
        self._datum = datum
        self._tell = progress
        self._rest = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[Batch]:
        """Take what came; give the lines that are whole."""
        end = data.rfind(b"\n") + 1
        if not end:
            self._rest += data
        else:
            block = bytes(self._rest) + data[:end]
            self._rest = bytearray(data[end:])
            yield from self._read(block)
        if len(self._rest) > RECORD_BYTES:
            raise broken(
                f"A line is longer than {RECORD_BYTES:,} bytes. Put each row on a line of its own."
            )

    def finish(self) -> Iterator[Batch]:
        """Take the last line, which may lack its end."""
        yield from self._read(bytes(self._rest))

    def begin(self) -> Encoded:
        """Return nothing: there is no heading."""
        return b""

    def write(self, batch: Batch, placed: PlacedMany, done: int) -> Encoded:
        """Return a line for each row, and if asked for one that says how far we are."""
        told = b'{"progress":{"rows":%d}}\n' % done if self._tell else b""
        rows, features = batch.rows
        answer = self._answers(rows, features, placed)
        return bytes(answer) + told if told else answer

    def end(self) -> Encoded:
        """Return nothing: the last line is the last row."""
        return b""

    def failed(self, problem: bytes) -> Encoded | None:
        """Return a line that says why the answer ends."""
        return b'{"error":' + problem + b"}\n"

    def _read(self, block: bytes) -> Iterator[Batch]:
        if not self._begun and block:
            block = block.removeprefix(_MARK)
        lines = [line for line in block.split(b"\n") if line and not line.isspace()]
        for start in range(0, len(lines), BATCH_ROWS):
            rows = _parsed(lines[start : start + BATCH_ROWS])
            if not self._begun and self._datum is None and not any(map(names_datum, rows)):
                raise no_datum()
            self._begun = True
            features = are_features(rows)
            yield Batch(places_of(rows, self._datum, features=features), (rows, features))

    def _answers(
        self, rows: Sequence[Any], all_features: bool | None, placed: PlacedMany
    ) -> Encoded:
        if all_features is not None:
            write = features_text if all_features else objects_text
            return write(rows, placed, self._text, _FRAME)
        features = features_text(rows, placed, self._text, _FRAME)
        objects = objects_text(rows, placed, self._text, _FRAME)
        answers = bytes(features).splitlines(True), bytes(objects).splitlines(True)
        return b"".join(
            feature if is_feature(row) else plain
            for row, feature, plain in zip(rows, *answers, strict=True)
        )


def _parsed(lines: Sequence[bytes]) -> list[Any]:
    try:
        return list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return [parsed(line) for line in lines]
