-- Windows are from one instant up to but not with another. What reaches into one from before it is
-- found span by span: $2 are spans of runs, and $3 says for each when a run that reaches into the
-- window began at the earliest.

-- name: tasks_that_ran
-- The tasks of the workspace $1 that ran from $4 until $5, the last $6 of them.
-- Within a span, task by task: each step goes on from where the last one's newest run was found,
-- so all of them together walk the window once at most.
SELECT task.state FROM (
    SELECT lane.task, max(lane.begun) AS last
    FROM unnest($2::smallint[], $3::timestamptz[]) AS of (span, since), LATERAL (
        WITH RECURSIVE found (task, begun, all_of) AS (
            SELECT NULL::uuid, $5::timestamptz, '{}'::uuid[]
            UNION ALL
            SELECT next.task, next.begun, all_of || next.task FROM found, LATERAL (
                SELECT run.task, run.begun FROM run
                WHERE workspace = $1 AND span = of.span AND run.begun >= since
                    AND run.begun <= found.begun AND run.begun < $5
                    AND (ended IS NULL OR ended >= $4) AND run.task <> ALL (all_of)
                ORDER BY run.begun DESC LIMIT 1) AS next
            WHERE cardinality(all_of) < $6)
        SELECT found.task, found.begun FROM found WHERE found.task IS NOT NULL) AS lane
    GROUP BY lane.task ORDER BY last DESC LIMIT $6) AS newest
JOIN task ON task.id = newest.task ORDER BY last DESC, task.id

-- name: scheduled_tasks
-- The newest $2 tasks of the workspace $1 whose schedules go on.
SELECT state FROM task WHERE workspace = $1 AND kind = 'scheduled' AND status = 'started'
ORDER BY created_seq DESC LIMIT $2

-- part: reached
-- The runs of the tasks $6, in the workspace $1, that began from $4 until $5 or reach into that.
-- OFFSET keeps the latter from being looked for task by task, through all that each has ever run.
WITH reached AS (
    SELECT id, task, status, begun, ended FROM run
    WHERE task = ANY ($6) AND begun >= $4 AND begun < $5
    UNION ALL
    SELECT before.* FROM unnest($2::smallint[], $3::timestamptz[]) AS of (span, since), LATERAL (
        SELECT id, task, status, begun, ended FROM run
        WHERE workspace = $1 AND run.span = of.span AND begun >= since AND begun < $4
            AND (ended IS NULL OR ended >= $4) OFFSET 0) AS before
    WHERE task = ANY ($6))

-- name: run_buckets
-- Those runs, counted by their task, status and step of $7 seconds.
{reached}
SELECT task, floor(greatest(extract(epoch FROM begun - $4), 0) / $7)::integer AS bucket, status,
    count(*) AS count,
    coalesce(sum(extract(epoch FROM ended - begun)), 0)::float8 AS total_seconds
FROM reached GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- name: run_bars
-- Each of those runs.
{reached}
SELECT task, id, status, begun, ended FROM reached ORDER BY begun, id
