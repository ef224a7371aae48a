-- Insert the staged residents, and update those that read differently; count both.
-- A column named in kept is not in the file: what is stored stays.
WITH wanted AS (
    SELECT
        coalesce(t.id, s.id::uuid) AS id,
        s.code, s.household_code, s.name,
        CASE WHEN 'sex' = ANY (%(kept)s) THEN t.sex ELSE s.sex END AS sex,
        CASE WHEN 'birth_date' = ANY (%(kept)s) THEN t.birth_date ELSE s.birth_date::date END
            AS birth_date,
        CASE WHEN 'since' = ANY (%(kept)s) THEN t.since ELSE s.since::date END AS since,
        CASE WHEN 'until' = ANY (%(kept)s) THEN t.until ELSE s.until::date END AS until,
        s.phone_sealed::bytea AS phone_sealed,
        s.id_number_sealed::bytea AS id_number_sealed,
        s.id_number_index::bytea AS id_number_index,
        s.key_id, s.basis, s.source
    FROM staged_residents AS s LEFT JOIN residents AS t ON t.code = s.code
),
merged AS (
    INSERT INTO residents AS t (
        id, code, household_code, name, sex, birth_date, since, until, phone_sealed,
        id_number_sealed, id_number_index, key_id, basis, source
    )
    SELECT
        id, code, household_code, name, sex, birth_date, since, until, phone_sealed,
        id_number_sealed, id_number_index, key_id, basis, source
    FROM wanted AS w
    WHERE NOT EXISTS (
        SELECT FROM residents AS t
        WHERE t.code = w.code
            AND (t.household_code, t.name, t.sex, t.birth_date, t.since, t.until, t.phone_sealed,
                t.id_number_sealed, t.id_number_index, t.key_id, t.basis, t.source)
            IS NOT DISTINCT FROM
                (w.household_code, w.name, w.sex, w.birth_date, w.since, w.until, w.phone_sealed,
                w.id_number_sealed, w.id_number_index, w.key_id, w.basis, w.source)
    )
    ON CONFLICT (code) DO UPDATE SET
        household_code = excluded.household_code, name = excluded.name, sex = excluded.sex,
        birth_date = excluded.birth_date, since = excluded.since, until = excluded.until,
        phone_sealed = excluded.phone_sealed, id_number_sealed = excluded.id_number_sealed,
        id_number_index = excluded.id_number_index, key_id = excluded.key_id,
        basis = excluded.basis, source = excluded.source, updated_at = statement_timestamp()
    RETURNING t.xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged
