"""A migrated database of a benchmark's own, gone when it ends."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layers.cluster import scratch_cluster
from layers.database import check_server, upgrade
from layers.session import Database, open_database
from layers.settings import Settings


@contextmanager
def scratch_database() -> Iterator[tuple[Database, Path]]:
    """Give a database, and a folder for what else the benchmark keeps."""
    with tempfile.TemporaryDirectory(prefix="lianxin-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as another user
        with scratch_cluster(folder / "data") as cluster:
            database = open_database(Settings(database_url=cluster.url, data_dir=folder / "kept"))
            check_server(database.engine)
            upgrade(database.engine)
            try:
                yield database, folder
            finally:
                database.close()
