-- name: orchestration_position
-- Where an orchestration stands in lists of them.
SELECT created_seq FROM orchestration WHERE id = $1

-- name: task_position
-- Where a task stands in lists of them.
SELECT created_seq FROM task WHERE id = $1

-- name: run_position
-- Where a run stands in lists of them.
SELECT updated_seq FROM run WHERE id = $1
