-- Tokens of programs, kept as their SHA-256 only. A revoked one stays as a record.
CREATE TABLE service_token (
    id uuid PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    name text NOT NULL,
    owner uuid NOT NULL,
    workspaces bigint[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX ON service_token (owner);
