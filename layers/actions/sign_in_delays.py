"""How long to wait before the next attempt to sign in: guessing is slow, and nobody is shut out.

Failures are counted for each account and address together, for each address, and for each account.
All waits end by themselves. An account from which somebody signed in at the same address within a
month waits for the failures of that pair alone: whoever guesses elsewhere, or at other accounts
from a shared address, does not keep a colleague out.
"""

import hashlib
import ipaddress
import math
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select

from layers.errors import SignInTooSoon
from layers.models import SignInAttempt
from layers.session import Database
from layers.store import accounts

WINDOW: Final = timedelta(minutes=15)
REMEMBERED: Final = timedelta(days=30)


@dataclass(frozen=True)
class Pace:
    """After ``free`` failures each one doubles the wait, from a second up to ``longest_s``."""

    free: int
    longest_s: int

    def wait_s(self, failures: int) -> int:
        """Return how many seconds after the last failure the next attempt may come.

        Examples
        --------
        >>> [Pace(5, 300).wait_s(failures) for failures in (0, 4, 5, 8, 100)]
        [0, 0, 1, 8, 300]
        """
        if failures < self.free:
            return 0
        return min(1 << min(failures - self.free, 20), self.longest_s)


PAIR: Final = Pace(free=5, longest_s=300)
ADDRESS: Final = Pace(free=30, longest_s=60)
ACCOUNT: Final = Pace(free=20, longest_s=30)


def begin_attempt(database: Database, account: str, address: str, now: datetime) -> int:
    """Note an attempt as failed, until ``attempt_succeeded`` says otherwise; return its number.

    It is noted before the password is looked at, so that many guesses at once are counted too.

    Raises
    ------
    SignInTooSoon
        The last failure is not long enough ago. This attempt is not counted, and the password
        was not looked at.
    """
    hashed, origin = account_hash(account), _origin(address)
    with database.transaction() as session:
        for kept in (hashed, origin.encode()):
            number = int.from_bytes(hashlib.sha256(kept).digest()[:8], "big", signed=True)
            session.execute(select(func.pg_advisory_xact_lock(number)))
        counted = session.execute(accounts.failures(hashed, origin, now - WINDOW)).one()
        wait_s = _wait_s(counted, now)
        if wait_s > 0:
            raise SignInTooSoon(
                f"Too many attempts to sign in have failed. Try again in {wait_s} s.", wait_s
            )
        attempt = SignInAttempt(account_hash=hashed, address=origin, at=now, succeeded=False)
        session.add(attempt)
        session.flush()
        return attempt.id


def attempt_succeeded(session: Any, number: int, now: datetime) -> None:
    """Note that an attempt succeeded, and forget those that are too old to count."""
    session.get_one(SignInAttempt, number).succeeded = True
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - REMEMBERED))


def account_hash(account: str) -> bytes:
    """Return what is kept of a name that was typed: it may be a password in the wrong field."""
    plain = unicodedata.normalize("NFKC", account).strip().casefold()
    return hashlib.sha256(b"lianxin sign-in\0" + plain.encode("utf-8", "replace")).digest()


def _wait_s(counted: Any, now: datetime) -> int:
    paces = [(PAIR, counted.pair_count, counted.pair_last)]
    if not counted.known:
        paces += [
            (ADDRESS, counted.address_count, counted.address_last),
            (ACCOUNT, counted.account_count, counted.account_last),
        ]
    return max(
        math.ceil((last - now).total_seconds() + pace.wait_s(failures)) if last else 0
        for pace, failures, last in paces
    )


def _origin(address: str) -> str:
    """Return an address as it is counted: of IPv6 the network, in which anybody has millions."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.ip_network((found, 64), strict=False))
