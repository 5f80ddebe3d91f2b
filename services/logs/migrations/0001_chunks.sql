-- Output of runs, in chunks as the executors cut them: lines first_line to first_line + lines - 1,
-- stamped, compressed by `codec`. Times are nanoseconds since 1970. `day` is first_at's, in UTC.
-- A chunk that comes twice has the same key. The number of lines stored is read off the index.
CREATE TABLE chunk (
    run_id uuid NOT NULL,
    first_line bigint NOT NULL,
    lines integer NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    raw_bytes integer NOT NULL,
    codec text NOT NULL,
    task_id uuid NOT NULL,
    workspace bigint NOT NULL,
    data bytea STORAGE EXTERNAL NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (run_id, first_line, day) INCLUDE (lines)
) PARTITION BY RANGE (day);

-- For a kill, which forgets all runs of a task.
CREATE INDEX chunk_of_task ON chunk (task_id);

-- Runs that were asked for; `lines` is how many a finished run has, unknown when nobody can know.
CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    finished boolean NOT NULL DEFAULT false,
    lines bigint
);

-- Tasks whose logs are gone for good: chunks of theirs that are late are not stored.
CREATE TABLE killed (task_id uuid PRIMARY KEY);
