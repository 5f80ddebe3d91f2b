-- part: with_runs
-- The tasks of `page`, whether they have runs, and their newest $1 runs that have begun.
-- (EXISTS may be planned as reading all runs.)
SELECT page.state, sha, owner,
    (SELECT true FROM run WHERE run.task = page.id LIMIT 1) IS NOT NULL AS has_runs,
    ARRAY (
        SELECT state FROM run WHERE run.task = page.id AND run.status <> 'requested'
        ORDER BY run.created_seq DESC LIMIT $1) AS runs
FROM page JOIN orchestration ON orchestration.id = page.orchestration
ORDER BY page.created_seq DESC

-- name: find_task
-- A task by its id $2.
WITH page AS (SELECT * FROM task WHERE task.id = $2)
{with_runs}

-- Pages: the newest $4 of the workspaces $2 that are older than $3. Killed or not: both have
-- indexes of their own.

-- name: tasks_of_workspaces
-- Those that are not killed.
WITH page AS (
    SELECT newest.* FROM unnest($2::bigint[]) AS mine (id), LATERAL (
        SELECT * FROM task
        WHERE workspace = mine.id AND status <> 'killed' AND created_seq < $3
        ORDER BY created_seq DESC LIMIT $4) AS newest
    ORDER BY newest.created_seq DESC LIMIT $4)
{with_runs}

-- name: killed_tasks_of_workspaces
-- Those that are killed.
WITH page AS (
    SELECT newest.* FROM unnest($2::bigint[]) AS mine (id), LATERAL (
        SELECT * FROM task
        WHERE workspace = mine.id AND status = 'killed' AND created_seq < $3
        ORDER BY created_seq DESC LIMIT $4) AS newest
    ORDER BY newest.created_seq DESC LIMIT $4)
{with_runs}

-- name: tasks_of_orchestrations
-- Those of the orchestrations $5 that are not killed.
WITH page AS (
    SELECT newest.* FROM unnest($5::uuid[]) AS mine (id), LATERAL (
        SELECT * FROM task
        WHERE orchestration = mine.id AND workspace = ANY ($2::bigint[]) AND status <> 'killed'
            AND created_seq < $3
        ORDER BY created_seq DESC LIMIT $4) AS newest
    ORDER BY newest.created_seq DESC LIMIT $4)
{with_runs}

-- name: killed_tasks_of_orchestrations
-- Those of the orchestrations $5 that are killed.
WITH page AS (
    SELECT newest.* FROM unnest($5::uuid[]) AS mine (id), LATERAL (
        SELECT * FROM task
        WHERE orchestration = mine.id AND workspace = ANY ($2::bigint[]) AND status = 'killed'
            AND created_seq < $3
        ORDER BY created_seq DESC LIMIT $4) AS newest
    ORDER BY newest.created_seq DESC LIMIT $4)
{with_runs}

-- name: task_ids_of_sha
-- The newest $3 tasks in the workspaces $2 of any upload of the bytes $1.
SELECT task.id FROM task JOIN orchestration ON orchestration.id = task.orchestration
WHERE sha = $1 AND task.workspace = ANY ($2) ORDER BY task.created_seq DESC LIMIT $3

-- name: tasks_of
-- The newest $3 of an orchestration that are older than $2, each with its last run that has begun.
SELECT task.state, created_seq, last.state AS last_run,
    (SELECT true FROM run WHERE run.task = task.id LIMIT 1) IS NOT NULL AS has_runs
FROM task LEFT JOIN LATERAL (
    SELECT state FROM run WHERE run.task = task.id AND run.status <> 'requested'
    ORDER BY run.created_seq DESC LIMIT 1) AS last ON true
WHERE orchestration = $1 AND created_seq < $2 ORDER BY created_seq DESC LIMIT $3
