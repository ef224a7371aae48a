"""Keep residents, sealed where it counts, and who read what of whom.

``reach`` is extended in place, so that what other revisions added to it stays. A resident's path is
always the household's: a trigger says it, whatever is written.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = "lianxin_app"

_ELSE = "WHEN 'writing' THEN"
_REACH = "WHEN 'residents' THEN ARRAY['system', 'worker', 'community']\n        "

_EXTEND = """
DO $body$ BEGIN
    EXECUTE replace(pg_get_functiondef('reach(text)'::regprocedure), $a${before}$a$, $b${after}$b$);
END $body$
"""

_FUNCTIONS = (
    """
CREATE FUNCTION place_resident() RETURNS trigger LANGUAGE plpgsql AS
$body$
BEGIN
    NEW.path := (SELECT path FROM households WHERE code = NEW.household_code);
    RETURN NEW;
END $body$
""",
    """
CREATE FUNCTION move_residents() RETURNS trigger LANGUAGE plpgsql AS
$body$
BEGIN
    UPDATE residents AS r SET path = n.path FROM changed AS n
        WHERE r.household_code = n.code AND r.path IS DISTINCT FROM n.path;
    RETURN NULL;
END $body$
""",
)

_SERVICE = "(SELECT reach('writing')) IS NOT NULL"
_OWN = "account = current_setting('lianxin.account', true) AND account <> ''"
_SEEN = "EXISTS (SELECT FROM residents WHERE residents.id = resident_id)"
# Rows seen, added, changed and removed.
_POLICIES = {
    "residents": (
        "coalesce(path, '') ^@ (SELECT reach('residents'))",
        _SERVICE,
        _SERVICE,
        _SERVICE,
    ),
    "readings": (
        f"({_OWN}) OR {_SEEN}",
        f"{_OWN} AND role = viewer_role() AND (resident_id IS NULL OR {_SEEN})",
        "false",
        _SERVICE,
    ),
}


def upgrade() -> None:
    """Bring the schema to this revision."""
    _make_residents()
    _make_readings()
    op.execute(_EXTEND.format(before=_ELSE, after=_REACH + _ELSE))
    for function in _FUNCTIONS:
        op.execute(function)
    op.execute(
        "CREATE TRIGGER place_resident BEFORE INSERT OR UPDATE OF household_code, path"
        " ON residents FOR EACH ROW EXECUTE FUNCTION place_resident()"
    )
    op.execute(
        "CREATE TRIGGER move_residents AFTER UPDATE ON households REFERENCING NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION move_residents()"
    )
    for table, policies in _POLICIES.items():
        _protect(table, *policies)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TRIGGER move_residents ON households")
    op.drop_table("readings")
    op.drop_table("residents")
    op.execute("DROP FUNCTION move_residents()")
    op.execute("DROP FUNCTION place_resident()")
    op.execute(_EXTEND.format(before=_REACH, after=""))


def _make_residents() -> None:
    op.create_table(
        "residents",
        sa.Column(
            "id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("household_code", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sex", sa.String(length=32), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("statement_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("sex IN ('male', 'female')", name=op.f("ck_residents_sex")),
        sa.CheckConstraint(
            "until IS NULL OR since IS NULL OR until >= since",
            name=op.f("ck_residents_until_not_first"),
        ),
        sa.CheckConstraint(
            "key_id IS NOT NULL OR num_nonnulls(id_number_sealed, phone_sealed) = 0",
            name=op.f("ck_residents_key_named"),
        ),
        sa.CheckConstraint(
            "(id_number_sealed IS NULL) = (id_number_index IS NULL)",
            name=op.f("ck_residents_id_number_indexed"),
        ),
        sa.ForeignKeyConstraint(
            ["household_code"],
            ["households.code"],
            name=op.f("fk_residents_household_code_households"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_residents")),
        sa.UniqueConstraint("code", name=op.f("uq_residents_code")),
    )
    op.create_index(
        "ix_residents_path",
        "residents",
        ["path", "id"],
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_index("ix_residents_household_code", "residents", ["household_code", "id"])
    op.create_index("ix_residents_id_number_index", "residents", ["id_number_index"])
    op.create_index("ix_residents_name", "residents", ["name"])


def _make_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "account",
            sa.Text(),
            server_default=sa.text("current_setting('lianxin.account', true)"),
            nullable=False,
        ),
        sa.Column("role", sa.Text(), server_default=sa.text("viewer_role()"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('unmask', 'file', 'search')", name=op.f("ck_readings_reading_kind")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_readings_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readings")),
    )
    op.create_index("ix_readings_account", "readings", ["account", "read_at"])
    op.create_index("ix_readings_resident_id", "readings", ["resident_id", "read_at"])


def _protect(table: str, seen: str, added: str, changed: str, removed: str) -> None:
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY operator ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
        f"CREATE POLICY seen ON {table} FOR SELECT TO {ROLE} USING ({seen})",
        f"CREATE POLICY added ON {table} FOR INSERT TO {ROLE} WITH CHECK ({added})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO {ROLE}"
        f" USING ({changed}) WITH CHECK ({changed})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO {ROLE} USING ({removed})",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}",
    ):
        op.execute(statement)
