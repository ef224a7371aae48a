-- The grids of an edition under a path, each with its open cases and its households.
WITH matters AS (
    SELECT cases.grid_code, count(*) AS open_cases
    FROM cases
    JOIN categories ON categories.code = cases.category
    WHERE cases.edition_id = :edition_id
      AND cases.path ^@ :prefix
      AND NOT categories.confidential
      AND cases.state <> ALL (:ended)
    GROUP BY cases.grid_code
),
homes AS (
    SELECT grid_code, count(*) AS household_count
    FROM households
    WHERE path ^@ :prefix
    GROUP BY grid_code
)
SELECT
    grids.code,
    grids.name,
    grids.name_en,
    grids.kind,
    grids.responsible,
    coalesce(matters.open_cases, 0) AS open_cases,
    coalesce(homes.household_count, 0) AS household_count,
    ST_AsBinary(grids.boundary) AS wkb
FROM grids
LEFT JOIN matters ON matters.grid_code = grids.code
LEFT JOIN homes ON homes.grid_code = grids.code
WHERE grids.edition_id = :edition_id AND grids.path ^@ :prefix
ORDER BY grids.code
