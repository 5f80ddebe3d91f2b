-- name: insert_runs
-- Runs that are asked for, and their tasks.
INSERT INTO run (run_id, task_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT DO NOTHING

-- name: finish_runs
-- Runs that have ended, and how many lines each has.
UPDATE run SET finished = true, lines = ended.lines
FROM unnest($1::uuid[], $2::bigint[]) AS ended (run_id, lines)
WHERE run.run_id = ANY ($1::uuid[]) AND run.run_id = ended.run_id

-- name: mark_killed
-- Tasks whose logs are gone. It comes before the deletion: it waits for chunks that are being
-- stored (ingest.py).
INSERT INTO killed SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING

-- name: delete_chunks
-- The logs of these tasks.
DELETE FROM chunk WHERE task_id = ANY ($1::uuid[])
