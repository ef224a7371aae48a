-- How many people each account read, unmasked, read at night and outside its own area, and how
-- often it was refused, by periods counted back from :until (0 is the last one).
-- A person is read by an action of :reads; whose home it is stands in detail->>'path'.
SELECT
    account,
    role,
    floor(extract(epoch FROM (cast(:until AS timestamptz) - recorded_at)) / :period_s)::int AS ago,
    coalesce(sum(count) FILTER (WHERE action = ANY(:reads)), 0) AS people,
    coalesce(sum(count) FILTER (WHERE action = :unmask), 0) AS unmasked,
    coalesce(sum(count) FILTER (
        WHERE action = ANY(:reads)
        AND extract(hour FROM recorded_at AT TIME ZONE :zone) NOT BETWEEN :morning AND :evening
    ), 0) AS at_night,
    coalesce(sum(count) FILTER (
        WHERE action = ANY(:reads) AND NOT (detail ->> 'path') ^@ area
    ), 0) AS outside,
    count(*) FILTER (WHERE action = :refuse) AS refused
FROM audit
WHERE recorded_at >= :since AND recorded_at < :until AND account <> '' AND role <> 'system'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
