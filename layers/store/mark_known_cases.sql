-- Which staged rows are cases that we have, and which of those the file now puts elsewhere.
UPDATE staged_cases AS s
SET case_id = c.id,
    moved = (s.raw_x, s.raw_y, s.datum, s.accuracy_m)
        IS DISTINCT FROM (p.raw_x, p.raw_y, p.datum, p.accuracy_m)
FROM cases AS c
LEFT JOIN LATERAL (
    SELECT * FROM case_placements WHERE case_id = c.id ORDER BY id DESC LIMIT 1
) AS p ON true
WHERE c.source = s.source AND c.source_id = s.source_id
