import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.forms.answering import Answering, Order
from api.forms.columns import ADDED
from api.schemas.problems import Refusal
from layers.actions.boundaries import InForce
from layers.errors import LayersError
from tests.api.conftest import EAST_GRID, FAR_AWAY, INSIDE, STEP, STREET, WEST_GRID
from tests.api.forms.conftest import Answer, cut

CSV = "text/csv"
X, Y = INSIDE["lon"], INSIDE["lat"]
BODY = (
    "id,lon,lat,名称\r\n"
    f"007,{X},{Y},甲\r\n"
    f'"a,1",{X + STEP},{Y},"两行\r\n第二行 ""x"""\r\n'
    "\r\n"
    f"short,{X}\r\n"
    f"long,{X},{Y},a,b\r\n"
    f'5" pipe, {X} ,{Y},\r\n'
    f"x,east,{Y},\r\n"
    f"e,,,\r\n"
    f"full,１１１.205,{Y},z"
).encode()


def table(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def test_lines_come_back_as_sent_with_the_answer_behind(answer: Answer) -> None:
    text = answer(BODY, CSV)
    lines = text.decode().split("\r\n")
    assert lines[0] == "id,lon,lat,名称," + ",".join(
        {"lon": "lon_2", "lat": "lat_2"}.get(name, name) for name in ADDED
    )
    assert lines[1].startswith(f"007,{X},{Y},甲,{WEST_GRID},inside,")
    assert '"a,1",' in text.decode()
    rows = table(text)
    rules = [row["rule"] for row in rows if row["id"] not in ("short", "long")]
    assert rules == ["inside", "inside", "inside", "unplaced", "unplaced", "inside"]
    assert (rows[1]["grid_code"], rows[1]["名称"]) == (EAST_GRID, '两行\r\n第二行 "x"')
    assert float(rows[0]["lon_2"]) == X
    assert {row["edition"] for row in rows if row["id"] in ("007", "e")} == {"7"}
    assert rows[5]["reason"] == "no usable coordinates: lon is “east”, no number"
    assert rows[6]["reason"] == "no usable coordinates: lon is empty, lat is empty"


def test_a_row_with_another_number_of_values_says_so(answer: Answer) -> None:
    text = answer(b"lon,lat,n\n1,2\n1,2,3,4\n1,2,3\n", CSV).decode()
    lines = text.splitlines()
    assert lines[1].startswith("1,2,")
    assert "the row has 2 values where the header has 3" in lines[1]
    assert "the row has 4 values where the header has 3" in lines[2]
    assert "outside" in lines[3]


def test_it_makes_no_difference_where_the_body_is_cut(answer: Answer) -> None:
    for body in (BODY, b"\xef\xbb\xbf" + BODY, BODY.replace(b"\r\n", b"\r")):
        whole = answer(body, CSV)
        assert len(table(whole)) == 8
        for place in range(len(body) + 1) if body is BODY else range(8):
            assert answer(cut(body, place), CSV) == whole
        assert answer([body[i : i + 1] for i in range(len(body))], CSV) == whole


def test_what_another_tool_wrote_comes_back_with_its_mark(answer: Answer) -> None:
    assert answer(b"\xef\xbb\xbflon,lat\n1,2\n", CSV).startswith(b"\xef\xbb\xbflon,lat,")


def test_a_heading_alone_is_answered_by_one(answer: Answer) -> None:
    for body in (b"lon,lat", b"lon,lat\n", b"lon,lat\r\n\r\n"):
        assert len(answer(body, CSV).splitlines()) == 1


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_no_heading_at_all_is_refused(answer: Answer, body: bytes) -> None:
    with pytest.raises(Refusal, match="not even a line of column names"):
        answer(body, CSV)


def test_columns_are_found_by_usual_names_or_as_told(answer: Answer) -> None:
    assert b"inside" in answer(f"经度,纬度\n{X},{Y}\n".encode(), CSV)
    assert b"inside" in answer(f"gps_e,gps_n\n{X},{Y}\n".encode(), CSV, x="gps_e", y="gps_n")
    with pytest.raises(Refusal, match=r"gps_e, gps_n"):
        answer(f"gps_e,gps_n\n{X},{Y}\n".encode(), CSV)
    with pytest.raises(LayersError, match="Did you mean"):
        answer(f"gps_e,gps_n\n{X},{Y}\n".encode(), CSV, x="gps_est", y="gps_n")
    with pytest.raises(Refusal, match="both columns"):
        answer(f"gps_e,gps_n\n{X},{Y}\n".encode(), CSV, x="gps_e")


def test_a_row_may_name_its_own_datum(answer: Answer) -> None:
    body = f"lon,lat,Datum\n{X},{Y},cgcs2000\n{X},{Y},\n{X},{Y},mars\n{X},{Y},gcj02\n".encode()
    rows = table(answer(body, CSV, datum=None))
    assert [row["rule"] for row in rows[:3]] == ["inside", "unplaced", "unplaced"]
    assert rows[1]["reason"] == "the datum is missing"
    assert "mars" in rows[2]["reason"]
    assert rows[3]["lon_2"] != rows[0]["lon_2"]
    with pytest.raises(Refusal, match="No datum is declared"):
        answer(b"lon,lat\n1,2\n", CSV, datum=None)


def test_semicolons_and_decimal_commas(answer: Answer) -> None:
    body = f"lon;lat;n\n{X};{Y};1\n".replace(".", ",").encode()
    assert f";{WEST_GRID};inside;".encode() in answer(body, CSV)


def test_what_no_grid_owns_names_its_queue(answer: Answer) -> None:
    body = f"lon,lat\n{X + 4 * STEP},{Y}\n{FAR_AWAY['lon']},{FAR_AWAY['lat']}\n".encode()
    rows = list(csv.reader(io.StringIO(answer(body, CSV).decode())))
    assert [row[3] for row in rows[1:]] == ["fallback", "outside"]
    assert rows[1][8] == STREET


def test_an_open_quotation_mark_is_refused(answer: Answer) -> None:
    with pytest.raises(Refusal, match="never closed"):
        answer(b'lon,lat,n\n1,2,3\n1,2,"x\n1,2,3\n', CSV)
    with pytest.raises(Refusal, match="no end within"):
        answer([b'lon,lat,n\n1,2,"' + b"x\n" * (1 << 19), b"x"], CSV)


def test_another_encoding_is_refused_with_what_to_do(answer: Answer) -> None:
    with pytest.raises(Refusal, match="not UTF-8 near row 2"):
        answer("lon,lat,n\n1,2,x\n1,2,网格\n".encode("gbk"), CSV)
    with pytest.raises(Refusal, match="UTF-8"):
        answer(b"lon,lat\n1,2\n", "text/csv; charset=gbk")


def test_codes_that_need_quotation_marks_have_them(answer: Answer) -> None:
    rows = table(answer(b'lon,lat\n"a ""b""",2\n', CSV))
    assert rows[0]["reason"] == 'no usable coordinates: lon is “a "b"”, no number'


VALUES = st.text(alphabet='a,"\r\n 甲é', max_size=5)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    place=st.integers(0, 200),
)
def test_every_value_comes_back(
    in_force: InForce, rows: list[tuple[str, str]], ending: str, quoting: int, place: int
) -> None:
    text = io.StringIO(newline="")
    if any("\r" in value for row in rows for value in row):
        quoting = csv.QUOTE_ALL  # Python's writer leaves a lone carriage return bare
    writer = csv.writer(text, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["a", "lon", "b", "lat"])
    writer.writerows([(a, X, b, Y) for a, b in rows])
    work = Answering(Order(CSV, datum="cgcs2000"), in_force)
    body = text.getvalue().encode()
    out = [*work.feed(body[:place]), *work.feed(body[place:]), *work.finish()]
    answered = b"".join(map(bytes, out)).decode()
    read = list(csv.reader(io.StringIO(answered, newline="")))
    assert [(row[0], row[2], row[4]) for row in read[1:]] == [(a, b, WEST_GRID) for a, b in rows]
