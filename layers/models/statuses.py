"""Status schemes, their values, and the statuses that households, buildings and compounds bear."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, Code, CodeKey, CreatedAt, vocabulary
from layers.vocabulary import SubjectKind


class StatusScheme(Base):
    """A vocabulary of statuses (状态方案); a campaign's scheme is off by default."""

    __tablename__ = "status_schemes"

    code: Mapped[CodeKey]
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    campaign_only: Mapped[bool] = mapped_column(Boolean)


class StatusValue(Base):
    """One value of a scheme, with the shape and colours that show it."""

    __tablename__ = "status_values"
    __table_args__ = (
        CheckConstraint("colour_day ~ '^#[0-9A-F]{6}$'", name="colour_day"),
        CheckConstraint("colour_night ~ '^#[0-9A-F]{6}$'", name="colour_night"),
    )

    scheme_code: Mapped[str] = mapped_column(
        ForeignKey("status_schemes.code", ondelete="CASCADE"), primary_key=True
    )
    code: Mapped[CodeKey]
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    shape: Mapped[str] = mapped_column(Text)
    colour_day: Mapped[str] = mapped_column(String(7))
    colour_night: Mapped[str] = mapped_column(String(7))
    severity: Mapped[int] = mapped_column(SmallInteger)
    order: Mapped[int] = mapped_column("display_order", SmallInteger)
    normal: Mapped[bool] = mapped_column(Boolean)
    unknown: Mapped[bool] = mapped_column(Boolean)


class Status(Base):
    """What a subject was from ``since`` until ``until``; null means it still is.

    ``path`` is the subject's own, and follows it.
    """

    __tablename__ = "statuses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["scheme_code", "status_code"], ["status_values.scheme_code", "status_values.code"]
        ),
        CheckConstraint("until IS NULL OR until > since", name="until_after_since"),
        Index(
            "uq_statuses_current",
            "scheme_code",
            "subject_kind",
            "subject_code",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    subject_kind: Mapped[SubjectKind] = mapped_column(vocabulary(SubjectKind))
    subject_code: Mapped[Code] = mapped_column(index=True)
    path: Mapped[str | None] = mapped_column(Text)
    scheme_code: Mapped[Code]
    status_code: Mapped[Code]
    since: Mapped[CreatedAt]
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    source: Mapped[str] = mapped_column(Text)
    set_by: Mapped[str | None] = mapped_column(Text)
