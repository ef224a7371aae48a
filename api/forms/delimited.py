"""CSV: the lines come back as they were sent, with the added columns behind.

A block of lines is told apart into columns by pyarrow, and only those that say where the points are
become values. Where a line is out of line (another number of values, or a line break within one),
its block is read record by record.
"""

import csv
import re
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from api.forms.columns import AddedColumns, Asked, Located, free_names, locate
from api.forms.form import BATCH_ROWS, RECORD_BYTES, Batch, Encoded, broken
from api.forms.placements import joined
from layers.actions.place import PlacedMany
from layers.exchange.delimited import unique_names

MEDIA_TYPE: Final = "text/csv"
_MARK: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (",", ";", "\t")
_MUST_QUOTE: Final = re.compile(r'[",;\t\r\n]')


class Delimited:
    """A table of text with a heading."""

    answer_type = f"{MEDIA_TYPE}; charset=utf-8"

    def __init__(self, added: AddedColumns, asked: Asked) -> None:
        self._added = added
        self._asked = asked
        self._rest = bytearray()
        self._heading = b""
        self._columns: list[str] = []
        self._located: Located | None = None
        self._grammar = _Grammar(",")
        self._end = b"\n"
        self._row = 0

    def feed(self, data: bytes) -> Iterator[Batch]:
        """Take what came; give the lines that are whole."""
        self._rest += data
        there = self._located is not None or self._head(final=False)
        end = self._grammar.whole(self._rest) if there else 0
        if end:
            block = bytes(self._rest[:end])
            del self._rest[:end]
            yield from self._read(block)
        if len(self._rest) > RECORD_BYTES:
            raise broken(
                f"Row {self._row + 1:,} has no end within {RECORD_BYTES:,} bytes: a quotation mark "
                "is not closed, or the row is too long."
            )

    def finish(self) -> Iterator[Batch]:
        """Take the last line, which may lack its end."""
        if self._located is None and not self._head(final=True):
            raise broken("The CSV is empty: not even a line of column names.")
        if self._rest:
            if self._grammar.open_quote(self._rest):
                raise broken(
                    "The CSV ends within a quotation mark that was opened after row "
                    f"{self._row:,} and is never closed."
                )
            yield from self._read(bytes(self._rest) + self._end)
            self._rest.clear()

    def begin(self) -> Encoded:
        """Return the heading, with the added columns behind."""
        delimiter = self._grammar.delimiter
        names = delimiter.join(_quoted(name) for name in free_names(self._columns))
        return b"".join((self._heading, delimiter.encode(), names.encode(), self._end))

    def write(self, batch: Batch, placed: PlacedMany, done: int) -> Encoded:  # noqa: ARG002
        """Return each line with the added values behind."""
        delimiter = self._grammar.delimiter.encode()
        parts: list[Any] = [batch.rows.cast(pa.binary())]
        for column in self._added.arrays(placed):
            parts += [delimiter, _text(column).cast(pa.binary())]
        return joined(*parts, self._end)

    def end(self) -> Encoded:
        """Return nothing: the last line is the last row."""
        return b""

    def failed(self, problem: bytes) -> Encoded | None:  # noqa: ARG002
        """Return None: a table has no place for it."""
        return None

    def _head(self, *, final: bool) -> bool:
        """Read the heading, if it is there; return whether it was."""
        start = len(self._rest) - len(self._rest.removeprefix(_MARK).lstrip(b"\r\n"))
        opening = bytes(self._rest[start : start + RECORD_BYTES])
        first = opening.splitlines()[0] if opening else b""
        self._grammar = _Grammar(max(_DELIMITERS, key=_without_quoted(first).count))
        record = self._grammar.first(opening, final=final)
        if not record:
            return False
        line = record.rstrip(b"\r\n")
        self._end = record[len(line) :] or b"\n"
        marked = self._rest.startswith(_MARK)
        del self._rest[: start + len(record)]
        self._heading = _MARK * marked + line
        try:
            header = next(csv.reader([_decoded(line, 0)], delimiter=self._grammar.delimiter))
        except csv.Error as error:
            raise broken(f"The line of column names cannot be read: {error}.") from None
        self._columns, _ = unique_names(header)
        found = locate(self._columns, self._asked, table="The CSV")
        self._located = Located(
            found.x, found.y, found.datum_column, found.datum, self._grammar.delimiter == ";"
        )
        return True

    def _read(self, block: bytes) -> Iterator[Batch]:
        assert self._located is not None  # noqa: S101 - the heading comes first
        text = _decoded(block, self._row)
        lines, columns, faults = self._fast(block) or self._exact(text)
        for start in range(0, len(lines), BATCH_ROWS):
            part = slice(start, start + BATCH_ROWS)
            wrong = {
                row - start: why for row, why in faults.items() if 0 <= row - start < BATCH_ROWS
            }
            places = self._located.places([column[part] for column in columns], wrong)
            yield Batch(places, lines[part])
        self._row += len(lines)

    def _fast(self, block: bytes) -> "_Block | None":
        """Return a block by columns; None where it has to be read record by record."""
        assert self._located is not None  # noqa: S101 - the heading comes first
        wrong: list[Any] = []

        def skip(row: Any) -> str:
            wrong.append(row)
            return "skip"

        numbers = [self._columns.index(name) for name in self._located.names]
        names = [f"f{number}" for number in range(len(self._columns))]
        chosen = [names[number] for number in numbers]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(block),
                arrow_csv.ReadOptions(
                    use_threads=False, column_names=names, block_size=len(block) + 1
                ),
                arrow_csv.ParseOptions(
                    delimiter=self._grammar.delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=skip,
                ),
                arrow_csv.ConvertOptions(
                    include_columns=chosen,
                    column_types=dict.fromkeys(chosen, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        lines = pc.split_pattern(pa.array([block], pa.string()), "\n").values
        if b"\r" in block:
            lines = pc.ascii_rtrim(lines, "\r")
        lines = lines.filter(pc.not_equal(pc.binary_length(lines), 0))
        # A record of several lines leaves more lines than rows; a wrong one was skipped.
        if wrong or len(lines) != table.num_rows:
            return None
        return lines, [table[name].combine_chunks() for name in chosen], {}

    def _exact(self, text: str) -> "_Block":
        """Return a block read record by record."""
        assert self._located is not None  # noqa: S101 - the heading comes first
        numbers = [self._columns.index(name) for name in self._located.names]
        lines: list[str] = []
        values: list[list[str]] = [[] for _ in numbers]
        faults: dict[int, str] = {}
        for record in self._grammar.records(text):
            line = record.rstrip("\r\n")
            if not line:
                continue
            fields, why = self._fields(line)
            if why:
                faults[len(lines)] = why
            for value, number in zip(values, numbers, strict=True):
                value.append(fields[number] if not why else "")
            lines.append(line)
        arrays = [pa.array(value, pa.string()) for value in values]
        return pa.array(lines, pa.string()), arrays, faults

    def _fields(self, line: str) -> tuple[list[str], str]:
        try:
            fields = next(csv.reader([line], delimiter=self._grammar.delimiter))
        except csv.Error as error:
            return [], f"the row cannot be read: {error}"
        found, width = len(fields), len(self._columns)
        if found == width:
            return fields, ""
        values = "value" if found == 1 else "values"
        return fields, f"the row has {found} {values} where the header has {width}"


_Block = tuple[pa.Array, list[pa.Array], dict[int, str]]


class _Grammar:
    """Where records and quoted values end, for one delimiter."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        mark = re.escape(delimiter)
        # A quotation mark opens only at the beginning of a value; elsewhere it is a letter.
        self._quoted = re.compile(
            rf'"(?:(?<=[{mark}\r\n]")|(?<![\s\S]"))(?:[^"]++|"")*+(?:(?P<closed>")|\Z)'.encode()
        )
        value = rf'(?:"(?:[^"]++|"")*+(?:"|\Z))?+[^{mark}\r\n]*+'
        self._record = re.compile(rf"{value}(?:{mark}{value})*+(?:\r\n|\n|\r|\Z)")
        self._record_bytes = re.compile(self._record.pattern.encode())

    def whole(self, text: bytes | bytearray) -> int:
        """Return where the last record ends that is surely whole."""
        quotes = list(self._quoted.finditer(text)) if b'"' in text else []
        limit = len(text)
        while True:
            end = text.rfind(b"\n", 0, limit)
            if end < 0:  # lines may end in carriage returns alone; the last may be half an end
                end = text.rfind(b"\r", 0, min(limit, len(text) - 1))
            while quotes and quotes[-1].start() > end:
                quotes.pop()
            if end < 0 or not quotes or quotes[-1].end() <= end:
                return end + 1
            limit = quotes[-1].start()

    def open_quote(self, text: bytes | bytearray) -> bool:
        """Return whether the text ends within a quoted value."""
        quoted = list(self._quoted.finditer(text))
        return bool(quoted) and quoted[-1]["closed"] is None

    def first(self, text: bytes, *, final: bool) -> bytes:
        """Return the first record with its end; nothing where its end is not there."""
        found = self._record_bytes.match(text)
        record = found.group() if found else b""
        return record if final or record.endswith((b"\r\n", b"\n")) or self.whole(text) else b""

    def records(self, text: str) -> Iterator[str]:
        """Give the records of a text, each with its end."""
        start = 0
        while start < len(text):
            found = self._record.match(text, start)
            if found is None or found.end() == start:
                return
            yield found.group()
            start = found.end()


def _without_quoted(line: bytes) -> str:
    return re.sub(r'"[^"]*"', "", line.decode("utf-8", "replace"))


def _decoded(text: bytes, row: int) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        near = row + text.count(b"\n", 0, error.start) + 1
        raise broken(f"The CSV is not UTF-8 near row {near:,}. Save it as UTF-8.") from None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _MUST_QUOTE.search(text) else text


def _text(column: pa.Array) -> pa.Array:
    """Return a column as values of a CSV, empty where there is none."""
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    elif pc.any(pc.match_substring_regex(column, _MUST_QUOTE.pattern)).as_py():
        column = pa.array([None if v is None else _quoted(v) for v in column.to_pylist()])
    return pc.fill_null(column, "")
