-- Browsers that people are signed in with, kept as the SHA-256 of their cookie only: who reads this
-- table can't pick up anybody's session.
CREATE TABLE browser_session (
    digest bytea PRIMARY KEY,
    account uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON browser_session (expires_at);
