"""Areas, editions of the boundaries, and the grids of each edition."""

from datetime import datetime

from geoalchemy2 import WKBElement
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import (
    FREE_CODE,
    Base,
    CodeKey,
    CreatedAt,
    JsonObject,
    multipolygon,
    spatial_index,
    vocabulary,
)
from layers.vocabulary import AreaLevel, CodeScheme, EditionStatus, GridKind

# Code structure: 6 county + 3 street + 3 community + 3 grid; a parent's code is the prefix.
_AREA_CODE = """
code_scheme = 'free'
OR (level = 'banner' AND code ~ '^[0-9]{6}$' AND parent_code IS NULL)
OR (level = 'street' AND code ~ '^[0-9]{9}$' AND parent_code = left(code, 6))
OR (level = 'community' AND code ~ '^[0-9]{12}$' AND parent_code = left(code, 9))
"""

# A grid merged from several communities takes a community part from 601 upwards.
_GRID_CODE = """
code_scheme = 'free'
OR (code ~ '^[0-9]{15}$' AND (community_code = left(code, 12) OR substr(code, 10, 3) >= '601'))
"""


class Area(Base):
    """A banner, street or community; ``path`` names its ancestors and itself."""

    __tablename__ = "areas"
    __table_args__ = (
        CheckConstraint(_AREA_CODE, name="code_follows_scheme"),
        CheckConstraint(f"code ~ '{FREE_CODE}'", name="code_readable"),
        CheckConstraint("right(path, 1) = '/'", name="path_ends"),
        Index("ix_areas_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        spatial_index("areas", "boundary"),
    )

    code: Mapped[CodeKey]
    level: Mapped[AreaLevel] = mapped_column(vocabulary(AreaLevel))
    code_scheme: Mapped[CodeScheme] = mapped_column(vocabulary(CodeScheme))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str | None] = mapped_column(Text)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    path: Mapped[str] = mapped_column(Text)
    boundary: Mapped[WKBElement | None] = multipolygon(nullable=True)


class Edition(Base):
    """A dated, immutable set of grids; at any instant at most one is in force."""

    __tablename__ = "editions"
    __table_args__ = (
        ExcludeConstraint(("valid", "&&"), name="ex_editions_valid", using="gist"),
        CheckConstraint(
            "(status IN ('draft', 'checked')) = (valid IS NULL)", name="valid_when_published"
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[EditionStatus] = mapped_column(
        vocabulary(EditionStatus), server_default=EditionStatus.DRAFT.value
    )
    source: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    findings: Mapped[list[JsonObject]] = mapped_column(JSONB, server_default=text("'[]'"))
    override_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    valid: Mapped[Range[datetime] | None] = mapped_column(TSTZRANGE)


class Grid(Base):
    """One cell of an edition, and who answers for it."""

    __tablename__ = "grids"
    __table_args__ = (
        CheckConstraint(_GRID_CODE, name="code_follows_scheme"),
        CheckConstraint(f"code ~ '{FREE_CODE}'", name="code_readable"),
        CheckConstraint("right(path, 1) = '/'", name="path_ends"),
        CheckConstraint("NOT ST_IsEmpty(boundary)", name="boundary_not_empty"),
        spatial_index("grids", "boundary"),
    )

    edition_id: Mapped[int] = mapped_column(
        ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True
    )
    code: Mapped[CodeKey]
    code_scheme: Mapped[CodeScheme] = mapped_column(vocabulary(CodeScheme))
    kind: Mapped[GridKind] = mapped_column(
        vocabulary(GridKind), server_default=GridKind.BASIC.value
    )
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str | None] = mapped_column(Text)
    community_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    responsible: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    boundary: Mapped[WKBElement] = multipolygon()
