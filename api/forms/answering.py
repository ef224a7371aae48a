"""One request of many points: what came goes in, the answer comes out, a batch at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from api.forms.arrow import MEDIA_TYPE as ARROW
from api.forms.arrow import ArrowStream
from api.forms.columns import AddedColumns, Asked
from api.forms.delimited import MEDIA_TYPE as CSV
from api.forms.delimited import Delimited
from api.forms.form import Batch, Encoded, Form, too_many_rows
from api.forms.lines import MEDIA_TYPE as NDJSON
from api.forms.lines import Lines
from api.forms.lists import Lists
from api.forms.placements import PlacementText
from api.schemas.problems import Refusal
from layers.actions.boundaries import InForce
from layers.actions.place import place_many


@dataclass(frozen=True)
class Order:
    """How many points are to be read and answered."""

    content_type: str
    datum: str | None = None
    x: str | None = None
    y: str | None = None
    progress: bool = False
    rows_max: int = 100_000_000


class Answering:
    """Reads points in a form and answers them in the same, all by one edition."""

    def __init__(self, order: Order, in_force: InForce) -> None:
        self.in_force = in_force
        self.rows = 0
        self.form = _form(order, in_force)
        self._rows_max = order.rows_max
        self._begun = False

    def feed(self, data: bytes) -> Iterator[Encoded]:
        """Take what came; give what can be answered."""
        return self._answers(self.form.feed(data))

    def finish(self) -> Iterator[Encoded]:
        """Take note that nothing more comes; give the rest of the answer."""
        yield from self._answers(self.form.finish())
        if not self._begun:
            yield self.form.begin()
        yield self.form.end()

    def _answers(self, batches: Iterator[Batch]) -> Iterator[Encoded]:
        for batch in batches:
            self.rows += len(batch.places)
            if self.rows > self._rows_max:
                raise too_many_rows(f"{self.rows:,} rows and perhaps more", self._rows_max)
            placed = place_many(self.in_force, batch.places)
            if not self._begun:
                self._begun = True
                yield self.form.begin()
            yield self.form.write(batch, placed, self.rows)


Make = Callable[[Order, InForce], Form]


def _lists(order: Order, in_force: InForce) -> Form:
    return Lists(_text(in_force), order.datum, rows_max=order.rows_max)


def _lines(order: Order, in_force: InForce) -> Form:
    return Lines(_text(in_force), order.datum, progress=order.progress)


def _csv(order: Order, in_force: InForce) -> Form:
    return Delimited(AddedColumns(in_force), Asked(order.datum, order.x, order.y))


def _arrow(order: Order, in_force: InForce) -> Form:
    return ArrowStream(AddedColumns(in_force), Asked(order.datum, order.x, order.y))


_FORMS: Final[dict[str, Make]] = {
    "": _lists,
    "application/json": _lists,
    NDJSON: _lines,
    "application/ndjson": _lines,
    "application/jsonl": _lines,
    CSV: _csv,
    ARROW: _arrow,
}
_TAKEN: Final = f"application/json, application/geo+json, {NDJSON}, {CSV} or {ARROW}"


def _form(order: Order, in_force: InForce) -> Form:
    kind, _, parameters = order.content_type.lower().partition(";")
    kind = kind.strip()
    make = _FORMS.get(kind) or (_lists if kind.endswith("+json") else None)
    if make is None:
        raise _unsupported(f"The body must be of one of these types: {_TAKEN}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise _unsupported("The body must be UTF-8.")
    return make(order, in_force)


def _unsupported(detail: str) -> Refusal:
    return Refusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "不支持的类型", detail
    )


_last: PlacementText | None = None


def _text(in_force: InForce) -> PlacementText:
    """Return how placements are written; made once an edition, whoever asks first."""
    global _last  # noqa: PLW0603 - one slot, written whole: two makers at once give the same
    found = _last
    if found is None or found.in_force is not in_force:
        found = _last = PlacementText(in_force)
    return found
