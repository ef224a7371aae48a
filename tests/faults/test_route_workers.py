"""Points routed by several processes: one that is killed costs time, and not a row."""

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from distributed import Client

from layers.actions.route_file import RouteOrder, RouteReport, route_file
from layers.errors import LayerRefused, WorkersUnreachable

PARTS, ROWS = 12, 4000
STARTED_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grids, points in parts, and what one process makes of them."""
    folder = tmp_path_factory.mktemp("parts")
    cells = [shapely.box(x, y, x + 1, y + 1) for x in range(10) for y in range(10)]
    grids = gpd.GeoDataFrame({"code": [f"{i:03}" for i in range(100)]}, geometry=cells, crs=4490)
    grids.to_parquet(folder / "grids.parquet")
    (folder / "points").mkdir()
    random = np.random.default_rng(7)
    for part in range(PARTS):
        points = gpd.points_from_xy(*random.uniform(-0.5, 10.5, (2, ROWS)))
        frame = gpd.GeoDataFrame({"id": np.arange(ROWS) + part * ROWS}, geometry=points, crs=4490)
        frame.to_parquet(folder / "points" / f"{part:02}.parquet", row_group_size=500)
    report = route_file(order(folder, "alone"))
    assert report.rows == PARTS * ROWS
    assert set(report.by_rule) == {"inside", "snapped", "outside"}
    return folder


def order(folder: Path, out: str, **more) -> RouteOrder:
    return RouteOrder(folder / "points", folder / "grids.parquet", "code", folder / out, **more)


def contents(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def check_whole(folder: Path, out: str, report: RouteReport) -> None:
    alone = contents(folder / "alone")
    assert len(alone) == PARTS + 1
    assert contents(folder / out) == alone
    assert report.rows == PARTS * ROWS
    assert sum(report.by_rule.values()) == PARTS * ROWS
    assert report.parts == PARTS


@contextmanager
def machines(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler and two workers that nobody restarts; give its address and their pids."""
    said = tmp_path / "scheduler.json"
    started = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                     "--scheduler-file", str(said), log=tmp_path / "scheduler.log")]  # fmt: skip
    try:
        workers = [
            start("dask_worker", "--scheduler-file", str(said), "--no-nanny", "--no-dashboard",
                  "--nthreads", "1", "--local-directory", str(tmp_path),
                  log=tmp_path / f"worker{i}.log")
            for i in range(2)
        ]  # fmt: skip
        started += workers
        deadline = time.monotonic() + STARTED_S
        while not said.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with Client(scheduler_file=str(said), timeout=STARTED_S, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=STARTED_S)
            yield client.scheduler.address, [worker.pid for worker in workers]
    finally:
        # Asked to end, a scheduler may wait long for a worker that was killed: nothing to learn.
        for process in reversed(started):
            process.kill()
            process.wait()


def start(command: str, *words: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", *words],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip


class Killer:
    """Kills a process when the first part is done, in the middle of the others."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid
        self.after = 0

    def __call__(self, step: str, done: int, _total: int | None) -> None:
        if step == "route" and not self.after:
            os.kill(self._pid(), signal.SIGKILL)
            self.after = done


def test_a_machine_lost_on_the_way_costs_no_row(folder: Path, tmp_path: Path) -> None:
    with machines(tmp_path) as (address, pids):
        killer = Killer(lambda: pids[0])
        report = route_file(order(folder, "lost", cluster=address), progress=killer)
        assert 0 < killer.after < PARTS * ROWS
        check_whole(folder, "lost", report)

        # The same machines, one fewer, and a part that cannot be used: its name, and no part less.
        wrong = gpd.GeoDataFrame({"x": [1]}, geometry=[shapely.Point(1, 1)], crs=4490)
        wrong.to_parquet(folder / "points" / "wrong.parquet")
        try:
            with pytest.raises(LayerRefused, match=r"wrong.parquet has other columns .* worker"):
                route_file(order(folder, "wrong", cluster=address))
        finally:
            (folder / "points" / "wrong.parquet").unlink()
        report = route_file(order(folder, "wrong", cluster=address, resume=True))
        check_whole(folder, "wrong", report)


def test_a_worker_that_is_started_anew_gets_the_grids_again(folder: Path) -> None:
    others = set(multiprocessing.active_children())

    def own() -> int:
        """Return the pid of a worker that this run started."""
        return next(
            child.pid for child in multiprocessing.active_children()
            if child not in others and child.pid is not None
        )  # fmt: skip

    killer = Killer(own)
    report = route_file(order(folder, "anew", workers=2), progress=killer)
    assert 0 < killer.after < PARTS * ROWS
    check_whole(folder, "anew", report)
    assert set(multiprocessing.active_children()) <= others


def test_a_scheduler_that_is_not_there_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.actions.route_cluster._CONNECT_S", 0.5)
    with pytest.raises(WorkersUnreachable, match=r"No dask scheduler answers at tcp://127.0.0.1:9"):
        route_file(order(folder, "nobody", cluster="tcp://127.0.0.1:9"))
    assert not (folder / "nobody").exists()
