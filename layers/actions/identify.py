"""Who sends a request: found by its token, from memory nearly always."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from layers.actions.openid import OpenId, Provider
from layers.actions.tokens import (
    ACCESS_LIFE,
    Claims,
    find_viewer,
    hash_secret,
    is_signed_here,
    read_access,
)
from layers.errors import SignInRefused
from layers.secrets import SigningKeys
from layers.session import Database
from layers.settings import Settings
from layers.store import accounts
from layers.viewer import SYSTEM, Viewer, seen_by

MEMORY_S: Final = 5.0
"""For so long at most a token that was revoked, or whose account was disabled, still works."""

_REMEMBERED: Final = 4096
_EXPIRED: Final = "The token has expired. Refresh it, or sign in again."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who looks, until when; ``chart`` is the only one that a kiosk shows."""

    viewer: Viewer
    expires_at: float
    chart: str | None = None


class Identities:
    """The tokens that one process knows.

    An access token is verified by its signature, and against the families that were revoked while
    such a token may live; those are read again after 5 s. A session or kiosk token is
    looked up, and remembered for 5 s.

    Parameters
    ----------
    database : Database
        Where tokens are.
    keys : SigningKeys
        That sign access tokens.
    openid : OpenId, optional
        Reads another issuer's tokens.
    clock : callable, optional
        Seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        keys: SigningKeys,
        clock: Callable[[], float] = time.time,
        openid: OpenId | None = None,
    ) -> None:
        self.keys = keys
        self._database = database
        self._clock = clock
        self._openid = openid
        self._verified: Callable[[str], Claims] = lru_cache(_REMEMBERED)(
            lambda token: read_access(keys, token)
        )
        self._revoked: frozenset[UUID] = frozenset()
        self._revoked_at = -math.inf
        self._known: dict[bytes, tuple[Identity, float]] = {}
        self._lock = threading.Lock()

    def known(self, token: str) -> Identity | None:
        """Return who sends a token, or None if the database has to be asked.

        Raises
        ------
        SignInRefused
            It is no token of ours, or holds no longer.
        """
        now = self._clock()
        if self._signed_here(token):
            claims = self._verified(token)
            if claims.expires_at <= now:
                raise SignInRefused(_EXPIRED)
            if not 0 <= now - self._revoked_at < MEMORY_S:
                return None
            if claims.family in self._revoked:
                raise SignInRefused("The token was revoked. Sign in again.")
            return Identity(claims.viewer, claims.expires_at)
        found = self._known.get(hash_secret(token))
        if found is None or not 0 <= now - found[1] < MEMORY_S:
            return None
        if found[0].expires_at <= now:
            raise SignInRefused(_EXPIRED)
        return found[0]

    def ask(self, token: str) -> Identity:
        """Return who sends a token, asking the database for what is not known.

        Raises
        ------
        SignInRefused, DatabaseUnreachable, DatabaseBusy
            It is none, or holds no longer; or that cannot be told now.
        """
        if self._signed_here(token):
            with self._lock:  # of many that come at once, one asks
                found = self.known(token)
                if found is None:
                    self._read_revoked()
            return found or self._at_hand(token)
        return self._look_up(token)

    def forget(self) -> None:
        """Ask the database anew for whoever comes next: something was revoked here."""
        self._known.clear()
        self._revoked_at = -math.inf

    def _signed_here(self, token: str) -> bool:
        return token.count(".") == 2 and (self._openid is None or is_signed_here(token))

    def _at_hand(self, token: str) -> Identity:
        claims = self._verified(token)
        if claims.family in self._revoked:
            raise SignInRefused("The token was revoked. Sign in again.")
        return Identity(claims.viewer, claims.expires_at)

    def _read_revoked(self) -> None:
        now = self._clock()
        since = datetime.fromtimestamp(now, UTC) - ACCESS_LIFE - timedelta(minutes=1)
        with seen_by(SYSTEM), self._database.transaction() as session:
            self._revoked = frozenset(session.scalars(accounts.revoked_since(since)))
        self._revoked_at = now

    def _look_up(self, token: str) -> Identity:
        now = self._clock()
        claims = None
        if self._openid is not None and token.count(".") == 2:
            claims = self._openid.read(token, now)
        with seen_by(SYSTEM), self._database.transaction() as session:
            if self._openid is not None and claims is not None:
                who = self._openid.viewer(session, claims)
                found = Identity(who, float(claims["exp"]))
            else:
                at = datetime.fromtimestamp(now, UTC)
                who, _, chart, until = find_viewer(session, token, at)
                found = Identity(who, until.timestamp(), chart)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[hash_secret(token)] = found, now
        return found


def identities_of(settings: Settings, database: Database) -> Identities:
    """Return the tokens that a process takes by its settings; nothing is opened or fetched yet."""
    openid = None
    if settings.oidc_issuer is not None:
        openid = OpenId(
            Provider(
                settings.oidc_issuer, settings.oidc_audience,
                settings.oidc_role_claim, settings.oidc_area_claim,
            )
        )  # fmt: skip
    return Identities(database, SigningKeys(settings), openid=openid)
