-- Cases under a path: the open ones, and of the ended ones those reported lately. What is
-- confidential by its category is never on a chart.
SELECT
    cases.id,
    categories.name_zh AS category_zh,
    categories.name_en AS category_en,
    cases.state,
    cases.reported_at,
    CASE WHEN cases.edition_id = :edition_id THEN cases.grid_code END AS grid_code,
    ST_X(cases.location) AS lon,
    ST_Y(cases.location) AS lat
FROM cases
JOIN categories ON categories.code = cases.category
WHERE (:prefix = '' OR cases.path ^@ :prefix)
  AND NOT categories.confidential
  AND (
      cases.state <> ALL (:ended)
      OR cases.reported_at >= now() - make_interval(days => :days)
  )
ORDER BY cases.id
