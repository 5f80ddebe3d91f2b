-- name: find_checkpoint
-- How far a projection is.
SELECT seq FROM checkpoint WHERE name = $1

-- name: insert_checkpoint
-- A projection that begins.
INSERT INTO checkpoint (name, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING

-- name: move_checkpoint
-- Locks it and moves it on, never back; gives where it was.
UPDATE checkpoint SET seq = greatest(checkpoint.seq, $2)
FROM (SELECT name, seq FROM checkpoint WHERE name = $1 FOR UPDATE) AS was
WHERE checkpoint.name = was.name RETURNING was.seq
