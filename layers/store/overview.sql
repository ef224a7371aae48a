-- What is loaded, in one row.
SELECT
    (SELECT coalesce(jsonb_object_agg(level, n), '{}')
     FROM (SELECT level, count(*) AS n FROM areas GROUP BY level) AS levels) AS areas_by_level,
    (SELECT count(*) FROM compounds) AS compound_count,
    (SELECT count(*) FROM buildings) AS building_count,
    (SELECT count(*) FROM buildings WHERE grid_code IS NULL) AS unowned_building_count,
    (SELECT count(*) FROM households) AS household_count,
    (SELECT count(*) FROM households WHERE grid_code IS NULL) AS unowned_household_count,
    (SELECT coalesce(jsonb_object_agg(state, n), '{}')
     FROM (SELECT state, count(*) AS n FROM cases GROUP BY state) AS states) AS cases_by_state,
    (SELECT count(*) FROM cases WHERE queue_code IS NOT NULL AND state <> ALL (:ended))
        AS queued_case_count,
    (SELECT count(*) FROM cases WHERE rule = 'unplaced' AND state <> ALL (:ended))
        AS unplaced_case_count,
    (SELECT count(*) FROM cases
     WHERE grid_code IS NULL AND queue_code IS NULL AND rule <> 'unplaced'
       AND state <> ALL (:ended)) AS ownerless_case_count,
    (SELECT count(*) FROM cases JOIN categories ON categories.code = cases.category
     WHERE categories.confidential AND cases.state <> ALL (:ended)) AS confidential_case_count,
    (SELECT count(*) FROM editions WHERE status IN ('draft', 'checked')) AS draft_count,
    (SELECT count(*) FROM categories) AS category_count,
    EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND classid = 0 AND objid = CAST(:bulk AS oid)
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS loading,
    current_setting('server_version') AS postgres,
    postgis_lib_version() AS postgis,
    statement_timestamp() AS read_at
