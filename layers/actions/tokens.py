"""Tokens: signed ones for ten minutes, and stored ones that refresh them or keep one signed in.

An access token says itself who looks, and is verified without the database. Of refresh, session
and kiosk tokens only a hash is stored, so that who reads the table can sign in by none of them.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import jwt
from sqlalchemy.orm import Session

from layers.actions.accounts import viewer_of
from layers.actions.audit import AuditEntry, record
from layers.errors import AccountInvalid, NotAllowed, SignInRefused
from layers.models import Account, Token
from layers.secrets import SigningKeys
from layers.session import Database
from layers.store import accounts
from layers.viewer import EVERYWHERE, SYSTEM, Viewer, seen_by
from layers.vocabulary import Role, TokenKind

ACCESS_LIFE: Final = timedelta(minutes=10)
SESSION_LIFE: Final = timedelta(hours=12)
"""A working day."""
REFRESH_LIFE: Final = timedelta(days=14)
"""Of a whole family: a handheld signs in again every two weeks."""
KIOSK_LIFE: Final = timedelta(days=365)

EVERYTHING: Final = "all"
"""The chart of the whole place."""

_NOTED_AFTER: Final = timedelta(minutes=1)
_ISSUER: Final = "lianxin"
_ALGORITHM: Final = "HS256"
_PREFIXES: Final = {
    TokenKind.REFRESH: "lxr_",
    TokenKind.SESSION: "lxs_",
    TokenKind.KIOSK: "lxk_",
}
_GIVE_KIOSKS: Final = frozenset({Role.COMMUNITY, Role.STREET, Role.BANNER})
"""Who sees the homes that a wall shows: a token lends what its giver sees, and nothing beyond."""
_REFUSED: Final = "The token is not valid, or is not any more. Sign in again."


@dataclass(frozen=True)
class Grant:
    """What a machine gets for a password or a refresh token."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    viewer: Viewer


@dataclass(frozen=True)
class Claims:
    """What an access token says: who looks, of which family it is, and until when it holds."""

    viewer: Viewer
    family: uuid.UUID
    expires_at: float


def hash_secret(token: str) -> bytes:
    """Return what is stored of a token; it is random, so that a plain hash does not tell it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def sign_access(keys: SigningKeys, who: Viewer, family: uuid.UUID, now: datetime) -> str:
    """Return an access token."""
    key = keys.newest()
    began = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": _ISSUER,
        "sub": who.account,
        "role": str(who.role),
        "area": who.area,
        "majors": who.majors,
        "sid": family.hex,
        "iat": began,
        "exp": began + int(ACCESS_LIFE.total_seconds()),
    }
    return jwt.encode(claims, key.bytes, _ALGORITHM, headers={"kid": key.kid})


def read_access(keys: SigningKeys, token: str) -> Claims:
    """Return what an access token says, once its signature is verified; its time is not looked at.

    One signed by a key that has retired holds for as long as one that was signed before may.

    Raises
    ------
    SignInRefused
        We did not sign it, or its key is gone.
    """
    try:
        key = keys.find(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise SignInRefused(_REFUSED)
        claims = jwt.decode(
            token, key.bytes, [_ALGORITHM], issuer=_ISSUER,
            options={"require": ["exp", "iat", "iss", "sub"], "verify_exp": False,
                     "verify_iat": False},
        )  # fmt: skip
        majors = claims["majors"]
        who = Viewer(
            claims["sub"], Role(claims["role"]), claims["area"],
            None if majors is None else tuple(majors),
        )  # fmt: skip
        until = float(claims["exp"])
        if key.retired_at is not None:
            until = min(until, (key.retired_at + ACCESS_LIFE).timestamp())
        return Claims(who, uuid.UUID(claims["sid"]), until)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise SignInRefused(_REFUSED) from None


@lru_cache(4096)
def is_signed_here(token: str) -> bool:
    """Tell whether a token says that it was signed by our algorithm; another issuer's never is."""
    try:
        return bool(jwt.get_unverified_header(token).get("alg") == _ALGORITHM)
    except jwt.PyJWTError:
        return False


def grant_tokens(database: Database, keys: SigningKeys, who: Viewer, now: datetime) -> Grant:
    """Give a machine its first tokens, once somebody proved to be ``who``."""
    with seen_by(SYSTEM), database.transaction() as session:
        family, refresh = store_token(
            session, who.account, TokenKind.REFRESH, now, now + REFRESH_LIFE
        )
    return _grant(keys, who, family, refresh, now)


def refresh_tokens(database: Database, keys: SigningKeys, token: str, now: datetime) -> Grant:
    """Give new tokens for a refresh token, which is used up.

    One that comes a second time was stolen, or its successor was: the whole family is revoked,
    and whoever it was signs in again.

    Raises
    ------
    SignInRefused
        The token is unknown, expired, revoked or used up, or its account is disabled.
    """
    with seen_by(SYSTEM), database.transaction() as session:
        found = session.execute(accounts.token_with_account(hash_secret(token))).one_or_none()
        if found is not None and found[0].last_used_at is not None:
            session.execute(accounts.revoke_family(found[0].family, now))
            record(
                session,
                AuditEntry("refuse", "account", found[1].name, detail={"why": "token used twice"}),
            )
            found = None
        elif found is not None and not _alive(*found, TokenKind.REFRESH, now=now):
            found = None
        if found is not None:
            old, account = found
            who = viewer_of(session, account)
            old.last_used_at = now
            family, refresh = store_token(
                session, account.name, TokenKind.REFRESH, now, old.expires_at, family=old.family
            )
    if found is None:
        raise SignInRefused(_REFUSED)
    return _grant(keys, who, family, refresh, now)


