import datetime as dt
import math

import numpy as np
import psycopg
import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from layers.exchange import copy
from layers.store import driver

INSTANT = pa.timestamp("us", tz="UTC")


def stored(session: Session, table: pa.Table, columns: str = "*") -> list[tuple[object, ...]]:
    connection = driver(session)
    copy.stage(connection, "copied", table)
    return connection.execute(f"SELECT {columns} FROM copied").fetchall()  # noqa: S608 # written here


def test_every_type_arrives_as_it_was_and_null_stays_null(session: Session) -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    table = pa.table(
        {
            "words": pa.array(["白云社区 ☃", None, ""]),
            "small": pa.array([-32768, None, 32767], pa.int16()),
            "whole": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
            "big": pa.array([-(2**63), None, 2**63 - 1], pa.int64()),
            "number": pa.array([0.1, None, -1e300]),
            "truth": pa.array([True, None, False]),
            "moment": pa.array([moment, None, dt.datetime(1949, 10, 1, tzinfo=dt.UTC)], INSTANT),
        }
    )

    rows = stored(session, table)

    assert rows == [
        ("白云社区 ☃", -32768, -(2**31), -(2**63), 0.1, True, moment),
        (None,) * 7,
        ("", 32767, 2**31 - 1, 2**63 - 1, -1e300, False, dt.datetime(1949, 10, 1, tzinfo=dt.UTC)),
    ]


def test_geometry_arrives_in_the_storage_crs(session: Session) -> None:
    shapes = np.array([shapely.box(111, 39, 112, 40), None, shapely.MultiPoint([(1, 2), (3, 4)])])
    table = pa.table({"shape": copy.ewkb(shapes)})

    rows = stored(session, table, "ST_SRID(shape), ST_AsText(shape)")

    assert rows == [
        (4490, "POLYGON((112 39,112 40,111 40,111 39,112 39))"),
        (None, None),
        (4490, "MULTIPOINT((1 2),(3 4))"),
    ]


@given(
    st.lists(
        st.tuples(
            st.floats(-180, 180) | st.just(math.nan),
            st.floats(-90, 90) | st.just(math.nan),
        ),
        max_size=50,
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_points_written_at_once_are_those_written_one_by_one(
    points: list[tuple[float, float]],
) -> None:
    lon = np.array([x for x, _ in points], dtype=float)
    lat = np.array([y for _, y in points], dtype=float)

    written = copy.point_ewkb(lon, lat).to_pylist()

    for (x, y), ewkb in zip(points, written, strict=True):
        if math.isnan(x) or math.isnan(y):
            assert ewkb is None
        else:
            point = shapely.from_wkb(ewkb)
            assert (point.x, point.y, shapely.get_srid(point)) == (x, y, 4490)


def test_more_rows_than_a_batch_all_arrive_and_progress_reaches_their_number(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "BATCH_ROWS", 7)
    seen: list[int] = []
    table = pa.table({"n": pa.array(range(100)), "t": pa.array([str(n) for n in range(100)])})
    connection = driver(session)
    copy.create_staging(connection, "copied", table.schema)

    copy.copy_table(connection, "copied", table, seen.append)

    assert connection.execute("SELECT n, t FROM copied ORDER BY n").fetchall() == [
        (n, str(n)) for n in range(100)
    ]
    assert seen[-1] == 100
    assert seen == sorted(seen)


def test_a_filtered_table_loads_only_what_is_left(session: Session) -> None:
    table = pa.table({"n": pa.array(range(10)), "t": pa.array(list("abcdefghij"))})
    table = table.filter(pa.array([n % 3 == 0 for n in range(10)])).slice(1)

    assert stored(session, table) == [(3, "d"), (6, "g"), (9, "j")]


def test_an_empty_table_is_no_error(session: Session) -> None:
    assert stored(session, pa.table({"n": pa.array([], pa.int32())})) == []


def test_a_name_is_never_taken_for_sql(session: Session) -> None:
    table = pa.table({'n" int); DROP TABLE areas; --': pa.array([1])})

    assert stored(session, table) == [(1,)]
    assert driver(session).execute("SELECT count(*) FROM areas").fetchone() == (0,)


def test_text_that_postgresql_cannot_hold_is_its_error_not_a_broken_row(session: Session) -> None:
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire), session.begin_nested():
        stored(session, pa.table({"t": pa.array(["a\0b"])}))
