"""Keep accounts, the tokens that were given out (only hashes of them), and attempts to sign in.

Nobody but the service itself sees them: neither a viewer's transaction nor an analyst's own login.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLE = "lianxin_app"

_ROLES = (
    "worker", "community", "street", "banner", "department", "analyst", "wall", "auditor",
    "administrator",
)  # fmt: skip
_SERVICE = "(SELECT reach('writing')) IS NOT NULL"


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("area_code", sa.String(64), nullable=True),
        sa.Column("majors", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("duties", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        _instant("password_changed_at"),
        _instant("created_at", server_default=sa.func.statement_timestamp()),
        _instant("disabled_at", nullable=True),
        sa.CheckConstraint(
            f"role IN ({', '.join(repr(role) for role in _ROLES)})",
            name=op.f("ck_accounts_role_of_person"),
        ),
        sa.CheckConstraint(
            "name ~ '^[^[:space:][:cntrl:]/]+$'", name=op.f("ck_accounts_name_readable")
        ),
        sa.CheckConstraint(
            "duties <@ ARRAY['collector', 'service', 'hazard', 'mediation', 'policy']",
            name=op.f("ck_accounts_duties_known"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("chart", sa.Text(), nullable=True),
        _instant("created_at", server_default=sa.func.statement_timestamp()),
        _instant("expires_at"),
        _instant("last_used_at", nullable=True),
        _instant("revoked_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('refresh', 'session', 'kiosk')", name=op.f("ck_tokens_token_kind")
        ),
        sa.CheckConstraint(
            "(kind = 'kiosk') = (chart IS NOT NULL)", name=op.f("ck_tokens_chart_of_kiosk")
        ),
        sa.CheckConstraint("length(secret_hash) = 32", name=op.f("ck_tokens_secret_hashed")),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_tokens_account_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
    )
    op.create_index(op.f("ix_tokens_family"), "tokens", ["family"])
    op.create_index(op.f("ix_tokens_account"), "tokens", ["account"])
    op.create_index(op.f("ix_tokens_revoked_at"), "tokens", ["revoked_at"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _instant("at"),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(
        op.f("ix_sign_in_attempts_account_hash_at"), "sign_in_attempts", ["account_hash", "at"]
    )
    op.create_index(op.f("ix_sign_in_attempts_address_at"), "sign_in_attempts", ["address", "at"])
    op.create_index(op.f("ix_sign_in_attempts_at"), "sign_in_attempts", ["at"])
    for table in ("accounts", "tokens", "sign_in_attempts"):
        _protect(table)


def downgrade() -> None:
    """Take this revision back."""
    for table in ("sign_in_attempts", "tokens", "accounts"):
        op.drop_table(table)


def _instant(
    name: str, *, nullable: bool = False, server_default: Any = None
) -> "sa.Column[datetime]":
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, nullable=nullable, server_default=server_default)


def _protect(table: str) -> None:
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY operator ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
        f"CREATE POLICY seen ON {table} FOR SELECT TO {ROLE} USING ({_SERVICE})",
        f"CREATE POLICY added ON {table} FOR INSERT TO {ROLE} WITH CHECK ({_SERVICE})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO {ROLE}"
        f" USING ({_SERVICE}) WITH CHECK ({_SERVICE})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO {ROLE} USING ({_SERVICE})",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}",
    ):
        op.execute(statement)
    op.execute(
        "DO $body$ BEGIN EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO"
        f" {ROLE}', current_schema()); END $body$"
    )
