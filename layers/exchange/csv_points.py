"""Points of a text file, block by block, every value as it was written.

Arrow's parser reads what is regular; at the first row that it refuses (one with more or fewer
values than the header, a byte that is no text) Python's takes over from that very row, as it reads
anything. Both give the same values: ``tests/layers/exchange/test_csv_points.py`` compares them.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from layers.errors import FileUnreadable
from layers.exchange import codepage
from layers.exchange.coordinates import CoordinateColumns
from layers.exchange.delimited import is_blank, read_header, unique_names
from layers.exchange.points import BATCH_ROWS, PointBatch

_BLOCK_BYTES: Final = 8 << 20
_LAST: Final = "\x1elianxin-end"
"""Written behind the last row: if it does not come out again, a quotation mark is still open."""
_REPLACED: Final = "\ufffd"
_CHARACTER_BYTES: Final = 4
"""What a character takes at most in UTF-8."""


@dataclass
class TextRows:
    """A text file's header, and its rows as Arrow columns of strings."""

    path: Path
    codec: str
    proven: bool
    """Whether every byte was found to be text in the codec."""
    delimiter: str
    names: list[str]
    notes: list[str]
    size: int
    read_bytes: int = 0
    ragged: int = 0
    """Rows so far with more values than the header."""
    replaced: int = 0
    header_chars: int = 0
    """How long the header is, its line end included."""

    @classmethod
    def open(cls, path: Path, encoding: str | None) -> "TextRows":
        """Look at a file's text and header."""
        page, notes = codepage.of_text_file(path, given=encoding)
        header, delimiter = read_header(path, page.codec)
        names, renamed = unique_names(header)
        rows = cls(path, page.codec, page.proven, delimiter, names, [*notes, *renamed],
                   path.stat().st_size)  # fmt: skip
        rows.header_chars = _header_length(path, page.codec, delimiter)
        return rows

    def blocks(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Read the rows and, of those with too many values (from 0 in the block), what is wrong."""
        done = 0
        try:
            for block in self._by_arrow():
                done += len(block)
                self._count_replaced(block)
                yield block, {}
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            # A row of another length, a byte that is no UTF-8, a quotation mark that stays open.
            for block, problems in self._by_python(done):
                self._count_replaced(block)
                yield block, problems
        if self.replaced:
            self.notes.append(
                f"{self.replaced} values hold bytes that are not {self.codec}, "
                f"shown as {_REPLACED}."
            )
        if self.ragged:
            self.notes.append(f"{self.ragged} rows have more values than the header.")

    def rows_expected(self, rows: int) -> int | None:
        """Return how many rows there are, judged by the bytes of those read so far."""
        return round(rows * self.size / self.read_bytes) if rows and self.read_bytes else None

    def _by_arrow(self) -> Iterator[pa.RecordBatch]:
        last = self.delimiter.join([_LAST] * len(self.names))
        with _Bytes(self, f"\n{last}\n") as stream:
            reader = arrow_csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=arrow_csv.ReadOptions(
                    column_names=self.names, block_size=_BLOCK_BYTES
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string())
                ),
            )
            held: pa.RecordBatch | None = None
            for block in reader:
                if not len(block):
                    continue
                if held is not None:
                    yield held
                held = block
        if held is None or held.column(0)[len(held) - 1].as_py() != _LAST:
            raise pa.ArrowInvalid("a quotation mark is still open at the end of the file")
        yield held.slice(0, len(held) - 1)

    def _by_python(self, skip: int) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Read from a row on, record by record; what a row has too much stays in its last value."""
        with self.path.open(encoding=self.codec, errors="replace", newline="") as text:
            text.read(self.header_chars)
            records = self._records(text)
            for _ in islice(records, skip):
                pass
            while block := list(islice(records, BATCH_ROWS)):
                self.read_bytes = _position(text)
                problems = {
                    i: problem for i, record in enumerate(block) if (problem := self._fit(record))
                }
                self.ragged += len(problems)
                columns = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, names=self.names), problems

    def _records(self, text: TextIO) -> Iterator[list[str]]:
        reader = csv.reader(chain(text, [f"{_LAST}\n"]), delimiter=self.delimiter)
        number = 0
        try:
            for record in reader:
                if record == [_LAST]:
                    return
                if is_blank(record):
                    continue
                number += 1
                if any(_LAST in value for value in record):
                    break
                yield record
        except csv.Error as error:
            raise FileUnreadable(f"{self.path.name}, data row {number + 1}: {error}.") from error
        raise FileUnreadable(
            f"{self.path.name}: a quotation mark opened in data row {number} is never closed, "
            "so the rest of the file would be one value. Close it."
        )

    def _fit(self, record: list[str]) -> str | None:
        """Give a record as many values as the header, and say if it had more."""
        width = len(self.names)
        while len(record) > width and not record[-1]:
            record.pop()
        found = len(record)
        if found > width:
            record[width - 1 :] = [self.delimiter.join(record[width - 1 :])]
            return f"the row has {found} values where the header has {width}"
        record += [""] * (width - found)
        return None

    def _count_replaced(self, block: pa.RecordBatch) -> None:
        if not self.proven:
            for column in block.columns:
                self.replaced += pc.sum(pc.match_substring(column, _REPLACED)).as_py() or 0


def batches(rows: TextRows, columns: tuple[str, str]) -> Iterator[PointBatch]:
    """Read the rows with the coordinates in two of their columns."""
    where = CoordinateColumns(*columns, decimal_comma=rows.delimiter == ";")
    for block, problems in rows.blocks():
        x, y, wrong = where.numbers_of(block)
        # A row with a value too many may have its coordinates anywhere.
        unsure = np.array(list(problems), dtype=np.intp)
        x[unsure] = y[unsure] = np.nan
        yield PointBatch(block, x, y, {**wrong, **problems})


class _Bytes(io.RawIOBase):
    """A file's rows as UTF-8, behind its header, with a last row added."""

    def __init__(self, rows: TextRows, last: str) -> None:
        self._rows = rows
        self._last = last.encode()
        self._text = rows.path.open(encoding=rows.codec, errors="replace", newline="")
        header = self._text.read(rows.header_chars)
        self._plain: BinaryIO | None = None
        if rows.codec == "utf-8" and rows.proven:
            # Its bytes can be handed on as they are.
            self._plain = rows.path.open("rb")
            self._plain.seek(len(header.encode()))

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, never more than were asked for."""
        if self._plain is not None:
            block = self._plain.read(size)
            self._rows.read_bytes = self._plain.tell()
        else:
            block = self._text.read(max(size // _CHARACTER_BYTES, 1)).encode()
            self._rows.read_bytes = _position(self._text)
        if not block:
            block, self._last = self._last[:size], self._last[size:]
        return block

    def close(self) -> None:
        """Close the file."""
        self._text.close()
        if self._plain is not None:
            self._plain.close()
        super().close()


def _position(text: TextIO) -> int:
    """Return how many bytes were read, ahead of what was given out by up to a block."""
    buffer: BinaryIO = text.buffer
    return buffer.tell()


def _header_length(path: Path, codec: str, delimiter: str) -> int:
    """Return how many characters come before the first row, the header's line end included."""
    taken: list[str] = []

    def lines(text: TextIO) -> Iterator[str]:
        for line in text:
            taken.append(line)
            yield line

    with path.open(encoding=codec, errors="replace", newline="") as text:
        for header in csv.reader(lines(text), delimiter=delimiter):
            if header:
                break
    return sum(map(len, taken))
