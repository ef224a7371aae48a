import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gis.routing import Rule
from gis.testing import owners_exactly, partitions, points_of
from layers.actions.boundaries import Boundaries, load_in_force
from layers.errors import NoEditionInForce
from layers.exchange.reader import SourceLayer
from layers.session import Database
from layers.store import territory
from tests.layers.actions.made import SOUTH, STEP, WEST, grids, layer, load, middle, publish, square


@pytest.fixture
def boundaries(fresh_database: Database) -> Iterator[Boundaries]:
    made = Boundaries(fresh_database)
    yield made
    made.close()


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.005)
    return time.monotonic() - began


def test_before_the_first_edition_the_error_says_what_to_do(boundaries: Boundaries) -> None:
    with pytest.raises(NoEditionInForce, match="lianxin import grids"):
        boundaries.in_force()


def test_the_owner_of_a_place_has_name_path_and_worker(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    area = {"code": "T", "name": "Town", "level": "banner"}
    load(fresh_database, "areas", layer([area], [square(0, size=5 * STEP)]))
    rows = [{"code": "A", "name": "Alpha", "responsible": "王"}]
    edition = publish(fresh_database, layer(rows, [square(0)]))
    in_force = boundaries.in_force()

    here = in_force.owner_of(in_force.router.place(*middle(0).coords[0], "cgcs2000"))
    fallback = in_force.owner_of(in_force.router.place(*middle(3).coords[0], "cgcs2000"))
    far = in_force.owner_of(in_force.router.place(100.0, 30.0, "cgcs2000"))

    assert in_force.edition_id == edition
    assert (here.grid_code, here.grid_name, here.path) == ("A", "Alpha", "A/")
    assert (here.responsible, here.queue_code) == ("王", None)
    assert (fallback.grid_code, fallback.queue_code, fallback.path) == (None, "T", "T/")
    assert (far.queue_code, far.path) == ("T", "T/")


def test_a_publishing_elsewhere_is_followed_within_a_second(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    first = publish(fresh_database, grids("AB"))
    assert boundaries.in_force().edition_id == first

    second = publish(fresh_database, grids("ABC"))

    assert wait_until(lambda: boundaries.in_force().edition_id == second) < 1.0


def test_new_areas_are_followed_too(fresh_database: Database, boundaries: Boundaries) -> None:
    publish(fresh_database, grids("A"))
    assert boundaries.in_force().area_names == {}

    load(fresh_database, "areas", layer([{"code": "T", "name": "Town", "level": "banner"}]))

    wait_until(lambda: boundaries.in_force().area_names == {"T": "Town"}, 1.0)


def test_boundaries_are_opened_from_the_file_that_the_publisher_wrote(
    fresh_database: Database, boundaries: Boundaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(fresh_database, grids("AB"))
    monkeypatch.setattr("gis.ownership.GridIndex.__init__", None)  # nobody can build one now
    in_force = boundaries.in_force()
    assert (in_force.edition_id, in_force.grids.codes) == (first, ("A", "B"))


def test_grids_that_somebody_changed_in_the_database_meet_no_stale_file(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    publish(fresh_database, grids("AB"))
    before = boundaries.in_force()
    place = middle(0).coords[0]
    with fresh_database.raw() as connection:
        connection.execute("ALTER TABLE grids DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE grids SET boundary = (SELECT boundary FROM grids WHERE code = 'B')"
            " WHERE code = 'A'"
        )
    assert before.grids.owner(*place) == "A"
    assert boundaries.refresh().grids.owner(*place) is None


def test_an_index_stays_while_only_the_areas_change(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    publish(fresh_database, grids("AB"))
    before = boundaries.in_force()
    load(fresh_database, "areas", layer([{"code": "T", "name": "Town", "level": "banner"}]))
    assert boundaries.refresh().grids is before.grids


def test_a_lost_notification_is_made_up_by_asking(
    fresh_database: Database, boundaries: Boundaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(fresh_database, grids("A"))
    boundaries.in_force()
    monkeypatch.setattr(territory, "announce", lambda _: text("SELECT 1"))

    second = publish(fresh_database, grids("AB"))

    assert wait_until(lambda: boundaries.in_force().edition_id == second) < 2.0


def test_readers_keep_the_last_boundaries_while_the_database_is_away(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    first = publish(fresh_database, grids("A"))
    assert boundaries.in_force().edition_id == first
    with fresh_database.raw(autocommit=True) as connection:
        cut = connection.execute(
            # and waits until they are gone
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert cut is not None
    assert cut[0] >= 1

    assert boundaries.in_force().edition_id == first
    second = publish(fresh_database, grids("AB"))
    wait_until(lambda: boundaries.in_force().edition_id == second)


def test_closing_waits_for_nothing(fresh_database: Database) -> None:
    publish(fresh_database, grids("A"))
    for settled in (0.0, 0.3):  # while it still connects, and while it listens
        boundaries = Boundaries(fresh_database)
        boundaries.in_force()
        time.sleep(settled)
        began = time.monotonic()
        boundaries.close()
        assert time.monotonic() - began < 0.4
        assert not boundaries._listener.is_alive()
        boundaries.close()  # once more does no harm


def test_a_notification_is_heard_before_the_next_poll(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.actions.boundaries.POLL_S", 60.0)
    publish(fresh_database, grids("A"))
    boundaries = Boundaries(fresh_database)
    try:
        assert boundaries.in_force().grids.codes == ("A",)
        for codes in ("AB", "ABC", "AC"):
            publish(fresh_database, grids(codes))
            wait_until(partial(holds, boundaries, codes))
    finally:
        boundaries.close()


def holds(boundaries: Boundaries, codes: str) -> bool:
    return boundaries.in_force().grids.codes == tuple(codes)


def test_readers_take_no_lock(fresh_database: Database, boundaries: Boundaries) -> None:
    publish(fresh_database, grids("A"))
    boundaries.in_force()
    answered = threading.Event()

    def read() -> None:
        boundaries.in_force()
        answered.set()

    with boundaries._loading:
        threading.Thread(target=read).start()
        assert answered.wait(2)


def test_the_listener_ends_with_its_process(fresh_database_url: str) -> None:
    script = (
        "from layers.actions.boundaries import Boundaries\n"
        "from layers.session import open_database\n"
        "from layers.settings import Settings\n"
        f"database = open_database(Settings(database_url={fresh_database_url!r}))\n"
        "Boundaries(database)\n"
        "print('ready')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, "ready"), done.stderr


_SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.data())
@_SLOW
def test_the_database_and_memory_name_the_same_owner(
    database: Database, data: st.DataObject
) -> None:
    partition = data.draw(partitions())
    spots = [s for _ in range(3) for s in data.draw(points_of(partition))]
    rows = [
        {"code": code, "kind": data.draw(st.sampled_from(["basic", "basic", "dedicated"]))}
        for code in partition.codes
    ]
    assert_same_owners(database, layer(rows, list(partition.geometries)), spots)


# Half-steps of a lattice by which a square is cut, so that many points fall on edges and corners.
_CUTS = st.lists(st.integers(1, 39), max_size=4, unique=True).map(sorted)
_SPOTS = st.lists(st.tuples(st.integers(-4, 84), st.integers(-4, 84)), min_size=40, max_size=80)


@given(across=_CUTS, up=_CUTS, spots=_SPOTS, data=st.data())
@_SLOW
def test_also_on_the_edges_of_a_chessboard(
    database: Database,
    across: list[int],
    up: list[int],
    spots: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    boxes = [
        (x0, y0, x1, y1)
        for x0, x1 in pairwise([0, *across, 40])
        for y0, y1 in pairwise([0, *up, 40])
    ]
    boxes = data.draw(st.permutations(boxes))
    unit = STEP / 40
    lattice = np.array(boxes) * unit + np.array([WEST, SOUTH, WEST, SOUTH])
    rows = [{"code": f"G{number:03}"} for number in range(len(boxes))]
    places = [(WEST + x * unit / 2, SOUTH + y * unit / 2) for x, y in spots]
    assert_same_owners(database, layer(rows, list(shapely.box(*lattice.T))), places)


@pytest.mark.parametrize("corner", [(111.2, 39.9), (-0.2, -0.1)], ids=str)
def test_where_a_rounded_determinant_errs_the_database_does_not(
    database: Database, corner: tuple[float, float]
) -> None:
    a, b = np.array(corner), np.add(corner, (0.4637, 0.2911))
    shapes = [shapely.Polygon([a, b, corner + np.array(third)]) for third in ((0, 1), (1, 0))]
    places = a + np.random.default_rng(1).random((40_000, 1)) * (b - a)
    turn, sure = (
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
        for x, y, a, b in (
            (*places.T, a, b),
            (*np.vectorize(Fraction)(places.T), *(list(map(Fraction, at)) for at in (a, b))),
        )
    )
    spots = places[np.sign(turn) != [(exact > 0) - (exact < 0) for exact in sure]][:50]
    assert len(spots) > 10
    names = ["B", "A"]
    right = owners_exactly(names, np.array(shapes), *spots.T)
    assert set(right) == {0, 1}
    rows = [{"code": code} for code in names]
    found = assert_same_owners(database, layer(rows, shapes), spots.tolist())
    assert found == [names[owner] for owner in right]


def assert_same_owners(
    database: Database, source: SourceLayer, spots: Sequence[Sequence[float]]
) -> list[str | None]:
    """Publish grids, ask memory and the database for the owners, and take it all back."""
    lon, lat = np.array(spots).T
    with database.transaction() as session:
        session.execute(text("SAVEPOINT before"))
        try:
            publish(database, source, accept_findings="random")
            index = load_in_force(session).grids
            in_memory = [index.codes[p] if p >= 0 else None for p in index.owners(lon, lat)]
            edition = session.scalars(territory.edition_id_in_force()).one()
            by_sql = [
                session.scalars(territory.owning_grid(x, y, edition_id=edition)).one_or_none()
                for x, y in spots
            ]
        finally:
            session.execute(text("ROLLBACK TO SAVEPOINT before"))
    assert in_memory == by_sql
    return by_sql


def test_a_point_on_a_shared_edge_goes_to_the_lowest_code(
    fresh_database: Database, boundaries: Boundaries
) -> None:
    rows = [{"code": code} for code in ("B", "A")]
    publish(fresh_database, layer(rows, [square(0), square(1)]))
    in_force = boundaries.in_force()

    placement = in_force.router.place(square(1).bounds[0], middle(0).y, "cgcs2000")

    assert (placement.grid_code, placement.rule) == ("A", Rule.BOUNDARY)
