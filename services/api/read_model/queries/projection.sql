-- What the projection asks of its tables and says to them: the states as they are, and as they have
-- become. A row is only ever written by a newer event than its last: what comes twice changes
-- nothing.

-- name: read_workspaces
-- The rows of the workspaces $1.
SELECT id, created_seq, updated_seq, state FROM workspace WHERE id = ANY ($1::bigint[])

-- name: read_connections
-- The rows of the connections $1.
SELECT id, created_seq, updated_seq, state FROM connection WHERE id = ANY ($1::uuid[])

-- name: read_orchestrations
-- The rows of the orchestrations $1.
SELECT id, created_seq, updated_seq, state FROM orchestration WHERE id = ANY ($1::uuid[])

-- name: read_tasks
-- The rows of the tasks $1.
SELECT id, created_seq, updated_seq, state FROM task WHERE id = ANY ($1::uuid[])

-- name: read_runs
-- The rows of the runs $1.
SELECT id, created_seq, updated_seq, state FROM run WHERE id = ANY ($1::uuid[])

-- name: read_models
-- The rows of the models $1.
SELECT id, created_seq, updated_seq, state FROM model WHERE id = ANY ($1::uuid[])

-- name: read_model_versions
-- The rows of the model versions $1.
SELECT id, created_seq, updated_seq, state FROM model_version WHERE id = ANY ($1::uuid[])

-- name: read_pipelines
-- The rows of the pipelines $1.
SELECT id, created_seq, updated_seq, state FROM pipeline WHERE id = ANY ($1::uuid[])

-- name: read_pipeline_versions
-- The rows of the pipeline versions $1.
SELECT id, created_seq, updated_seq, state FROM pipeline_version WHERE id = ANY ($1::uuid[])

-- name: read_deployments
-- The rows of the deployments $1.
SELECT id, created_seq, updated_seq, state FROM deployment WHERE id = ANY ($1::uuid[])

-- name: read_tags
-- The rows of the tags $1.
SELECT id, created_seq, updated_seq, state FROM tag WHERE id = ANY ($1::uuid[])

-- name: write_workspaces
-- Workspaces that are new or have changed.
INSERT INTO workspace (id, created_seq, updated_seq, state, name, members)
SELECT id, created_seq, updated_seq, state, name, string_to_array(members, ',')
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[])
    AS new (id, created_seq, updated_seq, state, name, members)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    name = excluded.name, members = excluded.members
WHERE workspace.updated_seq < excluded.updated_seq

-- name: write_connections
-- Connections that are new or have changed.
INSERT INTO connection
    (id, created_seq, updated_seq, state, name, created_by, workspaces, deleted)
SELECT id, created_seq, updated_seq, state, name, created_by,
    string_to_array(workspaces, ',')::bigint[], deleted
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::text[], $6::text[], $7::text[], $8::boolean[])
    AS new (id, created_seq, updated_seq, state, name, created_by, workspaces, deleted)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    workspaces = excluded.workspaces, deleted = excluded.deleted
WHERE connection.updated_seq < excluded.updated_seq

