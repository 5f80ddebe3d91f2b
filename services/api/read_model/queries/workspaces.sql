-- name: find_workspace
-- A workspace by its id.
SELECT state FROM workspace WHERE id = $1

-- name: workspaces_of
-- Those that $1 is a member of, or all where it is null.
SELECT state FROM workspace WHERE $1::text IS NULL OR $1 = ANY (members) ORDER BY id

-- name: workspaces_named
-- Those of a member $2 whose name begins with $1.
SELECT state FROM workspace WHERE name ^@ $1 AND $2 = ANY (members) ORDER BY id

-- name: next_workspace_id
-- The id that the next workspace gets.
SELECT coalesce(max(id), 0) + 1 FROM workspace

-- name: workspace_names
-- All names that are taken.
SELECT name FROM workspace
