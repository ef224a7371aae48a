import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.forms import form
from api.forms.answering import Answering, Order
from api.schemas.problems import Refusal
from layers.actions.boundaries import InForce
from tests.api.conftest import EAST_GRID, INSIDE, SHARED_EDGE, STEP, WEST_GRID
from tests.api.forms.conftest import Answer, cut

NDJSON = "application/x-ndjson"
X, Y = INSIDE["lon"], INSIDE["lat"]
POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [X, Y]}}

LINES = [
    orjson.dumps({"id": "甲", "lon": X, "lat": Y}),
    b'{"id": 2, "lon": "x", "lat": 1}\r',
    b"",
    b'{"lon": NaN, "lat": 1}',
    orjson.dumps({**POINT, "id": 9, "crs": "x", "properties": {"名": "a\nb", "rule": "mine"}}),
    b"  ",
    b"{broken",
    b"\xff\xfe",
    orjson.dumps({"lon": X + STEP, "lat": Y, "accuracy_m": 20, "datum": "WGS84"}),
    b"7",
    orjson.dumps({"lon": X, "lat": Y, "datum": "mars"}),
]
BODY = b"\xef\xbb\xbf" + b"\n".join(LINES)


def rows_of(text: bytes) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in text.splitlines()]


def test_each_line_is_answered_in_its_place(answer: Answer) -> None:
    rows = rows_of(answer(BODY, NDJSON))
    rules = [row.get("rule") or row["properties"]["rule"] for row in rows]  # type: ignore[index]
    assert rules == ["inside", "unplaced", "unplaced", "inside", *["unplaced"] * 2, "inside",
                     "unplaced", "unplaced"]  # fmt: skip
    assert (rows[0]["id"], rows[0]["grid_code"], rows[0]["edition"]) == ("甲", WEST_GRID, 7)
    assert rows[1]["reason"] == "lon is not a usable number"
    assert [rows[i]["reason"] for i in (2, 4, 5)] == ["the row is not valid JSON"] * 3
    feature = rows[3]
    assert (feature["id"], feature["crs"]) == (9, "x")
    assert feature["properties"]["名"] == "a\nb"  # type: ignore[index]
    assert (rows[6]["grid_code"], rows[6]["datum"]) == (EAST_GRID, "wgs84")
    assert rows[7]["reason"] == "the row is not an object"
    assert "mars" in str(rows[8]["reason"])


def test_it_makes_no_difference_where_the_body_is_cut(answer: Answer) -> None:
    whole = answer(BODY, NDJSON)
    for place in range(len(BODY) + 1):
        assert answer(cut(BODY, place), NDJSON) == whole
    assert answer([BODY[i : i + 1] for i in range(len(BODY))], NDJSON) == whole


def test_nothing_is_answered_by_nothing(answer: Answer) -> None:
    assert answer(b"", NDJSON) == b""
    assert answer(b"\n \n", NDJSON) == b""


def test_progress_is_told_behind_each_batch(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.forms.lines.BATCH_ROWS", 2)
    body = b'{"lon":1,"lat":1}\n' * 3
    rows = rows_of(answer(body, NDJSON, progress=True))
    assert [row.get("progress") for row in rows] == [None, None, {"rows": 2}, None, {"rows": 3}]


def test_a_datum_must_be_named_somewhere(answer: Answer) -> None:
    with pytest.raises(Refusal, match="No datum is declared"):
        answer(b'{"lon":1,"lat":1}\n', NDJSON, datum=None)
    one = b'{"lon":1,"lat":1}\n{"lon":1,"lat":1,"datum":"wgs84"}\n'
    rows = rows_of(answer(one, NDJSON, datum=None))
    assert rows[0]["reason"] == "the datum is missing"
    assert "reason" not in rows[1]


def test_a_line_without_end_is_refused(answer: Answer) -> None:
    with pytest.raises(Refusal, match="A line is longer than"):
        answer([b'{"a":"' + b"x" * form.RECORD_BYTES] * 2, NDJSON)


def test_more_rows_than_allowed_are_refused_by_the_setting(answer: Answer) -> None:
    with pytest.raises(Refusal, match="LIANXIN_ROUTE_ROWS_MAX"):
        answer(b'{"lon":1,"lat":1}\n' * 4, NDJSON, rows_max=3)


NUMBERS = st.floats(-200, 200) | st.just(X) | st.just(SHARED_EDGE["lon"]) | st.integers(-200, 200)
VALUES = NUMBERS | st.none() | st.booleans() | st.text(max_size=3) | st.just(1e300)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "id": VALUES,
        "lon": VALUES,
        "lat": VALUES | st.just(Y),
        "accuracy_m": st.none() | st.floats(-1, 2000) | st.text(max_size=2),
        "datum": st.sampled_from(["wgs84", "gcj02", "EPSG:4546", "mars", "", None, 7, "\n"]),
    },
)
FEATURES = st.fixed_dictionaries(
    {"type": st.just("Feature")},
    optional={
        "geometry": st.none()
        | st.fixed_dictionaries({"type": st.just("Point"), "coordinates": st.lists(VALUES)}),
        "properties": st.none() | OBJECTS,
        "id": VALUES,
    },
)


@settings(max_examples=60, deadline=None)
@example(
    rows=[
        {"lon": 0.0, "lat": 111.205},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [91.0, 91.0]}},
    ]
)
@given(rows=st.lists(OBJECTS | FEATURES | st.integers(-9, 9), min_size=1, max_size=6))
def test_rows_together_are_answered_as_each_alone(in_force: InForce, rows: list[object]) -> None:
    def answered(some: list[object]) -> bytes:
        work = Answering(Order(NDJSON, datum="cgcs2000"), in_force)
        body = b"".join(orjson.dumps(row) + b"\n" for row in some)
        return b"".join(map(bytes, [*work.feed(body), *work.finish()]))

    assert answered(rows) == b"".join(answered([row]) for row in rows)
