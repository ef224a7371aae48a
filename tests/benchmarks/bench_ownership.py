"""Who owns a point, and how fast: against every peer in one run; prints, asserts nothing.

``python -m tests.benchmarks.bench_ownership [--grids 1000,20000,200000] [--points 1000000]``

Rates are medians of interleaved repetitions; the ratios are what can be trusted, on a busy machine
those by processor time. Slow peers get fewer of the points, which are in no order.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import shapely
from numpy.typing import NDArray

from gis import compiled
from gis.cells import leaves
from gis.datum import convert
from gis.geometry import Degrees, Geometries
from gis.ownership import GridIndex
from gis.routing import Router
from tests.benchmarks.peers import (
    Bound,
    Duck,
    Join,
    Ours,
    Peer,
    PostGis,
    Sedona,
    Tree,
    databases,
)
from tests.benchmarks.tessellation import KINDS, points, tessellation
from tests.real.partitions import real_grids

REPETITIONS: Final = 3
SECONDS: Final = 0.4  # at most about so long for one answer of a slow peer
LARGE: Final = 50_000  # grids from which peers that index them anew with each question are left out
REAL: Final = ("blocks", "tottori", "neighborhoods_2010")
ONE_BY_ONE: Final = 20_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", default="1000,20000,200000", help="sizes of tessellations")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--all", action="store_true", help="every peer at every size")
    chosen = parser.parse_args(arguments)
    warm()
    for count in map(int, chosen.grids.split(",")):
        codes, shapes = tessellation(count)
        title = f"tessellation of {count:,} grids"
        few = count >= LARGE and not chosen.all
        index = built(title, codes, shapes)
        race(index, shapes, chosen.points, few=few)
        if not few:
            one_by_one(index, shapes)
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LIANXIN_SHARED_DATA", default))
    for name in REAL:
        if not folder.exists():
            print(f"\n{name}: real data are not here ({folder})")
            continue
        _, shapes = real_grids(folder, name)
        shapes = shapes[shapely.is_valid(shapes)]
        codes = [f"R{number:06d}" for number in range(len(shapes))]
        index = built(f"real: {name}, {len(codes):,} grids", codes, shapes)
        race(index, shapes, chosen.points // 4)


def warm() -> None:
    """Compile everything, so that nobody's first answer pays for it."""
    codes, shapes = tessellation(200)
    with patch.object(leaves, "WORTH_COMPILING", 0):
        index = GridIndex(codes, shapes)
    peers = (Ours(index), Bound(index))
    lon, lat = points("uniform", 1000, shapes)
    for peer in peers:
        peer.take(lon, lat)
        peer.answer()
    for _ in near_borders(index, shapes, 50):
        pass
    GridIndex(codes, nudged(shapes), previous=index)


# ---- how an index is made and kept ----------------------------------------------------------


