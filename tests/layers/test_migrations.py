"""The schema's history leads to exactly what the models say, and back."""

import re

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import inspect, text

from layers.models import Base
from layers.session import Database

NAMES = text(
    "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
    "WHERE relname = ANY(ARRAY['areas', 'editions', 'grids', 'compounds', 'buildings', "
    "'households', 'cases', 'case_placements', 'categories', 'idempotency_keys', 'statuses', "
    "'status_schemes', 'status_values', 'accounts', 'tokens', "
    "'sign_in_attempts'])"
)
RULE = re.compile(r"^(ck|ex|fk|pk|uq)_[a-z0-9_]+$")


def test_the_migrations_make_what_the_models_say(fresh_database: Database) -> None:
    with fresh_database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": alembic_helpers.include_object}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_schema_can_be_taken_back_and_made_again(fresh_database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", "layers:migrations")
    with fresh_database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert not set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
        command.upgrade(config, "head")
        assert set(inspect(connection).get_table_names()) >= set(Base.metadata.tables)


def test_every_constraint_is_named_by_rule(database: Database) -> None:
    with database.transaction() as session:
        names = session.scalars(NAMES).all()
    assert len(names) > 50
    assert [name for name in names if not RULE.match(name)] == []


def test_every_geometry_is_indexed_and_in_the_storage_crs() -> None:
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if not hasattr(column.type, "srid"):
                continue
            assert column.type.srid == 4490
            indexes = [index for index in table.indexes if column.name in index.columns]
            assert any(i.dialect_options["postgresql"]["using"] == "gist" for i in indexes)
