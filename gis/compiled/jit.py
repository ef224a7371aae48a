"""The one way in which functions are compiled."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, Final, TypeVar

import numba

import gis

Function = TypeVar("Function", bound=Callable[..., Any])

_SOURCES: Final = tuple(
    (str(path), path.stat().st_mtime_ns, path.stat().st_size)
    for path in sorted(Path(gis.__path__[0]).rglob("*.py"))
)
"""What stored machine code was made of: a function's own file, and all it may call or count on."""


def jit(function: Function, *, inline: bool = False) -> Function:
    """Compile a function on its first call, and keep the machine code beside its source.

    The interpreter's lock is let go while it runs. Arithmetic is IEEE's, never reordered: the
    owner of a point depends on it. What is put ``inline`` into its callers lets a loop over it
    work on several numbers at once.
    """
    options: Any = {"nogil": True, "error_model": "numpy", "forceinline": inline}
    try:
        compiled: Any = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it: compiled anew by each process
        compiled = numba.njit(**options)(function)
    else:
        # by itself numba looks at the function's own file only, and would keep using stale code
        # after a change, or an update, of what the function calls
        compiled._cache._cache_file._source_stamp = _SOURCES
    return compiled  # type: ignore[no-any-return] # a dispatcher, called as the function is


inlined: Final = partial(jit, inline=True)
"""For what is called once a point, or has too many arrays to be handed on each time."""


def twin_of(function: Function, *, inline: bool = False, **called: Callable[..., Any]) -> Function:
    """Compile a function of plain Python as it stands, with compiled ones for those it calls.

    Parameters
    ----------
    inline : bool
        As for :func:`jit`.
    called : callable
        By the names under which the function knows them.
    """
    assert isinstance(function, FunctionType)  # noqa: S101 - it has code and names
    names = {**function.__globals__, **called}
    copy: Any = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    return jit(copy, inline=inline)  # type: ignore[no-any-return] # the same function, compiled
