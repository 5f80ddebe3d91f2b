-- These rows are no projection: they are nowhere else. Who deletes one makes what its key has
-- sealed unreadable for good, wherever copies of that lie.
CREATE TABLE data_key (owner uuid PRIMARY KEY, wrapped text NOT NULL);
