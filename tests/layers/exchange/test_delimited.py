"""Tables of text keep every value and every row."""

from pathlib import Path

import pytest

from layers.errors import FileUnreadable
from layers.exchange.delimited import Table, read_table, unique_names


def read(tmp_path: Path, content: bytes, encoding: str | None = None) -> Table:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return read_table(path, encoding=encoding, progress=lambda *_: None)


def rows(table: Table) -> list[list[str]]:
    return table.frame.to_numpy().tolist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_delimiter_and_code_page_are_found(tmp_path: Path, delimiter: str, codec: str) -> None:
    table = read(tmp_path, f"名称{delimiter}号\r\n蓝天街道{delimiter}007\r\n".encode(codec))
    assert table.delimiter == delimiter
    assert list(table.frame.columns) == ["名称", "号"]
    assert rows(table) == [["蓝天街道", "007"]]


def test_values_stay_as_written(tmp_path: Path) -> None:
    table = read(tmp_path, b'a,b\n0010,NA\n"x\r\ny, ""z""", 1.50 \nnull,\n')
    assert rows(table) == [["0010", "NA"], ['x\r\ny, "z"', " 1.50 "], ["null", ""]]


def test_rows_too_long_stay_whole_and_are_marked(tmp_path: Path) -> None:
    table = read(tmp_path, b"a,b,c\n1,2,3\n4,5,6,7\n8,9,10,,\n11,12\n")
    assert rows(table) == [
        ["1", "2", "3"], ["4", "5", "6,7"], ["8", "9", "10"], ["11", "12", ""],
    ]  # fmt: skip
    assert table.problems == {2: "the row has 4 values where the header has 3"}


def test_a_quotation_mark_never_closed_is_an_error_that_says_where(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="data row 2 is never closed"):
        read(tmp_path, b'a,b\n1,2\n3,"4\n5,6\n')


def test_an_empty_table_has_columns_and_no_rows(tmp_path: Path) -> None:
    table = read(tmp_path, b"a,b\n")
    assert list(table.frame.columns) == ["a", "b"]
    assert rows(table) == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \n"])
def test_a_file_without_a_header_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileUnreadable, match="empty"):
        read(tmp_path, content)


def test_a_binary_file_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="not a text file"):
        read(tmp_path, b"PK\x03\x04\x00\x00\x00")


def test_bytes_that_fit_no_code_page_are_counted(tmp_path: Path) -> None:
    table = read(tmp_path, "名称\n".encode() + "蓝天\n".encode() * 99 + b"\xe8\n")
    assert len(table.frame) == 100
    assert any("1 values hold bytes that are not utf-8" in note for note in table.notes)


def test_columns_of_one_name_get_names_of_their_own() -> None:
    names, notes = unique_names(["a", "a", "", "a_2"])
    assert names == ["a", "a_3", "column_3", "a_2"]
    assert notes[0] == "Column 2 (“a”) is called a_3 here."


def test_progress_tells_the_rows(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n2\n")
    read_table(path, encoding=None, progress=lambda *what: told.append(what))
    assert told == [("read", 2, None)]
