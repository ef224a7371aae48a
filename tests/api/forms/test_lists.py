import json
from typing import Any

import orjson
import pytest

from api.schemas.placements import placement_json
from api.schemas.problems import Refusal
from layers.actions.boundaries import InForce
from layers.actions.place import Place, place
from tests.api.conftest import FAR_AWAY, IN_THE_STREET, INSIDE, JUST_OUTSIDE, SHARED_EDGE
from tests.api.forms.conftest import Answer, cut

X, Y = INSIDE["lon"], INSIDE["lat"]
ROW = {"lon": X, "lat": Y, "name": 'a "quoted" ]}, {[ \\ name 甲'}
ROWS = [{"id": [{"a": 1}, {"b": "]"}], **ROW}, ROW, 7, None, {"id": "b\\", **ROW}, "], [", [], {}]
POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [X, Y, 3.5]}}
COLLECTION = {
    "type": "FeatureCollection",
    "name": "点 [{",
    "bbox": [1, 2, 3, 4],
    "features": [
        {**POINT, "id": 1, "properties": {"of": {"x": [1, 2]}}, "foreign": {"type": "x"}},
        {**POINT, "properties": None},
        {"type": "Feature", "geometry": None, "properties": {}},
        7,
    ],
    "behind": {"features": []},
}


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read even a small body as if it were a large one."""
    monkeypatch.setattr("api.forms.lists.WHOLE_BYTES", 0)


@pytest.mark.parametrize("payload", [ROWS, {"datum": "gcj02", "points": ROWS}, COLLECTION, []])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_stream_is_answered_as_the_whole_is_however_it_is_cut(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, payload: Any, indent: int | None
) -> None:
    body = json.dumps(payload, indent=indent, ensure_ascii=False).encode()
    whole = answer(body, "application/json")
    assert orjson.loads(whole) is not None
    monkeypatch.setattr("api.forms.lists.WHOLE_BYTES", len(body) // 2)
    for place_ in range(len(body) + 1):
        assert answer(cut(body, place_), "application/json") == whole
    monkeypatch.setattr("api.forms.lists.WHOLE_BYTES", len(body) * 3 // 4)
    assert answer([body[i : i + 1] for i in range(len(body))], "application/json") == whole


def test_an_empty_list_is_answered_by_one(answer: Answer) -> None:
    assert answer(b"[]", "application/json") == b"[]"
    assert answer(b'{"points": []}', "application/json") == b'{"points":[]}'


def test_the_text_is_that_of_a_placement_alone(answer: Answer, in_force: InForce) -> None:
    places = [INSIDE, SHARED_EDGE, IN_THE_STREET, FAR_AWAY, JUST_OUTSIDE,
              {**INSIDE, "accuracy_m": 900.0}, {**INSIDE, "datum": "gcj02"}]  # fmt: skip
    alone = [
        placement_json(place(in_force, Place(p["lon"], p["lat"], p["datum"], p.get("accuracy_m"))))
        for p in places
    ]
    assert answer(orjson.dumps(places), "application/json") == orjson.dumps(alone)


@pytest.mark.usefixtures("streamed")
def test_a_broken_element_is_answered_in_its_place(answer: Answer) -> None:
    good = orjson.dumps({"lon": X, "lat": Y})
    body = b"[" + b",".join([good, b'{"lon": 1, "lat": }', good, b"nonsense", good]) + b"]"
    rows = orjson.loads(answer(body, "application/json"))
    assert [row["rule"] for row in rows] == ["inside", "unplaced", "inside", "unplaced", "inside"]
    assert rows[1]["reason"] == "the row is not valid JSON"


def test_a_small_body_with_a_broken_element_too(answer: Answer) -> None:
    body = b'[{"lon": 1, "lat": NaN}, ' + orjson.dumps(ROW) + b"]"
    assert [row["rule"] for row in orjson.loads(answer(body, "application/json"))] == [
        "unplaced", "inside",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"[", b"{", b'{"points": [', b"[{}", b'[{"lon": 1]', b"[}", b"[1] 2", b"x",
        b'{"points": [1]', b'{"points": [1]}}', b'{"points": 7}', b'{"a": 1, "points": {}}',
        b'{"features": []}', b'{"type": "Feature", "features": [1]}', b'"[]"', b'["\\',
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole_bytes", [0, 1000])
def test_what_is_no_list_is_refused(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, body: bytes, whole_bytes: int
) -> None:
    monkeypatch.setattr("api.forms.lists.WHOLE_BYTES", whole_bytes)
    with pytest.raises(Refusal) as refusal:
        answer(body, "application/json")
    assert refusal.value.row.status == 422


@pytest.mark.usefixtures("streamed")
def test_an_element_without_end_is_refused_by_its_number(answer: Answer) -> None:
    body = b'[{"lon":1,"lat":1},{"lon":1,"a":"' + b"x" * (1 << 20)
    with pytest.raises(Refusal, match="Row 2 has no end"):
        answer([body, b"x"], "application/json")


@pytest.mark.usefixtures("streamed")
def test_many_batches_are_one_list(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.forms.lists.BATCH_ROWS", 3)
    body = orjson.dumps([{"id": i, "lon": X, "lat": Y} for i in range(10)])
    rows = orjson.loads(answer(cut(body, 100, 300), "application/json"))
    assert [row["id"] for row in rows] == list(range(10))
