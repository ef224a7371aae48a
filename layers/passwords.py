"""Passwords: which are taken, and how they are kept (argon2id).

The rules follow NIST SP 800-63B: length and a list of what is guessed first, no rules about kinds
of characters, no expiry. Its fourth revision asks for 15 characters where a password is all that
there is, as here, and 8 beside a second factor. We ask for 12: handhelds are typed on out of doors,
attempts to sign in are slowed down, and hashes cost 64 MiB each to try; ``SHORTEST`` is where a
place that disagrees changes it. https://pages.nist.gov/800-63-4/sp800-63b.html
"""

import csv
import re
import secrets
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from layers.errors import PasswordRefused

SHORTEST: Final = 12
LONGEST: Final = 256

HASHER: Final = PasswordHasher()
"""Argon2id with the parameters of RFC 9106's second choice (64 MiB, 3 passes)."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_OURS: Final = ("lianxin", "连心", "wangge", "网格", "shequ", "社区")
_SWAPPED: Final = str.maketrans("@4013$5", "aaoiess")


def normalized(password: str) -> str:
    """Return a password as it is hashed: the same characters typed on any keyboard are the same.

    Examples
    --------
    >>> normalized("ｐａｓｓ１２３")
    'pass123'
    """
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, account: str, display_name: str = "") -> None:
    """Make sure that a password may be taken.

    Parameters
    ----------
    password : str
        Any characters, spaces and Chinese included; each counts as one.
    account, display_name : str
        Whose it is: it may not be made of these.

    Raises
    ------
    PasswordRefused
        It is shorter than 12 or longer than 256 characters, or among those that are guessed
        first. The message says which, and doesn't repeat it.

    Examples
    --------
    >>> check_password("four green lamps", "worker")
    >>> check_password("password1234", "worker")
    Traceback (most recent call last):
    layers.errors.PasswordRefused: The password is among those that are guessed first. Take another\
 one: three or four words that don't belong together are easy to remember.
    """
    plain = normalized(password)
    if len(plain) < SHORTEST:
        raise PasswordRefused(f"The password has fewer than {SHORTEST} characters.")
    if len(plain) > LONGEST:
        raise PasswordRefused(f"The password has more than {LONGEST} characters.")
    if _is_guessed_first(plain.casefold(), (account.casefold(), display_name.casefold())):
        raise PasswordRefused(
            "The password is among those that are guessed first. Take another one: three or four "
            "words that don't belong together are easy to remember."
        )


def hash_password(password: str) -> str:
    """Return the hash to be stored; it says how it was made, and has a salt of its own."""
    return HASHER.hash(normalized(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether a password is the one that was hashed.

    Where there is no account, ``stored`` is None and a hash of nobody's is tried: that takes as
    long, so that an answer's time does not tell which names exist.
    """
    try:
        right = HASHER.verify(stored or _nobodys_hash(), normalized(password)[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def needs_new_hash(stored: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def random_password() -> str:
    """Return a password that is read out and typed easily: 79 bits in groups of four."""
    letters = [secrets.choice(_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 16, 4))


@cache
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_urlsafe(32))


def _is_guessed_first(plain: str, names: tuple[str, ...]) -> bool:
    """Tell whether nothing is left once what everybody tries is taken away."""
    if len(set(plain)) < 5:
        return True
    words = sorted({*_guessed(), *_OURS, *(n for n in names if len(n) > 2)}, key=len, reverse=True)
    for tried in (plain, plain.translate(_SWAPPED)):
        rest = tried
        for word in words:
            rest = rest.replace(word, "\0")
        if len(re.sub(r"\0|[\W\d_]", "", rest)) < 3 and "\0" in rest:
            return len(re.sub(r"\0|[\W_]", "", rest)) < 6
    return False


@cache
def _guessed() -> frozenset[str]:
    with (files("data") / "guessed_passwords.csv").open(encoding="utf-8") as lines:
        return frozenset(row["text"] for row in csv.DictReader(lines))
