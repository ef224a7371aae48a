import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import structlog
import structlog.testing

from gis.ownership import GridIndex
from layers.snapshots import KEPT, Snapshots


class Build:
    """Builds a small index, and counts how often it had to."""

    def __init__(self, edition: str, codes: str = "AB") -> None:
        self.edition, self.codes, self.count = edition, codes, 0
        self.previous: GridIndex | None = None

    def __call__(self, previous: GridIndex | None) -> GridIndex:
        self.count += 1
        self.previous = previous
        boxes = [shapely.box(x, 0, x + 1, 1) for x in range(len(self.codes))]
        return GridIndex(list(self.codes), np.array(boxes), edition=self.edition, previous=previous)


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "data")


def only_file(folder: Path) -> Path:
    [file] = (folder / "data" / "snapshots").glob("*.grids")
    return file


def test_an_index_is_built_once_and_then_opened(snapshots: Snapshots, tmp_path: Path) -> None:
    build = Build("7-abc")
    first, second = snapshots.index("7-abc", build), snapshots.index("7-abc", build)
    assert build.count == 1
    for index in (first, second):
        assert (index.edition, index.owner(1.5, 0.5)) == ("7-abc", "B")
    assert only_file(tmp_path).parent.stat().st_mode & 0o777 == 0o700  # nobody else may enter


@pytest.fixture
def log() -> Iterator[list[Any]]:
    """What is logged, at every level, however other tests have set it up."""
    before = structlog.get_config()
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as lines:
        yield lines
    structlog.configure(**before)


def test_a_damaged_file_is_said_and_built_anew(
    snapshots: Snapshots, tmp_path: Path, log: list[Any]
) -> None:
    build = Build("7-abc")
    snapshots.index("7-abc", build)
    file = only_file(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    assert snapshots.index("7-abc", build).owner(0.5, 0.5) == "A"
    assert build.count == 2
    assert "snapshot_refused" in [line["event"] for line in log]
    assert snapshots.index("7-abc", build).owner(0.5, 0.5) == "A"
    assert build.count == 2


@pytest.mark.parametrize("content", [b"", b"not a snapshot at all", bytes(5000)])
def test_a_foreign_file_is_built_over(snapshots: Snapshots, tmp_path: Path, content: bytes) -> None:
    snapshots.index("7-abc", Build("7-abc"))
    only_file(tmp_path).write_bytes(content)
    assert snapshots.index("7-abc", Build("7-abc")).owner(0.5, 0.5) == "A"


def test_a_file_of_another_edition_is_never_used(snapshots: Snapshots, tmp_path: Path) -> None:
    snapshots.index("7-abc", Build("7-abc", "XY"))
    file = only_file(tmp_path)
    file.rename(file.with_name("edition-8-def.grids"))
    found = snapshots.index("8-def", Build("8-def"))
    assert (found.edition, found.owner(0.5, 0.5)) == ("8-def", "A")


def test_what_is_the_same_is_taken_from_the_latest_file(snapshots: Snapshots) -> None:
    snapshots.index("1-a", Build("1-a"))
    build = Build("2-b", "ABC")
    assert snapshots.index("2-b", build).owner(2.5, 0.5) == "C"
    assert build.previous is not None
    assert build.previous.edition == "1-a"


def test_old_files_go_and_what_was_opened_still_answers(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    oldest = snapshots.index("1-a", Build("1-a"))
    for number in range(2, KEPT + 3):
        snapshots.index(f"{number}-a", Build(f"{number}-a"))
    left = {file.name for file in (tmp_path / "data" / "snapshots").glob("*")}
    assert left == {f"edition-{number}-a.grids" for number in range(3, KEPT + 3)}
    assert oldest.owner(0.5, 0.5) == "A"


def test_of_many_that_need_it_one_builds(snapshots: Snapshots) -> None:
    build = Build("7-abc")
    found: list[GridIndex] = []
    threads = [
        threading.Thread(target=lambda: found.append(snapshots.index("7-abc", build)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert build.count == 1
    assert [index.owner(1.5, 0.5) for index in found] == ["B"] * 6


def test_where_nothing_may_be_written_routing_goes_on(tmp_path: Path, log: list[Any]) -> None:
    (tmp_path / "thesis.docx").touch()
    assert Snapshots(tmp_path).index("7-abc", Build("7-abc")).owner(0.5, 0.5) == "A"
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.docx"]
    assert "thesis.docx" in str(log)


def test_without_a_folder_nothing_is_kept() -> None:
    build = Build("7-abc")
    for _ in range(2):
        assert Snapshots().index("7-abc", build).owner(0.5, 0.5) == "A"
    assert build.count == 2
