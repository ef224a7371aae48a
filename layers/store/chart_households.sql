-- Households under a path, each with its status now in one scheme; unless exact is asked for, each
-- stands at its building's anchor, and its door is not told. A code tells the door: instead of it
-- stands the building's, and a number in no order.
SELECT
    CASE WHEN :exact THEN households.code
        ELSE coalesce(households.building_code, '') || '#' || row_number()
            OVER (PARTITION BY households.building_code ORDER BY md5(households.code))
    END AS code,
    households.building_code,
    CASE WHEN :exact THEN households.unit END AS unit,
    CASE WHEN :exact THEN households.floor END AS floor,
    CASE WHEN :exact THEN households.room END AS room,
    households.grid_code,
    statuses.status_code AS status,
    ST_X(place.point) AS lon,
    ST_Y(place.point) AS lat
FROM households
LEFT JOIN buildings ON buildings.code = households.building_code AND NOT :exact
CROSS JOIN LATERAL (SELECT coalesce(buildings.anchor, households.location) AS point) AS place
LEFT JOIN statuses
    ON statuses.subject_code = households.code
    AND statuses.subject_kind = 'household'
    AND statuses.scheme_code = :scheme
    AND statuses.until IS NULL
WHERE :prefix = '' OR households.path ^@ :prefix
ORDER BY households.building_code, code
