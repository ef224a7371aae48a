"""Keep an audit: rows are added and never changed, and blocks of them are sealed.

Who acts, when and in which transaction is set by a trigger from the settings that each transaction
brings (revision 0004); the role that serves may not even name those columns. Nobody updates,
removes or truncates; a superuser who switches the triggers off is found by `lianxin audit verify`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "lianxin_app"
TABLES = ("audit", "audit_seals")
_SAID = "action, object_kind, object_code, purpose, fields, count, detail, origin, request_id"

_STAMP = """
CREATE FUNCTION stamp_audit() RETURNS trigger LANGUAGE plpgsql AS
$body$
BEGIN
    NEW.id := nextval('audit_id_seq');
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    NEW.recorded_at := clock_timestamp();
    NEW.account := coalesce(current_setting('lianxin.account', true), '');
    NEW.role := coalesce(current_setting('lianxin.role', true), '');
    NEW.area := coalesce(substr(current_setting('lianxin.area', true), 2), '');
    RETURN NEW;
END $body$
"""
_KEEP = """
CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS
$body$
BEGIN
    RAISE EXCEPTION 'The audit is never changed: % of % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $body$
"""
_READERS = "(SELECT viewer_role()) IN ('auditor', 'system')"
_SERVICE = "(SELECT reach('writing')) IS NOT NULL"
_POLICIES = (
    "CREATE POLICY operator ON {table} FOR SELECT TO CURRENT_USER USING (true)",
    "CREATE POLICY operator_adds ON {table} FOR INSERT TO CURRENT_USER WITH CHECK (true)",
    f"CREATE POLICY seen ON {{table}} FOR SELECT TO {ROLE} USING ({_READERS})",
)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_code", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column(
            "fields", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.CheckConstraint("count >= 0", name=op.f("ck_audit_count_not_negative")),
        sa.CheckConstraint("action <> ''", name=op.f("ck_audit_action_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_order", "audit", ["transaction_id", "id"])
    op.create_index("ix_audit_account", "audit", ["account", "id"])
    op.create_index("ix_audit_object", "audit", ["object_code", "object_kind", "id"])
    op.create_index("ix_audit_recorded", "audit", ["recorded_at"])
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_transaction", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_transaction", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("row_count > 0", name=op.f("ck_audit_seals_block_not_empty")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seals")),
    )
    op.execute("CREATE SEQUENCE audit_id_seq OWNED BY audit.id")
    op.execute(_STAMP)
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER stamp_audit BEFORE INSERT ON audit"
        " FOR EACH ROW EXECUTE FUNCTION stamp_audit()"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER keep_audit BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION keep_audit()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for policy in _POLICIES:
            op.execute(policy.format(table=table))
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
        op.execute(f"GRANT SELECT ON {table} TO {ROLE}")
    op.execute(f"CREATE POLICY added ON audit FOR INSERT TO {ROLE} WITH CHECK (true)")
    op.execute(f"CREATE POLICY added ON audit_seals FOR INSERT TO {ROLE} WITH CHECK ({_SERVICE})")
    op.execute(f"GRANT INSERT ({_SAID}) ON audit TO {ROLE}")
    op.execute(f"GRANT INSERT ON audit_seals TO {ROLE}")
    op.execute(f"GRANT USAGE ON SEQUENCE audit_id_seq TO {ROLE}")


def downgrade() -> None:
    """Take this revision back, and the audit with it."""
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION stamp_audit()")
    op.execute("DROP FUNCTION keep_audit()")
