"""What every table shares: names of constraints, codes, geometry and instants."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import DateTime, Enum, Index, MetaData, String, func
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from gis.crs import STORAGE_SRID

CODE_LENGTH = 64

FREE_CODE = r"^[^[:space:][:cntrl:]]([^[:cntrl:]]*[^[:space:][:cntrl:]])?$"
"""A code of a place's own: any text without control characters, not padded with spaces."""


class Base(DeclarativeBase):
    """Root of the models."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


Code = Annotated[str, mapped_column(String(CODE_LENGTH))]
CodeKey = Annotated[str, mapped_column(String(CODE_LENGTH), primary_key=True)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.statement_timestamp())
]


def multipolygon(*, nullable: bool = False) -> MappedColumn[WKBElement]:
    """Store polygons in the storage CRS; each column has a type of its own, as GeoAlchemy asks."""
    return mapped_column(
        Geometry("MULTIPOLYGON", srid=STORAGE_SRID, spatial_index=False, nullable=nullable),
        nullable=nullable,
    )


def point(*, nullable: bool = False) -> MappedColumn[WKBElement]:
    """Store a point in the storage CRS."""
    return mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=False, nullable=nullable),
        nullable=nullable,
    )


def vocabulary(words: type[StrEnum]) -> Enum:
    """Store a vocabulary as text that a named constraint checks."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in words.__name__).lstrip("_")
    return Enum(
        words,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda enumeration: [word.value for word in enumeration],
    )


def spatial_index(table: str, column: str) -> Index:
    """Index a geometry column by GiST, under a name made by rule."""
    return Index(f"ix_{table}_{column}", column, postgresql_using="gist")


JsonObject = dict[str, Any]
