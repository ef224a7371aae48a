"""Parts routed on dask.distributed: many at once, each exactly once in the end.

A worker gets the grids once, when it joins, as a file in its own folder. A task is a part's name
and what all parts share. A worker that dies costs the parts that it was at: the scheduler gives
them to others, and a part that two have written is one part, the same bytes.
"""

import logging
import secrets
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from distributed import (
    Client,
    KilledWorker,
    LocalCluster,
    Worker,
    WorkerPlugin,
    as_completed,
    get_worker,
)

from gis.errors import GisError
from gis.ownership import GridIndex
from gis.routing import Router
from layers.actions.route_part import PartReport, PartsJob, route_part
from layers.errors import LayersError, WorkersUnreachable

_CONNECT_S: Final = 15
_RETRIES: Final = 2
"""How often a part is tried again that failed for another reason than a worker's death."""


@contextmanager
def joined(*, address: str | None, workers: int | None) -> Iterator["Cluster"]:
    """Join the cluster at an address, or start one of local processes; leave it at the end."""
    if address is not None:
        try:
            client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersUnreachable(
                f"No dask scheduler answers at {address} ({error}). Start one with: dask scheduler"
            ) from error
        with client:
            yield Cluster(client, address)
        return
    with (
        tempfile.TemporaryDirectory(prefix="lianxin-workers-") as folder,
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address=None, local_directory=folder, silence_logs=logging.CRITICAL,
        ) as local,
        Client(local, set_as_default=False) as client,
    ):  # fmt: skip
        yield Cluster(client, local.scheduler_address)


class Cluster:
    """Workers that were joined."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address

    def route(self, job: PartsJob, index: GridIndex, names: Sequence[str]) -> Iterator[PartReport]:
        """Route parts, and return what came of each as it is done."""
        client = self._client
        try:
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise WorkersUnreachable(
                f"The scheduler at {self._address} has no workers. "
                f"Start some with: dask worker {self._address}"
            ) from error
        run = f"lianxin-{secrets.token_hex(4)}"
        grids = Grids(run, _bytes_of(index))
        try:
            client.register_plugin(grids)
            tasks = client.map(
                _route_here, names, job=job, grids=run, retries=_RETRIES, pure=False,
                key=[f"{run}-{name}" for name in names],
            )  # fmt: skip
            try:
                for task in as_completed(tasks, loop=client.loop):
                    try:
                        yield task.result()
                    except KilledWorker as error:
                        raise WorkersUnreachable(
                            f"Every worker that took {task.key.removeprefix(f'{run}-')} died. Is "
                            "there too little memory for its row groups? --resume goes on."
                        ) from error
                    task.release()
            finally:
                client.cancel(tasks)
        finally:
            client.unregister_worker_plugin(run)


class Grids(WorkerPlugin):
    """The grids, sent to each worker when it joins, and gone from it after the run."""

    def __init__(self, run: str, snapshot: bytes) -> None:
        self.name = run
        self._snapshot = snapshot

    def setup(self, worker: Worker) -> None:
        """Write the grids into the worker's own folder, whole or not at all."""
        path = _path_of(self.name, worker)
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(self._snapshot)
        temporary.replace(path)

    def teardown(self, worker: Worker) -> None:
        """Remove the grids."""
        path = _path_of(self.name, worker)
        with _loading:
            _routers.pop(path, None)
        path.unlink(missing_ok=True)


_loading = Lock()
_routers: dict[Path, Router] = {}


def _route_here(name: str, *, job: PartsJob, grids: str) -> PartReport:
    """Route a part in the worker that this runs in."""
    path = _path_of(grids, get_worker())
    with _loading:
        router = _routers.get(path)
        if router is None:
            router = _routers[path] = Router(GridIndex.load(path), snap_m=job.snap_m)
    try:
        # The scheduler gives a worker as many parts at once as it has cores.
        return route_part(router, job, name, threads=1)
    except (LayersError, GisError) as error:
        raise type(error)(f"{error} (on the worker {socket.gethostname()})") from error


def _path_of(run: str, worker: Worker) -> Path:
    return Path(worker.local_directory, f"{run}.grids")


def _bytes_of(index: GridIndex) -> bytes:
    with tempfile.TemporaryDirectory(prefix="lianxin-") as folder:
        path = Path(folder, "grids")
        index.save(path)
        return path.read_bytes()
