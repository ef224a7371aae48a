"""The one way in which functions are compiled."""

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile a function on its first call, and keep the machine code beside its source.

    The interpreter's lock is let go while it runs. Arithmetic is IEEE's, never reordered: the
    owner of a point depends on it.
    """
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled  # type: ignore[no-any-return] # a dispatcher, called as the function is


def twin_of(function: Function, **called: Callable[..., Any]) -> Function:
    """Compile a function of plain Python as it stands, with compiled ones for those it calls.

    Parameters
    ----------
    called : callable
        By the names under which the function knows them.
    """
    assert isinstance(function, FunctionType)  # noqa: S101 - it has code and names
    names = {**function.__globals__, **called}
    copy: Any = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    return jit(copy)  # type: ignore[no-any-return] # the same function, compiled
