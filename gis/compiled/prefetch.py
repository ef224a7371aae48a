"""Asking memory for something a while before it is needed."""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_INT32: Final = ir.IntType(32)
_TO_READ_SOON: Final = [ir.Constant(_INT32, number) for number in (0, 3, 1)]


def _prefetch(_typing: Any, array: Any, _place: Any) -> Any:
    """Begin to fetch the number at a place of an array, counted as if it were flat.

    The array is in C order. Nobody waits for it, and a place that is not there does no harm. LLVM's
    name for it: ``llvm.prefetch``.
    """

    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        kind = ir.FunctionType(ir.VoidType(), [address.type, _INT32, _INT32, _INT32])
        ask: Any = cgutils.get_or_insert_function
        builder.call(ask(builder.module, kind, "llvm.prefetch.p0i8"), [address, *_TO_READ_SOON])
        return context.get_dummy_value()

    return types.void(array, types.int64), written


_made: Any = intrinsic(_prefetch)
prefetch: Final[Callable[[Any, Any], None]] = _made
