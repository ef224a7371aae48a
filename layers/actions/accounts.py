"""Accounts: made, listed, disabled, given a new password."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.actions.audit import AuditEntry, record
from layers.errors import AccountConflict, AccountInvalid, AccountNotFound, SignInRefused
from layers.models import Account, Category
from layers.passwords import check_password, hash_password, random_password, verify_password
from layers.session import Database
from layers.store import accounts
from layers.viewer import EVERYWHERE, SYSTEM, Viewer, seen_by
from layers.vocabulary import Duty, Role

GRID: Final = "grid"
NINE: Final = 9
"""How many grid accounts a community has by default."""

LEVELS: Final = {
    Role.WORKER: GRID,
    Role.COMMUNITY: "community",
    Role.STREET: "street",
    Role.BANNER: "banner",
}
"""What the area of an account must be; of other roles it is any, or none for everywhere."""

_DEMO_LEVELS: Final = (Role.WORKER, Role.COMMUNITY, Role.STREET, Role.BANNER)

_NAME = re.compile(r"\w[\w.-]{0,63}")


@dataclass(frozen=True)
class NewAccount:
    """An account to be made; ``area`` is a code, None for everywhere.

    ``majors`` are the first two digits of a department's categories; ``duties`` are a worker's,
    all five if None.
    """

    name: str
    role: Role
    area: str | None = None
    display_name: str = ""
    majors: tuple[str, ...] | None = None
    duties: tuple[Duty, ...] | None = None


@dataclass(frozen=True)
class AccountSummary:
    """An account as it is listed; ``in_force`` is whether its area is one today."""

    name: str
    display_name: str
    role: Role
    area: str | None
    in_force: bool
    majors: tuple[str, ...] | None
    duties: tuple[Duty, ...]
    created_at: datetime
    password_changed_at: datetime
    disabled_at: datetime | None


def add_account(database: Database, new: NewAccount, password: str | None = None) -> str:
    """Make an account and return its password, a random one if none is given.

    Parameters
    ----------
    database : Database
        Where it is kept.
    new : NewAccount
        Its name is kept in small letters.
    password : str, optional
        What to sign in with.

    Raises
    ------
    AccountInvalid
        Name, role, area, categories or duties don't go together.
    AccountConflict
        The name is taken, be it by a disabled account: what is in the audit stays one person's.
    PasswordRefused
        See ``layers.passwords.check_password``.
    """
    return add_accounts(database, [new], password)[0]


def add_accounts(
    database: Database,
    new: Sequence[NewAccount],
    password: str | None = None,
    *,
    invented: bool = False,
) -> list[str]:
    """Make several accounts, all or none, each as ``add_account``; return their passwords.

    Accounts of an ``invented`` place may have any password.
    """
    given = [password or random_password() for _ in new]
    for account, its_password in zip(new, given, strict=True):
        if not invented:
            check_password(its_password, account.name, account.display_name)
    hashes = [hash_password(its_password) for its_password in given]
    with seen_by(SYSTEM), database.transaction() as session:
        for account, hashed in zip(new, hashes, strict=True):
            _add(session, account, hashed)
    return given


def list_accounts(database: Database) -> list[AccountSummary]:
    """Return all accounts, by name."""
    with seen_by(SYSTEM), database.transaction() as session:
        return [
            AccountSummary(
                name=account.name,
                display_name=account.display_name,
                role=Role(account.role),
                area=account.area_code,
                in_force=path_of(session, account.area_code, Role(account.role)) is not None,
                majors=None if account.majors is None else tuple(account.majors),
                duties=tuple(Duty(duty) for duty in account.duties),
                created_at=account.created_at,
                password_changed_at=account.password_changed_at,
                disabled_at=account.disabled_at,
            )
            for account in session.scalars(accounts.by_name())
        ]


def any_account(database: Database) -> bool:
    """Whether there is an account yet that may sign in."""
    with seen_by(SYSTEM), database.transaction() as session:
        found = session.scalar(select(Account.name).where(Account.disabled_at.is_(None)).limit(1))
    return found is not None


def disable_account(database: Database, name: str, now: datetime | None = None) -> None:
    """Let nobody in any more by that account: it cannot sign in, and its tokens are revoked.

    Raises
    ------
    AccountNotFound
        There is no such account.
    """
    _set(database, name, "disable-account", disabled_at=now or datetime.now(UTC))


def enable_account(database: Database, name: str) -> None:
    """Let a disabled account sign in again; its former tokens stay revoked. Errors as above."""
    _set(database, name, "enable-account", disabled_at=None)


def sign_out_everywhere(database: Database, name: str) -> None:
    """Revoke every token of an account: sessions, refresh tokens, and the kiosks that it gave out.

    Raises
    ------
    AccountNotFound
        There is no such account.
    """
    _set(database, name, "sign-out")


def reset_password(
    database: Database, name: str, password: str | None = None, *, invented: bool = False
) -> str:
    """Give an account another password, and return it; whoever is signed in is signed out.

    Raises
    ------
    AccountNotFound, PasswordRefused
        There is no such account; the password may not be taken.
    """
    given = password or random_password()
    if not invented:
        check_password(given, plain_name(name))
    changed = {"password_hash": hash_password(given), "password_changed_at": datetime.now(UTC)}
    _set(database, name, "reset-password", **changed)
    return given


def nine_accounts(database: Database, community: str) -> list[tuple[NewAccount, str]]:
    """Make the nine grid accounts of a community, named by its code and a number.

    They are shared out over its grids in the order of their codes: where there are fewer, some
    have several; where there are more, the first nine have one each. Each has all five duties.

    Returns
    -------
    list of (NewAccount, str)
        Each with its password.

    Raises
    ------
    AccountInvalid
        There is no such community, or no grid of it is in force.
    AccountConflict
        They, or some of them, are there.
    """
    with seen_by(SYSTEM), database.transaction() as session:
        _require_area(session, Role.COMMUNITY, community)
        grids = session.scalars(accounts.grids_of(community)).all()
    if not grids:
        raise AccountInvalid(f"No grid of community {community} is in force: publish them first.")
    new = [
        NewAccount(f"{plain_name(community)}-{number + 1}", Role.WORKER, grids[number % len(grids)])
        for number in range(NINE)
    ]
    return list(zip(new, add_accounts(database, new), strict=True))


def demo_accounts(database: Database, password: str) -> list[NewAccount]:
    """Make an account a role in the place that is loaded, each named after its role.

    The worker has the first grid of the community with the most households, and community, street
    and banner are those around it. Accounts that are there get this password, unless it is theirs.

    Returns
    -------
    list of NewAccount
        All nine, those that were there included.

    Raises
    ------
    AccountInvalid
        No grid is in force.
    PasswordRefused
        The password may not be taken.
    """
    with seen_by(SYSTEM), database.transaction() as session:
        fullest = session.execute(accounts.fullest_grid()).first()
        hashes = {row.name: row.password_hash for row in session.scalars(select(Account))}
    if fullest is None:
        raise AccountInvalid("No grid is in force: the demo's accounts need a place.")
    levels = dict(zip(_DEMO_LEVELS, fullest, strict=True))
    everybody = [
        NewAccount(
            str(role), role, levels.get(role), majors=("54",) if role is Role.DEPARTMENT else None
        )
        for role in Role
        if role is not Role.SYSTEM
    ]
    add_accounts(
        database, [new for new in everybody if new.name not in hashes], password, invented=True
    )
    there = [new.name for new in everybody if new.name in hashes]
    if there and not verify_password(hashes[there[0]], password):
        for name in there:
            reset_password(database, name, password, invented=True)
    return everybody


def viewer_of(session: Session, account: Account) -> Viewer:
    """Return who looks where an account does, its area as it is today.

    Raises
    ------
    SignInRefused
        Its area is none any more.
    """
    path = path_of(session, account.area_code, Role(account.role))
    if path is None:
        raise SignInRefused(
            f"The area of this account, {account.area_code}, is not in force any more. The "
            "administrator makes another account."
        )
    majors = None if account.majors is None else tuple(account.majors)
    return Viewer(account.name, Role(account.role), path, majors)


def path_of(session: Session, code: str | None, role: Role) -> str | None:
    """Return the path of an area that a role may have, as it is today; None if there is none."""
    level = LEVELS.get(role)
    if code is None:
        return EVERYWHERE if level is None or role is Role.BANNER else None
    found = session.execute(accounts.paths_of(code))
    return next((str(row.path) for row in found if level is None or row.level == level), None)


def plain_name(name: str) -> str:
    """Return a name as it is kept: in small letters, however it was typed."""
    plain = (
        name.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
    return unicodedata.normalize("NFKC", plain).strip().casefold()


def _add(session: Session, new: NewAccount, hashed: str) -> None:
    name = plain_name(new.name)
    if not _NAME.fullmatch(name):
        raise AccountInvalid(
            f"{new.name!r} is no name for an account: letters, digits, dots, hyphens and "
            "underscores, 64 at most, a letter or digit first."
        )
    if session.get(Account, name) is not None:
        raise AccountConflict(f"There is an account {name} already; see: lianxin user list")
    _require_fitting(session, new)
    duties = tuple(Duty) if new.duties is None and new.role is Role.WORKER else new.duties or ()
    session.add(
        Account(
            name=name,
            display_name=new.display_name or name,
            role=new.role,
            area_code=new.area,
            majors=None if new.majors is None else list(new.majors),
            duties=list(duties),
            password_hash=hashed,
            password_changed_at=datetime.now(UTC),
        )
    )
    session.flush()
    detail = {"role": str(new.role), "area": new.area}
    record(session, AuditEntry("add-account", "account", name, detail=detail))


def _require_fitting(session: Session, new: NewAccount) -> None:
    if new.role is Role.SYSTEM:
        raise AccountInvalid("The role system is the service's own, and no account's.")
    if (new.role is Role.DEPARTMENT) != (new.majors is not None):
        raise AccountInvalid("A department has the majors of its categories, and only it has.")
    if new.duties and new.role is not Role.WORKER:
        raise AccountInvalid("Duties are a worker's.")
    known = set(session.scalars(select(Category.major).distinct()))
    strange = set(new.majors or ()) - known
    if strange or new.majors == ():
        raise AccountInvalid(
            f"There is no major {', '.join(sorted(strange)) or 'given'}; there are: "
            f"{', '.join(sorted(known))}."
        )
    _require_area(session, new.role, new.area)


def _require_area(session: Session, role: Role, code: str | None) -> None:
    level = LEVELS.get(role)
    if code is None:
        if level is None or role is Role.BANNER:
            return
        raise AccountInvalid(f"An account of a {role} needs the code of its {level}.")
    found = session.execute(accounts.paths_of(code)).all()
    if not found:
        raise AccountInvalid(f"No area, and no grid in force, has the code {code}.")
    if level is not None and all(row.level != level for row in found):
        raise AccountInvalid(f"{code} is a {found[0].level}; the role {role} is of a {level}.")


def _set(database: Database, name: str, action: str, **changes: object) -> None:
    """Change an account and revoke its tokens."""
    with seen_by(SYSTEM), database.transaction() as session:
        account = session.get(Account, plain_name(name), with_for_update=True)
        if account is None:
            raise AccountNotFound(f"There is no account {name}; see: lianxin user list")
        for field, value in changes.items():
            setattr(account, field, value)
        session.execute(accounts.revoke_all_of(account.name, datetime.now(UTC)))
        record(session, AuditEntry(action, "account", account.name))
