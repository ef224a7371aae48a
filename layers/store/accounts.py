"""Accounts and tokens, and where in the place an account belongs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Update,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from layers.models import Account, Area, Grid, Household, SignInAttempt, Token
from layers.store.territory import edition_id_in_force


def by_name() -> Select[Account]:
    """Select all accounts, by name."""
    return select(Account).order_by(Account.name)


def paths_of(code: str) -> Select[*tuple[Any, ...]]:
    """Select level and path of what has that code: an area, else a grid of the edition in force.

    A grid that shares its code with an area is named by its path without the slash at its end.
    """
    area = select(cast(Area.level, Text).label("level"), Area.path.label("path")).where(
        Area.code == code
    )
    grid = select(literal("grid"), Grid.path).where(
        Grid.edition_id == edition_id_in_force().scalar_subquery(),
        or_(Grid.code == code, Grid.path == f"{code}/"),
    )
    return select(union_all(area, grid).subquery())


def token_with_account(secret_hash: bytes) -> Select[Token, Account]:
    """Select a token by the hash of its secret, with whose it is; locked against a second use."""
    return (
        select(Token, Account)
        .join(Account, Account.name == Token.account)
        .where(Token.secret_hash == secret_hash)
        .with_for_update(of=Token)
    )


def revoked_since(instant: datetime) -> Select[UUID]:
    """Select the families that were revoked since."""
    return select(Token.family).where(Token.revoked_at >= instant).distinct()


def revoke_family(family: UUID, now: datetime) -> Update:
    """Revoke a token and all that came of it."""
    return (
        update(Token).where(Token.family == family, Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )  # fmt: skip


def revoke_all_of(account: str, now: datetime) -> Update:
    """Revoke every token of an account."""
    return (
        update(Token).where(Token.account == account, Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )  # fmt: skip


def failures(account_hash: bytes, address: str, since: datetime) -> Select[*tuple[Any, ...]]:
    """Count failed attempts, with the last of each: of the pair, the address and the account.

    Those of the pair count from its last success on; ``known`` is whether it ever had one.
    """
    attempt = SignInAttempt
    succeeded = (
        select(func.max(attempt.at))
        .where(attempt.account_hash == account_hash, attempt.address == address, attempt.succeeded)
        .scalar_subquery()
    )
    both = (
        (attempt.account_hash == account_hash)
        & (attempt.address == address)
        & (attempt.at > func.coalesce(succeeded, since))
    )
    columns: list[ColumnElement[Any]] = []
    for name, mine in (
        ("pair", both),
        ("address", attempt.address == address),
        ("account", attempt.account_hash == account_hash),
    ):
        columns.append(func.count().filter(mine).label(f"{name}_count"))
        columns.append(func.max(attempt.at).filter(mine).label(f"{name}_last"))
    return select(*columns, succeeded.is_not(None).label("known")).where(
        attempt.at > since,
        ~attempt.succeeded,
        or_(attempt.account_hash == account_hash, attempt.address == address),
    )


def grids_of(community: str) -> Select[str]:
    """Select the codes of a community's grids in force, in their order."""
    return (
        select(Grid.code)
        .where(
            Grid.edition_id == edition_id_in_force().scalar_subquery(),
            Grid.community_code == community,
        )
        .order_by(Grid.code)
    )


def fullest_grid() -> Select[*tuple[Any, ...]]:
    """Select a grid in force and the codes of community, street and banner around it.

    It is the first of the community with the most households.
    """
    community, street = aliased(Area), aliased(Area)
    households = (
        select(func.count())
        .where(func.starts_with(Household.path, community.path))
        .correlate(community)
        .scalar_subquery()
    )
    return (
        select(Grid.code, community.code, street.code, street.parent_code)
        .join(community, community.code == Grid.community_code)
        .join(street, street.code == community.parent_code)
        .where(
            Grid.edition_id == edition_id_in_force().scalar_subquery(),
            street.parent_code.is_not(None),
        )
        .order_by(households.desc(), Grid.code)
        .limit(1)
    )
