-- name: read_plan
-- What is kept of the plan, to take it up again.
SELECT kind, id, state FROM plan

-- name: keep
-- Items that are new or changed.
INSERT INTO plan (kind, id, state) SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[])
ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state

-- name: forget
-- Items that are over.
DELETE FROM plan USING unnest($1::text[], $2::uuid[]) AS gone (kind, id)
WHERE plan.kind = ANY ($1::text[]) AND plan.id = ANY ($2::uuid[])
    AND plan.kind = gone.kind AND plan.id = gone.id
