"""What is compiled, where the optional extra ``lianxin[compiled]`` (numba) is installed.

Each module here is the faster twin of plain numpy code elsewhere in the core, and gives the same
answers to the last bit. Whoever has such a twin asks for it by name at each call:

    >>> from gis import compiled
    >>> with compiled.switched_off():
    ...     compiled.twin("owners") is None
    True

numba is imported on the first use, not with the core: it costs half a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_switched_off = False


def twin(name: str) -> ModuleType | None:
    """Return the compiled module of a name, or None where nothing is compiled."""
    return _module(name) if available() and not _switched_off else None


@lru_cache
def available() -> bool:
    """Return whether the extra is installed."""
    return find_spec("numba") is not None


@contextmanager
def switched_off() -> Iterator[None]:
    """Let everything in the block run without compiled code, in all threads."""
    global _switched_off  # noqa: PLW0603 - a switch for tests and benchmarks
    before, _switched_off = _switched_off, True
    try:
        yield
    finally:
        _switched_off = before


@lru_cache
def _module(name: str) -> ModuleType:
    return import_module(f"gis.compiled.{name}")
