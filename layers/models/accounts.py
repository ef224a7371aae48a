"""Accounts, the tokens that were given out, and attempts to sign in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, Code, CodeKey, CreatedAt, Instant
from layers.vocabulary import Duty, Role, TokenKind

_ROLES = ", ".join(f"'{role}'" for role in Role if role is not Role.SYSTEM)
_DUTIES = ", ".join(f"'{duty}'" for duty in Duty)
_KINDS = ", ".join(f"'{kind}'" for kind in TokenKind)


class Account(Base):
    """Who may sign in, as what, and for which area; an account is disabled, never removed.

    The area is kept as its code: its path is looked up whenever it is needed, so that an edition
    that moves a grid moves its worker's account. None is everywhere.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"role IN ({_ROLES})", name="role_of_person"),
        CheckConstraint("name ~ '^[^[:space:][:cntrl:]/]+$'", name="name_readable"),
        CheckConstraint(f"duties <@ ARRAY[{_DUTIES}]", name="duties_known"),
    )

    name: Mapped[CodeKey]
    display_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(32))
    area_code: Mapped[Code | None]
    majors: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    password_hash: Mapped[str] = mapped_column(Text)
    password_changed_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Token(Base):
    """A token that was given out: of its secret only a hash is kept.

    Refresh tokens that followed one another are a family, and so is each other token by itself. A
    refresh token is used once; a ``chart`` is what a kiosk shows.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="token_kind"),
        CheckConstraint("(kind = 'kiosk') = (chart IS NOT NULL)", name="chart_of_kiosk"),
        CheckConstraint("length(secret_hash) = 32", name="secret_hashed"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    family: Mapped[UUID] = mapped_column(Uuid, index=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.name"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    chart: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)


class SignInAttempt(Base):
    """Somebody tried to sign in: under which name (a hash of it), from where, and with success."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_account_hash_at", "account_hash", "at"),
        Index("ix_sign_in_attempts_address_at", "address", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_hash: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str] = mapped_column(Text)
    at: Mapped[Instant] = mapped_column(index=True)
    succeeded: Mapped[bool] = mapped_column(Boolean)
