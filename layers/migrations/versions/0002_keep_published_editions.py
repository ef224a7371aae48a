"""Know checked editions, and let nobody change one that was published."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATUS = "ck_editions_edition_status"
_VALID = "ck_editions_valid_when_published"

_EDITIONS = """
CREATE FUNCTION keep_published_editions() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.status IN ('draft', 'checked') THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        IF NEW.status = 'superseded' OR (NEW.status = 'published' AND OLD.status = 'draft') THEN
            RAISE EXCEPTION 'edition %: a % edition does not become %',
                OLD.id, OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) = to_jsonb(OLD) THEN
            RETURN NEW;
        END IF;
        IF OLD.status = 'published' AND NEW.status = 'superseded'
            AND lower(NEW.valid) = lower(OLD.valid)
            AND to_jsonb(NEW) - 'status' - 'valid' = to_jsonb(OLD) - 'status' - 'valid'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'edition % was published and cannot be changed', OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'Import other grids, and publish those.';
END $body$
"""

# The lock lets a publishing that is under way come to its end before the status is asked.
_GRIDS = """
CREATE FUNCTION keep_published_grids() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    kept integer;
BEGIN
    PERFORM id FROM editions WHERE id IN (SELECT edition_id FROM changed) FOR SHARE;
    SELECT id INTO kept FROM editions
        WHERE id IN (SELECT edition_id FROM changed) AND status IN ('published', 'superseded')
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'edition % was published and its grids cannot be changed', kept
            USING ERRCODE = 'restrict_violation', HINT = 'Import other grids, and publish those.';
    END IF;
    UPDATE editions SET status = 'draft'
        WHERE status = 'checked' AND id IN (SELECT edition_id FROM changed);
    RETURN NULL;
END $body$
"""

_NO_TRUNCATE = """
CREATE FUNCTION keep_published_tables() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT FROM editions WHERE status IN ('published', 'superseded')) THEN
        RAISE EXCEPTION 'published editions cannot be removed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $body$
"""

_AREAS = """
CREATE FUNCTION check_editions_again() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE editions SET status = 'draft'
        WHERE status = 'checked' AND EXISTS (
            SELECT FROM grids WHERE edition_id = editions.id AND community_code = NEW.code
        );
    RETURN NULL;
END $body$
"""

_TRIGGERS = (
    "CREATE TRIGGER keep_published BEFORE UPDATE OR DELETE ON editions"
    " FOR EACH ROW EXECUTE FUNCTION keep_published_editions()",
    "CREATE TRIGGER keep_published_added AFTER INSERT ON grids"
    " REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_published_grids()",
    "CREATE TRIGGER keep_published_before AFTER UPDATE ON grids"
    " REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_published_grids()",
    "CREATE TRIGGER keep_published_after AFTER UPDATE ON grids"
    " REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_published_grids()",
    "CREATE TRIGGER keep_published_removed AFTER DELETE ON grids"
    " REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_published_grids()",
    "CREATE TRIGGER keep_published_whole BEFORE TRUNCATE ON grids"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_published_tables()",
    "CREATE TRIGGER check_editions_again AFTER UPDATE OF boundary ON areas"
    " FOR EACH ROW WHEN (OLD.boundary IS DISTINCT FROM NEW.boundary)"
    " EXECUTE FUNCTION check_editions_again()",
)


def upgrade() -> None:
    """Bring the schema to this revision."""
    _constrain("'draft', 'checked', 'published', 'superseded'", "status IN ('draft', 'checked')")
    for statement in (_EDITIONS, _GRIDS, _NO_TRUNCATE, _AREAS, *_TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Take this revision back."""
    for function in (
        "check_editions_again", "keep_published_tables",
        "keep_published_grids", "keep_published_editions",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}() CASCADE")
    op.execute("UPDATE editions SET status = 'draft' WHERE status = 'checked'")
    _constrain("'draft', 'published', 'superseded'", "status = 'draft'")


def _constrain(statuses: str, unpublished: str) -> None:
    for name, rule in (
        (_STATUS, f"status IN ({statuses})"),
        (_VALID, f"({unpublished}) = (valid IS NULL)"),
    ):
        op.drop_constraint(op.f(name), "editions", type_="check")
        op.create_check_constraint(op.f(name), "editions", rule)
