-- name: read_deployments
-- All that there are, to take them up again.
SELECT seq, state FROM deployment

-- name: keep
-- Deployments that are new or changed.
INSERT INTO deployment (id, seq, state)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, state = excluded.state
