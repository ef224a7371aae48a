import os
import subprocess
import sys
from pathlib import Path

import gis

ASK = """
import numpy as np, shapely
from gis.ownership import GridIndex
index = GridIndex(["A"], np.array([shapely.box(0, 0, 1, 1)]))
assert index.owner(0.5, 0.5) == "A"
from gis.compiled import single
print(sum(single.owner.stats.cache_hits.values()), sum(single.owner.stats.cache_misses.values()))
"""


def ask(environment: dict[str, str]) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


def test_machine_code_is_kept_until_any_source_of_the_core_changes(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert ask(environment) == [0, 1]
    assert ask(environment) == [1, 0]
    other = Path(gis.__path__[0]) / "exact.py"
    before = other.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    try:
        assert ask(environment) == [0, 1]
    finally:
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_where_machine_code_cannot_be_kept_it_is_made_all_the_same() -> None:
    nowhere = "from numba.core.caching import CompileResultCacheImpl as C; C._locator_classes = []"
    done = subprocess.run(
        [sys.executable, "-c", nowhere + ASK], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == "0"
