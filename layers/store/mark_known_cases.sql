-- Which staged rows are cases that we have, and what the file may say of those.
UPDATE staged_cases AS s
SET case_id = c.id,
    moved = (s.raw_x, s.raw_y, s.datum, s.accuracy_m)
        IS DISTINCT FROM (p.raw_x, p.raw_y, p.datum, p.accuracy_m),
    -- What was done here since isn't undone by a file: it may begin a case, or end it.
    state = CASE
        WHEN c.state = 'reported' OR (s.state = ANY(%(ended)s) AND c.state <> ALL(%(ended)s))
        THEN s.state
    END
FROM cases AS c
LEFT JOIN LATERAL (
    SELECT * FROM case_placements WHERE case_id = c.id ORDER BY id DESC LIMIT 1
) AS p ON true
WHERE c.source = s.source AND c.source_id = s.source_id
