-- name: is_sealed
-- Whether the file of that number is in segments.
SELECT EXISTS (SELECT FROM sealed WHERE file = $1)

-- name: forgotten_until
-- Up to when inferences of these pipelines are forgotten.
SELECT pipeline, forgotten_until FROM pipeline WHERE pipeline = ANY ($1::uuid[])

-- name: insert_sealed
-- The file's commit; no row if somebody else has sealed it.
INSERT INTO sealed (file) VALUES ($1) ON CONFLICT DO NOTHING RETURNING file

-- name: insert_segments
-- The segments of a file.
INSERT INTO segment (pipeline, file, part, workspace, first_time, last_time, rows, bytes, key)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::bigint[], $8::bigint[], $9::text[])

-- name: insert_runs
-- Which task runs have inferences in which segments.
INSERT INTO segment_run (run, pipeline, file, part, rows)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::integer[], $5::bigint[])

-- name: add_to_pipelines
-- What there is more of each pipeline, and up to when it is forgotten.
INSERT INTO pipeline AS known (pipeline, rows, bytes)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
ON CONFLICT (pipeline) DO UPDATE
SET rows = known.rows + excluded.rows, bytes = known.bytes + excluded.bytes
RETURNING pipeline, forgotten_until
