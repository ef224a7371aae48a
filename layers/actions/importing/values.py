"""Columns of a file read as text, codes, counts, numbers, words of a vocabulary, or instants."""

from __future__ import annotations  # a Series has a type parameter only for type checkers

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from layers.actions.importing.instants import Calendar, read_instants
from layers.exchange.fields import FieldKind, FieldSpec
from layers.models.base import CODE_LENGTH

SMALLINT_MAX = 32_767

_ANY_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WHOLE_NUMBER = r"^\+?-?[0-9]{1,15}(\.0*)?$"


@dataclass(frozen=True)
class Column:
    """A field's values as stored, null where empty, and which of them cannot be, and why."""

    values: pa.Array
    bad: NDArray[np.bool_]
    reason: str


def read_column(raw: pd.Series[Any], spec: FieldSpec, calendar: Calendar) -> Column:
    """Read a file's column as ``spec`` says; a bad value becomes null and is marked."""
    text = as_text(raw)
    match spec.kind:
        case FieldKind.CODE:
            return _codes(text, spec)
        case FieldKind.COUNT:
            return _counts(text, spec)
        case FieldKind.NUMBER:
            return _numbers(text, spec)
        case FieldKind.CHOICE:
            return _choices(text, spec)
        case FieldKind.INSTANT:
            instants, bad = read_instants(text, spec.name, calendar)
            return Column(instants, bad, f"{spec.name} is not a date or time that can be read")
        case FieldKind.TEXT:
            bad = _truth(pc.match_substring(text, "\0"))
            return Column(_without(text, bad), bad, f"{spec.name} contains a NUL character")


def as_text(raw: pd.Series[Any]) -> pa.Array:
    """Write values as a person would: trimmed, whole numbers without a point, empty as null."""
    if pd.api.types.is_float_dtype(raw.dtype):
        array = pa.array([_written(value) for value in raw], type=pa.large_string())
    elif pd.api.types.is_integer_dtype(raw.dtype):
        array = pa.array(raw, from_pandas=True).cast(pa.large_string())
    else:
        array = _text_of_objects(raw)
    trimmed = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)


def _text_of_objects(raw: pd.Series[Any]) -> pa.Array:
    try:
        array = pa.array(raw, from_pandas=True)
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            return array.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        pass  # mixed types, or text that is no Unicode: value by value then
    return pa.array([_written(value) for value in raw], type=pa.large_string())


def _written(value: Any) -> str | None:
    """Write one value; what is no Unicode is shown by question marks."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        if np.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _codes(text: pa.Array, spec: FieldSpec) -> Column:
    """Accept visible characters and plain spaces between them."""
    good = pc.and_(pc.utf8_is_printable(text), pc.less_equal(pc.utf8_length(text), CODE_LENGTH))
    bad = _truth(pc.invert(good))
    reason = f"{spec.name} is not a code: at most {CODE_LENGTH} visible characters"
    return Column(_without(text, bad), bad, reason)


def _counts(text: pa.Array, spec: FieldSpec) -> Column:
    bad = _truth(pc.invert(pc.match_substring_regex(text, _WHOLE_NUMBER)))
    whole = pc.replace_substring_regex(_without(text, bad), r"^\+|\..*$", "")
    numbers = whole.cast(pa.int64())
    least = 0 if spec.least is None else spec.least
    most = SMALLINT_MAX if spec.most is None else spec.most
    outside = pc.or_(pc.less(numbers, int(least)), pc.greater(numbers, int(most)))
    bad = bad | _truth(outside)
    reason = f"{spec.name} is not a whole number from {least:g} to {most:g}"
    return Column(_without(numbers, bad).cast(pa.int16()), bad, reason)


def _numbers(text: pa.Array, spec: FieldSpec) -> Column:
    bad = _truth(pc.invert(pc.match_substring_regex(text, _ANY_NUMBER)))
    numbers = _without(text, bad).cast(pa.float64())
    bad = bad | _truth(pc.invert(pc.is_finite(numbers)))
    if spec.least is not None:
        bad = bad | _truth(pc.less(numbers, float(spec.least)))
    limit = "" if spec.least is None else f" of at least {spec.least:g}"
    return Column(_without(numbers, bad), bad, f"{spec.name} is not a number{limit}")


def _choices(text: pa.Array, spec: FieldSpec) -> Column:
    encoded = pc.utf8_lower(text).dictionary_encode()
    known = [spec.choices.get(word) for word in encoded.dictionary.to_pylist()]
    words = pa.array(known, type=pa.large_string()).take(encoded.indices)
    bad = _truth(pc.and_(pc.is_valid(text), pc.is_null(words)))
    accepted = ", ".join(dict.fromkeys(spec.choices.values()))
    return Column(words, bad, f"{spec.name} is none of: {accepted}")


def _truth(mask: pa.Array) -> NDArray[np.bool_]:
    """Turn an Arrow mask into NumPy; unknown counts as false."""
    truth: NDArray[np.bool_] = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return truth


def _without(values: pa.Array, bad: NDArray[np.bool_]) -> pa.Array:
    if not bad.any():
        return values
    return pc.if_else(pa.array(bad), pa.scalar(None, values.type), values)