def give_session(database: Database, who: Viewer, now: datetime) -> str:
    """Return the token that a browser's cookie holds."""
    with seen_by(SYSTEM), database.transaction() as session:
        return store_token(session, who.account, TokenKind.SESSION, now, now + SESSION_LIFE)[1]


def give_kiosk(database: Database, who: Viewer, chart: str, now: datetime) -> tuple[str, datetime]:
    """Return a token by which a wall shows one chart, and until when it holds: a year.

    Parameters
    ----------
    database : Database
        Where its hash is kept.
    who : Viewer
        Whose it is: if that account is disabled, it holds no longer.
    chart : str
        ``all``, or the code of an area or grid that lies in the account's.

    Raises
    ------
    NotAllowed
        The role gives out none, the account is another issuer's, or the chart is of another area.
    AccountInvalid
        There is no such area or grid.
    """
    if who.role not in _GIVE_KIOSKS:
        raise NotAllowed(f"The role {who.role} gives out no kiosk tokens.")
    until = now + KIOSK_LIFE
    with seen_by(SYSTEM), database.transaction() as session:
        if session.get(Account, who.account) is None:
            raise NotAllowed("Only an account of this service gives out kiosk tokens.")
        path = _path_of_chart(session, chart)
        if path is None:
            raise AccountInvalid(f"There is no chart {chart[:64]}; /charts lists them.")
        if not who.within(path):
            raise NotAllowed(f"The chart {chart} is not of the area of this account.")
        _, token = store_token(session, who.account, TokenKind.KIOSK, now, until, chart=chart)
        record(session, AuditEntry("give-kiosk", "chart", chart, detail={"account": who.account}))
    return token, until


def revoke_token(database: Database, keys: SigningKeys, token: str, now: datetime) -> None:
    """Revoke a token and its family; one that is nobody's is none any more anyway."""
    with seen_by(SYSTEM), database.transaction() as session:
        if _is_signed(token):
            try:
                family = read_access(keys, token).family
            except SignInRefused:
                return
        else:
            found = session.execute(accounts.token_with_account(hash_secret(token))).one_or_none()
            if found is None:
                return
            family = found[0].family
        session.execute(accounts.revoke_family(family, now))


def find_viewer(
    session: Session, token: str, now: datetime
) -> tuple[Viewer, uuid.UUID, str | None, datetime]:
    """Return who looks by a session or kiosk token: its family, its chart, and until when it holds.

    A kiosk is a wall that sees the area of its chart.

    Raises
    ------
    SignInRefused
        The token is unknown, expired or revoked, or its account is disabled.
    """
    found = session.execute(accounts.token_with_account(hash_secret(token))).one_or_none()
    if found is None or not _alive(*found, TokenKind.SESSION, TokenKind.KIOSK, now=now):
        raise SignInRefused(_REFUSED)
    stored, account = found
    if stored.last_used_at is None or now - stored.last_used_at > _NOTED_AFTER:
        stored.last_used_at = now
    who = viewer_of(session, account)
    if stored.chart is not None:
        path = _path_of_chart(session, stored.chart)
        if path is None or not who.within(path):
            raise SignInRefused(_REFUSED)
        who = Viewer(account.name, Role.WALL, path)
    return who, stored.family, stored.chart, stored.expires_at


def store_token(  # noqa: PLR0913 - a token's columns
    session: Session,
    account: str,
    kind: TokenKind,
    now: datetime,
    until: datetime,
    *,
    chart: str | None = None,
    family: uuid.UUID | None = None,
) -> tuple[uuid.UUID, str]:
    """Make a token and store its hash; return its family and the token, which is seen only now."""
    token = _PREFIXES[kind] + secrets.token_urlsafe(32)
    family = family or uuid.uuid4()
    session.add(
        Token(
            family=family, account=account, kind=kind, secret_hash=hash_secret(token), chart=chart,
            created_at=now, expires_at=until,
        )
    )  # fmt: skip
    return family, token


def _is_signed(token: str) -> bool:
    return token.count(".") == 2


def _alive(token: Token, account: Account, *kinds: TokenKind, now: datetime) -> bool:
    return (
        token.kind in kinds
        and token.revoked_at is None
        and token.expires_at > now
        and account.disabled_at is None
    )


def _path_of_chart(session: Session, chart: str) -> str | None:
    if chart == EVERYTHING:
        return EVERYWHERE
    found = session.execute(accounts.paths_of(chart)).first()
    return None if found is None else str(found.path)


def _grant(keys: SigningKeys, who: Viewer, family: uuid.UUID, refresh: str, now: datetime) -> Grant:
    access = sign_access(keys, who, family, now)
    return Grant(access, refresh, int(ACCESS_LIFE.total_seconds()), who)
