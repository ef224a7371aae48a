"""Signing in by OpenID Connect: somebody else's tokens, their claims read as role and area.

The issuer's keys are fetched when the first such token comes, never at start, and kept. A token
with a key that isn't known has them fetched again, but no more than every half minute, so that
made-up tokens don't make us ask without end.
"""

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from sqlalchemy.orm import Session

from layers.actions.accounts import path_of
from layers.errors import IssuerUnreachable, SignInRefused
from layers.viewer import Viewer
from layers.vocabulary import Role

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signed with a key that only the issuer has: never one that verifies and signs alike."""

ASKED_AGAIN_S: Final = 30.0
KEPT_S: Final = 3600.0
_LOCAL: Final = ("127.0.0.1", "::1", "localhost")
_TIMEOUT_S: Final = 5.0
_LARGEST: Final = 1 << 20
_EVERYWHERE: Final = "*"
_MAJOR: Final = re.compile("[0-9]{2}")

Fetch = Callable[[str], Any]


@dataclass(frozen=True)
class Provider:
    """Whose tokens are taken, for whom they must be, and in which claims role and area are."""

    issuer: str
    audience: str
    role_claim: str
    area_claim: str


def fetch_json(url: str) -> Any:
    """Return what an address serves as JSON.

    Raises
    ------
    IssuerUnreachable
        Nobody answers in five seconds, or not with JSON of less than a mebibyte.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise IssuerUnreachable(f"{url} is not asked: it must begin with https://.")
    try:
        # The scheme was checked above.
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 # nosec B310
            return json.loads(answer.read(_LARGEST))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise IssuerUnreachable(f"{url} does not answer as it should: {reason}.") from None


class OpenId:
    """Reads the tokens of one issuer.

    Parameters
    ----------
    provider : Provider
        The issuer and what its claims mean.
    fetch : callable, optional
        Gets JSON from an address.
    ticks : callable, optional
        Seconds that only go forward.
    """

    def __init__(
        self,
        provider: Provider,
        fetch: Fetch = fetch_json,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._fetch = fetch
        self._ticks = ticks
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._lock = threading.Lock()

    def read(self, token: str, now: float) -> Mapping[str, Any]:
        """Return a token's claims, once its signature, issuer, audience and time are verified.

        Raises
        ------
        SignInRefused
            One of them is not right.
        IssuerUnreachable
            The issuer's keys cannot be had.
        """
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token, key, list(ALGORITHMS),
                issuer=self._provider.issuer, audience=self._provider.audience,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False,
                         "verify_iat": False, "verify_nbf": False},
            )  # fmt: skip
            if float(claims["exp"]) <= now or float(claims.get("nbf", 0)) > now:
                raise SignInRefused("The token has expired, or does not hold yet.")
        except (jwt.PyJWTError, TypeError, ValueError):
            raise SignInRefused("The token is not one of the issuer's for this service.") from None
        return claims

    def viewer(self, session: Session, claims: Mapping[str, Any]) -> Viewer:
        """Return who looks: the role as it is named here, the area by its code, ``*`` everywhere.

        Raises
        ------
        SignInRefused
            The claims name no role, or no area that there is.
        """
        asked = claims.get(self._provider.role_claim)
        role = next((each for each in Role if each is not Role.SYSTEM and each == asked), None)
        code = claims.get(self._provider.area_claim)
        if role is None or not isinstance(code, str):
            raise SignInRefused("The token names no role and area of this service.")
        path = path_of(session, None if code == _EVERYWHERE else code.replace("\0", ""), role)
        majors = _majors(claims.get("majors"))
        if path is None or (role is Role.DEPARTMENT) != (majors is not None):
            raise SignInRefused("The role, area and categories of the token don't go together.")
        return Viewer(f"openid:{claims['sub']}", role, path, majors)

    def _key(self, kid: str | None) -> jwt.PyJWK:
        with self._lock:
            age = None if self._fetched_at is None else self._ticks() - self._fetched_at
            stale = age is None or age > (KEPT_S if kid in self._keys else ASKED_AGAIN_S)
            if stale:
                self._fetch_keys(needed=kid not in self._keys)
            key = self._keys.get(kid)
        if not self._keys:
            raise IssuerUnreachable(f"{self._provider.issuer} did not answer just now.")
        if key is None:
            raise SignInRefused("The token's key is none of the issuer's.")
        return key

    def _fetch_keys(self, *, needed: bool) -> None:
        issuer = self._provider.issuer.rstrip("/")
        self._fetched_at = self._ticks()
        try:
            described = self._fetch(f"{issuer}/.well-known/openid-configuration")
            if described["issuer"] != self._provider.issuer:
                raise IssuerUnreachable(f"{issuer} says that it is another issuer.")
            keys = jwt.PyJWKSet.from_dict(self._fetch(described["jwks_uri"]))
        except (jwt.PyJWTError, KeyError, TypeError, AttributeError):
            raise IssuerUnreachable(f"{issuer} does not describe its keys.") from None
        except IssuerUnreachable:
            if needed:
                raise
            return  # those that we have still verify
        self._keys = {key.key_id: key for key in keys.keys}


def _majors(claim: object) -> tuple[str, ...] | None:
    """Return a department's categories, each of two digits; whatever else it is, none."""
    if not isinstance(claim, list) or not claim:
        return None
    majors = tuple(str(each) for each in claim)
    return majors if all(_MAJOR.fullmatch(each) for each in majors) else None
