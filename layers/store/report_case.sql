-- One statement: the case, its placement and the reporter's key, or none of them.
-- Nothing is stored when the edition in force is another than the one it was routed by (fresh),
-- when the category is not in the table (known), or when the key stands for a case already.
WITH fresh AS (
    SELECT
    WHERE (SELECT id FROM editions WHERE upper_inf(valid) AND NOT isempty(valid))
        IS NOT DISTINCT FROM %(in_force)s::integer
),
known AS (
    SELECT code, name_zh, name_en, department_zh, department_en
    FROM categories WHERE code = %(category)s::text
),
numbered AS (
    SELECT nextval(pg_get_serial_sequence('cases', 'id')) AS id FROM fresh, known
),
claimed AS (
    INSERT INTO idempotency_keys (key, fingerprint, case_id)
    SELECT %(key)s::text, %(fingerprint)s::text, id FROM numbered WHERE %(key)s::text IS NOT NULL
    ON CONFLICT (key) DO NOTHING
    RETURNING case_id
),
reported AS (
    INSERT INTO cases (
        id, category, description, address, reporter_kind, reporter, occurred_at,
        location, rule, edition_id, grid_code, queue_code, path
    )
    SELECT
        id, %(category)s::text, %(description)s::text, %(address)s::text,
        %(reporter_kind)s::text, %(reporter)s::jsonb, %(occurred_at)s::timestamptz,
        %(location)s::bytea::geometry, %(rule)s::text, %(in_force)s::integer,
        %(grid_code)s::text, %(queue_code)s::text, %(path)s::text
    FROM numbered
    WHERE %(key)s::text IS NULL OR EXISTS (SELECT FROM claimed)
    RETURNING id, reported_at, state
),
placed AS (
    INSERT INTO case_placements (
        case_id, reason, rule, edition_id, grid_code, queue_code, distance_to_boundary_m,
        accuracy_m, datum, raw_x, raw_y, candidates, warnings
    )
    SELECT
        id, %(reason)s::text, %(rule)s::text, %(in_force)s::integer, %(grid_code)s::text,
        %(queue_code)s::text, %(distance_to_boundary_m)s::float8, %(accuracy_m)s::float8,
        %(datum)s::text, %(raw_x)s::float8, %(raw_y)s::float8, %(candidates)s::jsonb,
        %(warnings)s::text[]
    FROM reported
)
SELECT
    EXISTS (SELECT FROM fresh) AS fresh,
    known.code AS known,
    reported.id, reported.reported_at, reported.state,
    known.name_zh, known.name_en, known.department_zh, known.department_en
FROM (VALUES (1)) AS one (row)
LEFT JOIN known ON TRUE
LEFT JOIN reported ON TRUE
