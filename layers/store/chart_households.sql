-- Households under a path, each with its status now in one scheme.
SELECT
    households.code,
    households.building_code,
    households.unit,
    households.floor,
    households.room,
    households.grid_code,
    statuses.status_code AS status,
    ST_X(households.location) AS lon,
    ST_Y(households.location) AS lat
FROM households
LEFT JOIN statuses
    ON statuses.subject_code = households.code
    AND statuses.subject_kind = 'household'
    AND statuses.scheme_code = :scheme
    AND statuses.until IS NULL
WHERE :prefix = '' OR households.path ^@ :prefix
ORDER BY households.code
