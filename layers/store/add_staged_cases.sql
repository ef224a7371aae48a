-- Store the staged rows that are new, and note the numbers that they got.
WITH added AS (
    INSERT INTO cases (
        source, source_id, category, description, address, state, reporter_kind, occurred_at,
        reported_at, location, rule, edition_id, grid_code, queue_code, path
    )
    SELECT
        source, source_id, category, coalesce(description, ''), address,
        coalesce(state, 'reported'), coalesce(reporter_kind, 'import'), occurred_at,
        coalesce(reported_at, occurred_at, now()), location, rule, edition_id, grid_code,
        queue_code, path
    FROM staged_cases
    WHERE case_id IS NULL
    ORDER BY row
    RETURNING id, source_id
)
UPDATE staged_cases AS s SET case_id = a.id, fresh = true
FROM added AS a WHERE a.source_id = s.source_id
