-- One table an aggregate. `state` is the domain's state as JSON: bytes and not jsonb, which would
-- refuse the \u0000 that a user's arguments may hold. The other columns are what queries filter
-- and sort by; `created_seq` and `updated_seq` are places in the log.
CREATE TABLE workspace (
    id bigint PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    name text NOT NULL,
    members text[] NOT NULL
);

-- `state` holds the details as a sealed text; its key is in the schema of the vault.
CREATE TABLE connection (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    name text NOT NULL,
    created_by text NOT NULL,
    workspaces bigint[] NOT NULL,
    deleted boolean NOT NULL
);

-- `title` is what people search by, with case folded away.
CREATE TABLE orchestration (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    workspace bigint NOT NULL,
    owner text NOT NULL,
    sha text NOT NULL,
    title text NOT NULL,
    failed boolean NOT NULL
);

-- `can_run` is what the task's own events say; `spent` what the end of its last run says, which
-- leaves it none of its `tries` (that many has a task that runs once; others have no such number).
CREATE TABLE task (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    workspace bigint NOT NULL,
    orchestration uuid NOT NULL,
    status text NOT NULL,
    kind text NOT NULL,
    name text,
    can_run boolean NOT NULL,
    tries integer,
    spent boolean NOT NULL DEFAULT false
);

-- A run lasts from `begun` (or asked for, until it has) to `ended`. `span` is about how long that
-- is, as a power of ten of seconds, and another number while it lasts: so runs that reach into a
-- window of time are found by when they began.
CREATE TABLE run (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    task uuid NOT NULL,
    orchestration uuid,
    workspace bigint NOT NULL,
    status text NOT NULL,
    begun timestamptz NOT NULL,
    ended timestamptz,
    span smallint NOT NULL
);

-- How many runs of each status a workspace has.
CREATE TABLE run_count (
    workspace bigint PRIMARY KEY,
    requested bigint NOT NULL,
    running bigint NOT NULL,
    success bigint NOT NULL,
    failure bigint NOT NULL,
    timed_out bigint NOT NULL,
    killed bigint NOT NULL
);

-- By `number` the wire knows models and pipelines, their versions, deployments and tags: the place
-- in the log of the event that created them. Some are created again under the id of their name.
CREATE TABLE model (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    workspace bigint NOT NULL,
    name text NOT NULL,
    deleted boolean NOT NULL
);

-- `configs` are the numbers of its configs, `title` is what people search by: name, file, sha and
-- version, with case folded away.
CREATE TABLE model_version (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    workspace bigint NOT NULL,
    model uuid NOT NULL,
    title text NOT NULL,
    created timestamptz NOT NULL,
    configs bigint[] NOT NULL,
    tags uuid[] NOT NULL,
    deleted boolean NOT NULL
);

CREATE TABLE pipeline (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    workspace bigint NOT NULL,
    name text NOT NULL,
    tags uuid[] NOT NULL,
    deleted boolean NOT NULL
);

-- `title` is what people search by: the names of the pipeline and of the models in its steps.
CREATE TABLE pipeline_version (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    workspace bigint NOT NULL,
    pipeline uuid NOT NULL,
    title text NOT NULL,
    created timestamptz NOT NULL,
    deleted boolean NOT NULL
);

-- `models` are the versions of models that it serves, or served last.
CREATE TABLE deployment (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    workspace bigint NOT NULL,
    pipeline uuid NOT NULL,
    models uuid[] NOT NULL,
    deployed boolean NOT NULL
);

CREATE TABLE tag (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    number bigint NOT NULL,
    created_by text NOT NULL,
    title text NOT NULL
);
