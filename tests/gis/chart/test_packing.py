import base64

import numpy as np
import pytest
import shapely

from gis.chart.packing import (
    BLOCK,
    Json,
    pack_counts,
    pack_degrees,
    pack_numbers,
    pack_polygons,
    pack_text,
)


def numbers(packed: Json) -> list[int]:
    return np.frombuffer(base64.b64decode(packed["bytes"]), f"<{packed['kind']}").tolist()


def texts(packed: Json) -> list[str | None]:
    if "index" in packed:
        return [packed["values"][i] for i in numbers(packed["index"])]
    found: list[str | None] = []
    before = ""
    for i, (shared, rest) in enumerate(zip(numbers(packed["shared"]), packed["rest"], strict=True)):
        if i % BLOCK == 0:
            assert shared == 0, "a block must be readable without the one before"
        text = None if rest is None else before[:shared] + rest
        found.append(text)
        before = text or ""
    return found


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        ["one"],
        ["a", "b", None, "a"] * 40,
        [f"150622003003{i:05d}-1-{i}" for i in range(300)],
        [None if i % 7 == 0 else f"户{i}" for i in range(200)],
        ["😀a", "😀b", "😁c", "\u2028", "</script>", "", "\x00", "x" * 70_000, "x" * 70_001],
    ],
    ids=["empty", "missing", "single", "repeated", "prefixed", "gaps", "odd"],
)
def test_texts_come_back_as_they_were(values: list[str | None]) -> None:
    assert texts(pack_text(values)) == values


def test_codes_with_a_common_beginning_take_little_room() -> None:
    codes = [f"150622003003{i:05d}-1-101" for i in range(10_000)]
    assert len(str(pack_text(codes))) < len(str(codes)) * 0.7


def test_coordinates_come_back_to_a_centimetre() -> None:
    degrees = np.array([-179.9999999, -76.6, 0.0, 111.2345678, 179.9999999])
    back = np.array(numbers(pack_degrees(degrees, 0.0))) * 1e-7
    assert back == pytest.approx(degrees, abs=5e-8)


def test_a_place_beyond_the_antimeridian_fits_with_an_origin() -> None:
    degrees = np.array([179.5, 200.25, 359.0])
    back = 179.5 + np.array(numbers(pack_degrees(degrees, 179.5))) * 1e-7
    assert back == pytest.approx(degrees, abs=5e-8)


@pytest.mark.parametrize(("largest", "kind"), [(0, "u1"), (255, "u1"), (256, "u2"), (65_536, "u4")])
def test_counts_take_the_bytes_they_need(largest: int, kind: str) -> None:
    packed = pack_counts(np.array([0, largest]))
    assert packed["kind"] == kind
    assert numbers(packed) == [0, largest]


def test_bytes_have_one_order_everywhere() -> None:
    assert base64.b64decode(pack_numbers(np.array([1]), "u4")["bytes"]) == b"\x01\x00\x00\x00"


def test_polygons_keep_their_holes_and_parts() -> None:
    hole = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 2, 2))
    two = shapely.MultiPolygon([shapely.box(5, 0, 6, 1), shapely.box(7, 0, 8, 1)])
    packed = pack_polygons(np.array([hole, None, two, shapely.Point(0, 0)], dtype=object), 0.0)
    assert numbers(packed["polygons"]) == [1, 0, 2, 0]
    assert numbers(packed["rings"]) == [2, 1, 1]
    assert sum(numbers(packed["points"])) == len(numbers(packed["x"])) == 20
    assert max(numbers(packed["x"])) == 80_000_000


def test_no_polygon_at_all() -> None:
    packed = pack_polygons(np.empty(0, dtype=object), 0.0)
    assert [numbers(packed[part]) for part in ("x", "y", "points", "rings", "polygons")] == [[]] * 5
