"""Text read block by block: the same values and words as when it is read whole."""

from pathlib import Path

import pandas as pd
import pytest

from layers.errors import FileUnreadable
from layers.exchange import csv_points
from layers.exchange.delimited import read_table
from layers.exchange.progress import silent

PLAIN = "id,说明,lon,lat\n007,道路,111.1,39.9\n008,,111.2,39.8\n"


def streamed(path: Path, encoding: str | None = None):
    rows = csv_points.TextRows.open(path, encoding)
    blocks, problems, done = [], {}, 0
    for block, wrong in rows.blocks():
        blocks.append(block.to_pandas())
        problems |= {done + row + 1: why for row, why in wrong.items()}
        done += len(block)
    frame = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=rows.names)
    return frame, problems, rows


@pytest.fixture(params=[8 << 20, 200], ids=["one block", "many blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_points, "_BLOCK_BYTES", request.param)
    monkeypatch.setattr(csv_points, "BATCH_ROWS", request.param // 100)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN.encode(), id="plain"),
        pytest.param((PLAIN + PLAIN.partition("\n")[2] * 40).encode(), id="several blocks"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), id="Windows line ends"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), id="old line ends"),
        pytest.param(PLAIN.encode("utf-8-sig"), id="byte-order mark"),
        pytest.param(PLAIN.encode("gb18030"), id="gb18030"),
        pytest.param(PLAIN.encode("utf-16"), id="utf-16"),
        pytest.param((PLAIN * 30).encode("gb18030"), id="gb18030, several blocks"),
        pytest.param(PLAIN.replace(",", ";").encode(), id="semicolons"),
        pytest.param(PLAIN.replace(",", "\t").encode(), id="tabs"),
        pytest.param(b"\n\n" + PLAIN.encode() + b"\n\n", id="blank lines around"),
        pytest.param(PLAIN.replace("\n008", "\n\n   \n008").encode(), id="blank lines between"),
        pytest.param(PLAIN.rstrip().encode(), id="no line end at the end"),
        pytest.param(b"id,lon,lat\n", id="no rows"),
        pytest.param(b"id,lon,lat", id="a header alone"),
        pytest.param(b'"a ""b""\nc",lon,lat\n1,2,3\n', id="a header of two lines"),
        pytest.param(b'id,lon,lat\n"a, ""b""",2,3\n"c\nd",4,5\n"e\r\nf",6,7\n', id="quoted"),
        pytest.param(b'id,lon,lat\na"b,2,3\n"a"b,4,5\n" a ", 6,7 \n', id="marks within"),
        pytest.param(b"id,lon,lat\n1,2,3\n4,5\n6\n7,8,9\n", id="too few values"),
        pytest.param(b"id,lon,lat\n1,2,3\n4,5,6,7\n8,9,10,\n11,12,13\n", id="too many values"),
        pytest.param(b"id,lon,lat\n" + b"1,2,3\n" * 90 + b"4,5,6,7\n" + b"8,9,10\n" * 90,
                     id="too many values far behind"),
        pytest.param(b"id,id,,lon,lat\n1,2,3,4,5\n", id="names that are none"),
        pytest.param(b"id,lon,lat\nNA,nan,\nnull,,-\n", id="words for nothing"),
        pytest.param(b"id,lon,lat\n" + "道路边缘破损\n".encode()[:-1] * 20 + b",1,2\n\xff,3,4\n",
                     id="bytes that are no text"),
        pytest.param(b"\xef\xbb\xbfid,lon,lat\n\xff,3,4\n1,2,3\n", id="such after a mark"),
    ],
)  # fmt: skip
def test_blocks_hold_what_the_whole_file_holds(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    whole = read_table(path, encoding=None, progress=silent)
    frame, problems, rows = streamed(path)
    assert frame.columns.tolist() == whole.frame.columns.tolist()
    assert frame.to_numpy().tolist() == whole.frame.to_numpy().tolist()
    assert problems == whole.problems
    assert (rows.delimiter, rows.codec) == (whole.delimiter, whole.encoding)
    assert sorted(rows.notes) == sorted(whole.notes)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("row", ['2,"open,3,4\n', '2,a,3,"4\n', '"2,a,3,4\n' + "5,b,6,7\n" * 90])
def test_a_quotation_mark_that_stays_open_is_told(tmp_path: Path, row: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text("id,name,lon,lat\n1,x,2,3\n" + row)
    with pytest.raises(FileUnreadable, match="quotation mark opened in data row 2 is never closed"):
        streamed(path)


def test_how_many_rows_there_are_is_judged_by_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("lon,lat\n" + "111.1,39.9\n" * 1000)
    rows = csv_points.TextRows.open(path, None)
    assert rows.rows_expected(0) is None
    list(rows.blocks())
    assert rows.rows_expected(1000) == 1000
