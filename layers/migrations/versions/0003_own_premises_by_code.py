"""Know who owns a building or household by the grid's code alone, whatever edition is in force.

A publication then writes the places whose grid became another, and no other row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("buildings", "households")


def upgrade() -> None:
    """Bring the schema to this revision."""
    for table in _TABLES:
        op.drop_column(table, "edition_id")  # its index, reference and check go with it
        op.create_check_constraint(
            op.f(f"ck_{table}_owner_complete"), table, "(grid_code IS NULL) = (path IS NULL)"
        )


def downgrade() -> None:
    """Take this revision back; every owner is one of the edition in force."""
    for table in _TABLES:
        op.drop_constraint(op.f(f"ck_{table}_owner_complete"), table, type_="check")
        op.add_column(table, sa.Column("edition_id", sa.Integer(), nullable=True))
        op.execute(
            f"UPDATE {table} SET edition_id = (SELECT id FROM editions WHERE status = 'published')"  # noqa: S608 # names of ours # nosec B608
            " WHERE grid_code IS NOT NULL"
        )
        op.create_check_constraint(
            op.f(f"ck_{table}_owner_complete"),
            table,
            "num_nulls(edition_id, grid_code, path) IN (0, 3)",
        )
        op.create_foreign_key(
            op.f(f"fk_{table}_edition_id_grid_code_grids"),
            table,
            "grids",
            ["edition_id", "grid_code"],
            ["edition_id", "code"],
        )
        op.create_index(f"ix_{table}_owner", table, ["edition_id", "grid_code"])
