"""What every form does: bytes to batches of places as they come, placements to bytes as they go."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

from api.schemas.problems import Refusal
from layers.actions.place import PlacedMany, Places

BATCH_ROWS: Final = 32_768
"""So many rows are placed and written at once."""

RECORD_BYTES: Final = 1024 * 1024
"""A row longer than this has no end, as far as we care."""

Encoded = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows: where they are, and whatever their form needs to give them back."""

    places: Places
    rows: Any


class Form(Protocol):
    """A form, reading one request and writing its answer.

    Bytes may be cut anywhere. What cannot be read any further raises a :class:`Refusal`; a row that
    is wrong is only that row's matter.
    """

    @property
    def answer_type(self) -> str:
        """The media type of the answer; settled once the first batch is there."""

    def feed(self, data: bytes) -> Iterator[Batch]:
        """Take what came; give the batches that are whole."""

    def finish(self) -> Iterator[Batch]:
        """Take note that nothing more comes; give the rest."""

    def begin(self) -> Encoded:
        """Return what stands before the first row of the answer."""

    def write(self, batch: Batch, placed: PlacedMany, done: int) -> Encoded:
        """Return the answer to a batch; ``done`` rows are then answered."""

    def end(self) -> Encoded:
        """Return what stands after the last row."""

    def failed(self, problem: bytes) -> Encoded | None:
        """Return how the form says that the answer ends here; None where it cannot."""


def broken(detail: str) -> Refusal:
    """Return the refusal of a body that cannot be read any further."""
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Broken body",
        "请求体有误",
        detail,
        [{"location": "body", "message": "cannot be read any further"}],
    )


def no_datum() -> Refusal:
    """Return the refusal of points of which nobody says in which datum they are."""
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Malformed request",
        "请求有误",
        "No datum is declared. Name it once (?datum=wgs84) or in every row; it is never guessed.",
        [{"location": "query.datum", "message": "is missing"}],
    )


def too_many_rows(found: str, limit: int) -> Refusal:
    """Return the refusal of more rows than one request may bring."""
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Too many rows",
        "行数过多",
        f"{found} are more than the {limit:,} that one request may hold "
        "(LIANXIN_ROUTE_ROWS_MAX). Send them in several requests.",
    )
