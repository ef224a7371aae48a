"""Owners held against rational arithmetic and against GEOS, compiled and not, on hard input."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis import compiled
from gis.cells import build, leaves
from gis.errors import InvalidGrids, InvalidPoints
from gis.geometry import OUTSIDE
from gis.ownership import GridIndex
from gis.testing import PLACES, ExactCover, owners_exactly, points_of, rough_grids
from tests.benchmarks.tessellation import points, tessellation


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every test runs with compiled code and without, building included, and in many bands."""
    monkeypatch.setattr(leaves, "WORTH_COMPILING", 0)
    monkeypatch.setattr(build, "AT_ONCE", 500)
    if request.param == "compiled":
        assert compiled.available()  # a dependency of development: the twins are not left untried
    with compiled.switched_off() if request.param == "plain" else nullcontext():
        yield request.param


def array(shapes) -> np.ndarray:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def index(shapes, codes=None, **options) -> GridIndex:
    return GridIndex(codes or [f"G{i:05d}" for i in range(len(shapes))], array(shapes), **options)


def by_geos(grids: GridIndex, geometries: np.ndarray, lon: np.ndarray, lat: np.ndarray):
    """The owners according to shapely's ``covered_by``."""
    finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    tree = shapely.STRtree(geometries)
    point, grid = tree.query(shapely.points(lon[finite], lat[finite]), predicate="covered_by")
    order = np.argsort(np.lexsort((grids.codes, ~grids.dedicated)))
    best = np.full(len(lon), len(geometries))
    np.minimum.at(best, finite[point], order[grid])
    return np.append(np.argsort(order), OUTSIDE)[best]


@lru_cache(maxsize=32)  # both modes ask the same
def covering(shapes: tuple[bytes | None, ...], lon: bytes, lat: bytes):
    """Of each point the grids that cover it, and those on whose edge it is, without rounding."""
    cover = ExactCover(shapely.from_wkb(array(shapes)))
    return [cover.at(x, y) for x, y in zip(np.frombuffer(lon).tolist(),
                                           np.frombuffer(lat).tolist(), strict=True)]  # fmt: skip


def assert_right(grids: GridIndex, geometries: np.ndarray, lon: np.ndarray, lat: np.ndarray):
    """Owners in bulk, one by one and with their claims are those of rational arithmetic."""
    expected, dispute = [], []
    for covers, on_edge in covering(tuple(shapely.to_wkb(geometries)), lon.tobytes(),
                                    lat.tobytes()):  # fmt: skip
        owner = min(covers, key=lambda i: (not grids.dedicated[i], grids.codes[i]), default=OUTSIDE)
        alike = [i for i in covers if grids.dedicated[i] == grids.dedicated[owner]]
        expected.append(owner)
        dispute.append(owner != OUTSIDE and (owner in on_edge or len(alike) > 1))
    found = grids.owners(lon, lat)
    wrong = np.flatnonzero(found != expected)
    assert not wrong.size, [
        (float(lon[i]), float(lat[i]), int(found[i]), expected[i]) for i in wrong[:5]
    ]
    one_by_one = [grids.owner_position(*at) for at in zip(lon.tolist(), lat.tolist(), strict=True)]
    assert one_by_one == expected
    owners, _, disputed = grids.claims(lon, lat)
    assert owners.tolist() == expected
    assert disputed.tolist() == dispute


