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

CREATE TABLE orchestration (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    workspace bigint NOT NULL,
    owner text NOT NULL,
    sha text NOT NULL
);
CREATE INDEX ON orchestration (workspace, created_seq);
CREATE INDEX ON orchestration (sha);

CREATE TABLE task (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    workspace bigint NOT NULL,
    orchestration uuid NOT NULL,
    status text NOT NULL
);
CREATE INDEX ON task (workspace, created_seq);
CREATE INDEX ON task (orchestration, created_seq);

CREATE TABLE run (
    id uuid PRIMARY KEY,
    created_seq bigint NOT NULL,
    updated_seq bigint NOT NULL,
    state bytea NOT NULL,
    task uuid NOT NULL,
    status text NOT NULL
);
CREATE INDEX ON run (task, created_seq);
CREATE INDEX ON run (task, updated_seq);
