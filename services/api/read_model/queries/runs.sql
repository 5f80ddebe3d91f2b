-- name: find_begun_run
-- A run by its id, if it has begun.
SELECT state FROM run WHERE id = $1 AND status <> 'requested'

-- name: find_run
-- A run by its id, whether or not it has begun.
SELECT state FROM run WHERE id = $1

-- name: run_page
-- The last $3 of a task and of the statuses $2 to change that changed before $4.
SELECT newest.state FROM unnest($2::text[]) AS of (status), LATERAL (
    SELECT state, updated_seq FROM run
    WHERE task = $1 AND run.status = of.status AND updated_seq < $4
    ORDER BY updated_seq DESC LIMIT $3) AS newest
ORDER BY updated_seq DESC LIMIT $3

-- What pages show: the newest $4 runs of the statuses $2 that are older than $3.

-- name: runs_of_workspaces
-- Those in the workspaces $1.
SELECT newest.state, newest.created_seq, task.name, task.kind
FROM unnest($1::bigint[]) AS mine (id), unnest($2::text[]) AS of (status), LATERAL (
    SELECT state, created_seq, task FROM run
    WHERE workspace = mine.id AND run.status = of.status AND created_seq < $3
    ORDER BY created_seq DESC LIMIT $4) AS newest JOIN task ON task.id = newest.task
ORDER BY newest.created_seq DESC LIMIT $4

-- name: runs_of_orchestration
-- Those of the orchestration $1.
SELECT newest.state, newest.created_seq, task.name, task.kind
FROM unnest($2::text[]) AS of (status), LATERAL (
    SELECT state, created_seq, task FROM run
    WHERE orchestration = $1 AND run.status = of.status AND created_seq < $3
    ORDER BY created_seq DESC LIMIT $4) AS newest JOIN task ON task.id = newest.task
ORDER BY newest.created_seq DESC LIMIT $4

-- name: runs_of_task
-- Those of the task $1.
SELECT newest.state, newest.created_seq, task.name, task.kind
FROM unnest($2::text[]) AS of (status), LATERAL (
    SELECT state, created_seq, task FROM run
    WHERE task = $1 AND run.status = of.status AND created_seq < $3
    ORDER BY created_seq DESC LIMIT $4) AS newest JOIN task ON task.id = newest.task
ORDER BY newest.created_seq DESC LIMIT $4

-- name: last_runs
-- How the last $3 runs of a task went that have one of the statuses $2.
SELECT status, extract(epoch FROM ended - begun)::float8 AS seconds
FROM unnest($2::text[]) AS of (name), LATERAL (
    SELECT status, begun, ended, created_seq FROM run
    WHERE task = $1 AND run.status = of.name ORDER BY created_seq DESC LIMIT $3) AS newest
ORDER BY created_seq DESC LIMIT $3

-- name: count_open_runs
-- How many wait for an executor, and how many run, on the whole platform.
SELECT coalesce(sum(requested), 0)::bigint AS requested,
    coalesce(sum(running), 0)::bigint AS running
FROM run_count