def around(geometries: np.ndarray, count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Hard points and some anywhere."""
    hard, easy = points("adversarial", count, geometries, seed), points("uniform", 200, geometries)
    return np.concatenate([hard[0], easy[0]]), np.concatenate([hard[1], easy[1]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tessellations_are_owned_as_rational_arithmetic_says(seed: int) -> None:
    codes, geometries = tessellation(1000, seed)
    shuffled = np.random.default_rng(seed).permutation(codes).tolist()
    grids = GridIndex(shuffled, geometries)
    lon, lat = around(geometries, 3000, seed)
    assert_right(grids, geometries, lon, lat)
    assert grids.owners(lon, lat).tolist() == by_geos(grids, geometries, lon, lat).tolist()


@pytest.mark.parametrize("kind", ["uniform", "clustered", "adversarial"])
def test_many_points_are_owned_as_geos_says(kind: str) -> None:
    codes, geometries = tessellation(3000, 7)
    grids = GridIndex(codes, geometries)
    lon, lat = points(kind, 100_000, geometries)
    assert grids.owners(lon, lat).tolist() == by_geos(grids, geometries, lon, lat).tolist()


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_grids_as_they_should_not_be_still_have_one_right_owner(data: st.DataObject) -> None:
    drawn = data.draw(rough_grids())
    grids = GridIndex(drawn.codes, drawn.geometries, dedicated=drawn.dedicated)
    lon, lat = np.array(data.draw(points_of(drawn, most=40))).T
    assert_right(grids, drawn.geometries, lon, lat)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_holes_enclaves_and_multiparts(place: tuple[float, float, float]) -> None:
    outer = shapely.box(0, 0, 1, 1).difference(shapely.box(0.2, 0.2, 0.8, 0.8))
    ring = shapely.box(0.2, 0.2, 0.8, 0.8).difference(shapely.box(0.4, 0.4, 0.6, 0.6))
    inmost = shapely.box(0.4, 0.4, 0.6, 0.6)
    west, south, size = place
    shapes = array([
        affinity.affine_transform(shape, (size, 0.1 * size, -0.1 * size, size, west, south))
        for shape in (shapely.MultiPolygon([outer, inmost]), ring)
    ])  # fmt: skip
    assert_right(index(shapes, ["B", "A"]), shapes, *around(shapes, 2000))


def test_corners_that_only_one_neighbour_has() -> None:
    # each long edge is met by many short ones of the other side: gaps and overlaps of rounding
    random = np.random.default_rng(4)
    a, b = np.array([111.2, 39.9]), np.array([111.21, 39.9037])
    along = np.sort(random.random(300))[:, None]
    chain = np.concatenate([[a], a + along * (b - a), [b]])
    below = [shapely.Polygon([a, (a + b) / 2 + [0, -0.01], b])]
    above = [shapely.Polygon([p, q, [p[0], 39.92]]) for p, q in pairwise(chain)]
    shapes = array(below + above)
    assert_right(index(shapes), shapes, *around(shapes, 3000))


def test_touching_corners_belong_to_the_lowest_code() -> None:
    step = np.arange(8) / 64
    shapes = array([
        shapely.box(111 + x, 39 + y, 111 + x + 1 / 64, 39 + y + 1 / 64)
        for i, x in enumerate(step) for j, y in enumerate(step) if (i + j) % 2
    ])  # fmt: skip
    grids = index(shapes, [f"G{i:03d}" for i in range(len(shapes))][::-1])
    lon, lat = (at.ravel() for at in np.meshgrid(111 + step, 39 + step))
    assert_right(grids, shapes, lon, lat)


def test_five_thousand_grids_that_meet_in_one_corner() -> None:
    turn = np.linspace(0, 2 * np.pi, 5001)
    rim = np.stack([111.2 + 0.1 * np.cos(turn), 39.9 + 0.1 * np.sin(turn)], axis=1)
    rim[-1] = rim[0]
    middle = (111.2003, 39.9001)
    shapes = array([shapely.Polygon([middle, p, q]) for p, q in pairwise(rim)])
    grids = index(shapes, np.random.default_rng(1).permutation([f"G{i:04d}" for i in range(5000)])
                  .tolist())  # fmt: skip
    assert grids.owner(*middle) == "G0000"
    random = np.random.default_rng(2)
    lon, lat = around(shapes, 150)
    away = lon != middle[0]  # a third of the vertices is the corner itself
    beside = [
        middle,
        *((np.nextafter(middle[0], towards), middle[1]) for towards in (0, 200)),
        *(middle + random.normal(0, 1e-12, (30, 2))),
        *(middle + random.normal(0, 1e-6, (30, 2))),
    ]
    assert_right(
        grids,
        shapes,
        np.append(lon[away], [x for x, _ in beside]),
        np.append(lat[away], [y for _, y in beside]),
    )


def test_three_thousand_grids_in_a_square_metre_beside_large_ones() -> None:
    _, tiny = tessellation(3000, 5)
    metre = 1 / 111_000
    crowd = [
        affinity.affine_transform(
            shape, (metre / 2, 0, 0, metre / 2, 111.2 - 110.2 * metre / 2, 39.9 - 39.1 * metre / 2)
        )
        for shape in tiny
    ]
    wide = [shapely.box(110 + i, 39 + j, 111 + i, 40 + j) for i in range(3) for j in range(3)]
    shapes = array([*crowd, *wide])
    assert shapely.is_valid(shapes).all()
    for part in (shapes[:3000], shapes):
        lon, lat = around(part, 1000)
        assert_right(index(shapes), shapes, lon, lat)


@pytest.mark.parametrize("size", [1e-4, 1e-6, 1e-8, 1e-9, 1e-10])
def test_grids_that_are_not_much_larger_than_the_steps_between_floats(size: float) -> None:
    # at 111° a step is 1.4e-14: the smallest of these grids are some thousand steps wide
    random = np.random.default_rng(6)
    for _ in range(30):
        rows = np.unique([0, *random.integers(1, 16, 3), 16])
        shapes = array([
            affinity.affine_transform(
                shapely.box(w / 16, s / 16, e / 16, n / 16), (size, 0, 0, size, 111.2, 39.9)
            )
            for s, n in pairwise(rows)
            for w, e in pairwise(np.unique([0, *random.integers(1, 16, 3), 16]))
        ])  # fmt: skip
        lon, lat = points("adversarial", 100, shapes, int(random.integers(1000)))
        corners = shapely.get_coordinates(shapes)
        beside = np.nextafter(corners[:, 0], 200)
        assert_right(
            index(shapes), shapes, np.append(lon, beside), np.append(lat, corners[::-1, 1])
        )


@pytest.mark.parametrize("width", [1e-9, 1e-12, 0.0])
def test_slivers(width: float) -> None:
    # between two grids lies a third that is a billionth, a trillionth, one float wide
    south, north = (111.2, 39.9), (111.2071, 39.9113)
    right = [(x + width if width else np.nextafter(x, 200), y) for x, y in (south, north)]
    shapes = array([
        shapely.Polygon([south, north, (111.1, 39.91)]),
        shapely.Polygon([south, right[0], right[1], north]),
        shapely.Polygon([right[0], (111.3, 39.9), right[1]]),
    ])  # fmt: skip
    for codes in (["A", "B", "C"], ["C", "B", "A"], ["B", "A", "C"]):
        assert_right(index(shapes, codes), shapes, *around(shapes, 2000))


def test_overlaps_go_to_the_lowest_code_and_are_reported() -> None:
    random = np.random.default_rng(8)
    corners = random.uniform((111, 39), (111.9, 39.9), (60, 2))
    shapes = array([
        affinity.rotate(shapely.box(x, y, x + w, y + h), 20)
        for (x, y), (w, h) in zip(corners, random.uniform(0.05, 0.3, (60, 2)), strict=True)
    ])  # fmt: skip
    dedicated = random.random(60) < 0.3
    grids = index(shapes, random.permutation([f"G{i:02d}" for i in range(60)]).tolist(),
                  dedicated=dedicated)  # fmt: skip
    lon, lat = around(shapes, 3000)
    _, _, disputed = grids.claims(lon, lat)
    assert disputed.any()
    assert not disputed.all()
    assert_right(grids, shapes, lon, lat)


def test_gaps_belong_to_nobody() -> None:
    codes, geometries = tessellation(1000, 11)
    kept = np.random.default_rng(1).random(1000) < 0.7
    shapes, names = geometries[kept], np.array(codes)[kept].tolist()
    lon, lat = around(geometries, 2000)
    grids = GridIndex(names, shapes)
    assert (grids.owners(lon, lat) == OUTSIDE).sum() > 300
    assert_right(grids, shapes, lon, lat)


def test_none_and_empty_grids_own_nothing_and_disturb_nobody() -> None:
    codes, geometries = tessellation(100, 2)
    geometries[[3, 50, 99]] = [None, shapely.Polygon(), shapely.MultiPolygon()]
    grids = GridIndex(codes, geometries)
    lon, lat = around(geometries, 1000)
    assert_right(grids, geometries, lon, lat)
    assert not np.isin([3, 50, 99], grids.owners(lon, lat)).any()


BOW_TIES = {
    "bow-tie": [(0, 0), (2, 2), (2, 0), (0, 2)],
    "star": [(1, 2), (1.6, 0.2), (0.1, 1.3), (1.9, 1.3), (0.4, 0.2)],
    "twice round": [(0, 0), (2, 0), (2, 2), (0, 2), (0, 0), (1.5, 0), (1.5, 1.5), (0, 1.5)],
}


@pytest.mark.parametrize("ring", BOW_TIES.values(), ids=BOW_TIES)
@pytest.mark.parametrize("code", ["A", "Z"])
def test_a_self_crossing_grid_owns_what_the_even_odd_rule_fills(ring: list, code: str) -> None:
    crossing = shapely.Polygon([*ring, ring[0]])
    assert not crossing.is_valid
    around_it = [shapely.box(-1, -1, 0.5, 3), shapely.box(0.5, -1, 3, 3), shapely.box(5, 5, 6, 6)]
    shapes = array([crossing, *around_it])
    grids = index(shapes, [code, "K", "L", "M"])
    lon, lat = around(shapes, 2000)
    corner = np.array(ring, dtype=float)
    lon, lat = np.append(lon, corner[:, 0]), np.append(lat, corner[:, 1])
    found = grids.owners(lon, lat)
    alone = index(around_it, ["K", "L", "M"]).owners(lon, lat) + 1
    alone[alone == 0] = OUTSIDE
    inside_box = (lon >= 0) & (lon <= 2) & (lat >= 0) & (lat <= 2)
    assert found[~inside_box].tolist() == alone[~inside_box].tolist()
    assert found.tolist() == owners_exactly(grids.codes, shapes, lon, lat).tolist()


@pytest.mark.parametrize("code", ["A", "Z"])
def test_a_line_run_there_and_back_takes_from_its_neighbours_no_more_than_itself(code) -> None:
    spiked = shapely.Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (1, 1), (0, 1), (0, 0)])
    flat = shapely.Polygon([(0, 2), (2, 3), (2, 3), (0, 2)])
    shapes = array([spiked, flat, shapely.box(-1, -1, 0.5, 4), shapely.box(0.5, -1, 3, 4)])
    grids = index(shapes, [code, code + code, "K", "L"])
    lon, lat = around(shapes, 2000)
    plain = array([shapely.box(0, 0, 2, 1), None, *shapes[2:]])
    without = owners_exactly(grids.codes, plain, lon, lat)
    on_it = shapely.LineString([(1, 1), (1, 2)]), shapely.LineString([(0, 2), (2, 3)])
    found = grids.owners(lon, lat)
    line = np.full(len(lon), OUTSIDE)
    finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    for grid, run in enumerate(on_it):
        line[finite[shapely.dwithin(run, shapely.points(lon, lat)[finite], 1e-8)]] = grid
    assert (line != OUTSIDE).sum() > 100
    assert ((found == without) | ((found == line) & (line != OUTSIDE))).all()


def test_a_ring_that_is_not_closed_is_refused_or_closed() -> None:
    closed = shapely.Polygon([(0, 0), (1, 0), (1, 1)])  # shapely closes what it is given
    assert index([closed]).owner(0.9, 0.5) == "G00000"
    with pytest.raises(shapely.errors.GEOSException):
        shapely.from_wkt("POLYGON ((0 0, 1 0, 1 1))")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_grid_with_a_coordinate_that_is_no_number_takes_no_owner_from_others(bad: float) -> None:
    with np.errstate(invalid="ignore"):
        broken = shapely.Polygon([(0, 0), (bad, 0), (1, 1), (0, 1)])
    try:
        grids = index([broken, shapely.box(3, 3, 4, 4)])
    except InvalidGrids as refused:
        assert "G00000" in str(refused)  # noqa: PT017 - either answer is right
    else:
        assert grids.owners([3.5, 9.0], [3.5, 9.0]).tolist() == [1, OUTSIDE]


SQUARES = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]


@pytest.mark.parametrize(
    "convert",
    [
        lambda values: values,
        np.array,
        lambda values: np.array(values, np.float32),
        lambda values: np.array(values, ">f8"),
        lambda values: np.array(values, np.longdouble),
        lambda values: np.repeat(values, 3)[::3],
        lambda values: np.array(values)[::-1][::-1],
        lambda values: np.array([values, values]).T[:, 0],
        lambda values: np.array(values, dtype=object),
        lambda values: np.frombuffer(np.array(values).tobytes()),  # cannot be written to
    ],
    ids=["list", "array", "float32", "big-endian", "long double", "strided", "reversed",
         "column", "objects", "read-only"],
)  # fmt: skip
def test_any_array_of_numbers_will_do(convert) -> None:
    lon, lat = [0.5, 1.0, 1.5, 9.0, np.nan], [0.5, 0.25, 0.5, 0.5, 0.5]
    assert index(SQUARES).owners(convert(lon), convert(lat)).tolist() == [0, 0, 1, -1, -1]


def test_whole_numbers_will_do() -> None:
    for kind in (np.int8, np.uint16, np.int64, bool):
        assert index(SQUARES).owners(np.array([1, 0], kind), np.array([1, 0], kind)).tolist() == [
            0, 0,
        ]  # fmt: skip


def test_long_doubles_are_rounded_before_not_during() -> None:
    just_right_of_1 = np.longdouble(1) + np.longdouble(2) ** -60
    assert index(SQUARES).owners([just_right_of_1], [0.5]).tolist() == [0]


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ([1.0, 2.0], [1.0]),
        ([], [1.0]),
        ([[0.5, 0.5]], [[0.5, 0.5]]),
        ([["a"]], [["b"]]),
        (["east", "west"], ["0.5", "0.5"]),
        ([1 + 2j], [0.5]),
        (np.array([1 + 2j]), [0.5]),
        ([{}], [0.5]),
        (np.array([np.datetime64("2026-01-01")]), [0.5]),
        (np.array([np.timedelta64(1, "s")]), [0.5]),
    ],
    ids=["fewer latitudes", "no longitude", "two dimensions", "text in two dimensions", "text",
         "complex", "complex array", "mappings", "dates", "durations"],
)  # fmt: skip
def test_what_is_no_pair_of_columns_of_numbers_is_refused(lon, lat) -> None:
    with pytest.raises(InvalidPoints):
        index(SQUARES).owners(lon, lat)


def test_the_owners_array_is_the_callers_own() -> None:
    grids = index(SQUARES)
    lon, lat = np.array([0.5, 1.5]), np.array([0.5, 0.5])
    first = grids.owners(lon, lat)
    first[:] = 7
    assert grids.owners(lon, lat).tolist() == [0, 1]
    assert first.dtype == np.intp
    assert lon.tolist() == [0.5, 1.5]
