"""Signing in by name and password."""

from dataclasses import dataclass
from datetime import datetime

from layers import passwords
from layers.actions.accounts import plain_name, viewer_of
from layers.actions.audit import AuditEntry, record
from layers.actions.sign_in_delays import attempt_succeeded, begin_attempt
from layers.errors import SignInRefused
from layers.models import Account
from layers.session import Database
from layers.viewer import SYSTEM, Viewer, seen_by


@dataclass(frozen=True)
class Credentials:
    """What somebody typed, and the address from which it came."""

    account: str
    password: str
    address: str


def sign_in(database: Database, given: Credentials, now: datetime) -> Viewer:
    """Return who it is, if the password is right.

    An unknown name, a wrong password and a disabled account are answered by the same words after
    the same work: an attempt is noted, one hash is verified, the refusal is recorded.

    Raises
    ------
    SignInRefused
        They don't let anybody in.
    SignInTooSoon
        See ``layers.actions.sign_in_delays``.
    """
    with seen_by(SYSTEM):
        attempt = begin_attempt(database, given.account, given.address, now)
        with database.transaction() as session:
            account = session.get(Account, plain_name(given.account)[:64])
        stored = None if account is None else account.password_hash
        right = passwords.verify_password(stored, given.password)
        if account is None or not right or account.disabled_at is not None:
            _record_refusal(database, None if account is None else account.name)
            raise SignInRefused("Name and password don't match an account that may sign in.")
        who = _let_in(database, account.name, attempt, given.password, now)
    with seen_by(who), database.transaction() as session:
        record(session, AuditEntry("sign-in", "account", who.account))
    return who


def _let_in(database: Database, name: str, attempt: int, password: str, now: datetime) -> Viewer:
    with database.transaction() as session:
        account = session.get_one(Account, name)
        attempt_succeeded(session, attempt, now)
        if passwords.needs_new_hash(account.password_hash):
            account.password_hash = passwords.hash_password(password)
        return viewer_of(session, account)


def _record_refusal(database: Database, account: str | None) -> None:
    with database.transaction() as session:
        record(session, AuditEntry("refuse", "account", account, detail={"what": "sign-in"}))
