"""Cases, every placement they ever had, and the keys that make a repeated report one case."""

from datetime import datetime

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gis.routing import Rule
from layers.models.base import (
    Base,
    Code,
    CodeKey,
    CreatedAt,
    JsonObject,
    point,
    spatial_index,
    vocabulary,
)
from layers.vocabulary import CaseState, ReporterKind


class Category(Base):
    """A kind of matter: five digits, major and minor (大类 小类)."""

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{5}$'", name="code_five_digits"),
        CheckConstraint("level IN ('P0', 'P1', 'P2', 'P3')", name="level"),
    )

    code: Mapped[CodeKey]
    major: Mapped[str] = mapped_column(String(2))
    major_zh: Mapped[str] = mapped_column(Text)
    major_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    department_zh: Mapped[str] = mapped_column(Text)
    department_en: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(String(2))
    confidential: Mapped[bool] = mapped_column(Boolean)
    national_code: Mapped[str | None] = mapped_column(Text)


class Case(Base):
    """A reported matter, its state, and its owner now (``queue_code`` when no grid owns it)."""

    __tablename__ = "cases"
    __table_args__ = (
        ForeignKeyConstraint(["edition_id", "grid_code"], ["grids.edition_id", "grids.code"]),
        UniqueConstraint("source", "source_id"),
        CheckConstraint("grid_code IS NULL OR queue_code IS NULL", name="one_owner"),
        CheckConstraint("(location IS NULL) = (rule = 'unplaced')", name="unplaced_without_place"),
        Index("ix_cases_owner", "edition_id", "grid_code"),
        Index("ix_cases_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        Index("ix_cases_reported", "reported_at", "id"),
        Index("ix_cases_state", "state", "reported_at"),
        Index("ix_cases_category", "category", "reported_at"),
        spatial_index("cases", "location"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    description: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str | None] = mapped_column(Text)
    state: Mapped[CaseState] = mapped_column(
        vocabulary(CaseState), server_default=CaseState.REPORTED.value
    )
    reporter_kind: Mapped[ReporterKind] = mapped_column(vocabulary(ReporterKind))
    reporter: Mapped[JsonObject | None] = mapped_column(JSONB)
    occurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reported_at: Mapped[CreatedAt]
    location: Mapped[WKBElement | None] = point(nullable=True)
    rule: Mapped[Rule] = mapped_column(vocabulary(Rule))
    edition_id: Mapped[int | None]
    grid_code: Mapped[Code | None]
    queue_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"))
    path: Mapped[str | None] = mapped_column(Text)


class CasePlacement(Base):
    """One routing of a case: by which edition and rule, from which raw coordinates."""

    __tablename__ = "case_placements"
    __table_args__ = (
        ForeignKeyConstraint(["edition_id", "grid_code"], ["grids.edition_id", "grids.code"]),
        CheckConstraint("accuracy_m >= 0", name="accuracy_not_negative"),
        CheckConstraint("distance_to_boundary_m >= 0", name="distance_not_negative"),
        Index("ix_case_placements_case", "case_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    placed_at: Mapped[CreatedAt]
    reason: Mapped[str] = mapped_column(Text)
    rule: Mapped[Rule] = mapped_column(vocabulary(Rule))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("editions.id"))
    grid_code: Mapped[Code | None]
    queue_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"))
    distance_to_boundary_m: Mapped[float | None] = mapped_column(Double)
    accuracy_m: Mapped[float | None] = mapped_column(Double)
    datum: Mapped[str | None] = mapped_column(Text)
    raw_x: Mapped[float | None] = mapped_column(Double)
    raw_y: Mapped[float | None] = mapped_column(Double)
    candidates: Mapped[list[JsonObject]] = mapped_column(JSONB, server_default=text("'[]'"))
    warnings: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class IdempotencyKey(Base):
    """A key a reporter sent along, and the case it stands for."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
