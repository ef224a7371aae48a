-- Bring known cases to what the file says now; an empty cell says nothing.
UPDATE cases AS c
SET category = s.category,
    description = coalesce(s.description, c.description),
    address = coalesce(s.address, c.address),
    state = coalesce(s.state, c.state),
    reporter_kind = coalesce(s.reporter_kind, c.reporter_kind),
    occurred_at = coalesce(s.occurred_at, c.occurred_at),
    reported_at = coalesce(s.reported_at, c.reported_at),
    location = CASE WHEN s.moved THEN s.location ELSE c.location END,
    rule = CASE WHEN s.moved THEN s.rule ELSE c.rule END,
    edition_id = CASE WHEN s.moved THEN s.edition_id ELSE c.edition_id END,
    grid_code = CASE WHEN s.moved THEN s.grid_code ELSE c.grid_code END,
    queue_code = CASE WHEN s.moved THEN s.queue_code ELSE c.queue_code END,
    path = CASE WHEN s.moved THEN s.path ELSE c.path END
FROM staged_cases AS s
WHERE c.id = s.case_id
    AND NOT s.fresh
    AND (
        s.moved
        OR s.category <> c.category
        OR s.description <> c.description
        OR s.state <> c.state
        OR s.reporter_kind <> c.reporter_kind
        OR s.reported_at <> c.reported_at
        OR (s.address IS NOT NULL AND s.address IS DISTINCT FROM c.address)
        OR (s.occurred_at IS NOT NULL AND s.occurred_at IS DISTINCT FROM c.occurred_at)
    )
