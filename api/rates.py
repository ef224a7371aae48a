"""How often somebody may ask: a bucket of tokens each, in the memory of one process."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Final

KEYS_MAX: Final = 20_000
"""Buckets kept at once; the one asked least lately, and so the fullest, gives way."""


class Buckets:
    """A bucket for each key, which holds a minute's worth and fills again as time goes by.

    Examples
    --------
    >>> now = 0.0
    >>> buckets = Buckets(2, clock=lambda: now)
    >>> [buckets.wait_s("wang") for _ in range(3)]
    [0.0, 0.0, 30.0]
    >>> buckets.wait_s("li")
    0.0
    """

    def __init__(
        self,
        per_minute: int,
        *,
        keys_max: int = KEYS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_minute = per_minute
        self._keys_max = keys_max
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets there are."""
        return len(self._left)

    def wait_s(self, key: str) -> float:
        """Take a token and return 0, or return after how many seconds there will be one."""
        now = self._clock()
        left, then = self._left.get(key, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
        waits = left < 1
        self._left[key] = (left if waits else left - 1, now)
        self._left.move_to_end(key)
        if len(self._left) > self._keys_max:
            self._left.popitem(last=False)
        return (1 - left) * 60 / self.per_minute if waits else 0.0


@lru_cache(maxsize=4096)
def origin_of(address: str) -> str:
    """Return what counts as one address: an IPv6 client has a whole /64 to choose from.

    Examples
    --------
    >>> origin_of("192.0.2.7"), origin_of("2001:db8::1:2"), origin_of("::ffff:192.0.2.7")
    ('192.0.2.7', '2001:db8::/64', '192.0.2.7')
    """
    found = _read(address)
    if found is None or found.version == 4:
        return address if found is None else str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Tell whether an address is of this machine."""
    found = _read(address)
    return found is not None and found.is_loopback


class Proxies:
    """The machines whose word is taken on for whom they ask."""

    def __init__(self, trusted: str) -> None:
        """``trusted`` are addresses and networks with commas between; ValueError names the bad."""
        parts = [part.strip() for part in trusted.split(",") if part.strip()]
        self._networks = [ipaddress.ip_network(part, strict=False) for part in parts]

    def trusts(self, address: str) -> bool:
        """Tell whether an address is one of them."""
        found = _read(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """Return who asks: the last in ``X-Forwarded-For`` that is none of the proxies.

        Whatever stands before that was written by a stranger.

        Examples
        --------
        >>> Proxies("10.0.0.0/8").client("10.0.0.1", "1.1.1.1, 198.51.100.9, 10.0.0.2")
        '198.51.100.9'
        >>> Proxies("10.0.0.0/8").client("203.0.113.5", "1.1.1.1")
        '203.0.113.5'
        """
        asking = peer
        for named in reversed(forwarded[-1000:].split(",")):
            if not self.trusts(asking):
                break
            found = _read(named.strip())
            if found is None:
                break
            asking = str(found)
        return asking


def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
