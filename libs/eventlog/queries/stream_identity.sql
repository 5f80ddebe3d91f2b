-- name: find_origin
-- When the stream was made that the rows come from.
SELECT created FROM origin WHERE stream = $1

-- name: insert_origin
-- The stream that the rows come from from now on.
INSERT INTO origin (stream, created) VALUES ($1, $2)

-- name: furthest_checkpoint
-- How far the furthest of some projections is.
SELECT coalesce(max(seq), 0) FROM checkpoint WHERE name = ANY ($1)
