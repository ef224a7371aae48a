"""What the tests of accounts share: quick hashes, a count of them, and a place with accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher

from layers import passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four green lamps"  # noqa: S105 - of the tests' accounts
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Counting:
    """Verifies as the quick hasher does, and counts how often."""

    def __init__(self) -> None:
        self.verified = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(QUICK, name)

    def verify(self, stored: str, given: str) -> bool:
        self.verified += 1
        return QUICK.verify(stored, given)


@contextmanager
def quick_hashes() -> Iterator[Counting]:
    """Hash in microseconds for as long as the block lasts."""
    counting = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", counting)
        passwords._nobodys_hash.cache_clear()
        yield counting
    passwords._nobodys_hash.cache_clear()
