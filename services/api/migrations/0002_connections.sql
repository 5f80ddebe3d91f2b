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
CREATE INDEX ON connection (name) WHERE NOT deleted;
