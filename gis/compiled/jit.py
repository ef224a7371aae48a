"""The one way in which functions are compiled."""

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function, *, inline: bool = False) -> Function:
    """Compile a function on its first call, and keep the machine code beside its source.

    The interpreter's lock is let go while it runs. Arithmetic is IEEE's, never reordered: the
    owner of a point depends on it. What is put ``inline`` into its callers lets a loop over it
    work on several numbers at once.
    """
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=inline)(
        function
    )
    return compiled  # type: ignore[no-any-return] # a dispatcher, called as the function is


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