def built(title: str, codes: list[str], shapes: Geometries) -> GridIndex:
    """Make the index, print what that takes, and return it."""
    count, vertices = len(shapes), int(shapely.get_num_coordinates(shapes).sum())
    print(f"\n==== {title}, {vertices:,} vertices ({vertices / count:.0f} a grid), "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    full, index = timed(lambda: GridIndex(codes, shapes), 3 if count < LARGE else 1)
    changed = nudged(shapes)
    renewed, _ = timed(lambda: GridIndex(codes, changed, previous=index), 3)
    memory = index.nbytes
    with tempfile.TemporaryDirectory(prefix="lianxin-bench-") as scratch:
        path = Path(scratch, "grids.index")
        saved, _ = timed(lambda: index.save(path), 1)
        x, y = (float(at[0]) for at in points("uniform", 1, shapes))
        opened, _ = timed(lambda: GridIndex.load(path).owner(x, y), 5)
        size = path.stat().st_size
    print(f"  build {full:.2f} s; after 1 % of the grids changed {renewed:.2f} s = "
          f"{renewed / full:.2f} of it")  # fmt: skip
    print(f"  index {memory['index'] / 1e6:.1f} MB = "
          f"{memory['index'] / memory['coordinates']:.2f} × the coordinates; snapshot of "
          f"{size / 1e6:.1f} MB saved in {saved * 1e3:.0f} ms, "
          f"opened and asked in {opened * 1e3:.2f} ms")  # fmt: skip
    return index


def nudged(shapes: Geometries, share: float = 0.01) -> Geometries:
    """Return the grids with a vertex moved by a centimetre in some pairs of neighbours."""
    at = shapely.get_coordinates(shapes)
    key = at[:, 0] + 1j * at[:, 1]
    places, times = np.unique(key, return_counts=True)
    shared = places[times == 2]
    pairs = max(1, int(len(shapes) * share / 2))
    moved = np.isin(key, np.random.default_rng(1).choice(shared, min(pairs, len(shared))))
    at[moved, 0] += 1e-7
    return shapely.set_coordinates(shapes.copy(), at)


# ---- many points ----------------------------------------------------------------------------


def race(index: GridIndex, shapes: Geometries, count: int, *, few: bool = False) -> None:
    """Let all peers answer for each kind of points, in turns."""
    tree = Tree(shapes)
    racers: list[Peer] = [
        Ours(index), Ours(index, threads=2), Ours(index, plain=True), Bound(index), tree,
        Join(shapes),
    ]  # fmt: skip
    with ExitStack() as stack:
        if not few:
            racers += [Duck(shapes), Sedona(shapes)]
            racers += stack.enter_context(databases(list(index.codes), shapes))
        for kind in KINDS:
            one_race(kind, racers, points(kind, count, shapes))
    if few:
        print("  (DuckDB and SedonaDB index the grids anew with each question; --all asks them)")


def one_race(kind: str, racers: list[Peer], places: tuple[Degrees, Degrees]) -> None:
    """Let all peers answer for the same points, some for fewer of them, and print the rates."""
    lon, lat = places
    sizes = [_size(peer, lon, lat) for peer in racers]
    spent: list[list[tuple[float, float]]] = [[] for _ in racers]
    answers: list[Any] = [None] * len(racers)
    for _ in range(REPETITIONS):
        for number, (peer, size) in enumerate(zip(racers, sizes, strict=True)):
            peer.take(lon[:size], lat[:size])
            gc.collect()
            began, at_work = time.perf_counter(), time.process_time()
            answers[number] = peer.answer()
            spent[number].append((time.perf_counter() - began, time.process_time() - at_work))
    # points a second: by the clock, and by the time of one processor
    rates = np.array(sizes)[:, None] / np.median(spent, axis=1)
    yardstick = rates[[type(peer) is Tree for peer in racers]][0]
    bound = rates[[isinstance(peer, Bound) for peer in racers]][0]
    right = racers[0].owners(answers[0])
    print(f"  {kind} points, {len(lon):,}, load {os.getloadavg()[0]:.1f}:\n"
          f"    {'':34}{'by the clock':>34}{'by processor time':>36}\n"
          f"    {'':34}{'points':>10}{'M/s':>9}{'× STRtree':>11}{'bound ÷':>9}"
          f"{'M/s':>9}{'× STRtree':>11}{'bound ÷':>9}{'differing':>11}")  # fmt: skip
    for peer, size, rate, answer in zip(racers, sizes, rates, answers, strict=True):
        peer.take(lon[:size], lat[:size])
        apart = int((peer.owners(answer) != right[:size]).sum())
        cells = np.stack([rate / 1e6, rate / yardstick, bound / rate], axis=1)
        print(f"    {peer.name:34}{size:>10,}" + _cells(*cells[0])
              + (f"{'–':>29}" if isinstance(peer, PostGis) else _cells(*cells[1]))
              + f"{'–' if isinstance(peer, Bound) else format(apart, ','):>11}")  # fmt: skip


def _cells(rate: float, faster: float, slower: float) -> str:
    return f"{rate:>9.3f}{faster:>11.2f}{slower:>9.1f}"


def _size(peer: Peer, lon: Degrees, lat: Degrees) -> int:
    """Return for how many points a peer answers in the time that it has."""
    least = min(peer.least, len(lon))
    size = min(250, least)
    while True:
        peer.take(lon[:size], lat[:size])
        began = time.perf_counter()
        peer.answer()
        spent = time.perf_counter() - began
        if size == len(lon) or spent > SECONDS / 10:
            return int(min(len(lon), max(least, size * SECONDS / spent)))
        size = min(len(lon), size * 8)


# ---- one point ------------------------------------------------------------------------------


def one_by_one(index: GridIndex, shapes: Geometries) -> None:
    """Ask for one point at a time, in process."""
    print(f"  one point at a time, load {os.getloadavg()[0]:.1f}:\n"
          f"    {'':45}{'each point’s best of three':>27}{'the first time':>18}\n{'':49}"
          f"{'p50 µs':>9}{'p99 µs':>9}{'÷ tree':>9}{'p50 µs':>9}{'p99 µs':>9}")  # fmt: skip
    places = np.column_stack(points("uniform", ONE_BY_ONE, shapes)).tolist()
    tree = shapely.STRtree(shapes)
    yardstick = each(lambda x, y: tree.query(shapely.Point(x, y), predicate="intersects"), places)
    show("STRtree.query(Point), the yardstick", yardstick, yardstick)
    for how in ("compiled", "plain"):
        with ExitStack() as stack:
            if how == "plain":
                stack.enter_context(compiled.switched_off())
            show(f"owner, {how}", each(index.owner, places), yardstick)
            router = Router(index)
            inside = each(lambda x, y, r=router: r.place(x, y, "gcj02"), places[:5000])
            show(f"placement from gcj02, {how}", inside, yardstick)
            crossed = near_borders(index, shapes, 3000)
            show(f"the same, circle over a border, {how}", crossed, yardstick)


def near_borders(index: GridIndex, shapes: Geometries, count: int) -> NDArray[np.float64]:
    """Return how long placements take whose accuracy circle crosses a boundary, in µs."""
    at = shapely.get_coordinates(shapes)
    chosen = at[np.random.default_rng(2).integers(0, len(at), count)]
    lon, lat = convert(chosen[:, 0], chosen[:, 1], "cgcs2000", "gcj02")
    router = Router(index)
    accuracy = 15.0
    taken = each(
        lambda x, y: router.place(x, y, "gcj02", accuracy), np.column_stack([lon, lat]).tolist()
    )
    several = [len(router.place(x, y, "gcj02", accuracy).candidates) > 1
               for x, y in zip(lon[:200].tolist(), lat[:200].tolist(), strict=True)]  # fmt: skip
    if np.mean(several) < 0.9:
        print(f"    only {np.mean(several):.0%} of the circles cross a border")
    return taken


def each(work: Callable[[float, float], object], places: list[list[float]]) -> NDArray[np.float64]:
    """Return how many µs the work takes for each place, in three rounds after a warm-up."""
    for x, y in places[:200]:
        work(x, y)
    taken = np.empty((3, len(places)))
    clock = time.perf_counter_ns
    gc.disable()
    for round_of in taken:
        for number, (x, y) in enumerate(places):
            began = clock()
            work(x, y)
            round_of[number] = clock() - began
    gc.enable()
    return taken / 1e3


def show(what: str, taken: NDArray[np.float64], yardstick: NDArray[np.float64]) -> None:
    """Print how long one takes: at its best, when no other process came between, and at first."""
    best, first = np.percentile(taken.min(axis=0), (50, 99)), np.percentile(taken[0], (50, 99))
    ratio = best[0] / np.median(yardstick.min(axis=0))
    print(
        f"    {what:45}{best[0]:>9.2f}{best[1]:>9.2f}{ratio:>9.2f}{first[0]:>9.2f}{first[1]:>9.2f}"
    )


def timed(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Return the median of some runs in seconds, and the last result."""
    taken = []
    for _ in range(times):
        gc.collect()
        began = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken)), result


if __name__ == "__main__":
    main()
