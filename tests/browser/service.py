"""The service over a database of its own, for pages to be looked at as they are served."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import make_url

from api.app import create_app
from api.cli.process import serving, take_port
from layers.cluster import PrivateCluster
from layers.session import Database, open_database
from layers.settings import Settings
from layers.viewer import SYSTEM
from tests.postgis import _administer


def stored(cluster: PrivateCluster, name: str) -> tuple[str, Database]:
    """Return the URL of a fresh database with reference tables, and the database."""
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE pristine")
    url = make_url(cluster.url).set(database=name).render_as_string(hide_password=False)
    return url, open_database(Settings(database_url=url))


def running(url: str) -> AbstractContextManager[str]:
    """Serve a database on a free port of this machine; its address."""

    @contextmanager
    def service() -> Iterator[str]:
        settings = Settings(database_url=url, log_level="error")
        with take_port("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with serving(create_app(settings, taken_for=SYSTEM), taken):
                yield f"http://127.0.0.1:{port}"

    return service()
