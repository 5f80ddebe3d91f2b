-- name: old_segments
-- A hundred segments whose last inference is older.
SELECT pipeline, file, part FROM segment WHERE last_time < $1 ORDER BY last_time LIMIT 100

-- name: large_pipelines
-- Up to a hundred pipelines with more bytes.
SELECT pipeline, bytes FROM pipeline WHERE bytes > $1 ORDER BY bytes DESC LIMIT 100

-- name: oldest_segments
-- The hundred oldest segments of a pipeline.
SELECT pipeline, file, part, bytes FROM segment
WHERE pipeline = $1 AND (first_time, file, part) > ('-1'::bigint, '-1'::bigint, -1)
ORDER BY first_time, file, part LIMIT 100

-- name: forgotten_segments
-- A hundred segments of a pipeline that end by then.
SELECT pipeline, file, part FROM segment
WHERE pipeline = $1 AND last_time <= $2 ORDER BY last_time LIMIT 100

-- name: forget
-- Up to when a pipeline's inferences are to be read no more.
INSERT INTO pipeline AS known (pipeline, forgotten_until) VALUES ($1, $2)
ON CONFLICT (pipeline) DO UPDATE
SET forgotten_until = greatest(known.forgotten_until, excluded.forgotten_until)

-- name: delete_segments
-- These segments; their blobs are garbage from then on.
WITH gone AS (
    DELETE FROM segment USING unnest($1::uuid[], $2::bigint[], $3::integer[]) AS old (p, f, n)
    WHERE pipeline = old.p AND file = old.f AND part = old.n
    RETURNING pipeline, rows, bytes, key
), rubbish AS (
    INSERT INTO garbage SELECT key FROM gone ON CONFLICT DO NOTHING
), less AS (
    SELECT pipeline, sum(rows)::bigint AS rows, sum(bytes)::bigint AS bytes
    FROM gone GROUP BY pipeline
)
UPDATE pipeline SET rows = pipeline.rows - less.rows, bytes = pipeline.bytes - less.bytes
FROM less WHERE pipeline.pipeline = less.pipeline AND pipeline.pipeline = ANY ($1::uuid[])

-- name: delete_runs
-- What is noted of task runs in these segments.
DELETE FROM segment_run USING unnest($1::uuid[], $2::bigint[], $3::integer[]) AS old (p, f, n)
WHERE pipeline = old.p AND file = old.f AND part = old.n

-- name: garbage
-- A hundred blobs to delete.
SELECT key FROM garbage ORDER BY key LIMIT 100

-- name: delete_garbage
-- These are deleted.
DELETE FROM garbage WHERE key = ANY ($1::text[])

-- name: delete_sealed
-- Commits of files that are not there any more: numbers grow with time. A backup may still have a
-- file whose commit it has too.
DELETE FROM sealed WHERE file < $1 AND sealed_at < now() - interval '1 day'