-- name: write_orchestrations
-- Orchestrations that are new or have changed.
INSERT INTO orchestration
    (id, created_seq, updated_seq, state, workspace, owner, sha, title, failed)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::text[], $7::text[], $8::text[], $9::boolean[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    failed = excluded.failed
WHERE orchestration.updated_seq < excluded.updated_seq

-- name: write_tasks
-- Tasks that are new or have changed.
INSERT INTO task (id, created_seq, updated_seq, state,
    workspace, orchestration, status, kind, name, can_run, tries)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::boolean[], $11::integer[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    status = excluded.status, can_run = excluded.can_run
WHERE task.updated_seq < excluded.updated_seq

-- name: write_runs
-- Runs that are new or have changed, and the counts of their workspaces' runs by what is really
-- written: `old` are the rows that will be.
WITH new AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::uuid[],
        $6::bigint[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::smallint[])
    AS new (id, created_seq, updated_seq, state, task, workspace, status, begun, ended, span)
), old AS (
    SELECT run.workspace, run.status FROM run JOIN new USING (id)
    WHERE run.id = ANY ($1::uuid[]) AND run.updated_seq < new.updated_seq
), written AS (
    INSERT INTO run (id, created_seq, updated_seq, state,
        task, workspace, status, begun, ended, span, orchestration)
    SELECT new.*, (SELECT orchestration FROM task WHERE task.id = new.task) FROM new
    ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
        status = excluded.status, begun = excluded.begun, ended = excluded.ended,
        span = excluded.span
    WHERE run.updated_seq < excluded.updated_seq
    RETURNING workspace, status
), step AS (
    SELECT workspace, status, 1 AS by FROM written
    UNION ALL SELECT workspace, status, -1 FROM old
)
INSERT INTO run_count (workspace, requested, running, success, failure, timed_out, killed)
SELECT workspace,
    coalesce(sum(by) FILTER (WHERE status = 'requested'), 0),
    coalesce(sum(by) FILTER (WHERE status = 'running'), 0),
    coalesce(sum(by) FILTER (WHERE status = 'success'), 0),
    coalesce(sum(by) FILTER (WHERE status = 'failure'), 0),
    coalesce(sum(by) FILTER (WHERE status = 'timed_out'), 0),
    coalesce(sum(by) FILTER (WHERE status = 'killed'), 0)
FROM step GROUP BY workspace
ON CONFLICT (workspace) DO UPDATE SET
    requested = run_count.requested + excluded.requested,
    running = run_count.running + excluded.running,
    success = run_count.success + excluded.success,
    failure = run_count.failure + excluded.failure,
    timed_out = run_count.timed_out + excluded.timed_out,
    killed = run_count.killed + excluded.killed

-- name: spend_tasks
-- Tasks that a run's end has left no try: null has used up all that there are.
UPDATE task SET spent = true FROM unnest($1::uuid[], $2::integer[]) AS ended (task, used)
WHERE task.id = ANY ($1::uuid[]) AND task.id = ended.task AND NOT spent
    AND task.tries <= coalesce(ended.used, task.tries)

-- name: write_models
-- Models that are new or have changed.
INSERT INTO model (id, created_seq, updated_seq, state, number, workspace, name, deleted)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::bigint[], $7::text[], $8::boolean[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    number = excluded.number, deleted = excluded.deleted
WHERE model.updated_seq < excluded.updated_seq

-- name: write_model_versions
-- Model versions that are new or have changed.
INSERT INTO model_version (id, created_seq, updated_seq, state,
    number, workspace, model, title, created, configs, tags, deleted)
SELECT id, created_seq, updated_seq, state, number, workspace, model, title, created,
    string_to_array(configs, ',')::bigint[], string_to_array(tags, ',')::uuid[], deleted
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[],
    $7::uuid[], $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::boolean[])
    AS new (id, created_seq, updated_seq, state, number, workspace,
        model, title, created, configs, tags, deleted)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    configs = excluded.configs, tags = excluded.tags, deleted = excluded.deleted
WHERE model_version.updated_seq < excluded.updated_seq

-- name: write_pipelines
-- Pipelines that are new or have changed.
INSERT INTO pipeline
    (id, created_seq, updated_seq, state, number, workspace, name, tags, deleted)
SELECT id, created_seq, updated_seq, state, number, workspace, name,
    string_to_array(tags, ',')::uuid[], deleted
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::boolean[])
    AS new (id, created_seq, updated_seq, state, number, workspace, name, tags, deleted)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    number = excluded.number, tags = excluded.tags, deleted = excluded.deleted
WHERE pipeline.updated_seq < excluded.updated_seq

-- name: write_pipeline_versions
-- Pipeline versions that are new or have changed.
INSERT INTO pipeline_version (id, created_seq, updated_seq, state,
    number, workspace, pipeline, title, created, deleted)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[],
    $6::bigint[], $7::uuid[], $8::text[], $9::timestamptz[], $10::boolean[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    deleted = excluded.deleted
WHERE pipeline_version.updated_seq < excluded.updated_seq

-- name: write_deployments
-- Deployments that are new or have changed.
INSERT INTO deployment
    (id, created_seq, updated_seq, state, number, workspace, pipeline, models, deployed)
SELECT id, created_seq, updated_seq, state, number, workspace, pipeline,
    string_to_array(models, ',')::uuid[], deployed
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::boolean[])
    AS new (id, created_seq, updated_seq, state, number, workspace, pipeline, models, deployed)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    models = excluded.models, deployed = excluded.deployed
WHERE deployment.updated_seq < excluded.updated_seq

-- name: write_tags
-- Tags that are new.
INSERT INTO tag (id, created_seq, updated_seq, state, number, created_by, title)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::text[], $7::text[])
ON CONFLICT (id) DO NOTHING
