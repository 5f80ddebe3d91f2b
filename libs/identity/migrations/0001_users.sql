-- These rows are no projection: they are nowhere else.
CREATE TABLE account (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    username text NOT NULL,
    password text NOT NULL,
    admin boolean NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_email ON account (lower(email));
CREATE UNIQUE INDEX account_username ON account (lower(username));
