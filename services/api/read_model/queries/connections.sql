-- name: find_connection
-- A connection by its id.
SELECT state FROM connection WHERE id = $1 AND NOT deleted

-- name: find_connection_named
-- A connection by its name.
SELECT state FROM connection WHERE name = $1 AND NOT deleted

-- name: connections_of
-- Those of a creator $1 and those attached to any of the workspaces $2, or all where $2 is null.
SELECT state FROM connection
WHERE NOT deleted AND ($2::bigint[] IS NULL OR created_by = $1 OR workspaces && $2)
ORDER BY created_seq

-- name: deleted_connections
-- Those whose secrets have to be gone.
SELECT id FROM connection WHERE deleted
