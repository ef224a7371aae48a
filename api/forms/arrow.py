"""Arrow IPC streams: record batches, cut again where they are large, with the added columns."""

import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from api.forms.columns import AddedColumns, Asked, Located, free_names, locate
from api.forms.form import BATCH_ROWS, Batch, Encoded, broken
from api.forms.messages import END, MESSAGE_BYTES, RECORDS, SCHEMA, Messages
from api.schemas.problems import invalid
from layers.actions.place import PlacedMany

MEDIA_TYPE: Final = "application/vnd.apache.arrow.stream"


class ArrowStream:
    """A schema and record batches."""

    answer_type = MEDIA_TYPE

    def __init__(self, added: AddedColumns, asked: Asked) -> None:
        self._added = added
        self._asked = asked
        self._text = Messages()
        self._reader: pa.RecordBatchStreamReader | None = None
        self._located: Located | None = None
        self._columns: list[int] = []
        self._names: list[str] = []
        self._ended = False
        self._sink = _Sink()
        self._schema = pa.schema([])
        self._writer: pa.RecordBatchStreamWriter | None = None

    def feed(self, data: bytes) -> Iterator[Batch]:
        """Take what came; give the batches that are whole."""
        self._text.append(data)
        while not self._ended and (message := self._text.next_message()) is not None:
            if message.kind == END:
                self._ended = True
            elif message.kind == SCHEMA:
                self._open()
            elif message.kind == RECORDS:
                yield from self._read()
        if self._ended and self._text.waiting:
            raise broken("Something stands behind the end of the Arrow stream.")

    def finish(self) -> Iterator[Batch]:
        """Make sure that the stream ended where a message does."""
        if self._reader is None:
            raise broken(
                "The body is no Arrow IPC stream: it ends before its schema."
                if self._text.waiting
                else "The body is empty: not even a schema."
            )
        if not self._ended and self._text.waiting:
            raise broken("The Arrow stream ends within a message: it was cut off.")
        yield from ()

    def begin(self) -> Encoded:
        """Return the schema, with the added columns behind and the edition in its metadata."""
        assert self._reader is not None  # noqa: S101 - read before anything is answered
        given: pa.Schema = self._reader.schema
        fields = [*given, *self._added.fields(self._names)]
        told = {b"lianxin.edition": str(self._added.edition).encode()}
        # The added columns are not among those that pandas described.
        kept = {k: v for k, v in (given.metadata or {}).items() if k != b"pandas"}
        self._schema = pa.schema(fields, {**kept, **told})
        self._writer = pa.ipc.new_stream(self._sink, self._schema)
        return b""  # pyarrow writes the schema with the first batch, or at the end

    def write(self, batch: Batch, placed: PlacedMany, done: int) -> Encoded:
        """Return a batch, which says in its metadata how many rows are answered so far."""
        assert self._writer is not None  # noqa: S101 - begun before
        given: pa.RecordBatch = batch.rows
        answer = pa.RecordBatch.from_arrays(
            [*given.columns, *self._added.arrays(placed)], schema=self._schema
        )
        self._writer.write_batch(answer, custom_metadata={"lianxin.rows": str(done)})
        return self._sink.taken()

    def end(self) -> Encoded:
        """Return the end of the stream."""
        assert self._writer is not None  # noqa: S101 - begun before
        self._writer.close()
        return self._sink.taken()

    def failed(self, problem: bytes) -> Encoded | None:  # noqa: ARG002
        """Return None: the stream stays without its end."""
        return None

    def _open(self) -> None:
        """Read the schema, and find where it says where the points are."""
        if self._reader is not None:
            raise broken("A second schema comes within the Arrow stream.")
        self._reader = _checked(lambda: pa.ipc.open_stream(self._text))
        schema: pa.Schema = self._reader.schema
        columns = _checked(lambda: list(schema.names))  # which may be no UTF-8
        self._located = locate(columns, self._asked, table="The Arrow stream")
        self._names = free_names(columns)
        self._columns = [columns.index(name) for name in self._located.names]
        for name, position in zip(self._located.names, self._columns, strict=True):
            kind = _value_type(schema.field(position).type)
            number = name != self._located.datum_column
            if not (_is_text(kind) or pa.types.is_null(kind) or (number and _is_number(kind))):
                raise invalid(
                    f"The column {name} holds {kind}, not {'numbers' if number else 'text'}.",
                    "body",
                    f"{name} is of a wrong type",
                )

    def _read(self) -> Iterator[Batch]:
        if self._reader is None or self._located is None:
            raise broken("A record batch comes before the schema of the Arrow stream.")
        batch: pa.RecordBatch = _checked(self._next)
        if batch.num_rows > MESSAGE_BYTES:
            raise broken(f"A record batch says that it has {batch.num_rows:,} rows.")
        columns = [_plain(batch.column(position)) for position in self._columns]
        for start in range(0, batch.num_rows, BATCH_ROWS):
            some = batch.slice(start, BATCH_ROWS)
            places = self._located.places([each.slice(start, BATCH_ROWS) for each in columns])
            yield Batch(places, some)

    def _next(self) -> pa.RecordBatch:
        assert self._reader is not None  # noqa: S101 - opened before
        batch = self._reader.read_next_batch()
        batch.validate(full=True)  # it comes from outside: an offset may point anywhere
        return batch


class _Sink(io.RawIOBase):
    """What pyarrow wrote and nobody took yet."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep some bytes."""
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _checked(read: Callable[[], Any]) -> Any:
    """Return what pyarrow reads; what it cannot is a broken body."""
    try:
        return read()
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        first = str(error).partition("\n")[0][:200]
        raise broken(f"The Arrow stream cannot be read: {first}") from None


def _value_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _value_type(kind.value_type)
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _plain(column: pa.Array) -> pa.Array:
    """Return a column as numbers or plain text, however it is encoded."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return pc.cast(column, pa.float64(), safe=False)
