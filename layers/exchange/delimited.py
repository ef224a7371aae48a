"""Tables of text (CSV, TSV): every value as it was written, every row kept."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from layers.errors import FileUnreadable
from layers.exchange import codepage
from layers.exchange.inert import original, original_frame
from layers.exchange.progress import Progress

_DELIMITERS: Final = (",", ";", "\t")
_CHUNK_ROWS: Final = 200_000


@dataclass(frozen=True)
class Table:
    """Rows and columns of text as the file has them."""

    frame: pd.DataFrame
    """Every column as strings; an absent value is an empty string."""
    delimiter: str
    encoding: str
    problems: dict[int, str] = field(default_factory=dict)
    """Rows (from 1) with more values than the header, so that none is surely in its column."""
    notes: tuple[str, ...] = ()


def read_table(path: Path, *, encoding: str | None, progress: Progress) -> Table:
    """Read a delimited text file without changing a value, but for what made a text inert."""
    page, notes = codepage.of_text_file(path, given=encoding)
    header, delimiter = read_header(path, page.codec)
    columns, renamed = unique_names([original(name) for name in header])
    frame, problems = _read_rows(path, page.codec, delimiter, columns, progress)
    frame, marked = original_frame(frame)
    if marked:
        notes = (*notes, f"{marked} texts had an apostrophe before a formula, which was taken off.")
    if not page.proven:
        broken = sum(int(frame[name].str.contains("\ufffd").sum()) for name in frame.columns)
        if broken:
            notes = (
                *notes,
                f"{broken} values hold bytes that are not {page.codec}, shown as \ufffd.",
            )
    if problems:
        notes = (*notes, f"{len(problems)} rows have more values than the header.")
    return Table(frame, delimiter, page.codec, problems, (*notes, *renamed))


def unique_names(header: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Give every column a name of its own, and say which were changed.

    >>> unique_names(["code", "name", "name", ""])[0]
    ['code', 'name', 'name_2', 'column_4']
    """
    names: list[str] = []
    notes: list[str] = []
    taken = Counter(header)
    for number, given in enumerate(header, 1):
        name = given if given.strip() else f"column_{number}"
        count = 2
        while name in names or (name != given and taken[name]):
            name, count = f"{given.strip() or 'column'}_{count}", count + 1
        if name != given:
            notes.append(f"Column {number} (“{given}”) is called {name} here.")
        names.append(name)
    return names, tuple(notes)


def read_header(path: Path, codec: str) -> tuple[list[str], str]:
    """Return the names in a text file's first line, and what stands between them."""
    with path.open(encoding=codec, errors="replace", newline="") as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise FileUnreadable(f"{path.name} is empty: not even a line of column names.")
    if "\0" in start:
        raise FileUnreadable(f"{path.name} is not a text file, whatever its ending says.")
    unquoted = re.sub(r'"[^"]*"', "", start.lstrip("\r\n"))
    line = unquoted.splitlines()[0] if unquoted else ""
    delimiter = max(_DELIMITERS, key=line.count)
    with path.open(encoding=codec, errors="replace", newline="") as file:
        for header in csv.reader(file, delimiter=delimiter):
            if header:
                return header, delimiter
    raise FileUnreadable(f"{path.name} has no line of column names.")


def is_blank(record: Sequence[str]) -> bool:
    """Return whether a line holds nothing at all, as between two tables of a spreadsheet."""
    return not record or (len(record) == 1 and not record[0].strip())


def _read_rows(
    path: Path, codec: str, delimiter: str, columns: Sequence[str], progress: Progress
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Read by the fast parser, or one by one where rows are longer than the header."""
    chunks: list[pd.DataFrame] = []
    done = 0
    try:
        with pd.read_csv(
            path, encoding=codec, encoding_errors="replace", sep=delimiter,
            names=list(columns), header=0, dtype=str,
            keep_default_na=False, na_filter=False, index_col=False, chunksize=_CHUNK_ROWS,
            on_bad_lines="error",
        ) as reader:  # fmt: skip
            for chunk in reader:
                chunks.append(chunk)
                done += len(chunk)
                progress("read", done, None)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        unclosed = re.search(r"EOF inside string starting at row (\d+)", str(error))
        if unclosed:
            raise FileUnreadable(
                f"{path.name}: a quotation mark opened in data row {unclosed[1]} is never closed, "
                "so the rest of the file would be one value. Close it."
            ) from error
        return _read_ragged(path, codec, delimiter, columns)
    frame = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=list(columns))
    if frame.isna().any(axis=None):
        return _read_ragged(path, codec, delimiter, columns)
    return frame, {}


def _read_ragged(
    path: Path, codec: str, delimiter: str, columns: Sequence[str]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Read row by row; what a row has too much stays in its last column."""
    width = len(columns)
    problems: dict[int, str] = {}
    rows: list[list[str]] = []
    with path.open(encoding=codec, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            records = [record for record in reader if not is_blank(record)][1:]
        except csv.Error as error:
            raise FileUnreadable(f"{path.name}, line {reader.line_num}: {error}.") from error
    for number, record in enumerate(records, 1):
        while len(record) > width and not record[-1]:
            record.pop()
        found = len(record)
        if found > width:
            problems[number] = f"the row has {found} values where the header has {width}"
            record[width - 1 :] = [delimiter.join(record[width - 1 :])]
        rows.append(record + [""] * (width - len(record)))
    return pd.DataFrame(rows, columns=list(columns), dtype=str), problems
