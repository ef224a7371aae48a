import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.forms.answering import Answering, Order
from api.forms.columns import ADDED
from api.schemas.problems import Refusal
from layers.actions.boundaries import InForce
from tests.api.conftest import EAST_GRID, INSIDE, STEP, WEST_GRID
from tests.api.forms.conftest import Answer, cut

ARROW = "application/vnd.apache.arrow.stream"
X, Y = INSIDE["lon"], INSIDE["lat"]


def streamed(*batches: pa.RecordBatch, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema, **options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def batch_of(lon: Any, lat: Any, **more: Any) -> pa.RecordBatch:
    return pa.record_batch({"lon": lon, "lat": lat, **more})


def read(text: bytes) -> pa.Table:
    return pa.ipc.open_stream(text).read_all()


ONE = batch_of([X, X + STEP, None], [Y, Y, Y], id=["007", "甲", None])
TWO = batch_of([X], [Y], id=["z"])


def test_columns_come_back_with_the_answer_behind(answer: Answer) -> None:
    found = read(answer(streamed(ONE, TWO), ARROW))
    assert found.column_names[:5] == ["lon", "lat", "id", "grid_code", "rule"]
    assert len(found.column_names) == 3 + len(ADDED)
    assert found["id"].to_pylist() == ["007", "甲", None, "z"]
    assert found["grid_code"].to_pylist() == [WEST_GRID, EAST_GRID, None, WEST_GRID]
    assert found["rule"].to_pylist() == ["inside", "inside", "unplaced", "inside"]
    assert found["reason"][2].as_py() == "no usable coordinates: lon is empty"
    assert found["lon_2"].to_pylist() == [X, X + STEP, None, X]
    assert found["edition"].to_pylist() == [7] * 4
    assert found.schema.metadata[b"lianxin.edition"] == b"7"


def test_each_batch_says_how_many_rows_are_answered(answer: Answer) -> None:
    reader = pa.ipc.open_stream(answer(streamed(ONE, TWO), ARROW))
    told = [reader.read_next_batch_with_custom_metadata().custom_metadata for _ in range(2)]
    assert [each[b"lianxin.rows"] for each in told] == [b"3", b"4"]


def test_a_large_batch_is_cut_again(answer: Answer) -> None:
    lon = np.full(70_000, X)
    found = pa.ipc.open_stream(answer(streamed(batch_of(lon, np.full(70_000, Y))), ARROW))
    assert [len(each) for each in found] == [32_768, 32_768, 4_464]


def test_it_makes_no_difference_where_the_body_is_cut(answer: Answer) -> None:
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    body = streamed(batch_of(ONE["lon"], ONE["lat"], word=words))
    whole = read(answer(body, ARROW))
    for place in range(len(body) + 1):
        assert read(answer(cut(body, place), ARROW)).equals(whole)
    assert read(answer([body[i : i + 1] for i in range(len(body))], ARROW)).equals(whole)


@pytest.mark.parametrize(
    "lon",
    [
        pa.array([111.205, None], pa.float32()),
        pa.array([Decimal("111.205"), None]),
        pa.array(["111.205", ""]),
        pa.array(["111.205", None], pa.large_string()),
        pa.array(["111.205", "x"], pa.string_view()),
        pa.array(["111.205", None]).dictionary_encode(),
        pa.array([111.205, float("nan")]),
        pa.array([111.205, float("inf")]),
    ],
)
def test_coordinates_of_any_type_of_number_are_read(answer: Answer, lon: pa.Array) -> None:
    found = read(answer(streamed(batch_of(lon, pa.array([Y, Y]))), ARROW))
    assert found["rule"].to_pylist() == ["inside", "unplaced"]
    assert found["lon"].type == lon.type
    assert found["reason"][1].as_py()


def test_whole_numbers_and_nothing_at_all_are_read(answer: Answer) -> None:
    whole = read(answer(streamed(batch_of(pa.array([111]), pa.array([39], pa.int8()))), ARROW))
    assert whole["rule"].to_pylist() == ["outside"]
    nothing = read(answer(streamed(batch_of(pa.nulls(2), pa.nulls(2))), ARROW))
    assert nothing["rule"].to_pylist() == ["unplaced"] * 2


def test_a_dictionary_may_grow_and_change(answer: Answer) -> None:
    words = [pa.array(each).dictionary_encode() for each in (["a"], ["a", "b"], ["c"])]
    batches = [batch_of(pa.array([X] * len(w)), pa.array([Y] * len(w)), word=w) for w in words]
    for deltas in (False, True):
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        found = read(answer(streamed(*batches, options=options), ARROW))
        assert found["word"].to_pylist() == ["a", "a", "b", "c"]


def test_no_rows_are_answered_by_a_schema(answer: Answer) -> None:
    found = read(answer(streamed(ONE.slice(0, 0)), ARROW))
    assert found.num_rows == 0
    assert found.column_names[-1] == "edition"


def test_pandas_can_read_what_it_sent(answer: Answer) -> None:
    frame = pd.DataFrame({"lon": [X], "lat": [Y], "at": [pd.Timestamp("2026-05-01")]}, index=["a"])
    sink = pa.RecordBatch.from_pandas(frame)
    found = read(answer(streamed(sink), ARROW)).to_pandas()
    assert found["grid_code"].tolist() == [WEST_GRID]


def test_a_stream_that_was_cut_off_is_refused(answer: Answer) -> None:
    body = streamed(ONE, TWO)
    with pytest.raises(Refusal, match="cut off"):
        answer(body[:-20], ARROW)


def test_what_is_no_stream_is_refused(answer: Answer) -> None:
    file = io.BytesIO()
    with pa.ipc.new_file(file, ONE.schema) as writer:
        writer.write_batch(ONE)
    packed = streamed(ONE, options=pa.ipc.IpcWriteOptions(compression="zstd"))
    for body, said in (
        (b"", "not even a schema"),
        (b"lon,lat\n1,2\n", "no Arrow IPC stream"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "impossible length"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + b"\xff" * 16, "damaged|cannot be read|kind"),
        (file.getvalue(), "Arrow file"),
        (packed, "compressed"),
        (streamed(ONE) + b"more", "behind the end"),
    ):
        with pytest.raises(Exception, match=said) as refusal:
            answer(body, ARROW)
        assert type(refusal.value).__module__.startswith(("api", "layers"))


def test_a_batch_that_is_too_large_is_refused_before_it_is_held(answer: Answer) -> None:
    body = streamed(batch_of(np.zeros(3_000_000), np.zeros(3_000_000)))
    with pytest.raises(Refusal, match="larger than the 33,554,432"):
        answer(body[:2000], ARROW)


def test_a_column_of_another_type_is_refused_by_name(answer: Answer) -> None:
    wrong = batch_of(pa.array([True]), pa.array([1.0]))
    with pytest.raises(Refusal, match="column lon holds bool"):
        answer(streamed(wrong), ARROW)


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 2000), value=st.integers(0, 255), count=st.integers(1, 4))
def test_a_damaged_stream_is_read_or_refused(
    in_force: InForce, position: int, value: int, count: int
) -> None:
    body = bytearray(streamed(ONE, TWO))
    position %= len(body)
    body[position : position + count] = bytes([value]) * count
    work = Answering(Order(ARROW, datum="cgcs2000"), in_force)
    try:
        out = b"".join(map(bytes, [*work.feed(bytes(body)), *work.finish()]))
    except Refusal:
        return
    assert read(out).num_rows <= 4
