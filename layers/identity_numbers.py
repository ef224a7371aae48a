"""ID numbers (居民身份证号): one way to write each, so that equal ones are found.

The check digit is that of GB 11643-1999: ISO 7064, MOD 11-2.
"""

import re
import unicodedata
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"
_SHAPE: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_SHAPE_OF_OLD: Final = re.compile(r"[1-9][0-9]{14}")
_BETWEEN: Final = re.compile(r"[\s\-‐‑‒–—·.]+")


def normalise_id_number(text: str) -> str | None:
    """Return an ID number in 18 characters, whatever its width, blanks or age; None if it is none.

    A check digit that is wrong stays: whether it is right is another question.

    Examples
    --------
    >>> normalise_id_number("11010519491231002x")
    '11010519491231002X'
    >>> normalise_id_number("110105 491231 002"), normalise_id_number("1101051949")
    ('11010519491231002X', None)
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not plain.isascii():
        return None
    if _SHAPE.fullmatch(plain):
        return plain
    if _SHAPE_OF_OLD.fullmatch(plain):
        body = f"{plain[:6]}19{plain[6:]}"
        return body + check_digit(body)
    return None


def check_digit(body: str) -> str:
    """Return the last character that belongs to the first 17.

    >>> check_digit("11010519491231002")
    'X'
    """
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return _CHECK_DIGITS[total % 11]


def check_digit_fits(number: str) -> bool:
    """Whether a normalised number ends as its other digits demand."""
    return number[-1] == check_digit(number[:-1])
