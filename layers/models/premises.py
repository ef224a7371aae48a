"""Compounds, buildings and households: where people live, and which grid owns the place."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from layers.models.base import Base, Code, CodeKey, multipolygon, point, spatial_index


class Owned:
    """A place that one grid of the edition in force owns; outside every grid both are null."""

    grid_code: Mapped[Code | None]
    path: Mapped[str | None] = mapped_column(Text)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        table = str(cls.__tablename__)  # type: ignore[attr-defined] # given by the mapped class
        return (
            CheckConstraint("(grid_code IS NULL) = (path IS NULL)", name="owner_complete"),
            Index(f"ix_{table}_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        )


class Compound(Base):
    """A residential compound (小区)."""

    __tablename__ = "compounds"
    __table_args__ = (spatial_index("compounds", "boundary"),)

    code: Mapped[CodeKey]
    name: Mapped[str] = mapped_column(Text)
    community_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    boundary: Mapped[WKBElement | None] = multipolygon(nullable=True)


class Building(Owned, Base):
    """A building (楼栋); the grid that owns its anchor, a point on its outline, owns it."""

    __tablename__ = "buildings"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *super().__table_args__,
            CheckConstraint("floors > 0", name="floors_positive"),
            CheckConstraint("units > 0", name="units_positive"),
            spatial_index("buildings", "outline"),
            spatial_index("buildings", "anchor"),
        )

    code: Mapped[CodeKey]
    compound_code: Mapped[str | None] = mapped_column(ForeignKey("compounds.code"), index=True)
    name: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    floors: Mapped[int | None] = mapped_column(SmallInteger)
    units: Mapped[int | None] = mapped_column(SmallInteger)
    outline: Mapped[WKBElement] = multipolygon()
    anchor: Mapped[WKBElement] = point()


class Household(Owned, Base):
    """A household (户), known by building, unit and room; people are kept elsewhere."""

    __tablename__ = "households"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *super().__table_args__,
            CheckConstraint("resident_count >= 0", name="resident_count_not_negative"),
            spatial_index("households", "location"),
        )

    code: Mapped[CodeKey]
    building_code: Mapped[str | None] = mapped_column(ForeignKey("buildings.code"), index=True)
    unit: Mapped[str | None] = mapped_column(Text)
    floor: Mapped[int | None] = mapped_column(SmallInteger)
    room: Mapped[str | None] = mapped_column(Text)
    resident_count: Mapped[int | None] = mapped_column(SmallInteger)
    location: Mapped[WKBElement] = point()
