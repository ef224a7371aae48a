"""The audit, to which rows are only ever added, and the seals over its blocks."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, Instant, JsonObject


class AuditRow(Base):
    """One act: who did what with which object, why, from where.

    Number, instant, transaction, account, role and area are the database's own word; whoever adds
    a row cannot say them.
    """

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("count >= 0", name="count_not_negative"),
        CheckConstraint("action <> ''", name="action_named"),
        Index("ix_audit_order", "transaction_id", "id"),
        Index("ix_audit_account", "account", "id"),
        Index("ix_audit_object", "object_code", "object_kind", "id"),
        Index("ix_audit_recorded", "recorded_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[Instant]
    account: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    object_kind: Mapped[str] = mapped_column(Text)
    object_code: Mapped[str | None] = mapped_column(Text)
    purpose: Mapped[str | None] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    count: Mapped[int] = mapped_column(Integer, server_default="1")
    detail: Mapped[JsonObject | None] = mapped_column(JSONB(none_as_null=True))
    origin: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)


class AuditSeal(Base):
    """A block of the audit, sealed.

    ``digests`` holds each row's number and SHA-256, in the block's order (transaction, number);
    ``seal`` is the HMAC over all that the block is and over the seal before.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (CheckConstraint("row_count > 0", name="block_not_empty"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sealed_at: Mapped[Instant]
    first_transaction: Mapped[int] = mapped_column(BigInteger)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_transaction: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    row_count: Mapped[int] = mapped_column(Integer)
    digests: Mapped[bytes] = mapped_column(LargeBinary)
    block_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Text)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
