"""Residents, and who read what of whom."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, Code, CreatedAt, vocabulary
from layers.vocabulary import ReadingKind, Sex


class Resident(Base):
    """A person who lives, or lived, in a household.

    ID number and phone are sealed under ``key_id``, a key that the database doesn't have. ``path``
    is the household's, and follows it. ``basis`` says by what law or consent the row is kept.
    """

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint("until IS NULL OR since IS NULL OR until >= since", name="until_not_first"),
        CheckConstraint(
            "key_id IS NOT NULL OR num_nonnulls(id_number_sealed, phone_sealed) = 0",
            name="key_named",
        ),
        CheckConstraint(
            "(id_number_sealed IS NULL) = (id_number_index IS NULL)", name="id_number_indexed"
        ),
        Index("ix_residents_path", "path", "id", postgresql_ops={"path": "text_pattern_ops"}),
        Index("ix_residents_household_code", "household_code", "id"),
        Index("ix_residents_id_number_index", "id_number_index"),
        Index("ix_residents_name", "name"),
    )

    id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("gen_random_uuid()")
    )
    code: Mapped[Code] = mapped_column(unique=True)
    household_code: Mapped[str] = mapped_column(ForeignKey("households.code"))
    path: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    sex: Mapped[Sex | None] = mapped_column(vocabulary(Sex))
    birth_date: Mapped[date | None] = mapped_column(Date)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(Text)
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[CreatedAt]


class Reading(Base):
    """That an account read something of a resident unmasked, or looked for one."""

    __tablename__ = "readings"
    __table_args__ = (
        Index("ix_readings_account", "account", "read_at"),
        Index("ix_readings_resident_id", "resident_id", "read_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account: Mapped[str] = mapped_column(
        Text, server_default=text("current_setting('lianxin.account', true)")
    )
    role: Mapped[str] = mapped_column(Text, server_default=text("viewer_role()"))
    kind: Mapped[ReadingKind] = mapped_column(vocabulary(ReadingKind))
    resident_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("residents.id", ondelete="CASCADE")
    )
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    purpose: Mapped[str | None] = mapped_column(Text)
    read_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
