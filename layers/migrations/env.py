"""Alembic's entry: run on the connection that the caller hands over in ``attributes``."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection

from layers.models import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # Without these, autogenerate drops spatial_ref_sys and doubles the spatial indexes.
    include_object=alembic_helpers.include_object,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
)
with context.begin_transaction():
    context.run_migrations()
