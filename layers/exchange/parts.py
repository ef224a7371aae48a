"""Parquet in parts: a folder here, or one in an object store that fsspec opens."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa

from layers.errors import ExtraMissing, FileUnreadable

_ENDINGS: Final = (".parquet", ".geoparquet")
_UNFINISHED: Final = ".lianxin-part"
_WILD: Final = "*?["


class PartFolder(Protocol):
    """Where parts lie; their names are relative to it, with ``/`` between folders."""

    @property
    def address(self) -> str:
        """How it is called in a message."""

    @property
    def is_shared(self) -> bool:
        """Whether another process can see it."""

    def sizes(self) -> dict[str, int]:
        """Return the names of the parts in order, and their bytes."""

    def is_empty(self) -> bool:
        """Return whether nothing is there."""

    def has(self, name: str) -> bool:
        """Return whether a file is there."""

    def open(self, name: str) -> str | BinaryIO:
        """Return a part as Arrow opens it: a path, or a file that can seek."""

    def writing(self, name: str) -> Any:
        """Return a context that gives such a place to write to; the part appears when all is well.

        Whoever writes a part twice, at the same time even, leaves one whole part.
        """

    def clear_unfinished(self) -> None:
        """Remove what processes left that were ended while they wrote."""


def is_folder(address: Path | str) -> bool:
    """Return whether an address means parts, and not one file here.

    >>> is_folder("s3://bucket/points"), is_folder("points/*.parquet"), is_folder("points.csv")
    (True, True, False)
    """
    text = str(address)
    if "://" in text:
        return True
    path = Path(text)
    return path.is_dir() or (any(c in text for c in _WILD) and not path.exists())


def open_folder(address: Path | str) -> PartFolder:
    """Return the folder of an address, which may end in a pattern: ``folder/2025-*.parquet``."""
    text = str(address)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    base, pattern = _split_pattern(text.rstrip("/"))
    if pattern is None and base.lower().endswith(_ENDINGS) and not Path(base).is_dir():
        base, _, pattern = base.rpartition("/")
    if "://" in text:
        return StoreFolder(base, pattern)
    return LocalFolder(Path(base).absolute(), pattern)


def write_text(folder: PartFolder, name: str, text: str) -> None:
    """Write a small file beside the parts."""
    with folder.writing(name) as place:
        if isinstance(place, str):
            Path(place).write_text(text, encoding="utf-8")
        else:
            place.write(text.encode())


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, or one that every machine has mounted."""

    path: Path
    pattern: str | None = None
    is_shared = True

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.path)

    def sizes(self) -> dict[str, int]:
        """Return the names of the parts in order, and their bytes."""
        if not self.path.is_dir():
            raise FileUnreadable(f"There is no folder {self.path}.")
        found = self.path.glob(self.pattern) if self.pattern else self.path.rglob("*")
        names = {path.relative_to(self.path).as_posix(): path for path in found if path.is_file()}
        return {name: names[name].stat().st_size for name in sorted(names) if _is_part(name)}

    def is_empty(self) -> bool:
        """Return whether nothing is there."""
        return not self.path.is_dir() or not any(
            path for path in self.path.rglob("*") if not path.name.endswith(_UNFINISHED)
        )

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        return (self.path / name).is_file()

    def open(self, name: str) -> str:
        """Return a part's path."""
        path = self.path / name
        if not path.is_file():
            raise FileUnreadable(f"There is no file {path}.")
        return str(path)

    @contextmanager
    def writing(self, name: str) -> Iterator[str]:
        """Give a temporary path that becomes the part."""
        path = self.path / name
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield str(temporary)
            temporary.replace(path)
        except OSError as error:
            raise FileUnreadable(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            temporary.unlink(missing_ok=True)

    def clear_unfinished(self) -> None:
        """Remove what processes left that were ended while they wrote."""
        for path in self.path.rglob(f".*{_UNFINISHED}"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class StoreFolder:
    """A folder in an object store: ``s3://``, ``gs://``, ``memory://``, … as fsspec knows them."""

    address: str
    pattern: str | None = None

    @property
    def is_shared(self) -> bool:
        """Whether another process can see it: what lies in a process's memory, it cannot."""
        return not self.address.startswith("memory://")

    def sizes(self) -> dict[str, int]:
        """Return the names of the parts in order, and their bytes."""
        files, root = self._files(), self._root()
        files.invalidate_cache()
        with self._told():
            found = (
                files.glob(f"{root}/{self.pattern}", detail=True)
                if self.pattern
                else files.find(root, detail=True)
            )
        named = {
            path.removeprefix(root).strip("/"): about
            for path, about in found.items()
            if about["type"] == "file"
        }
        return {name: int(named[name]["size"]) for name in sorted(named) if _is_part(name)}

    def is_empty(self) -> bool:
        """Return whether nothing is there."""
        files = self._files()
        files.invalidate_cache()
        with self._told():
            return all(path.endswith(_UNFINISHED) for path in files.find(self._root()))

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        with self._told():
            return bool(self._files().isfile(self._path(name)))

    def open(self, name: str) -> BinaryIO:
        """Return a part as a file that can seek."""
        with self._told():
            file: BinaryIO = self._files().open(self._path(name), "rb")
        return file

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Give a file under a temporary name that becomes the part."""
        files = self._files()
        folder, _, last = self._path(name).rpartition("/")
        temporary = f"{folder}/.{last}.{secrets.token_hex(4)}{_UNFINISHED}"
        with self._told():
            try:
                files.makedirs(folder, exist_ok=True)
                with files.open(temporary, "wb") as file:
                    yield file
                files.mv(temporary, self._path(name))
            finally:
                with suppress(FileNotFoundError):
                    files.rm(temporary)

    def clear_unfinished(self) -> None:
        """Remove what processes left that were ended while they wrote."""
        files = self._files()
        for path in files.find(self._root()):
            if path.endswith(_UNFINISHED):
                files.rm(path)

    def _files(self) -> Any:
        try:
            import fsspec  # noqa: PLC0415 - an extra: only who uses an object store has it
        except ImportError as error:
            raise ExtraMissing(
                f"{self.address} lies in an object store, and what reads those is not installed. "
                "Install it with: pip install 'lianxin[cluster]'"
            ) from error
        try:
            return fsspec.url_to_fs(self.address)[0]
        except (ImportError, ValueError) as error:
            raise FileUnreadable(f"{self.address} cannot be opened: {error}.") from error

    def _root(self) -> str:
        return str(self._files()._strip_protocol(self.address)).rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root()}/{name}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in words what the store refuses."""
        try:
            yield
        except FileNotFoundError as error:
            raise FileUnreadable(f"There is no {error} in {self.address}.") from error
        except (OSError, pa.ArrowInvalid) as error:
            raise FileUnreadable(f"{self.address} cannot be used: {error}.") from error


def _split_pattern(text: str) -> tuple[str, str | None]:
    """Split an address before the first folder that has a wild card.

    >>> _split_pattern("a/b/*/c-?.parquet"), _split_pattern("a/b")
    (('a/b', '*/c-?.parquet'), ('a/b', None))
    """
    scheme, mark, rest = text.rpartition("://")
    steps = rest.split("/")
    for i, step in enumerate(steps):
        if any(c in step for c in _WILD):
            return f"{scheme}{mark}{'/'.join(steps[:i]) or ('.' if not mark else '')}", "/".join(
                steps[i:]
            )
    return text, None


def _is_part(name: str) -> bool:
    """Return whether a name is a part's: no marker of a finished run, nothing hidden."""
    hidden = any(step.startswith((".", "_")) for step in name.split("/"))
    return not hidden and name.lower().endswith(_ENDINGS)
