-- What only queries need. A view that is built from zero gets them when it has caught up: filling
-- a table and then making an index is cheaper than filling both.
CREATE INDEX ON connection (name) WHERE NOT deleted;
CREATE INDEX ON orchestration (workspace, created_seq);
CREATE INDEX ON orchestration (sha);
CREATE INDEX ON task (workspace, status, created_seq);
CREATE INDEX ON task (orchestration, created_seq);
CREATE INDEX ON task (orchestration) WHERE can_run AND NOT spent;
CREATE INDEX ON run (task, status, created_seq);
CREATE INDEX ON run (task, status, updated_seq);
CREATE INDEX ON run (orchestration, status, created_seq);
CREATE INDEX ON run (workspace, status, created_seq);
CREATE INDEX ON run (workspace, span, begun);
