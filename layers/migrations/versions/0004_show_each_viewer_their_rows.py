"""Show each viewer their own rows: the role that serves, and the policies that hold for it.

A transaction says who looks by the settings ``lianxin.role``, ``lianxin.area`` (a slash and a path)
and ``lianxin.majors``; without them no row is seen. ``reach`` says in one place which role sees
what. A policy compares with ``(SELECT reach(…))``, asked once a statement, so that the spatial
indexes are used where the query itself says ``&&``:
https://www.postgresql.org/docs/15/rules-privileges.html
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "lianxin_app"

_ROLE = f"""
DO $body$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} LOGIN NOINHERIT;
    END IF;
    IF NOT pg_has_role('{ROLE}', 'MEMBER') THEN
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO {ROLE}', current_schema());
END $body$
"""  # the one name in it is ours # nosec B608

_FUNCTIONS = (
    """
CREATE FUNCTION viewer_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$body$ SELECT nullif(current_setting('lianxin.role', true), '') $body$
""",
    """
CREATE FUNCTION viewer_majors() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS
$body$
    SELECT string_to_array(substr(nullif(current_setting('lianxin.majors', true), ''), 2), ',')
$body$
""",
    """
CREATE FUNCTION reach(subject text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$body$
    SELECT substr(nullif(current_setting('lianxin.area', true), ''), 2)
    WHERE viewer_role() = ANY (CASE subject
        WHEN 'buildings' THEN ARRAY['system', 'worker', 'community', 'street', 'banner',
            'department', 'analyst', 'wall']
        WHEN 'households' THEN ARRAY['system', 'worker', 'community', 'street', 'banner',
            'analyst', 'wall']
        WHEN 'cases' THEN ARRAY['system', 'worker', 'community', 'street', 'banner',
            'department', 'analyst', 'wall']
        WHEN 'setting statuses' THEN ARRAY['system', 'worker', 'community']
        WHEN 'writing' THEN ARRAY['system']
    END)
$body$
""",
    # Only an owner may ANALYZE; that much is no secret and no harm.
    """
CREATE FUNCTION tell_planner(target regclass) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS
$body$ BEGIN EXECUTE format('ANALYZE %s', target); END $body$
""",
    """
CREATE FUNCTION move_statuses() RETURNS trigger LANGUAGE plpgsql AS
$body$
BEGIN
    UPDATE statuses AS s SET path = n.path FROM changed AS n
        WHERE s.subject_kind = TG_ARGV[0] AND s.subject_code = n.code
        AND s.path IS DISTINCT FROM n.path;
    RETURN NULL;
END $body$
""",
)

_SEEN_BY_PATH = "coalesce(path, '') ^@ (SELECT reach('{what}'))"

# Where a status says that it lies is where its subject does: a path that somebody writes proves
# nothing. Schemes of a campaign take none.
_STATUS_SET = _SEEN_BY_PATH.format(what="setting statuses")
_STATUS_WRITTEN = (
    _STATUS_SET
    + """
AND CASE subject_kind
    WHEN 'household' THEN EXISTS (SELECT FROM households AS t
        WHERE t.code = subject_code AND t.path IS NOT DISTINCT FROM statuses.path)
    WHEN 'building' THEN EXISTS (SELECT FROM buildings AS t
        WHERE t.code = subject_code AND t.path IS NOT DISTINCT FROM statuses.path)
    ELSE (SELECT reach('writing')) IS NOT NULL
END
AND NOT EXISTS (SELECT FROM status_schemes AS s WHERE s.code = scheme_code AND s.campaign_only)
"""
)

# Rows seen; rows that may be changed, and what they may be then; everything else is for the service's own work.
_POLICIES = {
    "buildings": (_SEEN_BY_PATH.format(what="buildings"), None),
    "households": (_SEEN_BY_PATH.format(what="households"), None),
    "compounds": (
        "(SELECT reach('buildings')) = '' OR community_code IN"
        " (SELECT code FROM areas WHERE path ^@ (SELECT reach('buildings')))",
        None,
    ),
    "statuses": (
        _SEEN_BY_PATH.format(what="households"),
        (_STATUS_SET, _STATUS_WRITTEN),
    ),
    "cases": (
        _SEEN_BY_PATH.format(what="cases")
        + " AND ((SELECT viewer_majors()) IS NULL"
        " OR left(category, 2) = ANY ((SELECT viewer_majors())::text[]))",
        None,
    ),
    "case_placements": ("EXISTS (SELECT FROM cases WHERE cases.id = case_id)", None),
    "idempotency_keys": ("(SELECT reach('writing')) IS NOT NULL", None),
}
_SERVICE = "(SELECT reach('writing')) IS NOT NULL"


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("statuses", sa.Column("path", sa.Text(), nullable=True))
    for kind, table in (("household", "households"), ("building", "buildings")):
        op.execute(
            f"UPDATE statuses AS s SET path = t.path FROM {table} AS t"  # names of ours # nosec B608
            f" WHERE s.subject_kind = '{kind}' AND s.subject_code = t.code"
        )
    op.create_index(op.f("ix_statuses_subject_code"), "statuses", ["subject_code"])
    op.execute(_ROLE)
    for function in _FUNCTIONS:
        op.execute(function)
    for kind, table in (("household", "households"), ("building", "buildings")):
        op.execute(
            f"CREATE TRIGGER move_statuses AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION move_statuses('{kind}')"
        )
    for table, (seen, written) in _POLICIES.items():
        before, after = written or (_SERVICE, _SERVICE)
        _protect(table, seen, before, after)
    _grant()


def downgrade() -> None:
    """Take this revision back; the role stays, since other databases may use it."""
    for table in _POLICIES:
        for policy in ("seen", "added", "changed", "removed", "operator"):
            op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE}")
    for function in (
        "move_statuses() CASCADE", "tell_planner(regclass)", "reach(text)", "viewer_majors()",
        "viewer_role()",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index(op.f("ix_statuses_subject_code"), "statuses")
    op.drop_column("statuses", "path")


def _protect(table: str, seen: str, before: str, after: str) -> None:
    """Say which rows are seen, which may be changed, and what they may be afterwards."""
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY operator ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
        f"CREATE POLICY seen ON {table} FOR SELECT TO {ROLE} USING ({seen})",
        f"CREATE POLICY added ON {table} FOR INSERT TO {ROLE} WITH CHECK ({after})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO {ROLE}"
        f" USING ({before}) WITH CHECK ({after})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO {ROLE} USING ({_SERVICE})",
    ):
        op.execute(statement)


def _grant() -> None:
    op.execute(
        f"""
DO $body$
DECLARE named text;
BEGIN
    FOR named IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
        AND tablename NOT IN ('alembic_version', 'spatial_ref_sys')
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO {ROLE}', named);
    END LOOP;
    GRANT SELECT ON alembic_version, spatial_ref_sys TO {ROLE};
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO {ROLE}', current_schema());
    -- A judgement of ours: && compares boxes and neither errs nor tells of a value. Without it a
    -- policy keeps the spatial indexes from being used. Only a superuser may say so.
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
    END IF;
END $body$
"""  # the one name in it is ours # nosec B608
    )
