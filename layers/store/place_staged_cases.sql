-- Keep the routing of every case that is new or was moved, with its coordinates as sent.
INSERT INTO case_placements (
    case_id, reason, rule, edition_id, grid_code, queue_code, distance_to_boundary_m, accuracy_m,
    datum, raw_x, raw_y, candidates, warnings
)
SELECT
    case_id, %(reason)s, rule, edition_id, grid_code, queue_code, distance_to_boundary_m,
    accuracy_m, datum, raw_x, raw_y, candidates::jsonb,
    coalesce(string_to_array(warnings, E'\x1f'), '{}')
FROM staged_cases
WHERE fresh OR moved
ORDER BY row
