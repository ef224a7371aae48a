"""The one way in which functions are compiled."""

from collections.abc import Callable
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
