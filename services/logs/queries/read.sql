-- name: extent
-- How many lines of a run there are, and where the next would be.
SELECT coalesce(sum(lines), 0)::bigint AS stored, coalesce(max(first_line + lines), 0) AS end
FROM chunk WHERE run_id = $1

-- name: chunks
-- The first $4 chunks that hold lines of a run from $2 up to but not with $3.
SELECT first_line, lines, data FROM chunk
WHERE run_id = $1 AND first_line < $3 AND first_line + lines > $2 AND first_line >= coalesce(
    (SELECT first_line FROM chunk WHERE run_id = $1 AND first_line <= $2
     ORDER BY first_line DESC LIMIT 1), 0)
ORDER BY first_line LIMIT $4

-- name: first_line
-- The number of the first line from $2 on that is kept.
SELECT greatest(first_line, $2) FROM chunk
WHERE run_id = $1 AND first_line + lines > $2 AND first_line >= coalesce(
    (SELECT first_line FROM chunk WHERE run_id = $1 AND first_line <= $2
     ORDER BY first_line DESC LIMIT 1), 0)
ORDER BY first_line LIMIT 1

-- name: end_of_run
-- Whether a run has ended and with how many lines. No row: it is not known yet.
SELECT finished, lines FROM run WHERE run_id = $1

-- name: is_forgotten
-- Whether a run's log was forgotten because its task was killed.
SELECT EXISTS (SELECT FROM run JOIN killed USING (task_id) WHERE run_id = $1)
