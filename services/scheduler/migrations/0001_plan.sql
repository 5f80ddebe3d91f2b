-- What the scheduler has in mind, so that it need not read the whole log at its start.
CREATE TABLE plan (kind text, id uuid, state bytea NOT NULL, PRIMARY KEY (kind, id));
