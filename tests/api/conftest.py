"""A small town behind a running service."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Literal

import psycopg
import pytest
import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape
from sqlalchemy import make_url

from api.app import create_app
from layers.actions.publish_edition import publish_edition
from layers.actions.seed_reference import seed_reference
from layers.cluster import PrivateCluster
from layers.models import Area, Edition, Grid
from layers.session import Database, open_database
from layers.settings import Settings
from layers.viewer import SYSTEM, Viewer
from layers.vocabulary import AreaLevel, CodeScheme

with warnings.catch_warnings():
    # Starlette asks for another client library than the one that is locked.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

WEST, SOUTH, STEP = 111.2, 39.8, 0.01

_NUMBERS = count(1)

INSIDE = {"lon": WEST + STEP / 2, "lat": SOUTH + STEP / 2, "datum": "cgcs2000"}
SHARED_EDGE = {"lon": WEST + STEP, "lat": SOUTH + STEP / 2, "datum": "cgcs2000"}
JUST_OUTSIDE = {"lon": WEST + STEP / 2, "lat": SOUTH - 0.0003, "datum": "cgcs2000"}
IN_THE_STREET = {"lon": WEST + 4.5 * STEP, "lat": SOUTH + STEP / 2, "datum": "cgcs2000"}
IN_THE_BANNER = {"lon": WEST + STEP, "lat": SOUTH + 8 * STEP, "datum": "cgcs2000"}
FAR_AWAY = {"lon": 100.0, "lat": 30.0, "datum": "cgcs2000"}

BANNER = "150622"
STREET = "150622003"
COMMUNITY = "150622003003"
WEST_GRID, EAST_GRID = f"{COMMUNITY}001", f"{COMMUNITY}002"

Report = dict[str, Any]


def a_report(**changes: Any) -> Report:
    """A report that is in order, but for the changes."""
    return {
        "category": "53001",
        "description": "消防通道被车辆堵塞",
        "place": INSIDE,
        "reporter": {"kind": "resident", "name": "王小明", "phone": "13812345678"},
        **changes,
    }


def square(column: int, row: int = 0, *, size: float = STEP) -> shapely.Polygon:
    """A square of the chessboard on which the town lies."""
    west, south = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(west, south, west + size, south + size)


def build_town(database: Database) -> int:
    """Load a banner, a street, a community and two grids side by side; return the edition."""
    seed_reference(database)
    areas = [
        (BANNER, "banner", "准格尔旗", None, square(-1, -1, size=12 * STEP)),
        (STREET, "street", "蓝天街道", BANNER, square(0, size=6 * STEP)),
        (COMMUNITY, "community", "白云社区", STREET, square(0).union(square(1))),
    ]
    path = ""
    with database.transaction() as session:
        for code, level, name, parent, shape in areas:
            path += f"{code}/"
            session.add(
                Area(
                    code=code,
                    level=AreaLevel(level),
                    code_scheme=CodeScheme.NATIONAL,
                    name=name,
                    parent_code=parent,
                    path=path,
                    boundary=stored(shape),
                )
            )
            session.flush()
    return publish_grids(
        database,
        [
            (WEST_GRID, "白云第一网格", "张三", square(0)),
            (EAST_GRID, "白云第二网格", "李四", square(1)),
        ],
    )


def publish_grids(
    database: Database, grids: Sequence[tuple[str, str, str, shapely.Geometry]]
) -> int:
    """Put grids of the community in force; return the number of their edition."""
    with database.transaction() as session:
        edition = Edition(name="made", source="test", content_hash=grids[0][0])
        session.add(edition)
        session.flush()
        number = edition.id
        for code, name, responsible, shape in grids:
            session.add(
                Grid(
                    edition_id=number,
                    code=code,
                    code_scheme=CodeScheme.NATIONAL,
                    name=name,
                    community_code=COMMUNITY,
                    responsible=responsible,
                    path=f"{BANNER}/{STREET}/{COMMUNITY}/{code}/",
                    boundary=stored(shape),
                )
            )
    publish_edition(database, number, override_reason="made for a test")
    return number


def stored(shape: shapely.Geometry) -> WKBElement:
    """A shape as the tables hold it."""
    polygon = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
    return from_shape(polygon, srid=4490, extended=True)


Serve = Callable[[str], TestClient]


@pytest.fixture(scope="session")
def clone(cluster: PrivateCluster, database_url: str) -> Callable[[str], str]:
    """Copy a database of the run's server; return the address of the copy."""

    def cloned(template: str) -> str:
        name = f"api_{next(_NUMBERS)}"
        host = str(cluster.socket_dir)
        with psycopg.connect(
            host=host, user="lianxin", dbname="postgres", autocommit=True
        ) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return make_url(cluster.url).set(database=name).render_as_string(hide_password=False)

    return cloned


@pytest.fixture(scope="session")
def town(clone: Callable[[str], str]) -> str:
    """The name of a database with a town in it, to be copied."""
    url = clone("pristine")
    database = open_database(Settings(database_url=url))
    build_town(database)
    database.close()
    return str(make_url(url).database)


@pytest.fixture
def town_url(clone: Callable[[str], str], town: str) -> str:
    """The address of a town of the test's own."""
    return clone(town)


@pytest.fixture
def town_database(town_url: str) -> Iterator[Database]:
    """The same database, open."""
    database = open_database(Settings(database_url=town_url))
    yield database
    database.close()


@contextmanager
def serve_with(
    database_url: str,
    *,
    log_level: Literal["info", "error"] = "error",
    taken_for: Viewer | None = SYSTEM,
    **limits: int,
) -> Iterator[TestClient]:
    """A service on a database, perhaps with other limits; whoever asks may do everything."""
    app = create_app(
        Settings(database_url=database_url, log_level=log_level, **limits), taken_for=taken_for
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start services on databases, and stop them after the test."""
    with ExitStack() as stack:
        yield lambda database_url: stack.enter_context(serve_with(database_url))


@pytest.fixture
def empty_service(serve: Serve, fresh_database: Database, fresh_database_url: str) -> TestClient:
    """A service with categories, but before its first edition."""
    seed_reference(fresh_database)
    return serve(fresh_database_url)


@pytest.fixture
def client(serve: Serve, town_url: str) -> TestClient:
    """A service with a town of the test's own."""
    return serve(town_url)


@pytest.fixture(scope="session")
def shared_client(clone: Callable[[str], str], town: str) -> Iterator[TestClient]:
    """A service with a town, for tests that store nothing."""
    with serve_with(clone(town)) as client:
        yield client
