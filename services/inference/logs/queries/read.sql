-- name: sealed_of
-- Which of these files are in segments.
SELECT file FROM sealed WHERE file = ANY ($1::bigint[])

-- name: forgotten_until_of
-- Up to when a pipeline is forgotten.
SELECT forgotten_until FROM pipeline WHERE pipeline = $1

-- name: count
-- How many rows of a pipeline are in segments, but for those of files that are read themselves, and
-- up to when it is forgotten.
SELECT rows - coalesce((SELECT sum(held.rows) FROM segment AS held
                        WHERE held.pipeline = $1 AND file = ANY ($2::bigint[])), 0)::bigint AS rows,
       forgotten_until
FROM pipeline WHERE pipeline = $1

-- name: segments_up
-- The next 64 segments by their first times, of those times and after that place, but for those of
-- files that are read themselves.
SELECT file, part, first_time, last_time, key FROM segment
WHERE pipeline = $1 AND (first_time, file, part) > ($2::bigint, $3::bigint, $4::integer)
  AND first_time <= $6 AND last_time >= $5 AND file <> ALL ($7::bigint[])
ORDER BY first_time, file, part LIMIT 64

-- name: segments_down
-- As segments_up, from the last time back.
SELECT file, part, first_time, last_time, key FROM segment
WHERE pipeline = $1 AND (last_time, file, part) < ($2::bigint, $3::bigint, $4::integer)
  AND last_time >= $5 AND first_time <= $6 AND file <> ALL ($7::bigint[])
ORDER BY last_time DESC, file DESC, part DESC LIMIT 64

-- name: segments_of_run
-- Which of a pipeline's segments hold inferences of a task run.
SELECT file, part FROM segment_run WHERE run = $1 AND pipeline = $2 LIMIT 1000

-- name: pipelines_of_run
-- How many rows of which pipelines a task run has asked for, but for those of files that are read
-- themselves.
SELECT pipeline, sum(rows)::bigint AS rows FROM segment_run
WHERE run = $1 AND file <> ALL ($2::bigint[]) GROUP BY pipeline LIMIT 1000
