"""The indexes of editions in files of the data folder: built by one process, opened by all."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from gis.errors import SnapshotInvalid
from gis.ownership import GridIndex
from layers.errors import DataFolderTaken
from layers.folder import claim

KEPT = 3
"""Snapshots that stay: the edition in force, the one before, the one about to come."""

_CURRENT = "edition"

_LOG = structlog.get_logger(__name__)


class Snapshots:
    """The snapshot files of one data folder.

    Parameters
    ----------
    data_dir : Path, optional
        Without one nothing is kept, and every process builds its own index.
    kind : str, optional
        Files of one kind don't push out those of another.

    Notes
    -----
    A file that is damaged, belongs to another edition or cannot be written is never a reason not
    to route: it is said in the log, and the index is built from the database.
    """

    def __init__(self, data_dir: Path | None = None, kind: str = _CURRENT) -> None:
        self._data_dir = data_dir
        self._kind = kind

    def former(self) -> "Snapshots":
        """Return the snapshots of editions that have ended, kept beside these."""
        return Snapshots(self._data_dir, "former")

    def index(self, edition: str, build: Callable[[GridIndex | None], GridIndex]) -> GridIndex:
        """Return the index of an edition: opened, or else built and kept for the others.

        Parameters
        ----------
        edition : str
            Names the edition and its content; a file that says another inside is not used.
        build : callable
            Makes the index, whose ``edition`` is the same, given the latest one of another edition
            if there is any: where little changed, most is taken over. Of several processes that
            need the index, one builds, and the others wait for its file.
        """
        if self._data_dir is None:
            return build(None)
        folder = self._data_dir / "snapshots"
        file = folder / f"{self._kind}-{edition}.grids"
        found = _open(file, edition)
        if found is None and self._kind != _CURRENT:
            found = _open(folder / f"{_CURRENT}-{edition}.grids", edition)
        if found is not None:
            return found
        try:
            claim(self._data_dir)
            folder.mkdir(mode=0o700, exist_ok=True)
            with _one_at_a_time(folder):
                found = _open(file, edition)
                if found is None:
                    build(_latest(folder)).save(file)
                    _sweep(folder, self._kind)
                    found = _open(file, edition)
        except (OSError, DataFolderTaken) as problem:
            _LOG.warning("snapshot_not_kept", problem=str(problem))
        return build(None) if found is None else found


def _open(file: Path, edition: str) -> GridIndex | None:
    try:
        index = GridIndex.load(file)
    except FileNotFoundError:
        return None
    except (OSError, SnapshotInvalid) as problem:
        _LOG.warning("snapshot_refused", file=file.name, problem=str(problem))
        return None
    if index.edition != edition:
        _LOG.warning("snapshot_refused", file=file.name, problem=f"it is of {index.edition}")
        return None
    return index


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process after the other into the block; a dead one holds up nobody."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _by_age(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*.grids"), key=lambda file: file.stat().st_mtime_ns)


def _latest(folder: Path) -> GridIndex | None:
    for file in _by_age(folder, _CURRENT)[-1:]:
        with suppress(OSError, SnapshotInvalid):
            return GridIndex.load(file)
    return None


def _sweep(folder: Path, kind: str) -> None:
    """Remove all but the latest; whoever has one mapped keeps what it has."""
    for file in _by_age(folder, kind)[:-KEPT]:
        file.unlink(missing_ok=True)
