-- A list shows each task's last runs that have begun, however many others are asked for.
CREATE INDEX ON run (task, created_seq) WHERE status <> 'requested';
-- Orchestrations in error are few among many.
CREATE INDEX ON orchestration (workspace, created_seq) WHERE failed;
