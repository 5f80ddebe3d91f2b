-- name: find_orchestration
-- An orchestration by its id, with the workspace that it is in.
SELECT orchestration.state, workspace.state
FROM orchestration JOIN workspace ON workspace.id = orchestration.workspace
WHERE orchestration.id = $1

-- name: orchestration_page
-- The newest $3 of the workspaces $1 that are older than $2.
SELECT newest.state FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, created_seq FROM orchestration
    WHERE workspace = mine.id AND created_seq < $2
    ORDER BY created_seq DESC LIMIT $3) AS newest
ORDER BY newest.created_seq DESC LIMIT $3

-- name: orchestrations_of_sha
-- Every upload of the bytes $1 into the workspaces $2.
SELECT id FROM orchestration WHERE sha = $1 AND workspace = ANY ($2) ORDER BY created_seq DESC

-- What pages show: the newest $4 of the workspaces $1 that are older than $2 and whose title holds
-- $3. An orchestration is in error, or active while a task of it runs or can still run.

-- part: active
-- Null where no task can still run.
(SELECT true FROM task
        WHERE task.orchestration = orchestration.id AND can_run AND NOT spent LIMIT 1)

-- name: workloads
-- Whatever their status.
SELECT newest.* FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, created_seq,
        CASE WHEN failed THEN 'error' WHEN {active} THEN 'active' ELSE 'inactive' END AS status
    FROM orchestration
    WHERE workspace = mine.id AND created_seq < $2 AND strpos(title, $3) > 0
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4

-- name: workloads_in_error
-- Those that could not be packaged.
SELECT newest.* FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, created_seq, 'error' AS status FROM orchestration
    WHERE workspace = mine.id AND created_seq < $2 AND strpos(title, $3) > 0 AND failed
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4

-- name: active_workloads
-- Those that have a task to run.
SELECT newest.* FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, created_seq, 'active' AS status FROM orchestration
    WHERE workspace = mine.id AND created_seq < $2 AND strpos(title, $3) > 0
        AND NOT failed AND {active}
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4

-- name: inactive_workloads
-- Those that have none.
SELECT newest.* FROM unnest($1::bigint[]) AS mine (id), LATERAL (
    SELECT state, created_seq, 'inactive' AS status FROM orchestration
    WHERE workspace = mine.id AND created_seq < $2 AND strpos(title, $3) > 0
        AND NOT failed AND {active} IS NULL
    ORDER BY created_seq DESC LIMIT $4) AS newest
ORDER BY created_seq DESC LIMIT $4
